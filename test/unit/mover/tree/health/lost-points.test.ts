import { describe, expect, it } from 'vitest';
import { chainFolder } from '../../../../../src/chain/chain-paths.js';
import type { ChainFacts } from '../../../../../src/domain/safety/workload-facts.js';
import { FILES_SEEN_FOR_MS } from '../../../../../src/mover/look/seen-files.js';
import { withLostPoints } from '../../../../../src/mover/tree/health/lost-points.js';
import { writeTreeRecord } from '../../../../../src/tree/tree-store.js';
import { setWorld, storeWorld } from '../../../../support/tree/copied-trees.js';
import { InProcessMover } from '../../../../support/mover/in-process-mover.js';
import type { TreeWorld } from '../../../../support/tree/tree-world.js';

const LOOK = { repositoryId: 'offsite', settleMs: 0 } as const;

/** Points that count as damaged and as newest copies, and what a list shows of each. */
async function seen(
  world: TreeWorld,
  mover = new InProcessMover(world.target, world.source),
  laterMs = 0,
) {
  const order = { ...LOOK, nowMs: world.nowMs + laterMs };
  const { items } = await mover.run('listWorkloadFacts', { ...order, what: 'facts' });
  const { damagedCount, recentAtSeconds } = items.find(
    (found): found is ChainFacts => found.is === 'chain',
  )!;
  const points = await mover.run('listRestorePoints', {
    ...{ ...order, what: 'restorePoints', immutableForDays: 0 },
  });
  const healths = points.items.map(({ health }) => health);
  return { damagedCount, sound: recentAtSeconds.length, healths };
}

async function emptied(world: TreeWorld): Promise<void> {
  for (const path of [...(await world.copied()).keys()]) await world.damage(path, null);
}

describe('a copy of a tree whose files are gone from the target', () => {
  it('is none that can be restored: a file that all points of a store may need', async () => {
    const world = await storeWorld();
    expect(await seen(world)).toEqual({ damagedCount: 0, sound: 2, healths: ['good', 'good'] });
    await world.damage('index/large', null);
    const healths = ['corrupt', 'corrupt'];
    expect(await seen(world)).toEqual({ damagedCount: 2, sound: 0, healths });
  });

  it('is none that can be restored: a file that was cut', async () => {
    const world = await storeWorld();
    await world.damage('STORE', '');
    expect((await seen(world)).damagedCount).toBe(2);
  });

  it('is none that can be restored: the sets that list it, and no others', async () => {
    const world = await setWorld();
    const { healths } = await seen(world);
    expect(new Set(healths)).toEqual(new Set(['good']));
    await world.damage('log-23-2.log', null);
    const { damagedCount, sound } = await seen(world);
    expect([damagedCount, sound]).toEqual([1, healths.length - 1]);
  });

  it('is none that can be restored: all of them', async () => {
    const world = await setWorld();
    const { length } = (await seen(world)).healths;
    await emptied(world);
    expect(await seen(world)).toMatchObject({ damagedCount: length, sound: 0 });
  });

  it('is seen within an hour, and at once when all are gone', async () => {
    const world = await setWorld();
    const mover = new InProcessMover(world.target, world.source);
    const { length } = (await seen(world, mover)).healths;
    await world.damage('log-23-2.log', null);
    expect((await seen(world, mover, FILES_SEEN_FOR_MS - 1)).damagedCount).toBe(0);
    expect((await seen(world, mover, FILES_SEEN_FOR_MS)).damagedCount).toBe(1);
    expect((await seen(world, mover, FILES_SEEN_FOR_MS + 1)).damagedCount).toBe(1);
    await emptied(world);
    expect((await seen(world, mover, FILES_SEEN_FOR_MS + 2)).damagedCount).toBe(length);
  });

  it.each([
    ['was announced', false],
    ['is done', true],
  ])('is not damaged when it goes to another job, and that %s', async (_, isMoved) => {
    const world = await setWorld();
    const { target, tree } = world;
    const record = await world.record();
    await writeTreeRecord(target, tree, { ...record, jobId: 'weekly' });
    // Where folders are moved file by file the record comes last.
    const moved = isMoved ? tree : `${tree}/files`;
    const home = chainFolder('weekly', record.workload.id);
    await target.move([{ from: moved, to: moved.replace(tree, home) }], '');
    const look = { compares: true, nowMs: world.nowMs };
    const looked = await withLostPoints(target, tree, record, look);
    expect(looked.record.points.map(({ health }) => health)).not.toContain('corrupt');
    expect(looked.isWhole).toBe(false);
  });

  it('is not judged by an index that a session has written anew meanwhile', async () => {
    const world = await setWorld();
    const record = await world.record();
    await writeTreeRecord(world.target, world.tree, record);
    const [first, ...others] = record.index;
    const runs = first!.runs.map((run) => ({ ...run, name: `${run.name}-before` }));
    const before = { ...record, index: [{ ...first!, runs }, ...others] };
    const look = { compares: true, nowMs: world.nowMs };
    const looked = await withLostPoints(world.target, world.tree, before, look);
    expect(looked).toMatchObject({ isWhole: true, record: await world.record() });
    const now = { ...before, revision: looked.record.revision };
    await expect(withLostPoints(world.target, world.tree, now, look)).rejects.toMatchObject({
      code: 'CHAIN_RECORD_CORRUPT',
    });
  });

  it('is seen at once by one who had seen them whole, when all are gone', async () => {
    const world = await setWorld();
    const mover = new InProcessMover(world.target, world.source);
    const { length } = (await seen(world, mover)).healths;
    await emptied(world);
    expect(await seen(world, mover, 1)).toMatchObject({ damagedCount: length, sound: 0 });
  });
});
