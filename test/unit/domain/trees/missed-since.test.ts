import { describe, expect, it } from 'vitest';
import { lookedBeforeMs, missedSinceMs } from '../../../../src/domain/trees/missed-since.js';
import type { TargetTreePoint } from '../../../../src/domain/trees/target-tree.js';

const DAY = 86_400_000;
/** 10:00 UTC on that day of November 2026. */
const at = (day: number, hour = 10): number => Date.UTC(2026, 10, day, hour);

describe('since when something is missed', () => {
  it.each<[string, number | null, number, number]>([
    // when the source last showed a difference, now, since
    ['from now on', at(24), at(27), at(27)],
    ['from now on, where nothing was seen before', null, at(1), at(1)],
    ['from the last look on, where the clock is behind', at(26, 9), at(1), at(26, 9)],
    ['a day after the newest point, where that look was ahead', at(30), at(1), at(26)],
  ])('%s', (_, changedAtMs, nowMs, expected) => {
    const changedAt = changedAtMs === null ? null : new Date(changedAtMs).toISOString();
    const createdAt = '2026-11-25T10:00:00.000Z';
    const source = { restorePointId: 'run' };
    const points = [{ createdAt, copiedAt: createdAt, source } as TargetTreePoint];
    expect(missedSinceMs({ points, changedAt }, nowMs)).toBe(expected);
  });

  it.each<[string, number, number | null, number]>([
    // now, the last session, since
    ['from now on, where no session has a record', at(27), null, at(27)],
    ['from now on, where the last session is past', at(27), at(26), at(27)],
    ['from the last session on, where the clock is behind it', at(25), at(27), at(27)],
  ])('%s', (_, nowMs, lookedAtMs, expected) => {
    const copy = { points: [], changedAt: new Date(at(24)).toISOString() };
    expect(missedSinceMs(copy, nowMs, lookedAtMs)).toBe(expected);
  });

  it('from no session on that began a month after what the clock and the copy tell', () => {
    const copy = { points: [], changedAt: new Date(at(2)).toISOString() };
    expect(lookedBeforeMs(copy, at(27))).toBe(at(27) + 30 * DAY);
    expect(lookedBeforeMs(copy, 0)).toBe(at(2) + 30 * DAY);
  });
});
