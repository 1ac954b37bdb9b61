import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { TreeRules } from '../../../../src/domain/trees/tree-rules.js';
import { denied, said, unreadable } from '../../../support/tree/storage-answers.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { TOY_STORE_RULES, toySetLayout, toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { testJob } from '../../../support/session/test-site.js';
import { DAY_MS, TreeWorld } from '../../../support/tree/tree-world.js';

describe('a store of which one file or folder cannot be read', () => {
  /** Two snapshots were copied; since then a third was made, and so was a file of the snapshots that says nothing. */
  async function grownStore(large = false, megabytes = 9): Promise<TreeWorld> {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    await world.write('data/a/1', 'chunk 1');
    await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
    await world.copy();
    await world.write('data/a/2', large ? Buffer.alloc(megabytes * 1024 ** 2, 7) : 'chunk 2');
    await world.write('data/b/3', 'chunk 3');
    await world.write('snapshots/s2.json', JSON.stringify({ at: 2 }));
    return world;
  }

  it.each([false, true])(
    'copies the others, and nothing that may refer to it (large: %s)',
    async (large) => {
      const world = await grownStore(large);
      const { openRead } = world.source;
      world.source.openRead = (path) =>
        path.endsWith('data/a/2')
          ? Promise.reject(denied(path))
          : openRead.call(world.source, path);
      const { result, tasks } = await world.copy();
      expect(result).toBe('warning');
      expect(tasks[0]!.reason).toContain(
        '"data/a/2" was not copied: its storage does not let the account that Longhaul runs as read it; 1 more was not, as the notes say; nothing was removed',
      );
      expect([...(await world.copied()).keys()]).toEqual([
        ...['STORE', 'data/a/1', 'data/b/3', 'snapshots/s1.json'],
      ]);
      expect((await world.record()).points.map(({ id }) => id)).toHaveLength(1);
      world.source.openRead = openRead;
      expect((await world.copy()).result).toBe('success');
      expect(digests(await world.copied())).toEqual(digests(world.files));
    },
  );

  it.each([
    ['once', 1, 'warning'],
    ['each time', Infinity, 'failed'],
  ])(
    'copies nothing that may refer to it when the note of that is damaged %s',
    async (_, times, result) => {
      const world = await grownStore();
      const { openRead } = world.source;
      world.source.openRead = (path) =>
        path.endsWith('data/a/2')
          ? Promise.reject(denied(path))
          : openRead.call(world.source, path);
      const openWrite = world.target.openWrite.bind(world.target);
      let count = 0;
      world.target.openWrite = async (path, create) => {
        const file = await openWrite(path, create);
        const write = file.write.bind(file);
        if (path.includes('lacking.json') && count++ < times)
          file.write = (bytes, offset) => write(bytes.subarray(0, 9), offset);
        return file;
      };
      expect((await world.copy()).result).toBe(result);
      expect(count).toBeGreaterThan(0);
      expect([...(await world.copied()).keys()]).toEqual([
        ...['STORE', 'data/a/1', 'data/b/3', 'snapshots/s1.json'],
      ]);
      world.source.openRead = openRead;
      world.target.openWrite = openWrite;
      expect((await world.copy()).result).toBe('success');
      expect(digests(await world.copied())).toEqual(digests(world.files));
    },
  );

  it('goes on when a large file breaks at its end, with windows before that which are not marked as done', async () => {
    const world = await grownStore(true, 26);
    const openWrite = world.target.openWrite.bind(world.target);
    const closed: string[] = [];
    world.target.openWrite = async (path, create) => {
      const file = await openWrite(path, create);
      const { write, close, sync } = file;
      let isClosed = false;
      // Slow, so that windows are waiting for it.
      file.sync = async () => {
        for (let turn = 0; turn < 300; turn++) await new Promise(setImmediate);
        await sync.call(file);
      };
      file.close = () => ((isClosed = true), close.call(file));
      file.write = (bytes, offset) => {
        if (isClosed) closed.push(file.path);
        return write.call(file, bytes, offset);
      };
      return file;
    };
    const { openRead } = world.source;
    world.source.openRead = async (path) => {
      const file = await openRead.call(world.source, path);
      const read = file.read.bind(file);
      if (path.endsWith('data/a/2'))
        file.read = (target, offset) =>
          offset > 17 * 1024 ** 2 ? Promise.reject(unreadable(path)) : read(target, offset);
      return file;
    };
    const { result, tasks } = await world.copy();
    expect({ result, code: tasks[0]!.code }).toEqual({
      result: 'warning',
      code: 'FILE_NOT_COPIED',
    });
    // On a real file system such a window would not be noted.
    expect(closed).toEqual([]);
    expect([...(await world.copied()).keys()]).toContain('data/b/3');
    world.source.openRead = openRead;
    expect((await world.copy()).result).toBe('success');
    expect(digests(await world.copied())).toEqual(digests(world.files));
  });

  it('knows nothing of what lies in a folder that it may not look into, and removes nothing', async () => {
    const world = await grownStore();
    const list = world.source.list.bind(world.source);
    world.source.list = (folder) =>
      folder.endsWith('data/a') ? Promise.reject(denied(folder)) : list(folder);
    for (let day = 0; day < 10; day++) {
      const { result, tasks } = await world.copy();
      expect(result).toBe('warning');
      expect(tasks[0]!.reason).toContain('"data/a/" was not copied');
      world.nowMs += DAY_MS;
    }
    expect([...(await world.copied()).keys()]).toEqual([
      ...['STORE', 'data/a/1', 'data/b/3', 'snapshots/s1.json'],
    ]);
    expect((await world.record()).index.map(({ goneCount }) => goneCount)).toEqual([0, 0, 0, 0]);
    world.source.list = list;
    expect((await world.copy()).result).toBe('success');
    expect(digests(await world.copied())).toEqual(digests(world.files));
  });
});

