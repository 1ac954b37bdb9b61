import { expect, it } from 'vitest';
import { simulateInTurns } from '../../../../src/api/previews/simulate-in-turns.js';
import { daily, targetChain } from '../../domain/retention/chain-builder.js';

const DAY_MS = 86_400_000;

function input(points: number, sessions: number) {
  const nowMs = Date.parse('2020-01-01T12:00:00Z') + points * DAY_MS;
  return {
    points: targetChain(daily('2020-01-01', points)),
    job: {
      ...({ mode: 'periodic', gfs: null, timeZone: 'UTC' } as const),
      retention: { type: 'restorePoints', value: 100_000 } as const,
    },
    ...{ immutableForDays: 0, mergeAllowed: true, nowMs },
    startsMs: Array.from({ length: sessions }, (_, i) => nowMs + (i + 1) * DAY_MS),
  };
}

it('a simulation lets others have a turn after each session', async () => {
  let isOver = false;
  let turns = 0;
  const take = () => {
    turns++;
    if (!isOver) setImmediate(take);
  };
  setImmediate(take);
  const { steps } = await simulateInTurns(input(3, 20));
  isOver = true;
  expect(steps).toHaveLength(20);
  expect(turns).toBeGreaterThanOrEqual(20);
});

it('a simulation that would take too long is refused with the days that would not', async () => {
  // The first two sessions look at 4 and 5 points, the third would at 6 more.
  await expect(simulateInTurns(input(3, 5), 10)).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
    message: 'days: so many restore points are simulated for 2 days at most',
  });
});
