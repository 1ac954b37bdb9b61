import { beforeEach, describe, expect, it } from 'vitest';
import type { FolderRepository } from '../../../src/repository/backup-repository.js';
import { BackupError } from '../../../src/domain/errors.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const WORK = 'chain/.staging/p/point';
const QUARANTINE = 'chain/.quarantine/p';

/** Each verb with what is there when it is done: content by path, null where nothing is. Everything before it is durable. */
const VERBS: Record<
  string,
  readonly [(it: FolderRepository) => Promise<unknown>, Record<string, string | null>]
> = {
  'put a new file in new folders': [
    (it) => it.put('job/sessions/1.json', Buffer.from('session')),
    { 'job/sessions/1.json': 'session' },
  ],
  'put over a file': [
    (it) => it.put('chain/chain.json', Buffer.from('newer record')),
    { 'chain/chain.json': 'newer record' },
  ],
  'putAll of a few files': [
    (it) => it.putAll(files(3), '.staging/desk', 'tree'),
    { 'tree/0/0': 'content 0', 'tree/1/1': 'content 1', 'tree/2/2': 'content 2' },
  ],
  'putAll of many files': [
    (it) => it.putAll(files(20), '.staging/desk', 'tree'),
    { 'tree/0/0': 'content 0', 'tree/1/16': 'content 16', 'tree/4/19': 'content 19' },
  ],
  'settle a new file': [
    async (it) => {
      await it.putNew('chain/marker', Buffer.from('mark'));
      await it.settle(['chain/marker']);
    },
    { 'chain/marker': 'mark' },
  ],
  'publish work': [
    (it) =>
      it.publish(
        [
          { from: `${WORK}/disk`, to: 'chain/p2/disk' },
          { from: `${WORK}/config/vm.xml`, to: 'chain/p2/config/vm.xml' },
        ],
        'chain',
      ),
    {
      'chain/p2/disk': 'disk',
      'chain/p2/config/vm.xml': 'vm',
      [`${WORK}/disk`]: null,
      [`${WORK}/config/vm.xml`]: null,
    },
  ],
  'move a folder and a file': [
    (it) =>
      it.move(
        [
          { from: 'chain/p', to: QUARANTINE },
          { from: 'chain/new', to: 'chain/old' },
        ],
        'chain',
      ),
    { 'chain/p/file': null, [`${QUARANTINE}/file`]: 'set aside', 'chain/old': 'new' },
  ],
  'give files further names': [
    (it) =>
      it.link!(
        [
          { from: 'chain/p/file', to: 'chain/p2/deep/file' },
          { from: 'chain/new', to: 'chain/old' },
        ],
        'chain',
      ),
    {
      ...{ 'chain/p/file': 'set aside', 'chain/p2/deep/file': 'set aside' },
      ...{ 'chain/new': 'new', 'chain/old': 'new' },
    },
  ],
  'remove files': [
    (it) => it.remove('chain/p/file', 'chain/old'),
    { 'chain/p/file': null, 'chain/old': null },
  ],
  'remove a folder': [
    async (it) => {
      await it.removeAll('chain/p');
      await it.settle(['chain']);
    },
    { 'chain/p/file': null },
  ],
};

function files(count: number, folders = 5) {
  return Array.from({ length: count }, (_, index) => ({
    path: `tree/${index % folders}/${index}`,
    bytes: Buffer.from(`content ${index}`),
  }));
}

let repository: SimulatedRepository;
beforeEach(async () => {
  repository = new SimulatedRepository();
  for (const [path, content] of Object.entries({
    'chain/chain.json': 'record',
    'chain/p/file': 'set aside',
    'chain/new': 'new',
    'chain/old': 'old',
    [`${WORK}/disk`]: 'disk',
    [`${WORK}/config/vm.xml`]: 'vm',
    'tree/0/0': 'old',
  }))
    await repository.put(path, Buffer.from(content));
  await repository.makePlace('.staging/desk');
  repository.settleAll();
});

async function found(survivor: FolderRepository, expected: Record<string, string | null>) {
  const contents: Record<string, string | null> = {};
  for (const path of Object.keys(expected))
    contents[path] = (await readWholeFile(survivor, path, 1000))?.toString() ?? null;
  return contents;
}

