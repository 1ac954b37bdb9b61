import { expect, it } from 'vitest';
import { chainFacts, sourceFacts } from '../../../../src/domain/safety/find-facts.js';
import { safetyOf } from '../../../../src/domain/safety/safety.js';
import type {
  SourceRestorePoint,
  SourceWorkload,
} from '../../../../src/domain/sources/source-workload.js';
import type { SourceTree } from '../../../../src/domain/trees/source-tree.js';
import type { TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';
import { facts, nightly, NOW_MS, repository, source } from '../../../support/safety/known-facts.js';
import { testJob } from '../../../support/session/test-site.js';
import { targetChain } from '../retention/chain-builder.js';

const HOLDER = {
  jobId: 'nightly',
  workload: { id: 'id-web10', name: 'web10', type: 'libvirt-kvm' },
  presence: { lastSeenAt: null, absence: null },
} as const;

function factsOf(points: readonly TargetRestorePoint[]) {
  return chainFacts(HOLDER, points, null, 'nightly:id-web10', NOW_MS);
}

function seconds(instant: string): number {
  return Date.parse(instant) / 1_000;
}

/** The second of four nights, until today 02:00 UTC, is dated a year ahead by its source. */
const DAYS = ['23', '24', '25', '26'].map((day) => `2026-11-${day}T02:00:00Z`);
const AHEAD = targetChain(DAYS).map((point, index) =>
  index === 1 ? { ...point, createdAt: '2027-11-24T02:00:00Z' } : point,
);
const AHEAD_COPIED = AHEAD.map((point, index) =>
  index === 1 ? { ...point, copiedAt: '2027-11-24T03:00:00Z' } : point,
);
/** As trees have them: in the order of what their sources say. */
const TREE = [...AHEAD].sort((a, b) => a.createdAt.localeCompare(b.createdAt));

it.each([
  ['a chain', AHEAD],
  ['a chain, and was copied then', AHEAD_COPIED],
  ['a tree', TREE],
])('takes a restore point of %s that is dated a year ahead for one of its time', (_, points) => {
  const { recentAtSeconds, newestCopiedAt, oldestAt } = factsOf(points);
  expect(Math.max(...recentAtSeconds)).toBe(seconds('2026-11-26T02:00:00Z'));
  expect(newestCopiedAt).toBe('2026-11-26T02:00:00Z');
  expect(oldestAt).toBe('2026-11-23T02:00:00.000Z');
});

it.each([
  ['a limit of its age', { maxCopyAgeHours: 26, maxLagHours: null }, AHEAD, 'ok'],
  ['a limit of its age, in a tree', { maxCopyAgeHours: 26, maxLagHours: null }, TREE, 'ok'],
  [
    'a limit behind the source, when two nights are not copied',
    { maxCopyAgeHours: null, maxLagHours: 4 },
    AHEAD.slice(0, 2),
    'late',
  ],
] as const)('judges copies beside one from the future by %s', (_, limits, points, state) => {
  const shown = {
    ...source('web10', 12),
    recentAtSeconds: AHEAD.map(({ createdAt }) => seconds(createdAt)).sort((a, b) => b - a),
  };
  const job = testJob({ rpo: { ...limits, workloads: [] } });
  const repositories = [repository('primary', [shown]), repository('offsite', [factsOf(points)])];
  const known = facts([], [], { repositories, jobs: [nightly({ job })] });
  expect(safetyOf(known, NOW_MS).workloads).toMatchObject([{ name: 'web10', state }]);
});

it('counts no night as copied whose only copy is damaged, and one whose copy hides the damage below it', () => {
  const points = targetChain(DAYS);
  const damaged = points.map((point, index) => ({
    ...point,
    ...(index === 2 ? { health: 'corrupt' as const } : {}),
    ...(index === 3 ? { verifiedAt: '2026-11-26T08:00:00Z' } : {}),
  }));
  expect(factsOf(points).days.slice(-5)).toEqual([0, 1, 1, 1, 1]);
  expect(factsOf(damaged).days.slice(-5)).toEqual([0, 1, 1, 0, 1]);
  expect(factsOf(damaged)).toMatchObject({ damagedCount: 1, newestCopiedAt: DAYS[3] });
});

it.each([
  { checked: [], newest: 0, counted: [1, 1, 0, 0, 0] },
  // In a check of before the point was copied is what a merge left.
  { checked: [[3, '2026-11-20T08:00:00Z']], newest: 0, counted: [1, 1, 0, 0, 0] },
  { checked: [[2, '2026-11-26T08:00:00Z']], newest: 3, counted: [1, 1, 0, 1, 1] },
  { checked: [[3, '2026-11-26T08:00:00Z']], newest: 3, counted: [1, 1, 0, 0, 1] },
] as const)(
  'counts what an earlier release built on damage only when it was checked since: $checked',
  ({ checked, newest, counted }) => {
    const days = ['2026-11-22T02:00:00Z', ...DAYS];
    const built = targetChain(days).map((point, index) => ({
      ...point,
      verifiedAt: checked.find(([at]) => at === index - 1)?.[1] ?? point.copiedAt,
      ...(index === 2 ? { health: 'corrupt' as const } : {}),
    }));
    const facts = factsOf(built);
    expect(facts.days.slice(-5)).toEqual(counted);
    expect(facts).toMatchObject({ damagedCount: 1, newestCopiedAt: days[newest + 1] });
  },
);

it('has when the point was read that was not read for the longest: by a check, else when it was copied', () => {
  const points = targetChain(DAYS);
  const verified = ['2026-11-26T08:00:00Z', null, '2026-11-26T09:00:00Z', null];
  const read = points.map((point, index) => ({ ...point, verifiedAt: verified[index]! }));
  expect(factsOf(read).leastReadAt).toBe('2026-11-24T02:00:00Z');
  // What is damaged is told as such.
  const damaged = read.map((point, index) =>
    index === 1 ? { ...point, health: 'corrupt' as const } : point,
  );
  expect(factsOf(damaged).leastReadAt).toBe('2026-11-26T02:00:00Z');
  expect(factsOf([]).leastReadAt).toBeNull();
});

/** Three nights of a machine in its source, the last ones in these states. */
function shownWith(...states: SourceRestorePoint['state'][]) {
  return shown(states, {}, NOW_MS);
}

function shown(
  states: readonly SourceRestorePoint['state'][],
  changes: Partial<SourceRestorePoint> & Pick<SourceWorkload, 'tree'>,
  nowMs: number,
) {
  const { tree, ...point } = changes;
  const restorePoints = states.map((state, index) => ({
    ...{ id: `p${index}`, kind: 'full' as const, parentId: null, disks: [], state },
    createdAtMs: Date.parse(DAYS[index]!),
    reason: state === 'complete' ? null : 'permission is denied (EACCES)',
    ...(state === 'complete' ? {} : point),
  }));
  const workload = { id: 'id-web10', name: 'web10', type: 'olvm-rhv', restorePoints, tree };
  return sourceFacts(workload as unknown as SourceWorkload, nowMs);
}

it.each([
  ['cannot be read', ['complete', 'unknown'], '2026-11-24 02:00 UTC, cannot be read (permission'],
  ['is the only one, and broken', ['broken'], '2026-11-23 02:00 UTC, is broken (permission'],
  ['is broken', ['complete', 'complete', 'broken'], '2026-11-25 02:00 UTC, is broken (permission'],
  ['cannot be read, while the next is made', ['complete', 'unknown', 'inProgress'], '2026-11-24'],
  [
    'was cut a day ago',
    ['complete', 'incomplete'],
    '2026-11-24 02:00 UTC, has been incomplete for more than a day (permission',
  ],
] as const)('says that the newest backup of a source %s', (_, states, words) => {
  const text = shownWith(...states).missed?.text;
  expect(text).toContain('its newest restore point, ');
  expect(text).toContain(words);
});

it.each([
  ['a whole one followed it', ['complete', 'broken', 'complete']],
  ['a whole one followed what was cut', ['complete', 'incomplete', 'complete']],
] as const)('says nothing of a backup that cannot be copied when %s', (_, states) => {
  expect(shownWith(...states).missed).toBeUndefined();
});

const CUT_MS = Date.parse('2026-11-24T02:00:00Z');
const HOUR_MS = 3_600_000;
const writtenAt = (changedAtMs: number): Pick<SourceRestorePoint, 'evidence'> => ({
  evidence: { closing: 'silent', changedAtMs, files: '' },
});
const LOG_TREE = { points: [{ id: 'p1', kind: 'log' }] } as unknown as SourceTree;

it.each([
  ['may become whole for a day', {}, 24, false],
  ['may not for longer', {}, 25, true],
  ['is still written to', writtenAt(CUT_MS + 40 * HOUR_MS), 48, false],
  ['was written to for long', writtenAt(CUT_MS + 40 * HOUR_MS), 65, true],
  ['has files from the future', writtenAt(CUT_MS + 9_999 * HOUR_MS), 25, true],
  ['is a log, which its session tells', { tree: LOG_TREE }, 48, false],
  ['is one of a chain that is merged', { copyId: 'c1' }, 48, false],
])('of an incomplete newest backup that %s', (_, changes, hours, isTold) => {
  const { missed } = shown(['complete', 'incomplete'], changes, CUT_MS + hours * HOUR_MS);
  expect(missed !== undefined).toBe(isTold);
});

it.each([
  ['may be kept by its tool for a day', {}, 24, false],
  ['is not readable for longer', {}, 25, true],
  ['is still written to', writtenAt(CUT_MS + 40 * HOUR_MS), 48, false],
])('of a newest backup that cannot be read and %s', (_, changes, hours, isTold) => {
  const { missed } = shown(['complete', 'unknown'], changes, CUT_MS + hours * HOUR_MS);
  expect(missed !== undefined).toBe(isTold);
});

it('is not safe over a machine whose newest backup cannot be read', () => {
  const copied = AHEAD.slice(0, 1);
  const shown = shownWith('complete', 'unknown');
  const job = testJob({ rpo: { maxCopyAgeHours: 9_999, maxLagHours: 4, workloads: [] } });
  const repositories = [repository('primary', [shown]), repository('offsite', [factsOf(copied)])];
  const known = facts([], [], { repositories, jobs: [nightly({ job })] });
  const { problems, verdict } = safetyOf(known, NOW_MS);
  expect(problems.map(({ code }) => code)).toContain('WORKLOAD_NOT_COPYABLE');
  expect(verdict.state).toBe('unsafe');
});