describe('what a store removed', () => {
  it('stays as long as a file of its index cannot be read, although nothing waits for that file', async () => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    for (let i = 0; i < 9; i++) await world.write(`data/${i}`, `chunk ${i}`);
    await world.write('index/i1', '["data/0", "data/1"]');
    await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
    await world.copy();
    // A prune: what is left is written anew, then what was there goes.
    await world.write('index/i2', '["data/1"]');
    await world.remove('index/i1');
    await world.remove('data/0');
    const { openRead } = world.source;
    world.source.openRead = (path) =>
      path.endsWith('index/i2') ? Promise.reject(denied(path)) : openRead.call(world.source, path);
    const backUp = () => world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs }));
    for (let day = 0; day < 6; day++) {
      await backUp();
      const { result, tasks } = await world.copy();
      expect(result).toBe('warning');
      expect(tasks[0]!.reason).toContain(
        'nothing was removed from the copy, because files of the source could not be copied',
      );
      world.nowMs += DAY_MS;
    }
    expect([...(await world.copied()).keys()]).toEqual(
      expect.arrayContaining(['data/0', 'index/i1']),
    );
    world.source.openRead = openRead;
    await backUp();
    await world.copy();
    expect(digests(await world.copied())).toEqual(digests(world.files));
  });
});

