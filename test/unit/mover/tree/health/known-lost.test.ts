import { beforeEach, describe, expect, it } from 'vitest';
import { writeTreeRecord } from '../../../../../src/tree/tree-store.js';
import { testJob } from '../../../../support/session/test-site.js';
import { makeTreesKnown } from '../../../../support/tree/known-trees.js';
import { toySetLayout } from '../../../../support/tree/toy-trees.js';
import { TreeWorld } from '../../../../support/tree/tree-world.js';

const namesOf = (day: number) => [`db-${day}.a.set`, `db-${day}.done`];

async function write(world: TreeWorld, day: number): Promise<void> {
  for (const name of namesOf(day)) await world.write(name, `content of ${day}, some bytes`);
}

const pointsOf = async (world: TreeWorld) =>
  (await world.record()).points.map(({ source, health }) => `${source.restorePointId} ${health}`);

/** The notes of the check lie there, of all files; nothing of it is entered. */
async function isReadOnly({ target, tree }: TreeWorld): Promise<boolean> {
  const has = async (name: string) => (await target.stat(`${tree}/.checks/all/${name}`)) !== null;
  return (await has('journal')) && (await has('check.json')) && !(await has('repair.json'));
}

/** A health check of `world` that has read all files, and died before it told anything. */
async function stopAfterReading(world: TreeWorld): Promise<void> {
  world.target.settleAll();
  const before = world.target;
  world.target = before.clone();
  await world.verify();
  for (let at = world.target.operations.length; at > 2; at--) {
    world.target = before.clone({ crash: { atOperation: at, when: 'after' } });
    await world.verify().catch(() => undefined);
    world.target = world.target.restart({ kind: 'none' });
    if (await isReadOnly(world)) return;
  }
  throw new Error('no stop left the notes alone');
}

describe('what is known to be lost when a health check goes on with older notes', () => {
  let world: TreeWorld;

  beforeEach(async () => {
    makeTreesKnown(toySetLayout);
    const job = testJob({ transactionLogs: true, retention: { type: 'days', value: 14 } });
    world = new TreeWorld('db', 'toysets', job);
    for (const day of [22, 23]) await write(world, day);
    await world.copy();
    await stopAfterReading(world);
    for (const name of namesOf(22)) await world.remove(name);
  });

  it.each([
    ['missing', null],
    ['cut', 'content'],
  ])('stays lost (%s since)', async (_, bytes) => {
    await world.damage('db-22.a.set', bytes);
    await write(world, 24);
    await world.copy();
    const lost = () => world.record().then((record) => record.lost?.files.map(({ path }) => path));
    expect(await lost()).toEqual(['db-22.a.set']);

    const { result, notes } = await world.verify();

    expect(result).toBe('failed');
    expect(notes.join()).toContain('db-22.a.set');
    expect(await lost()).toEqual(['db-22.a.set']);
    expect(await pointsOf(world)).toEqual(['db-22 corrupt', 'db-23 good', 'db-24 good']);
  });

  it('is whole again when it is as it was copied by now', async () => {
    const bytes = (await world.copied()).get('db-22.a.set')!;
    await world.damage('db-22.a.set', null);
    await write(world, 24);
    await world.copy();
    await world.damage('db-22.a.set', bytes);

    expect((await world.verify()).result).toBe('success');

    expect((await world.record()).lost).toBeUndefined();
    expect(await pointsOf(world)).toEqual(['db-22 good', 'db-23 good', 'db-24 good']);
  });

  it('is looked for in all files when the record does not name all of it', async () => {
    await world.damage('db-22.a.set', null);
    const record = await world.record();
    const points = record.points.map((point) => ({ ...point, health: 'corrupt' as const }));
    const lost = { count: 300, files: [] };
    await writeTreeRecord(world.target, world.tree, { ...record, points, lost });

    await world.verify();

    expect(await pointsOf(world)).toEqual(['db-22 corrupt', 'db-23 good']);
  });
});
