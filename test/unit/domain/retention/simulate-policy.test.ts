import { describe, expect, it } from 'vitest';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import {
  simulatePolicy,
  startsAtPace,
  type SimulationInput,
} from '../../../../src/domain/retention/simulate-policy.js';
import { daily, targetChain } from './chain-builder.js';

const DAY_MS = 86_400_000;
type Policy = Pick<CopyJob, 'mode' | 'gfs' | 'retention' | 'timeZone'>;
const KEEP_3: Policy = {
  mode: 'periodic',
  gfs: null,
  retention: { type: 'restorePoints', value: 3 },
  timeZone: 'UTC',
};

/** A point each evening at 22:00 from the first of November 2026, a Sunday; sessions on the evenings that follow. */
function simulate(count: number, sessions: number, change: Partial<SimulationInput> = {}) {
  const points = targetChain(daily('2026-11-01', count));
  const firstMs = Date.parse('2026-11-01T22:00:00Z') + count * DAY_MS;
  const startsMs = Array.from({ length: sessions }, (_, i) => firstMs + i * DAY_MS);
  const nowMs = firstMs - DAY_MS / 2;
  const given = { points, job: KEEP_3, immutableForDays: 0, mergeAllowed: true, startsMs, nowMs };
  const played = simulatePolicy({ ...given, ...change });
  for (;;) {
    const next = played.next();
    if (next.done === true) return next.value;
  }
}

const day = (text: string) => text.slice(0, 10);

describe('a simulated policy', () => {
  it('keeps the newest points, and says after which session each of the others goes', () => {
    const { gone, left, steps } = simulate(5, 2);
    expect(left.map(({ createdAt, isNew }) => [day(createdAt), isNew])).toEqual([
      ['2026-11-05', false],
      ['2026-11-06', true],
      ['2026-11-07', true],
    ]);
    // Merged into the full one after the other: three at once by the first session, the next by the second.
    expect(
      gone.map(({ id, goneAtMs }) => [day(id), day(new Date(goneAtMs).toISOString())]),
    ).toEqual([
      ['2026-11-01', '2026-11-06'],
      ['2026-11-02', '2026-11-06'],
      ['2026-11-03', '2026-11-06'],
      ['2026-11-04', '2026-11-07'],
    ]);
    expect(left.map(({ kind }) => kind)).toEqual(['full', 'increment', 'increment']);
    expect(steps.map(({ points, oldestAt }) => [points, day(oldestAt)])).toEqual([
      [3, '2026-11-04'],
      [3, '2026-11-05'],
    ]);
  });

  it('makes weekly fulls on their day and keeps them for their weeks, with the reasons of a session', () => {
    const gfs = {
      weekly: { keep: 2, day: 'sunday' },
      monthly: null,
      yearly: null,
      fullMethod: 'synthetic',
    } as const;
    // From 2 November on, until Sunday 29 November: fulls of the 8th, 15th, 22nd and 29th.
    const points = targetChain(['2026-11-02']);
    const startsMs = Array.from(
      { length: 27 },
      (_, i) => Date.parse('2026-11-03T22:00:00Z') + i * DAY_MS,
    );
    const { left, gone } = simulate(0, 0, { points, startsMs, job: { ...KEEP_3, gfs } });
    const flagged = left.filter(({ flags }) => flags.length > 0);
    expect(flagged.map(({ createdAt, kind }) => [day(createdAt), kind])).toEqual([
      ['2026-11-22', 'full'],
      ['2026-11-29', 'full'],
    ]);
    expect(flagged[0]!.reasons).toContain('weekly 2 of 2 until 2026-12-06');
    // The chain of the 22nd goes with its last wanted increment, the 27th and 28th are among the newest three.
    expect(left.map(({ createdAt }) => day(createdAt)).slice(-3)).toEqual([
      '2026-11-27',
      '2026-11-28',
      '2026-11-29',
    ]);
    expect(gone.map(({ id }) => day(id))).toEqual(['2026-11-02']);
  });

  it('flags the newest point where that of a GFS day may not become a full any more', () => {
    // Sunday the 8th was copied in time, and its session died before it made the full.
    const points = targetChain(daily('2026-11-01', 8)).map((point, index) =>
      index === 0 ? { ...point, flags: ['weekly' as const] } : point,
    );
    const weekly = { keep: 4, day: 'sunday' } as const;
    const gfs = { weekly, monthly: null, yearly: null, fullMethod: 'synthetic' } as const;
    const { left } = simulate(8, 1, { points, job: { ...KEEP_3, gfs }, immutableForDays: 30 });
    expect(left.filter(({ flags }) => flags.length > 0).map((point) => day(point.id))).toEqual([
      '2026-11-01',
      '2026-11-09',
    ]);
  });

  it('lets nothing go that is immutable', () => {
    const { gone, left } = simulate(5, 2, { immutableForDays: 30 });
    expect(gone).toEqual([]);
    expect(left).toHaveLength(7);
  });

  it('of no sessions is the chain as it is, and touches no point that it was given', () => {
    const points = targetChain(daily('2026-11-01', 5));
    const before = structuredClone(points);
    const { left, steps, gone, warnings } = simulate(5, 0, { points });
    expect([left.length, steps, gone, warnings]).toEqual([5, [], [], []]);
    expect(left.at(-1)!.reasons).toEqual(['one of the 3 newest']);
    expect(left.flatMap(({ reasons }) => reasons).filter((text) => text.includes('1970'))).toEqual(
      [],
    );
    simulate(5, 3, { points });
    expect(points).toEqual(before);
  });
});

describe('the pace of restore points', () => {
  const nowMs = Date.parse('2026-11-26T12:00:00Z');
  const of = (...hoursAgo: number[]) =>
    hoursAgo.map((hours) => ({ createdAt: new Date(nowMs - hours * 3_600_000).toISOString() }));
  const inHours = (starts: readonly number[]) => starts.map((ms) => (ms - nowMs) / 3_600_000);

  it('is the middle of their gaps', () => {
    expect(inHours(startsAtPace(of(100, 18, 12, 6), nowMs, nowMs + DAY_MS))).toEqual([
      6, 12, 18, 24,
    ]);
  });

  it('is a day where there is one point alone, and never less than an hour', () => {
    expect(inHours(startsAtPace(of(5), nowMs, nowMs + 2 * DAY_MS))).toEqual([24, 48]);
    expect(startsAtPace(of(0.2, 0.1, 0), nowMs, nowMs + DAY_MS)).toHaveLength(24);
  });
});
