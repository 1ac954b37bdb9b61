import fc from '../../../support/properties.js';
import { describe, expect, it } from 'vitest';
import type { GfsPolicy } from '../../../../src/domain/jobs/copy-job.js';
import {
  planRetention,
  type RetentionAction,
  type RetentionInput,
} from '../../../../src/domain/retention/retention.js';
import type { GfsFlag, TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';
import { targetChain } from './chain-builder.js';

const START_MS = Date.parse('2027-02-01T00:00:00Z');
const HOUR_MS = 3_600_000;
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Pacific/Kiritimati'];

/** What is drawn for each point: hours since the one before, full or increment, flags, health. */
const drawnPoint = fc.record({
  gapHours: fc.integer({ min: 1, max: 80 }),
  isFull: fc.boolean(),
  flags: fc.subarray<GfsFlag>(['weekly', 'monthly', 'yearly']),
  isCorrupt: fc.boolean(),
});

const drawnPoints = fc
  .tuple(fc.array(drawnPoint, { minLength: 1, maxLength: 40 }), fc.boolean())
  .map(([drawn, oneChain]) => {
    let chain: TargetRestorePoint | undefined;
    let previous: string | null = null;
    let atMs = START_MS;
    return drawn.map(({ gapHours, isFull, flags, isCorrupt }): TargetRestorePoint => {
      atMs += gapHours * HOUR_MS;
      const [point] = targetChain([new Date(atMs).toISOString()]);
      if (point === undefined) throw new Error('no point');
      const startsChain = chain === undefined || (isFull && !oneChain);
      const made: TargetRestorePoint = {
        ...point,
        kind: startsChain ? 'full' : 'increment',
        parentId: startsChain ? null : previous,
        chainId: startsChain ? point.id : (chain?.id ?? point.id),
        flags: startsChain && !oneChain ? flags : [],
        health: isCorrupt && gapHours > 70 ? 'corrupt' : 'good',
      };
      if (startsChain) chain = made;
      previous = made.id;
      return made;
    });
  });

const gfs = fc.option(
  fc.constant<GfsPolicy>({
    weekly: { keep: 2, day: 'sunday' },
    monthly: { keep: 2, week: 'first' },
    yearly: null,
    fullMethod: 'synthetic',
  }),
);

const input: fc.Arbitrary<RetentionInput> = drawnPoints.chain((points) =>
  fc.record({
    points: fc.constant(points),
    policy: fc.record({
      type: fc.constantFrom('restorePoints' as const, 'days' as const),
      value: fc.integer({ min: 1, max: 12 }),
    }),
    gfs,
    endedGfs: fc.constantFrom(undefined, { weekly: 2, monthly: null, yearly: 1 }),
    timeZone: fc.constantFrom(...ZONES),
    nowMs: fc
      .integer({ min: 0, max: 400 })
      .map((hours) => Date.parse(points.at(-1)?.createdAt ?? '') + hours * HOUR_MS),
    immutableForDays: fc.constantFrom(0, 0, 3),
    leasedPointIds: fc.oneof(
      fc.constant([]),
      fc.constantFrom(...points).map((point) => [point.id]),
    ),
    unreadable: fc.constant(false),
    mergeAllowed: fc.boolean(),
  }),
);

/** Does the actions one by one on the list of points, and checks before each that it is possible there. */
function perform(
  points: readonly TargetRestorePoint[],
  actions: readonly RetentionAction[],
): TargetRestorePoint[] {
  let left = [...points];
  const remove = (id: string): void => {
    expect(left.some((point) => point.id === id)).toBe(true);
    expect(left.filter((point) => point.parentId === id)).toEqual([]);
    left = left.filter((point) => point.id !== id);
  };
  /** `id` becomes a full, with a chain of all that builds on it. */
  const becomeFull = (id: string): void => {
    const chain = new Set([id]);
    left = left.map((point) => {
      if (point.id === id) return { ...point, kind: 'full', parentId: null, chainId: id };
      if (point.parentId === null || !chain.has(point.parentId)) return point;
      chain.add(point.id);
      return { ...point, chainId: id };
    });
  };
  for (const action of actions) {
    if (action.type === 'merge') {
      const full = left.find((point) => point.id === action.fullId);
      expect(full?.kind).toBe('full');
      expect(
        left.filter((point) => point.parentId === action.fullId).map((point) => point.id),
      ).toEqual([action.incrementId]);
      becomeFull(action.incrementId);
      remove(action.fullId);
    } else if (action.type === 'synthetic') {
      becomeFull(action.restorePointId);
    } else {
      action.ids.forEach(remove);
    }
  }
  return left;
}

const runs = { numRuns: 1500 };

describe('every retention plan', () => {
  it('can be done in its order, and leaves exactly what it says it keeps, with all that is needed to restore it', () => {
    fc.assert(
      fc.property(input, (given) => {
        const result = planRetention(given);
        const left = perform(given.points as TargetRestorePoint[], result.actions);
        expect(left.map((point) => point.id)).toEqual(result.keep.map((point) => point.id));
        const ids = new Set(left.map((point) => point.id));
        for (const point of left)
          expect(point.parentId === null || ids.has(point.parentId)).toBe(true);
        for (const { reasons } of result.keep) expect(reasons.length).toBeGreaterThan(0);
      }),
      runs,
    );
  });

  it('leaves no fewer good points than asked for, and no fewer than three with days', () => {
    fc.assert(
      fc.property(input, (given) => {
        const good = given.points
          .filter((point) => point.health === 'good')
          .map((point) => point.id);
        const asked = given.policy.type === 'days' ? 3 : given.policy.value;
        const kept = new Set(planRetention(given).keep.map((point) => point.id));
        for (const id of good.slice(-asked)) expect(kept.has(id)).toBe(true);
        if (given.policy.type === 'days') {
          const sinceMs = given.nowMs - given.policy.value * 24 * HOUR_MS;
          for (const { id, createdAt } of given.points) {
            if (Date.parse(createdAt) >= sinceMs) expect(kept.has(id)).toBe(true);
          }
        }
      }),
      runs,
    );
  });

  it('touches no point that is in use or immutable, and none of those it builds on', () => {
    fc.assert(
      fc.property(input, (given) => {
        const parents = new Map(given.points.map((point) => [point.id, point.parentId]));
        const locked = given.points.filter(
          ({ id, copiedAt }) =>
            given.leasedPointIds.includes(id) ||
            Date.parse(copiedAt) + given.immutableForDays * 24 * HOUR_MS > given.nowMs,
        );
        const touched = new Set(
          planRetention(given).actions.flatMap((action) => {
            if (action.type === 'merge') return [action.fullId, action.incrementId];
            return action.type === 'synthetic' ? [action.restorePointId] : action.ids;
          }),
        );
        for (const { id } of locked) expect(touched.has(id)).toBe(false);
        for (const leased of given.leasedPointIds) {
          for (let id = parents.get(leased) ?? null; id !== null; id = parents.get(id) ?? null) {
            expect(touched.has(id)).toBe(false);
          }
        }
      }),
      runs,
    );
  });

  it('removes at no later time more than a day after the newest point, however far a clock runs ahead', () => {
    const YEARS_20 = 20 * 366 * 24 * HOUR_MS;
    fc.assert(
      fc.property(input, fc.integer({ min: 0, max: YEARS_20 }), (given, aheadMs) => {
        const nowMs = Date.parse(given.points.at(-1)?.createdAt ?? '') + 24 * HOUR_MS;
        const { actions } = planRetention({ ...given, nowMs });
        expect(planRetention({ ...given, nowMs: nowMs + aheadMs }).actions).toEqual(actions);
      }),
      runs,
    );
  });

  it('has nothing left to do when it is planned again after it was done', () => {
    fc.assert(
      fc.property(input, (given) => {
        const left = perform(given.points as TargetRestorePoint[], planRetention(given).actions);
        expect(planRetention({ ...given, points: left }).actions).toEqual([]);
      }),
      runs,
    );
  });
});
