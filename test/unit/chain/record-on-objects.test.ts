import { beforeEach, describe, expect, it } from 'vitest';
import { parseChainRecord } from '../../../src/chain/chain-record-document.js';
import type { ChainRecord } from '../../../src/chain/chain-record.js';
import {
  ownedChainRecord,
  readChainRecord,
  takeChain,
  writeChainRecord,
} from '../../../src/chain/chain-store.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import { SimulatedObjectStore } from '../../support/repository/simulated-object-store.js';
import type { StoreFault } from '../../support/repository/store-requests.js';

/** docs/FORMAT.md, Order, W5: where a put can depend on what was read, the record goes before its copy, and only in the place of what was read. */
const FOLDER = 'nightly/web01';
const MAIN = `${FOLDER}/chain.json`;
const COPY = `${FOLDER}/chain.json.copy`;
const IDENTITY = {
  jobId: 'nightly',
  workload: { id: 'web01', name: 'web01', type: 'libvirt-kvm' },
} as const;

const take = (store: BackupRepository, owner: string): Promise<ChainRecord> =>
  takeChain(store, FOLDER, IDENTITY, owner, null);

/** Epoch 1 of `session-1`, revision 1. */
let begun: SimulatedObjectStore;
beforeEach(async () => {
  begun = new SimulatedObjectStore('offsite');
  await take(begun, 'session-1');
});

/** The store of a process in which a request goes wrong; meanwhile `session-2` takes the chain over, in another thread or elsewhere. */
function failing(when: StoreFault['when'], atRequest = 1): SimulatedObjectStore {
  return begun.clone({
    ...{ atRequest, when },
    meanwhile: async (bucket) =>
      void (await take(new SimulatedObjectStore('offsite', bucket), 'session-2')),
  });
}

async function at(store: SimulatedObjectStore, path: string): Promise<Partial<ChainRecord>> {
  const bytes = (await readWholeFile(store, path, 1_000_000))!;
  const { revision, epoch, owner } = parseChainRecord(bytes, path);
  return { revision, epoch, owner };
}

const OF_THE_OTHER = { revision: 2, epoch: 2, owner: 'session-2' };

const CHANGES: Readonly<Record<string, (store: SimulatedObjectStore) => Promise<unknown>>> = {
  'a change of the owner': async (store) =>
    writeChainRecord(store, FOLDER, { ...(await readChainRecord(store, FOLDER))!, points: [] }),
  'a session that takes the chain over': (store) => take(store, 'session-3'),
};

describe('the commit record on storage with conditional puts', () => {
  it('is put before its copy, and only in the place of what was read', async () => {
    await writeChainRecord(begun, FOLDER, (await readChainRecord(begun, FOLDER))!);
    const requests = begun.operations.map(({ kind, path, isConditional }) => ({
      ...{ kind, path, isConditional },
    }));
    const both = [
      { kind: 'put', path: MAIN, isConditional: true },
      { kind: 'put', path: COPY, isConditional: false },
    ];
    expect(requests).toEqual([...both, ...both]);
    expect(await at(begun, COPY)).toEqual(await at(begun, MAIN));
  });

  it.each(Object.entries(CHANGES))('of another session stays whole under %s', async (_, change) => {
    const store = failing('overtaken');
    await expect(change(store)).rejects.toMatchObject({ code: 'STALE_EPOCH' });
    expect(await at(store, MAIN)).toEqual(OF_THE_OTHER);
    expect(await at(store, COPY)).toEqual(OF_THE_OTHER);
    // Nothing was put but what was refused.
    expect(store.operations).toHaveLength(1);
  });

  it.each(Object.entries(CHANGES))(
    'is another version even with the same bytes, which %s has not read',
    async (_, change) => {
      const store = failing('lostRace');
      await expect(change(store)).rejects.toMatchObject({ code: 'STALE_EPOCH' });
      expect(await at(store, MAIN)).toEqual({ revision: 1, epoch: 1, owner: 'session-1' });
    },
  );

  it.each(Object.entries(CHANGES))(
    'is looked at before it is read, so that one that is put in between refuses %s',
    async (_, change) => {
      const store = begun.clone();
      const { openRead } = store;
      let isPut = false;
      store.openRead = async (path) => {
        const file = await openRead.call(store, path);
        const close = file.close.bind(file);
        return Object.assign(file, {
          close: async () => {
            await close();
            // Both were read.
            if (isPut || path !== COPY || isLook()) return;
            isPut = true;
            await take(store.beside(), 'session-2');
          },
        });
      };
      // A change of the owner reads the record once before, to know what it changes.
      let looks = change === CHANGES['a change of the owner'] ? 1 : 0;
      const isLook = () => looks-- > 0;
      await expect(change(store)).rejects.toMatchObject({ code: 'STALE_EPOCH' });
      expect(await at(store, MAIN)).toEqual(OF_THE_OTHER);
    },
  );

  it('is begun by one of two', async () => {
    begun = new SimulatedObjectStore('offsite');
    const store = failing('overtaken');
    await expect(take(store, 'session-1')).rejects.toMatchObject({ code: 'STALE_EPOCH' });
    expect(await at(store, MAIN)).toEqual({ revision: 1, epoch: 1, owner: 'session-2' });
  });

  it('is no word to go by for an owner who was overtaken while he made its copy good', async () => {
    const killed = begun.clone({ atRequest: 1, when: 'after' });
    const next = (await readChainRecord(killed, FOLDER))!;
    await expect(writeChainRecord(killed, FOLDER, next)).rejects.toThrow(/killed/);
    begun = killed.restart(0);
    expect(await at(begun, MAIN)).toMatchObject({ revision: 2, owner: 'session-1' });
    expect(await at(begun, COPY)).toMatchObject({ revision: 1 });
    const store = failing('overtaken');
    await expect(ownedChainRecord(store, FOLDER, 1)).rejects.toMatchObject({ code: 'STALE_EPOCH' });
    expect(await at(store, MAIN)).toEqual({ ...OF_THE_OTHER, revision: 3 });
    // Left alone, he has both files as they must be.
    expect(await ownedChainRecord(begun, FOLDER, 1)).toMatchObject({ revision: 2 });
    expect(await at(begun, COPY)).toEqual(await at(begun, MAIN));
  });

  it('is the caller’s although nobody told him so', async () => {
    const store = failing('unanswered');
    await expect(take(store, 'session-3')).rejects.toMatchObject({
      code: 'REPOSITORY_UNREACHABLE',
    });
    const again = store.restart(0);
    expect(await take(again, 'session-3')).toMatchObject({ epoch: 2, owner: 'session-3' });
    expect(await at(again, MAIN)).toEqual({ revision: 2, epoch: 2, owner: 'session-3' });
    expect(await at(again, COPY)).toEqual(await at(again, MAIN));
  });
});