describe('a store whose points are worth something without some of their files', () => {
  const rules: TreeRules = {
    ...TOY_STORE_RULES,
    ...{ isPartial: true, pointOf: (path) => /^data\/(\w+)\//.exec(path)?.[1] ?? null },
  };

  it('has each of them, and says of one which files it lacks until they are copied', async () => {
    makeTreesKnown({ ...toyStoreLayout, rules });
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    for (const id of ['s1', 's2']) {
      for (const name of ['a', 'b']) await world.write(`data/${id}/${name}`, `${id} ${name}`);
      await world.write(`snapshots/${id}.json`, JSON.stringify({ at: Number(id.slice(1)) }));
    }
    const { openRead } = world.source;
    world.source.openRead = (path) =>
      path.endsWith('data/s1/b') ? Promise.reject(denied(path)) : openRead.call(world.source, path);
    const standing = async () =>
      (await world.record()).points.map(({ source, lacks }) => [
        source.restorePointId,
        lacks?.examples.map(({ path }) => path),
      ]);
    expect((await world.copy()).result).toBe('warning');
    expect(await standing()).toEqual([
      ['s1', ['data/s1/b']],
      ['s2', undefined],
    ]);
    expect([...(await world.copied()).keys()]).toContain('data/s2/b');
    world.source.openRead = openRead;
    await world.copy();
    expect(await standing()).toEqual([
      ['s1', undefined],
      ['s2', undefined],
    ]);
    // A folder of one that is whole, which cannot be looked into for once, takes nothing from it.
    const list = world.source.list.bind(world.source);
    world.source.list = (folder) =>
      folder.endsWith('data/s1') ? Promise.reject(denied(folder)) : list(folder);
    await world.write('data/s2/c', 's2 c');
    expect((await world.copy()).result).toBe('warning');
    expect(await standing()).toEqual([
      ['s1', undefined],
      ['s2', undefined],
    ]);
  });
});

describe('a file that the target does not take', () => {
  async function newStore(): Promise<TreeWorld> {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    for (const name of ['a', 'b', 'c']) await world.write(`data/${name}`, `chunk ${name}`);
    await world.write('data/large', Buffer.alloc(9 * 1024 ** 2, 7));
    return world;
  }

  /** What the storage of the target answers to a rename to this name. */
  function answer(world: TreeWorld, name: string, errno: string): void {
    const rename = world.target.rename.bind(world.target);
    world.target.rename = async (from, to) => {
      if (to.endsWith(name)) throw said(errno, to);
      return rename(from, to);
    };
  }

  it.each([
    ['ENAMETOOLONG', 'data/b', 'the target does not take its name or path'],
    ['EINVAL', 'data/b', 'the target does not take its name or path'],
    ['EFBIG', 'data/large', 'the target takes no file of its size'],
    ['EACCES', 'files/data/large', 'the target does not let the account'],
  ])('because of %s is named, and the others are copied (%s)', async (errno, name, reason) => {
    const world = await newStore();
    answer(world, name, errno);
    const { result, tasks } = await world.copy();
    expect({ result, code: tasks[0]!.code }).toEqual({
      ...{ result: 'warning', code: 'FILE_NOT_COPIED' },
    });
    expect(tasks[0]!.reason).toContain(reason);
    const others = [...world.files.keys()].filter((path) => !name.endsWith(path));
    expect([...(await world.copied()).keys()].sort()).toEqual(others.sort());
  });

  it('because of a fault of the storage itself fails the task', async () => {
    const world = await newStore();
    answer(world, 'data/b', 'ENOSPC');
    const { result, tasks } = await world.copy();
    expect({ result, code: tasks[0]!.code }).toEqual({ result: 'failed', code: 'REPOSITORY_FULL' });
  });
});

it('a small file that is written to anew while it is read is looked at again, and no damage for a health check', async () => {
  const [data, ...classes] = toySetLayout.rules.classes;
  const rewritten: TreeRules = {
    ...toySetLayout.rules,
    classes: [{ ...data!, content: 'rewritten' }, ...classes],
  };
  makeTreesKnown({ ...toySetLayout, rules: rewritten });
  const world = new TreeWorld('db', 'toysets', {
    ...testJob({ transactionLogs: true }),
    retention: { type: 'days', value: 14 },
  });
  await world.write('db-20.a.set', 'part a');
  await world.write('db-20.done', '');
  const { openRead } = world.source;
  let isWritten = false;
  world.source.openRead = async (path) => {
    if (path.endsWith('a.set') && !isWritten) {
      isWritten = true;
      await world.write('db-20.a.set', 'part a, and more');
    }
    return openRead.call(world.source, path);
  };
  expect((await world.copy()).result).toBe('success');
  expect(await world.copied()).toEqual(world.files);
  expect((await world.verify()).result).toBe('success');
});

/** Of files by their paths: what is large is compared in no time. */
function digests(files: ReadonlyMap<string, Buffer>): Record<string, string> {
  return Object.fromEntries([...files].map(([path, bytes]) => [path, hash('sha256', bytes)]));
}

describe('a store whose points cannot be read, beside another one', () => {
  it('is named with the place and the reason, the other is copied, and no copy is taken for one of a store that is gone', async () => {
    makeTreesKnown(toyStoreLayout);
    const job = testJob({ removedWorkloadsAfterDays: 1 });
    const world = new TreeWorld('store', 'toy', job);
    const put = (path: string, text: string) => world.source.put(path, Buffer.from(text));
    for (const store of ['store', 'other']) {
      await put(`${store}/STORE`, 'v1');
      await put(`${store}/data/1`, 'chunk 1');
      await put(`${store}/snapshots/s1.json`, JSON.stringify({ at: 1 }));
    }
    expect((await world.copy()).result).toBe('success');
    const before = await world.copied();
    const { list } = world.source;
    world.source.list = (folder) =>
      folder === 'store/snapshots'
        ? Promise.reject(denied(folder))
        : list.call(world.source, folder);
    for (let day = 1; day <= 4; day++) {
      world.nowMs += 2 * DAY_MS;
      await put(`other/snapshots/d${day}.json`, JSON.stringify({ at: day }));
      const { result, tasks } = await world.copy();
      expect(result).toBe('warning');
      expect(tasks).toMatchObject([
        { workload: 'store/snapshots', result: 'warning', code: 'SOURCE_PART_UNREADABLE' },
        { workload: 'other', result: 'success' },
      ]);
      expect(tasks[0]!.reason).toContain(
        'store/snapshots cannot be read: its storage does not let',
      );
    }
    expect(await world.copied()).toEqual(before);
    expect((await world.record()).presence.absence).toBeNull();
    world.source.list = list;
    expect((await world.copy()).result).toBe('nothingToCopy');
  });
});
