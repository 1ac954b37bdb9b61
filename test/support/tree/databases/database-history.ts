import fc from 'fast-check';
import { LocalSessions } from '../../workflows/local-sessions.js';
import { SimulatedRepository } from '../../repository/simulated-repository.js';
import { SeededRandom } from '../../fuzz/seeded-random.js';
import { testJob } from '../../session/test-site.js';
import { HOUR_MS, type DatabaseTool, type ToolWorld } from './database-tool.js';
import { DatedSource } from './dated-source.js';
import { HanaTool } from './hana-tool.js';
import { MssqlTool, type MssqlNaming } from './mssql-tool.js';
import { RestorableJudge } from './restorable-judge.js';
import { RmanTool } from './rman-tool.js';

type DatabaseKind = 'hana' | 'rman' | 'mssql';

/** Some weeks of databases whose backups are copied. */
interface DatabaseHistory {
  readonly kind: DatabaseKind;
  readonly seed: number;
  readonly isRough: boolean;
  readonly keptDays: number;
  readonly toolDays: number;
  /** Data are backed up each day (4), or after days without; and by fulls alone, or by increments between them. */
  readonly dataSteps: number;
  readonly fullsOnly: boolean;
  /** One for each six hours: whether a session runs. */
  readonly sessions: readonly boolean[];
  /** From which six hours on for how many the clock of the database is wrong, or that of its storage, and by how much. */
  readonly clock: {
    readonly from: number;
    readonly steps: number;
    readonly hours: number;
    readonly isOfStorage: boolean;
  } | null;
}

const STEP_MS = 6 * HOUR_MS;
/** By so much a clock may be wrong, and each moment of the kept days is there all the same. */
const MOST_KNOWN_HOURS = 8;
const START_MS = Date.parse('2026-10-20T06:00:00Z');

export const aHistory: fc.Arbitrary<DatabaseHistory> = fc.record({
  kind: fc.constantFrom<DatabaseKind>('hana', 'rman', 'mssql'),
  seed: fc.nat(99_999),
  isRough: fc.boolean(),
  keptDays: fc.integer({ min: 3, max: 6 }),
  toolDays: fc.integer({ min: 2, max: 6 }),
  dataSteps: fc.constantFrom(4, 4, 7, 11),
  fullsOnly: fc.oneof(
    { weight: 2, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  sessions: fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    { minLength: 8, maxLength: 40 },
  ),
  clock: fc.option(
    fc.record({
      from: fc.nat(20),
      steps: fc.integer({ min: 1, max: 8 }),
      hours: fc.oneof(
        fc.integer({ min: -400, max: 400 }),
        fc.integer({ min: -MOST_KNOWN_HOURS, max: MOST_KNOWN_HOURS }),
        fc.integer({ min: -14, max: 14 }).map((minutes) => minutes / 60),
      ),
      isOfStorage: fc.boolean(),
    }),
    { freq: 3 },
  ),
});

/** @returns how many points were called good, and were; and to how many moments it was brought
 *  @throws what is wrong with the copy */
export async function liveThrough(
  history: DatabaseHistory,
): Promise<Record<'good' | 'moments', number>> {
  const { kind, seed, isRough, keptDays, toolDays, dataSteps, fullsOnly } = history;
  // Of logs that are lost while a clock is wrong nothing tells when they were made.
  // Of one that was wrong from the first backup on nothing tells either, until it is set.
  const isTold = kind !== 'rman' || history.clock?.from !== 0;
  const clock = isRough || !isTold ? null : history.clock;
  const random = new SeededRandom(seed);
  const world: ToolWorld = {
    source: new DatedSource('primary'),
    ...{ nowMs: START_MS, aheadMs: 0, isRough, dataSteps, fullsOnly, keptDays: toolDays },
  };
  const tools = toolsOf(kind, world, random);
  const target = new SimulatedRepository('offsite');
  const judge = new RestorableJudge(tools, keptDays);
  const retention = { type: 'days', value: keptDays } as const;
  const job = testJob({
    mode: 'immediate',
    transactionLogs: true,
    restorePoints: 'all',
    retention,
  });
  for (const [step, runs] of [...history.sessions, true].entries()) {
    const isWrong = clock !== null && step >= clock.from && step < clock.from + clock.steps;
    const aheadMs = isWrong ? Math.round(clock.hours * HOUR_MS) : 0;
    world.aheadMs = clock?.isOfStorage === true ? 0 : aheadMs;
    world.source.aheadMs = clock?.isOfStorage === true ? aheadMs : 0;
    for (const tool of tools) await tool.work(random);
    if (runs) {
      const outcome = await new LocalSessions([world.source, target]).tryToCopy(
        job,
        world.nowMs + 10 * 60_000,
      );
      const told = JSON.stringify(outcome);
      if (outcome.result === 'failed' || outcome.result === 'actionRequired') throw new Error(told);
      await judge.judge({
        ...{ target, told, shown: world.source.files },
        ...{ nowMs: world.nowMs + 10 * 60_000, isTimeKnown: clock === null },
        isWindowKnown: clock === null || Math.abs(clock.hours) <= MOST_KNOWN_HOURS,
      });
    }
    world.nowMs += STEP_MS;
  }
  return judge;
}

function toolsOf(kind: DatabaseKind, world: ToolWorld, random: SeededRandom): DatabaseTool[] {
  switch (kind) {
    case 'hana':
      return hanaTools(world, random);
    case 'rman': {
      const zoneMs = random.oneOf([0, 2, -5]) * HOUR_MS;
      const packsLogs = random.below(2) === 0;
      return ['ORCL', 'CRM']
        .slice(0, 1 + random.below(2))
        .map((area) => new RmanTool(world, area, zoneMs, packsLogs));
    }
    case 'mssql': {
      const naming = random.oneOf<MssqlNaming>(['ola', 'plan', 'own']);
      return ['Sales', 'HR']
        .slice(0, 1 + random.below(2))
        .map((name) => new MssqlTool(world, '', name, naming));
    }
  }
}

const WEEK_DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** In the folders that HANA makes, or the system database and a tenant in one. */
function hanaTools(world: ToolWorld, random: SeededRandom): HanaTool[] {
  const prefixes = [
    (atMs: number) =>
      `${new Date(atMs).toISOString().slice(0, 10)}_${new Date(atMs).toISOString().slice(11, 13)}`,
    () => 'COMPLETE_DATA_BACKUP',
    (atMs: number) => WEEK_DAYS[new Date(atMs).getUTCDay()]!,
  ];
  const prefixOf = random.oneOf(prefixes);
  if (random.below(2) === 0) {
    const places = { data: 'data/DB_HDB/', log: 'log/DB_HDB/', catalog: 'catalog/DB_HDB/' };
    return [new HanaTool(world, places, [2, 3], prefixOf)];
  }
  const places = { data: '', log: '', catalog: '' };
  return [
    new HanaTool(world, places, [1], (atMs) => `SYSTEMDB_${prefixOf(atMs)}`),
    new HanaTool(world, places, [2, 3], (atMs) => `HDB_${prefixOf(atMs)}`),
  ];
}
