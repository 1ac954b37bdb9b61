import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import type { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS, TreeWorld } from '../../../support/tree/tree-world.js';

const MIB = 1024 ** 2;

async function storeWorld(layout = toyStoreLayout): Promise<TreeWorld> {
  makeTreesKnown(layout);
  const world = new TreeWorld();
  await world.write('STORE', 'v1');
  await world.write('locks/1', 'mine');
  const blobs = [await world.writeBlob('one'), await world.writeBlob('two')];
  await world.write('index/i1', JSON.stringify(blobs));
  await world.write(
    'snapshots/s1.json',
    JSON.stringify({ at: Date.UTC(2026, 10, 24, 22), needs: ['index/i1'] }),
  );
  return world;
}

describe('a session that copies a tree', () => {
  it('has every file of it afterwards, but for those that are ignored, and its points', async () => {
    const world = await storeWorld();
    const { tasks, result } = await world.copy();
    expect({ result, tasks }).toMatchObject({ result: 'success', tasks: [{ result: 'success' }] });
    world.files.delete('locks/1');
    expect(await world.copied()).toEqual(world.files);
    const { points } = await world.record();
    expect(points).toMatchObject([
      { createdAt: '2026-11-24T22:00:00.000Z', fileCount: 5, source: { restorePointId: 's1' } },
    ]);
  });

  it('that shares its root with others has what is its own, however deep that lies', async () => {
    const world = await storeWorld({
      ...toyStoreLayout,
      scan: async (reader, folder, claimed) =>
        (await toyStoreLayout.scan(reader, folder, claimed)).map((tree) => ({
          ...tree,
          within: ['STORE', 'data', 'index/own/deep', 'snapshots'],
        })),
    });
    await world.write('index/own/deep/i2', 'mine');
    await world.write('index/own/i3', 'not mine');
    await world.write('index/other/i4', 'not mine');
    const { result } = await world.copy();
    expect(result).toBe('success');
    for (const path of ['locks/1', 'index/i1', 'index/own/i3', 'index/other/i4'])
      world.files.delete(path);
    expect(await world.copied()).toEqual(world.files);
  });

  it('calls no point of a store copied when it finds none of its files', async () => {
    const world = await storeWorld({
      ...toyStoreLayout,
      scan: async (reader, folder, claimed) =>
        (await toyStoreLayout.scan(reader, folder, claimed)).map((tree) => ({
          ...tree,
          within: ['elsewhere'],
        })),
    });
    const { result, tasks } = await world.copy();
    expect(result).toBe('warning');
    expect(tasks[0]!.reason).toContain('no file of the store was found');
    const { points } = await world.record();
    expect(points).toEqual([]);
  });

  it('calls no point of a store copied while a file of it waits to be finished', async () => {
    let openFilesWaitMs = 0;
    const world = await storeWorld({
      ...toyStoreLayout,
      get rules() {
        return { ...toyStoreLayout.rules, openFilesWaitMs };
      },
    });
    await world.copy();
    openFilesWaitMs = Number.MAX_SAFE_INTEGER;
    await world.writeBlob('still written');
    await world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs, needs: [] }));
    const { result, tasks } = await world.copy();
    expect(result).toBe('warning');
    expect(tasks[0]!.reason).toContain('2 files of the store were written to a moment ago');
    const copied = (await world.record()).points.map(({ source }) => source.restorePointId);
    expect(copied).toEqual(['s1']);
    openFilesWaitMs = 0;
    expect((await world.copy()).tasks[0]!.committed).toHaveLength(1);
  });

  it('reads and writes nothing when nothing is different, not even who has looked', async () => {
    const world = await storeWorld();
    await world.copy();
    const before = await world.record();
    const opened: string[] = [];
    const openRead = world.source.openRead.bind(world.source);
    world.source.openRead = (path) => {
      opened.push(path);
      return openRead(path);
    };
    world.target = world.target.clone();
    const { result } = await world.copy();
    expect(result).toBe('nothingToCopy');
    expect(await world.record()).toEqual(before);
    expect(world.target.operations.filter(({ path }) => path.startsWith(world.tree))).toEqual([]);
    // What tells its points, and nothing else.
    const read = new Set(opened.filter((path) => path.startsWith('store/')));
    expect([...read]).toEqual(['store/snapshots/s1.json']);
  });

  it('copies what is new or different and leaves the rest alone', async () => {
    const world = await storeWorld();
    await world.copy();
    const blob = await world.writeBlob('three');
    await world.write('index/i1', JSON.stringify(['changed', blob]));
    await world.write(
      'snapshots/s2.json',
      JSON.stringify({ at: Date.UTC(2026, 10, 25), needs: [] }),
    );
    world.target = world.target.clone();
    const { result, tasks } = await world.copy();
    expect(result).toBe('success');
    expect(tasks[0]!.progress.transferredBytes).toBe(
      ['index/i1', blob, 'snapshots/s2.json'].reduce(
        (sum, path) => sum + world.files.get(path)!.length,
        0,
      ),
    );
    world.files.delete('locks/1');
    expect(await world.copied()).toEqual(world.files);
    expect((await world.record()).points.map(({ source }) => source.restorePointId)).toEqual([
      's1',
      's2',
    ]);
    expect((await world.copy()).result).toBe('nothingToCopy');
  });

  it.each([
    {
      done: 'its first part',
      isFull: (path: string, at: number) => /journal$/.test(path) && at > 0,
    },
    { done: 'all its parts', isFull: (path: string) => /digests$/.test(path) },
  ])(
    'copies a large file whole when the one that was begun, $done done, was removed to make room',
    async ({ isFull }) => {
      const world = await storeWorld();
      const older = Buffer.alloc(9 * MIB + 5, 1);
      const large = Buffer.alloc(9 * MIB + 5, 1);
      for (let at = 0; at < 9 * MIB; at += 4_096) large.writeUInt32LE(at + 1, at);
      await world.write('index/large', older);
      await world.copy();
      await world.write('index/large', large);
      world.target = fullTarget(world.target, isFull);
      expect((await world.copy()).result).toBe('failed');
      world.target = world.target.clone();
      const begun = await world.target.list(`${world.tree}/.staging/large`);
      const journal = begun.find(({ name }) => name.endsWith('.journal'));
      expect(journal?.stamp.sizeBytes).toBeGreaterThan(0);
      const [work] = begun.filter(({ name }) => name.endsWith('.work'));
      await world.target.remove(work!.path);
      for (let session = 0; session < 2; session++) await world.copy();
      expect((await world.copied()).get('index/large')?.equals(large)).toBe(true);
      expect((await world.copy()).result).toBe('nothingToCopy');
      expect((await world.verify()).result).toBe('success');
    },
  );

  it('sends only the changed blocks of a large file, and gives it its name when it is whole', async () => {
    const world = await storeWorld();
    const large = Buffer.alloc(9 * MIB + 5, 1);
    for (let at = 0; at < 9 * MIB; at += 4_096) large.writeUInt32LE(at + 1, at);
    await world.write('index/large', large);
    await world.copy();
    expect((await world.copied()).get('index/large')?.equals(large)).toBe(true);
    large.writeUInt32LE(0xffffffff, 3 * MIB);
    await world.write('index/large', Buffer.concat([large, Buffer.from('more')]));
    const { tasks } = await world.copy();
    expect(tasks[0]!.progress).toMatchObject({
      transferredBytes: 65_536 + 9,
      reusedBytes: 9 * MIB - 65_536,
    });
    expect((await world.copied()).get('index/large')?.equals(world.files.get('index/large')!)).toBe(
      true,
    );
    const record = await world.record();
    const tables = (await world.target.list(`${world.tree}/.index`)).filter(({ name }) =>
      name.endsWith('.digests'),
    );
    expect(tables).toHaveLength(1);
    expect(record.index.find((entry) => entry.class === 'index')).toMatchObject({ fileCount: 2 });
  });

  it('lets nothing go before what refers to it, when the source removes both while it is looked at', async () => {
    const world = await storeWorld();
    for (let i = 0; i < 8; i++) await world.writeBlob(`filler ${i}`);
    await world.copy();
    const [blob] = [...world.files.keys()].filter((path) => path.startsWith('data/'));
    const list = world.source.list.bind(world.source);
    let looks = 0;
    world.source.list = async (folder) => {
      // The first look only finds that something is new.
      if (folder === 'store/data' && ++looks === 2)
        for (const path of ['snapshots/s1.json', 'index/i1', blob!]) await world.remove(path);
      return list(folder);
    };
    await world.writeBlob('new');
    await world.copy();
    expect(looks).toBeGreaterThan(1);
    world.nowMs += DAY_MS;
    await world.copy();
    world.nowMs += 2 * DAY_MS;
    await world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs, needs: [] }));
    await world.copy();
    const left = [...(await world.copied()).keys()];
    expect(left.filter((path) => [blob, 'index/i1', 'snapshots/s1.json'].includes(path))).toEqual(
      [],
    );
  });

  it('keeps what the source removed for the days of the rule, and then removes it, what refers to it first', async () => {
    const world = await storeWorld();
    for (let i = 0; i < 8; i++) await world.writeBlob(`filler ${i}`);
    await world.copy();
    const [blob] = [...world.files.keys()].filter((path) => path.startsWith('data/'));
    await world.remove(blob!);
    await world.remove('snapshots/s1.json');
    await world.copy();
    expect([...(await world.copied()).keys()]).toContain(blob);
    expect((await world.record()).points).toMatchObject([
      { goneSince: '2026-11-25T00:02:00.000Z' },
    ]);
    world.nowMs += 2 * DAY_MS;
    expect((await world.copy()).result).toBe('nothingToCopy');
    // A clock that runs ahead of what the source shows lets nothing go.
    world.nowMs += DAY_MS;
    expect((await world.copy()).result).toBe('nothingToCopy');
    await world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs, needs: [] }));
    world.target = world.target.clone();
    expect((await world.copy()).tasks[0]!.notes).toEqual([
      '2 files and 1 restore point were removed',
    ]);
    world.files.delete('locks/1');
    expect(await world.copied()).toEqual(world.files);
    const removed = world.target.operations.filter(
      ({ kind, path }) => kind === 'remove' && path.includes('/files/'),
    );
    expect(removed.map(({ path }) => path.replace(/.*files\//, ''))).toEqual([
      'snapshots/s1.json',
      blob,
    ]);
    expect((await world.record()).points).toMatchObject([{ source: { restorePointId: 's2' } }]);
    expect((await world.copy()).result).toBe('nothingToCopy');
  });

  it.each([
    [
      'emptied',
      async (world: TreeWorld) => {
        for (const path of [...world.files.keys()])
          if (path !== 'STORE' && !path.startsWith('snapshots')) await world.remove(path);
      },
      /of 11 files .* 9 are gone: a wiped/,
    ],
    [
      'encrypted in place',
      async (world: TreeWorld) => {
        for (const path of world.files.keys())
          if (path.startsWith('data/')) await world.write(path, 'ransom');
      },
      /8 were written to, although their kind never is/,
    ],
  ])(
    'does nothing to the copy of a source that was %s, until an operator agrees',
    async (_, harm, reason) => {
      const world = await storeWorld();
      for (let i = 0; i < 6; i++) await world.writeBlob(`filler ${i}`);
      await world.copy();
      const before = await world.copied();
      await harm(world);
      const { tasks } = await world.copy();
      expect(tasks).toMatchObject([{ result: 'actionRequired', code: 'SOURCE_SUSPICIOUS' }]);
      expect(tasks[0]!.reason).toMatch(reason);
      expect(await world.copied()).toEqual(before);
      const agreed = await world.copy({ acceptChanges: true });
      expect(agreed.tasks[0]!.result).not.toBe('actionRequired');
    },
  );

  it.each([
    ['all that give way to longer ones', 'actionRequired', 0, ' and more'],
    [
      'the last one that gives way to a longer one, and others behind it',
      'success',
      11,
      ' and more',
    ],
    ['more than half that give way to others of their size', 'actionRequired', 5, ''],
  ])(
    'where only the last file of a sequence grows, says of %s: %s',
    async (_, expected, from, more) => {
      const [key, data, ...others] = toyStoreLayout.rules.classes;
      const classes = [
        key!,
        { ...data!, content: 'appended' as const, inSequence: true as const },
        ...others,
      ];
      const rules = { ...toyStoreLayout.rules, classes, digestInName: null };
      const world = await storeWorld({ ...toyStoreLayout, rules });
      for (const path of [...world.files.keys()])
        if (path.startsWith('data/')) await world.remove(path);
      // In the order of bytes 9 stands behind 11.
      for (let i = 0; i < 12; i++) await world.write(`data/${i}`, `segment ${i}`);
      await world.copy();
      for (let i = from; i < 12; i++)
        await world.write(`data/${i}`, 'X'.repeat(`segment ${i}`.length) + more);
      if (from === 11) await world.write('data/12', 'segment 12');
      const { tasks } = await world.copy();
      expect(tasks[0]!.result).toBe(expected);
    },
  );
});

