import { describe, expect, it } from 'vitest';
import { hanaLayout } from '../../../../src/layout/hana/hana.js';
import { pbmLayout } from '../../../../src/layout/mongodb/pbm.js';
import { testJob } from '../../../support/session/test-site.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { TreeWorld } from '../../../support/tree/tree-world.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const RETENTION = { type: 'days', value: 30 } as const;

/** A session ten minutes later. */
async function session(world: TreeWorld, immutableForDays = 0) {
  world.nowMs += 10 * 60_000;
  const sessions = new LocalSessions([world.source, world.target], { immutableForDays });
  const { tasks } = await sessions.tryToCopy(world.job, world.nowMs);
  return tasks[0]!;
}

const pointsOf = async (world: TreeWorld) =>
  (await world.record()).points.map(({ source, health }) => `${source.restorePointId} ${health}`);

describe('files of sets that their tool keeps for the whole store', () => {
  it.each([0, 30])(
    'are no backup of a PBM store that was written over (immutable for %i days)',
    async (immutableForDays) => {
      makeTreesKnown(pbmLayout);
      const job = testJob({ retention: RETENTION, compact: null });
      const world = new TreeWorld('store', 'pbm', job, 'pbm-store');
      await world.write('.pbm.init', '2.4.1');
      for (const night of [20, 21, 22, 23]) {
        await writePbm(world, night);
        await session(world, immutableForDays);
      }
      for (const night of [20, 21]) for (const name of namesOfPbm(night)) await world.remove(name);
      await writePbm(world, 24);
      await session(world, immutableForDays);
      await world.write('.pbm.init', '2.5.0');
      await writePbm(world, 25);

      const { result, notes } = await session(world, immutableForDays);

      const nights = [20, 21, 22, 23, 24, 25].map((night) => `${pbmName(night)} good`);
      expect(await pointsOf(world)).toEqual(nights);
      expect({ result, notes }).toEqual({ result: 'success', notes: [] });
      const copied = await world.copied();
      expect(copied.get('.pbm.init')?.toString()).toBe('2.5.0');
      for (const name of namesOfPbm(20)) expect([...copied.keys()]).toContain(name);
    },
  );

  it('are no backup of HANA whose catalogue has no id', async () => {
    makeTreesKnown(hanaLayout);
    const job = testJob({ transactionLogs: true, mode: 'immediate', retention: RETENTION });
    const world = new TreeWorld('b', 'hana', job, 'hana-b');
    for (const day of [10, 11, 12]) {
      await writeHana(world, day);
      await session(world);
    }
    for (const name of namesOfHana(10)) await world.remove(name);
    await writeHana(world, 13);

    const { result, notes } = await session(world);

    expect(await pointsOf(world)).toEqual(
      [10, 11, 12, 13].map((day) => `2023_11_${day}_databackup good`),
    );
    expect({ result, notes }).toEqual({ result: 'success', notes: [] });
    const copied = await world.copied();
    expect(copied.get('log_backup_0_0_0_0')?.toString()).toBe('catalogue of 13');
    for (const name of namesOfHana(10)) expect([...copied.keys()]).toContain(name);
  });
});

const pbmName = (night: number) =>
  new Date(Date.UTC(2026, 10, night, 20)).toISOString().replace('.000', '');

function namesOfPbm(night: number): string[] {
  const name = pbmName(night);
  return [`${name}_rs0.dump`, `${name}_rs0.oplog`, `${name}.pbm.json`];
}

async function writePbm(world: TreeWorld, night: number): Promise<void> {
  const [dump, oplog, metadata] = namesOfPbm(night);
  const at = Date.UTC(2026, 10, night, 20) / 1000;
  const description = {
    ...{ name: pbmName(night), type: 'logical', status: 'done', compression: 'none' },
    ...{ start_ts: at, last_write_ts: { T: at, I: 1 } },
    replsets: [{ name: 'rs0', backup_name: dump, oplog_name: oplog }],
  };
  for (const name of [dump!, oplog!]) await world.write(name, `content of ${name}`);
  await world.write(metadata!, JSON.stringify(description));
}

const namesOfHana = (day: number) =>
  [0, 1].map((volume) => `2023_11_${day}_databackup_${volume}_1`);

/** The catalogue is written anew with each backup. */
async function writeHana(world: TreeWorld, day: number): Promise<void> {
  const id = `[BACKUPID]${Date.UTC(2023, 10, day, 20)}`;
  for (const name of namesOfHana(day))
    await world.write(name, Buffer.concat([Buffer.from(id), Buffer.alloc(8000, day)]));
  await world.write('log_backup_0_0_0_0', `catalogue of ${day}`);
}
