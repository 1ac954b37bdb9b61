import { describe, expect, it } from 'vitest';
import type { PointEvidence } from '../../../../src/domain/sources/point-state.js';
import type { SourceRestorePoint } from '../../../../src/domain/sources/source-workload.js';
import {
  awaitedNoLonger,
  awaitedPoints,
  pauseBeforeLookMs,
  settlePoints,
  type AwaitedPoint,
  type SettleRule,
} from '../../../../src/domain/sources/settle.js';

const NOON = Date.parse('2026-11-24T12:00:00Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;
const RULE: SettleRule = { nowMs: NOON, settleMs: MINUTE };

function point(
  id: string,
  changedAtMs: number,
  changes: Partial<SourceRestorePoint> & { closing?: PointEvidence['closing'] } = {},
): SourceRestorePoint {
  const { closing = 'silent', ...rest } = changes;
  return {
    id,
    workloadId: 'vm',
    createdAtMs: NOON - HOUR,
    kind: 'full',
    parentId: null,
    disks: [disk('vda')],
    companions: [],
    state: 'complete',
    reason: null,
    fingerprint: null,
    evidence: { closing, changedAtMs, files: `${id} of ${String(changedAtMs)}` },
    ...rest,
  };
}

function disk(name: string): SourceRestorePoint['disks'][number] {
  const stamp = { sizeBytes: 1, modifiedAtNs: '0', changedAtNs: '0', inode: '1' };
  return {
    disk: name,
    path: name,
    format: 'qcow2',
    kind: 'full',
    parentRestorePointId: null,
    stamp,
  };
}

function states(points: readonly SourceRestorePoint[], rule = RULE): string[] {
  return settlePoints(points, rule).map(({ state }) => state);
}

describe('settlePoints', () => {
  it.each([
    [59 * SECOND, 'inProgress'],
    [60 * SECOND, 'complete'],
    [0, 'inProgress'],
    [-30 * SECOND, 'inProgress'],
  ])('finds a point that changed %i ms ago, of which its tool says nothing, %s', (ago, state) => {
    expect(states([point('a', NOON - ago)])).toEqual([state]);
  });

  it('says why a point is in progress, and when it is looked at again', () => {
    const [found] = settlePoints([point('a', NOON - 13 * SECOND)], RULE);
    expect(found).toMatchObject({
      state: 'inProgress',
      lookAgainAtMs: NOON + 47 * SECOND,
      reason:
        'nothing says that it is whole, and it has changed within 60 s; it is looked at again at 2026-11-24 12:00:47 UTC',
    });
  });

  it('takes a point that its tool has closed at once', () => {
    expect(states([point('a', NOON, { closing: 'closed' })])).toEqual(['complete']);
  });

  it('takes everything at once with a settle time of 0', () => {
    const points = [
      point('a', NOON),
      point('b', NOON, { closing: 'awaited', state: 'incomplete' }),
    ];
    expect(settlePoints(points, { nowMs: NOON, settleMs: 0 })).toEqual(points);
  });

  it('gives a point that lacks a disk which the one before has ten times as long', () => {
    const before = point('a', NOON - HOUR, { disks: [disk('vda'), disk('vdb')] });
    const after = (ago: number) => [before, point('b', NOON - ago)];
    expect(states(after(599 * SECOND))).toEqual(['complete', 'inProgress']);
    expect(states(after(600 * SECOND))).toEqual(['complete', 'complete']);
    expect(settlePoints(after(0), RULE)[1]?.reason).toMatch(
      /^it lacks disk vdb, which the point before it has, and it has changed within 600 s; /,
    );
  });

  it('does not miss a disk once a point without it was taken', () => {
    const before = point('a', NOON - 2 * HOUR, { disks: [disk('vda'), disk('vdb')] });
    const without = point('b', NOON - HOUR);
    expect(states([before, without, point('c', NOON - MINUTE)])[2]).toBe('complete');
  });

  it.each(['incomplete', 'broken'] as const)(
    'finds a point that is %s in progress as long as it changes, and then what it was',
    (state) => {
      const found = (ago: number) =>
        settlePoints([point('a', NOON - ago, { state, reason: 'it ends early' })], RULE)[0];
      expect(found(10 * SECOND)?.state).toBe('inProgress');
      expect(found(10 * SECOND)?.reason).toMatch(/^it ends early, and it has changed within 60 s/);
      expect(found(MINUTE)).toMatchObject({ state, reason: 'it ends early' });
    },
  );

  it('waits ten times as long for the closing record that a tool will write', () => {
    const found = (ago: number) =>
      states([point('a', NOON - ago, { state: 'incomplete', closing: 'awaited' })]);
    expect(found(599 * SECOND)).toEqual(['inProgress']);
    expect(found(600 * SECOND)).toEqual(['incomplete']);
  });

  it('does not call a closed point with a fault broken while its files arrive', () => {
    const found = (ago: number) =>
      states([point('a', NOON - ago, { state: 'broken', closing: 'closed' })]);
    expect(found(10 * SECOND)).toEqual(['inProgress']);
    expect(found(MINUTE)).toEqual(['broken']);
  });

  it('never takes a point that could not be read for one that is written', () => {
    expect(states([point('a', NOON, { state: 'unknown' })])).toEqual(['unknown']);
  });

  it('finds what builds on a point in progress in progress, too', () => {
    const parent = point('a', NOON - 10 * SECOND);
    const child = point('b', NOON - HOUR, { kind: 'increment', parentId: 'a' });
    const grandchild = point('c', NOON - HOUR, { kind: 'increment', parentId: 'b' });
    expect(settlePoints([parent, child, grandchild], RULE).slice(1)).toMatchObject([
      {
        state: 'inProgress',
        lookAgainAtMs: NOON + 50 * SECOND,
        reason: 'it builds on a, which is in progress',
      },
      { state: 'inProgress', lookAgainAtMs: NOON + 50 * SECOND },
    ]);
  });

  it('leaves alone what a commit record vouches for', () => {
    const { evidence: _, ...copied } = point('a', NOON);
    expect(settlePoints([copied], RULE)).toEqual([copied]);
  });
});

describe('a clock of the storage that runs ahead', () => {
  const future = point('a', NOON + YEAR);

  it('makes a point wait one settle time of looks that see no change', () => {
    const first = settlePoints([future], RULE);
    expect(first).toMatchObject([{ state: 'inProgress', lookAgainAtMs: NOON + MINUTE }]);
    const seen = awaitedPoints(first, RULE).flatMap((awaited) => awaited.seen ?? []);
    const later = (ms: number) => ({ ...RULE, nowMs: NOON + ms, seen });
    expect(states([future], later(59 * SECOND))).toEqual(['inProgress']);
    expect(states([future], later(MINUTE))).toEqual(['complete']);
  });

  it('makes it wait anew when a look sees other files', () => {
    const seen = awaitedPoints(settlePoints([future], RULE), RULE).flatMap((a) => a.seen ?? []);
    const rule = { ...RULE, nowMs: NOON + MINUTE, seen };
    expect(settlePoints([point('a', NOON + YEAR + SECOND)], rule)).toMatchObject([
      { state: 'inProgress', lookAgainAtMs: NOON + 2 * MINUTE },
    ]);
  });

  it('of no more than the settle time is only waited out', () => {
    const rule = { ...RULE };
    const [found] = settlePoints([point('a', NOON + MINUTE)], rule);
    expect(found?.lookAgainAtMs).toBe(NOON + 2 * MINUTE);
    expect(awaitedPoints([found!], rule)).toMatchObject([{ seen: null }]);
  });
});

describe('pauseBeforeLookMs', () => {
  const awaited: AwaitedPoint[] = [
    { restorePointId: 'a', reason: '', lookAgainAtMs: NOON + 47 * SECOND, seen: null },
    { restorePointId: 'b', reason: '', lookAgainAtMs: NOON + MINUTE, seen: null },
  ];
  const daily = {
    mode: 'periodic',
    schedule: { type: 'daily', time: '22:00', timeZone: 'UTC' },
  } as const;
  const pause = (job: Parameters<typeof pauseBeforeLookMs>[0], waitedMs: number, list = awaited) =>
    pauseBeforeLookMs(job, list, { nowMs: NOON, waitedMs });

  it('lasts until the first of them may be whole', () => {
    expect(pause(daily, 0)).toBe(47 * SECOND);
  });

  it('grows with the time that was waited, up to ten minutes', () => {
    expect(pause(daily, 8 * MINUTE)).toBe(2 * MINUTE);
    expect(pause(daily, 4 * HOUR)).toBe(10 * MINUTE);
  });

  it('is never shorter than a second', () => {
    const past = [{ restorePointId: 'a', reason: '', lookAgainAtMs: NOON - HOUR, seen: null }];
    expect(pause(daily, 0, past)).toBe(SECOND);
  });

  it.each([
    ['twelve hours', daily, 12 * HOUR],
    [
      'its interval',
      { mode: 'periodic', schedule: { type: 'interval', everyMinutes: 30 } },
      30 * MINUTE,
    ],
    [
      'twelve hours with one start a day',
      { mode: 'periodic', schedule: { type: 'cron', expression: '0 22 * * *', timeZone: 'UTC' } },
      12 * HOUR,
    ],
    [
      'a quarter of an hour with starts that may come often',
      { mode: 'periodic', schedule: { type: 'cron', expression: '0 * * * *', timeZone: 'UTC' } },
      15 * MINUTE,
    ],
  ] as const)('ends after %s', (_, job, limitMs) => {
    expect(pause(job, limitMs - 20 * MINUTE < 0 ? 0 : limitMs - 20 * MINUTE)).not.toBeNull();
    expect(pause(job, limitMs - SECOND)).toBeNull();
  });

  it('is left to the watch of an immediate job, where the dates of the files tell', () => {
    const immediate = { ...daily, mode: 'immediate' } as const;
    expect(pause(immediate, 0)).toBeNull();
    const seen = { restorePointId: 'c', files: 'c', sinceMs: NOON };
    const ahead = [...awaited, { ...awaited[1]!, seen }];
    expect(pause(immediate, 0, ahead)).toBe(MINUTE);
  });

  it('is none when nothing is awaited', () => {
    expect(pause(daily, 0, [])).toBeNull();
  });
});

describe('awaitedNoLonger', () => {
  const reasonOf = (changedAtMs: number) =>
    settlePoints([point('a', changedAtMs)], RULE)[0]!.reason!;

  it.each([NOON - 30 * SECOND, NOON - 17 * SECOND])('promises no look (%i)', (changedAtMs) => {
    const why = 'nothing says that it is whole, and it has changed within 60 s';
    const reason = reasonOf(changedAtMs);
    expect(reason).toMatch(/; it is looked at again at /);
    expect(awaitedNoLonger(`x (${reason})`)).toBe(`x (${why}; the next session looks at it again)`);
    expect(awaitedNoLonger(reason, true)).toBe(`${why}; it is copied by a new order`);
  });
});
