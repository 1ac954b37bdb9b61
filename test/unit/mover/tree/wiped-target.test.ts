import { describe, expect, it } from 'vitest';
import { AskedFiles } from '../../../../src/mover/tree/plan/asked-files.js';
import { knownFiles } from '../../../../src/mover/tree/whole-tree.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { OneDump } from '../../../support/tree/one-dump.js';
import { unreachable, unreadable } from '../../../support/tree/storage-answers.js';
import { ToyStore } from '../../../support/tree/toy-store.js';
import { toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { filesBelow, TreeWorld } from '../../../support/tree/tree-world.js';

/** A store with as many snapshots, copied, whose source shows nothing new since. */
async function copiedStore(snapshots: number): Promise<ToyStore> {
  makeTreesKnown(toyStoreLayout);
  const store = new ToyStore(new TreeWorld());
  await store.begin();
  for (let i = 0; i < snapshots; i++) await store.backUp(2);
  expect((await store.world.copy()).result).toBe('success');
  return store;
}

async function wipe({ target, tree }: TreeWorld): Promise<void> {
  for (const path of (await filesBelow(target, `${tree}/files`)).keys())
    await target.remove(`${tree}/files/${path}`);
}

describe('a target whose files are gone, and whose source shows nothing new', () => {
  it('is told, and gets all of them again when an operator agrees', async () => {
    const { world } = await copiedStore(3);
    await wipe(world);

    const told = await world.copy();
    expect(told.result).toBe('actionRequired');
    expect(told.tasks[0]).toMatchObject({ code: 'TARGET_SUSPICIOUS' });
    expect(await world.copied()).toEqual(new Map());

    expect((await world.copy({ acceptChanges: true })).result).not.toBe('failed');
    expect(await world.copied()).toEqual(world.files);
    expect(await world.copy()).toMatchObject({ result: 'nothingToCopy' });
  });

  it('is told of sets, too', async () => {
    const dump = await OneDump.of((day) => ({ 'store/dump/shop/a.bson': `a of ${day}` }));
    await dump.write('monday');
    expect((await dump.session()).result).toBe('success');
    for (const path of (await dump.copied()).keys())
      await dump.target.remove(`${dump.tree}/files/${path}`);

    expect(await dump.session()).toMatchObject({
      result: 'actionRequired',
      tasks: [{ code: 'TARGET_SUSPICIOUS' }],
    });
  });

  it.each(['data/', 'index/', 'snapshots/'])(
    'is noticed when those below %s alone are gone',
    async (folder) => {
      const { world } = await copiedStore(1);
      for (const path of world.files.keys())
        if (path.startsWith(folder)) await world.damage(path, null);

      expect((await world.copy()).result).not.toBe('nothingToCopy');

      expect(await world.copied()).toEqual(world.files);
    },
  );
});

describe('a session that has nothing to copy', () => {
  /** The files of the copy that one asks for; it lists none of its folders. */
  async function askedBy(world: TreeWorld): Promise<string[]> {
    const { list, stat } = world.target;
    const asked: string[] = [];
    const files = `${world.tree}/files`;
    world.target.list = (path) => {
      if (path.startsWith(files)) throw new Error(`${path} is listed`);
      return list.call(world.target, path);
    };
    world.target.stat = (path) => {
      if (path.startsWith(files)) asked.push(path.slice(files.length + 1));
      return stat.call(world.target, path);
    };
    expect(await world.copy()).toMatchObject({ result: 'nothingToCopy' });
    Object.assign(world.target, { list, stat });
    return asked;
  }

  it('asks for all files of a small copy', async () => {
    const { world } = await copiedStore(3);
    expect((await askedBy(world)).sort()).toEqual([...world.files.keys()].sort());
  });

  it('asks for few of many files, and for each of them in 31 of its hours', async () => {
    const store = await copiedStore(2);
    const { world } = store;
    await store.backUp(400);
    expect((await world.copy()).result).toBe('success');
    const asked = new Set<string>();
    for (let hour = 0; hour < 31; hour++) {
      const now = await askedBy(world);
      // The first of four classes, and a thirty-first of 410.
      expect(now.length).toBeLessThanOrEqual(4 + Math.ceil(world.files.size / 31));
      for (const path of now) asked.add(path);
      world.nowMs += 3_600_000 - 60_000;
    }
    expect([...asked].sort()).toEqual([...world.files.keys()].sort());
  });

  it.each([
    ['removed', null],
    ['cut', '1'],
  ])('sends again a single file of the copy that was %s', async (_, left) => {
    const { world } = await copiedStore(3);
    const path = [...world.files.keys()].filter((one) => one.startsWith('data/'))[3]!;
    await world.damage(path, left);
    const { result, tasks } = await world.copy();
    expect({ result, notes: tasks[0]!.notes }).toEqual({
      result: 'warning',
      notes: [expect.stringMatching(/^1 file of the copy was not there as copied/)],
    });
    expect(await world.copied()).toEqual(world.files);
    expect(await world.copy()).toMatchObject({ result: 'nothingToCopy' });
  });

  it('is not failed by one bad place of the target, and tells it', async () => {
    const { world } = await copiedStore(3);
    const path = [...world.files.keys()].filter((one) => one.startsWith('data/'))[3]!;
    const name = `${world.tree}/files/${path}`;
    const { list, stat } = world.target;
    // As a folder of a disk, which looks at each of its names.
    world.target.list = (at) =>
      name.startsWith(`${at}/`) && at.endsWith('data')
        ? Promise.reject(unreadable(name))
        : list.call(world.target, at);
    world.target.stat = (at) =>
      at === name ? Promise.reject(unreadable(name)) : stat.call(world.target, at);
    const told = await world.copy();
    expect([told.result, told.tasks[0]!.reason]).toEqual([
      'warning',
      expect.stringMatching(/^6 files of the copy are not there as copied .* cannot be read/),
    ]);
  });

  it('ends when the storage of the target does not answer', async () => {
    const { world } = await copiedStore(1);
    const record = await world.record();
    const asked = new AskedFiles(world.target, world.tree, record, world.nowMs);
    for await (const entries of knownFiles(world.target, world.tree, record))
      for (const entry of entries) await asked.note('data', entry);
    world.target.stat = (at) => Promise.reject(unreachable(at));
    await expect(asked.areThere()).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
  });

  it('has lost one of many files within 31 sessions of one hour of the day, and a run of 31 at once', async () => {
    const store = await copiedStore(2);
    const { world } = store;
    await store.backUp(400);
    await world.copy();
    const data = [...world.files.keys()].filter((one) => one.startsWith('data/')).sort();
    await world.damage(data[217]!, null);
    const results: string[] = [];
    while (results.length < 31 && !results.includes('warning')) {
      world.nowMs += 24 * 3_600_000 - 60_000;
      results.push((await world.copy()).result);
    }
    expect(results.at(-1)).toBe('warning');
    expect(await world.copied()).toEqual(world.files);
    for (const path of data.slice(100, 131)) await world.damage(path, null);
    expect((await world.copy()).result).toBe('warning');
    expect(await world.copied()).toEqual(world.files);
  });
});