describe('verbs on a file system', () => {
  it.each(Object.entries(VERBS))(
    '%s: what is done survives every power cut',
    async (_, [verb, expected]) => {
      await verb(repository);
      for (let seed = 0; seed < 24; seed++) {
        const survivor = repository.restart({ kind: 'power', seed });
        expect(await found(survivor, expected)).toEqual(expected);
      }
    },
  );

  // A new name that was taken stays taken, whatever a stop has left of its content.
  it.each(Object.entries(VERBS).filter(([name]) => name !== 'settle a new file'))(
    '%s: done again after a stop at any place it ends the same, and durable',
    async (_, [verb, expected]) => {
      const whole = repository.clone();
      await verb(whole);
      expect(whole.operations.length).toBeGreaterThan(0);
      for (const { number } of whole.operations)
        for (const when of ['before', 'torn', 'after'] as const) {
          const stopped = repository.clone({ crash: { atOperation: number, when } });
          await expect(verb(stopped)).rejects.toThrow('killed');
          for (let seed = 0; seed < 4; seed++) {
            const loss =
              seed === 0 ? ({ kind: 'none' } as const) : { kind: 'power' as const, seed };
            const next = stopped.restart(loss);
            await verb(next);
            const survivor = next.restart({ kind: 'power', seed: seed + 100 });
            expect(await found(survivor, expected)).toEqual(expected);
          }
        }
    },
  );

  it('a file that is put is the old one or the new one, whole, wherever it is stopped', async () => {
    const whole = repository.clone();
    const put = (it: FolderRepository) => it.put('chain/chain.json', Buffer.from('newer record'));
    await put(whole);
    for (const { number } of whole.operations)
      for (const when of ['before', 'torn', 'after'] as const) {
        const stopped = repository.clone({ crash: { atOperation: number, when } });
        await put(stopped).catch(() => undefined);
        for (let seed = 0; seed < 20; seed++) {
          const survivor = stopped.restart({ kind: 'power', seed });
          const { 'chain/chain.json': record } = await found(survivor, { 'chain/chain.json': '' });
          expect(['record', 'newer record']).toContain(record);
        }
      }
  });

  it('many small files cost one sync for their content and one for their names', async () => {
    repository = repository.clone();
    await repository.putAll(files(1000, 20), '.staging/desk', 'tree');
    const syncs = repository.operations.filter(({ kind }) => kind.startsWith('sync'));
    expect(syncs.map(({ kind }) => kind)).toEqual(['syncAll', 'syncAll']);
    const contentSynced = repository.operations.findIndex(({ kind }) => kind === 'syncAll');
    const firstName = repository.operations.findIndex(({ to }) => to?.startsWith('tree/') === true);
    expect(contentSynced).toBeLessThan(firstName);
  });
});

/** Whoever is not root cannot open a file for writing whose permissions say so; nor does this file system sync as a whole. */
class GuardedRepository extends SimulatedRepository {
  readonly #unwritable = new Set<string>();

  async setFileTraits(path: string): Promise<void> {
    this.#unwritable.add(path);
  }

  override async openSyncAll(): Promise<null> {
    return null;
  }

  override async openWrite(path: string, create: 'new' | 'open-or-new' | 'existing') {
    const isThere = create !== 'new' && (await this.stat(path)) !== null;
    if (isThere && this.#unwritable.has(path)) throw new BackupError('REPOSITORY_READ_ONLY', path);
    return super.openWrite(path, create);
  }

  override async rename(from: string, to: string): Promise<void> {
    await super.rename(from, to);
    if (this.#unwritable.delete(from)) this.#unwritable.add(to);
  }

  override async unlink(path: string): Promise<void> {
    await super.unlink(path);
    this.#unwritable.delete(path);
  }
}

describe('putAll of files that nobody may write to', () => {
  it('gives all of them their names, also when an earlier attempt left one at the desk', async () => {
    const storage = new GuardedRepository();
    await storage.makePlace('.staging/desk', 'tree');
    await storage.put('.staging/desk/0', Buffer.from('left'));
    await storage.setFileTraits('.staging/desk/0');
    const sealed = files(20).map((file) => ({ ...file, traits: { mode: 0o400 } }));
    await storage.putAll(sealed, '.staging/desk', 'tree');
    for (const { path, bytes } of sealed)
      expect(await readWholeFile(storage, path, 100)).toEqual(Buffer.from(bytes));
  });
});
