import { beforeAll, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import type { ChainRecord } from '../../../../src/chain/chain-record.js';
import { writeChainRecord } from '../../../../src/chain/chain-store.js';
import { writeJobDefinition } from '../../../../src/chain/sessions/session-record.js';
import { FILES_SEEN_FOR_MS } from '../../../../src/mover/look/seen-files.js';
import { CopiedMachine, NOW_MS, type MachineCopy } from '../../../support/living/copied-machine.js';
import { CallCounter } from '../../../support/repository/count-calls.js';
import { putFile } from '../../../support/repository/chain-record-file.js';
import { testJob } from '../../../support/session/test-site.js';

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make();
});

interface Order {
  readonly workload?: string;
  readonly cursor?: string | undefined;
  readonly nowMs?: number;
}

function list({ mover }: Pick<MachineCopy, 'mover'>, order: Order = {}) {
  return mover.run('listRestorePoints', {
    ...{ what: 'restorePoints', repositoryId: 'offsite', settleMs: 0, immutableForDays: 0 },
    ...{ nowMs: NOW_MS, ...order },
  });
}

/** The chain of another machine of the job, without the files of its points.
 *  @param count of its points. Absent: as many as that of the machine */
async function addChain(copy: MachineCopy, name: string, count?: number): Promise<ChainRecord> {
  const { before } = machine;
  const id = `ovirt-${name}`;
  const [full] = before.points;
  const points = Array.from({ length: count ?? 0 }, (_, at) => ({
    ...full!,
    id: `${full!.id}-${at + 1}`,
    chainId: `${full!.id}-${at + 1}`,
  }));
  const record = {
    ...{ ...before, revision: 0, workload: { ...before.workload, id, name } },
    points: count === undefined ? before.points : points,
  };
  const folder = chainFolder(before.jobId, id);
  await copy.target.makePlace(folder);
  return writeChainRecord(copy.target, folder, record);
}

describe('a list of restore points', () => {
  it('asks for the files of a copy once an hour, however often it is listed', async () => {
    const copy = await machine.copy();
    await writeJobDefinition(copy.target, testJob({}));
    const calls = new CallCounter(copy.target, /\.qcow2$/);
    for (const expected of [4, 4, 4]) {
      const { items } = await list(copy);
      expect(items.map(({ keptBecause }) => keptBecause.length > 0)).toEqual(Array(4).fill(true));
      expect([calls.stats, calls.opened]).toEqual([expected, []]);
    }
    await list(copy, { nowMs: NOW_MS + FILES_SEEN_FOR_MS });
    expect(calls.stats).toBe(8);
  });

  it('asks for the files of those copies alone that are on its page', async () => {
    const copy = await machine.copy();
    // Its folder comes before that of the machine, and its points fill the first page.
    await addChain(copy, 'aaa', 500);
    const calls = new CallCounter(copy.target, /ovirt-mail01.*\.qcow2$/);
    const first = await list(copy);
    expect([first.items.length, calls.stats]).toEqual([500, 0]);
    const second = await list(copy, { cursor: first.nextCursor });
    expect([second.items.length, calls.stats]).toEqual([4, 4]);
    expect(second.items.map(({ health }) => health)).toEqual(['good', 'good', 'good', 'good']);
  });

  it('says of a chain with a file that is missing that nothing of it is removed', async () => {
    const copy = await machine.copy();
    await writeJobDefinition(copy.target, testJob({}));
    await copy.target.remove(copy.pathOf(3, 'image'));
    const { items } = await list(copy);
    for (const { keptBecause } of items)
      expect(keptBecause).toEqual([
        'nothing is removed: a file of the chain cannot be read just now',
      ]);
  });
});

describe('a list of the restore points of one workload', () => {
  async function withOthers(): Promise<MachineCopy> {
    const copy = await machine.copy();
    for (const name of ['db01', 'web01', 'web02']) await addChain(copy, name);
    return copy;
  }

  it.each(['mail01', 'ovirt-mail01'])(
    'reads its records alone once names are known: %s',
    async (workload) => {
      const copy = await withOthers();
      await list(copy, { workload });
      const calls = new CallCounter(copy.target, /chain\.json/);
      const { items } = await list(copy, { workload });
      expect(items).toHaveLength(4);
      expect(new Set(calls.opened)).toEqual(
        new Set(['chain.json', 'chain.json.copy'].map((name) => `${machine.chain}/${name}`)),
      );
    },
  );

  it('finds one under the name that it was given since', async () => {
    const copy = await withOthers();
    expect((await list(copy, { workload: 'shop' })).items).toEqual([]);
    const { before, chain } = machine;
    const workload = { ...before.workload, name: 'shop' };
    await writeChainRecord(copy.target, chain, { ...before, workload });
    expect((await list(copy, { workload: 'shop' })).items).toHaveLength(4);
  });

  it('names each time what cannot be read beside a record that can', async () => {
    const copy = await withOthers();
    const folder = chainFolder('nightly', 'ovirt-db01');
    await putFile(copy.target, `${folder}/tree.json`, '{');
    for (const _ of [1, 2, 3]) {
      const { items, unreadable } = await list(copy, { workload: 'mail01' });
      expect([items.length, unreadable?.map(({ path }) => path)]).toEqual([4, [folder]]);
    }
  });

  it('asks for no stamps of records where they prove nothing', async () => {
    const copy = await withOthers();
    Object.assign(copy.target, {
      capabilities: { ...copy.target.capabilities, stampsProve: false },
    });
    const calls = new CallCounter(copy.target, /json/);
    await list(copy, { workload: 'mail01' });
    const asked = calls.stats;
    await list(copy);
    expect(calls.stats - asked).toBe(asked);
  });

  it('names each time the record of another one that cannot be read', async () => {
    const copy = await withOthers();
    const folder = chainFolder('nightly', 'ovirt-db01');
    for (const name of ['chain.json', 'chain.json.copy'])
      await putFile(copy.target, `${folder}/${name}`, '{');
    for (const _ of [1, 2]) {
      const { items, unreadable } = await list(copy, { workload: 'mail01' });
      expect([items.length, unreadable?.map(({ path }) => path)]).toEqual([4, [folder]]);
    }
  });
});
