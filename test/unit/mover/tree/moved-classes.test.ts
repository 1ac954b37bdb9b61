import { afterEach, describe, expect, it } from 'vitest';
import type { FileClass } from '../../../../src/domain/trees/tree-rules.js';
import type { TreeLayout } from '../../../../src/layout/tree-layout.js';
import { TREE_LAYOUTS } from '../../../../src/layout/tree-layouts.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS, TreeWorld } from '../../../support/tree/tree-world.js';

function withClasses(...classes: FileClass[]): TreeLayout {
  return { ...toyStoreLayout, rules: { ...toyStoreLayout.rules, classes } };
}

/** A release that counts the list of the index to a class of its own. */
const LATER = withClasses(
  { name: 'key', match: /^STORE$/, content: 'immutable' },
  { name: 'data', match: /^data\//, content: 'immutable' },
  { name: 'catalogue', match: /^index\/list$/, content: 'appended' },
  { name: 'index', match: /^index\/(?!list$)/, content: 'replaced' },
  { name: 'snapshots', match: /^snapshots\//, content: 'replaced' },
);
describe('a path that a newer release counts to another class', () => {
  let known: TreeLayout = toyStoreLayout;

  /** Another release runs from now on. */
  function release(layout: TreeLayout): void {
    const rows = TREE_LAYOUTS as TreeLayout[];
    rows[rows.indexOf(known)] = layout;
    known = layout;
  }

  afterEach(() => release(toyStoreLayout));

  async function copiedWorld(): Promise<TreeWorld> {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    for (let i = 0; i < 6; i++) await world.write(`data/${i}`, `x${i}`);
    await world.write('index/list', 'list');
    await world.write('index/other', 'other');
    await nextDay(world, 0);
    return world;
  }

  async function nextDay(world: TreeWorld, day: number): Promise<void> {
    world.nowMs += DAY_MS;
    const snapshot = JSON.stringify({ at: world.nowMs - 3_600_000 });
    await world.write(`snapshots/s${day}.json`, snapshot);
    const { result, tasks } = await world.copy();
    expect({ result, reason: tasks[0]!.reason }).toEqual({ result: 'success', reason: null });
  }

  const classesOf = async (world: TreeWorld) =>
    Object.fromEntries(
      (await world.record()).index.map((one) => [
        one.class,
        [one.fileCount, one.goneCount, one.match],
      ]),
    );

  it('stays in the copy, and has one entry', async () => {
    const world = await copiedWorld();
    release(LATER);
    for (let day = 1; day < 6; day++) await nextDay(world, day);
    expect(await world.copied()).toEqual(world.files);
    expect((await world.verify()).result).toBe('success');
    const index = await classesOf(world);
    const matches = LATER.rules.classes.map(({ name, match }) => [name, match.source]);
    expect(matches.map(([name]) => [name, index[name!]![2]])).toEqual(matches);
    const ofList = Object.values(index).reduce((sum, [files]) => sum + Number(files), 0);
    expect(ofList).toBe(world.files.size);
    expect(index.index!.slice(0, 2)).toEqual([1, 0]);
  });

  it('goes when the source has removed it, as any other', async () => {
    const world = await copiedWorld();
    release(LATER);
    await world.remove('index/list');
    for (let day = 1; day < 6; day++) await nextDay(world, day);
    expect(await world.copied()).toEqual(world.files);
  });

  it('stays where the source shows it again', async () => {
    const world = await copiedWorld();
    release(LATER);
    await world.remove('index/list');
    await nextDay(world, 1);
    await world.write('index/list', 'list, and more');
    for (let day = 2; day < 7; day++) await nextDay(world, day);
    expect(await world.copied()).toEqual(world.files);
  });
});