describe('what a copy has written', () => {
  it.each(['cached', 'direct'] as const)(
    'is read back (%s): small files that are not what was written fail the task',
    async (verifyAfterCopy) => {
      const world = await storeWorld();
      const asked: string[] = [];
      const [open, openDirect] = [world.target.openRead, world.target.openReadPastCache];
      world.target.openRead = (path) => (asked.push(path), open.call(world.target, path));
      world.target.openReadPastCache = (path) => (
        asked.push(`direct ${path}`),
        openDirect.call(world.target, path)
      );
      const rename = world.target.rename.bind(world.target);
      world.target.rename = async (from, to) => {
        await rename(from, to);
        if (to.endsWith('files/STORE')) await world.target.patch(to, 0, Buffer.from('X'));
      };
      const job = { ...world.job, storage: { ...world.job.storage, verifyAfterCopy } };
      const { tasks } = await world.copy({}, job);
      expect(tasks).toMatchObject([{ result: 'failed', code: 'BLOCK_DIGEST_MISMATCH' }]);
      expect(tasks[0]!.reason).toContain('files/STORE does not read back as it was written');
      const way = verifyAfterCopy === 'direct' ? 'direct ' : '';
      expect(asked).toContain(`${way}${world.tree}/files/STORE`);
    },
  );
});

/** Has no room left for some writes of large files. */
function fullTarget(
  target: SimulatedRepository,
  isFull: (path: string, offset: number) => boolean,
): SimulatedRepository {
  const full = target.clone();
  const openWrite = full.openWrite.bind(full);
  full.openWrite = async (path, mode) => {
    const file = await openWrite(path, mode);
    const write = file.write.bind(file);
    file.write = (bytes, offset) =>
      path.includes('/large/') && isFull(path, offset)
        ? Promise.reject(new BackupError('REPOSITORY_FULL', 'no room'))
        : write(bytes, offset);
    return file;
  };
  return full;
}
