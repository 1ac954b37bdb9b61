import { expect, it } from 'vitest';
import { placeWithin, untilOwnTurnMs } from '../../../../src/domain/schedules/own-turn.js';

const MINUTE_MS = 60_000;
const JOBS = Array.from({ length: 200 }, (_, number) => `job-${number}`);
const NOW_MS = Date.parse('2026-11-29T12:00:07.345Z');

it('spreads what begins in one moment for 200 jobs over the interval', () => {
  const counts = Array<number>(10).fill(0);
  for (const id of JOBS) {
    const atMs = NOW_MS + untilOwnTurnMs(id, MINUTE_MS, NOW_MS);
    counts[Math.floor(((atMs % MINUTE_MS) / MINUTE_MS) * 10)]! += 1;
  }
  // 20 in each tenth if they lay evenly.
  expect(Math.min(...counts)).toBeGreaterThan(8);
  expect(Math.max(...counts)).toBeLessThan(36);
});

it('comes round for each at the same place, after half an interval at least and one and a half at most', () => {
  for (const id of JOBS) {
    const pauseMs = untilOwnTurnMs(id, MINUTE_MS, NOW_MS);
    expect(pauseMs).toBeGreaterThanOrEqual(MINUTE_MS / 2);
    expect(pauseMs).toBeLessThanOrEqual(1.5 * MINUTE_MS);
    expect((NOW_MS + pauseMs) % MINUTE_MS).toBe(placeWithin(id, MINUTE_MS));
    // What takes a moment each time does not move it.
    expect(untilOwnTurnMs(id, MINUTE_MS, NOW_MS + pauseMs + 900)).toBe(MINUTE_MS - 900);
  }
});

it('is a whole pause for an interval of one millisecond', () => {
  expect(untilOwnTurnMs('nightly', 1, NOW_MS)).toBe(1);
});
