import { describe, expect, it } from 'vitest';
import { treeLayoutOf } from '../../../../src/layout/tree-layouts.js';
import { UnreadPlaces } from '../../../../src/mover/tree/plan/unread-places.js';
import type { RepositoryEntry } from '../../../../src/repository/backup-repository.js';
import { shareJob } from '../../../support/tree/live-stores.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS, TreeWorld } from '../../../support/tree/tree-world.js';

/** A folder of the source lists one of its names as something else than it is, or not at all. */
function listAs(world: TreeWorld, path: string, more: Partial<RepositoryEntry>): void {
  const { list } = world.source;
  world.source.list = async (folder) =>
    (await list.call(world.source, folder)).map((entry) =>
      entry.path === `${world.root}/${path}` ? { ...entry, ...more } : entry,
    );
}

async function pointsOf(world: TreeWorld): Promise<string[]> {
  return (await world.record()).points.map(({ source }) => source.restorePointId);
}

describe('a store in which a link stands in place of', () => {
  async function copiedStore(): Promise<TreeWorld> {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    for (let i = 0; i < 8; i++) await world.write(`index/${i}`, `list ${i}`);
    for (let i = 0; i < 3; i++) await world.write(`data/cold/${i}`, `chunk ${i}`);
    await world.write('data/hot', 'chunk');
    await world.write('snapshots/s1.json', JSON.stringify({ at: world.nowMs }));
    expect((await world.copy()).result).toBe('success');
    return world;
  }

  it.each([
    ['a folder', 'data/cold'],
    ['a file', 'data/hot'],
  ])(
    '%s loses nothing of what lies behind it, and its new points wait for that',
    async (_, path) => {
      const world = await copiedStore();
      const before = await world.copied();
      const { list } = world.source;
      listAs(world, path, { type: 'other' });
      for (let session = 0; session < 2; session++) {
        world.nowMs += 5 * DAY_MS;
        await world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs }));
        const { tasks } = await world.copy();
        expect(tasks).toMatchObject([{ result: 'warning', code: 'FILE_NOT_COPIED' }]);
        const copied = await world.copied();
        for (const [name, bytes] of before) expect(copied.get(name), name).toEqual(bytes);
        expect(await pointsOf(world)).toEqual(['s1']);
      }
      world.source.list = list;
      expect((await world.copy()).result).toBe('success');
      expect(await pointsOf(world)).toEqual(['s1', 's2']);
    },
  );

  it('something that no class takes waits for nothing', async () => {
    const world = await copiedStore();
    await world.write('notes', 'mine');
    listAs(world, 'notes', { type: 'other' });
    await world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs }));
    expect((await world.copy()).tasks).toMatchObject([{ result: 'warning' }]);
    expect(await pointsOf(world)).toEqual(['s1', 's2']);
  });
});

/** Stores as their tools lay them out, and what a later backup adds. */
const STORES: Readonly<Record<string, { first: Record<string, string>; later: string }>> = {
  borg: {
    first: { README: 'Borg', config: '[repository]', 'data/0/1': 'one', 'index.1': 'index' },
    later: 'data/0/2',
  },
  kopia: {
    first: { 'kopia.repository.f': '{}', 'p01/p010/rest.f': 'pack', 'n0/n00/rest.f': 'index' },
    later: 'n0/n01/rest.f',
  },
};

it.each(['borg', 'kopia'])(
  'a stray link in the root of a store of %s is named, and keeps nothing from being copied',
  async (tool) => {
    const world = new TreeWorld('store', tool, shareJob(`${tool}-store`), `${tool}-store`);
    const { first, later } = STORES[tool]!;
    for (const [path, text] of Object.entries(first)) await world.write(path, text);
    expect((await world.copy()).result).toBe('success');
    await world.source.put('store/elsewhere', Buffer.from(''));
    listAs(world, 'elsewhere', { type: 'other' });
    await world.write(later, 'more');
    const [task] = (await world.copy()).tasks;
    expect(task).toMatchObject({ result: 'warning', code: 'FILE_NOT_COPIED' });
    expect((await world.copied()).get(later)?.toString()).toBe('more');
    expect((await world.record()).isBehind).not.toBe(true);
  },
);

describe('a link in a store of', () => {
  const SNAPSHOT = 'vm/100/2026-11-24T22:00:00Z';

  // layout, link, a file of the copy below it (null: none), whether anything waits for it
  it.each<[string, string, string | null, boolean]>([
    ['borg', 'elsewhere', null, false],
    ['borg', 'nonce.old', null, false],
    ['borg', 'data', null, true],
    ['borg', 'data/0', null, true],
    ['borg', 'config', null, true],
    ['kopia', 'elsewhere', null, false],
    ['kopia', 'p01', null, true],
    ['pbs', 'vm/100/elsewhere', null, false],
    ['pbs', 'vm', null, false],
    ['pbs', 'vm', `${SNAPSHOT}/disk.img.fidx`, true],
    ['pbs', 'vm/100', 'vm/100/owner', true],
    ['pbs', 'vm/100', 'vm/1001/owner', false],
    ['pbs', '.chunks', null, true],
    ['restic', 'elsewhere', null, false],
    ['restic', 'configs', null, false],
    ['restic', 'data/0f', null, true],
  ])(
    '%s at %s, the copy having %s below it, counts as unread: %s',
    (layout, path, copied, isUnread) => {
      const { rules } = treeLayoutOf(layout)!;
      const places = new UnreadPlaces(rules, []);
      places.addLink({ path, reason: 'it is a link' });
      if (copied !== null) expect(places.has(copied)).toBe(isUnread);
      expect(places.byClass.length > 0).toBe(isUnread);
    },
  );
});

it.each([
  ['file', 'odd', { type: 'other', unaddressable: 'file' }, 1],
  ['folder', 'odd', { type: 'other', unaddressable: 'folder' }, 1],
  ['link', 'odd', { type: 'other' }, 0],
] as const)(
  'a dated folder with a %s whose name cannot be told, or that is none, says what it lacks',
  async (_, name, more, count) => {
    const world = new TreeWorld(
      'share',
      'dated-tree',
      shareJob('dated-tree-share'),
      'dated-tree-share',
    );
    await world.write('backup.marker', '');
    for (const day of ['2026-11-22-220000', '2026-11-23-220000'])
      await world.write(`${day}/plain`, 'plain');
    await world.write(`2026-11-22-220000/${name}`, 'odd');
    listAs(world, `2026-11-22-220000/${name}`, more);
    expect((await world.copy()).tasks).toMatchObject([{ result: 'warning' }]);
    const { points } = await world.record();
    expect(points.map(({ lacks }) => lacks?.count ?? 0)).toEqual([count, 0]);
  },
);
