import { describe, expect, it } from 'vitest';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { OneDump } from '../../../support/tree/one-dump.js';
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

it('a session that has nothing to copy asks for one file of each class, and lists no folder of the copy', async () => {
  const { world } = await copiedStore(3);
  const { list, stat } = world.target;
  const asked: string[] = [];
  const files = `${world.tree}/files`;
  const note = (path: string) => path.startsWith(files) && asked.push(path);
  world.target.list = (path) => (note(path), list.call(world.target, path));
  world.target.stat = (path) => (note(path), stat.call(world.target, path));

  expect(await world.copy()).toMatchObject({ result: 'nothingToCopy' });

  const classes = toyStoreLayout.rules.classes.filter(({ match }) =>
    [...world.files.keys()].some((path) => match.test(path)),
  );
  expect(asked).toHaveLength(classes.length);
});
