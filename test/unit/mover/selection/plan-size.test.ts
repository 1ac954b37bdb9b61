import { expect, it } from 'vitest';
import { boundedPlan } from '../../../../src/mover/selection/plan-size.js';

const texts = (count: number, characters = 10) =>
  Array.from({ length: count }, (_, n) => String(n).padEnd(characters, 'x'));

function planOf(count: number, characters = 10) {
  const entries = texts(count, characters);
  return {
    workload: 'db01',
    algorithm: 'full' as const,
    estimatedBytes: 1,
    lookAgainAt: null,
    restorePoints: texts(count),
    reasons: entries,
    retention: {
      keep: texts(count).map((id) => ({ id, reasons: ['it is one of the newest'] })),
      actions: entries,
      warnings: entries,
    },
  };
}

it('leaves a plan of ordinary size as it is', () => {
  expect(boundedPlan(planOf(200))).toEqual({ ...planOf(200), omitted: 0 });
});

it('keeps the plan of a workload below a payload, however many points it has, and counts what it left out', () => {
  const plan = boundedPlan(planOf(20_000, 2_000));

  expect(plan.restorePoints).toEqual(texts(200));
  expect(plan.retention.keep.map(({ id }) => id)).toEqual(texts(20_000).slice(-200));
  expect(plan.reasons).toHaveLength(200);
  expect(plan.omitted).toBe(5 * 19_800);
  expect(JSON.stringify(plan).length).toBeLessThan(1_000_000);
});
