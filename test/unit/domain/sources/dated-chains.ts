/** Chains with wrong dates, for the tests of what is believed of them. */

import fc from '../../../support/properties.js';
import type { GfsFlag, TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';
import { daily, targetChain } from '../retention/chain-builder.js';

export const DAY_MS = 86_400_000;
export const FUTURE = '2036-11-05T22:00:00Z';
export const EPOCH = '1970-01-01T00:00:00Z';

/** Days of November 2026, an hour after which each was copied; `wrong` gives some of them another date. */
export function november(
  count: number,
  wrong: Record<number, Partial<TargetRestorePoint>>,
): TargetRestorePoint[] {
  return targetChain(daily('2026-11-01', count)).map((point, index) => ({
    ...point,
    copiedAt: point.createdAt.replace('T22', 'T23'),
    ...wrong[index + 1],
  }));
}

/** A daily chain whose copies may lag, with wrong dates and wrong copy times here and there, never of the newest copy. */
export const drawnChain = fc
  .array(
    fc.record({
      lagHours: fc.integer({ min: 0, max: 60 }),
      wrong: fc.option(
        fc.oneof(
          fc.constantFrom(EPOCH, FUTURE, '2010-06-01T00:00:00Z', '2026-12-24T00:00:00Z'),
          fc
            .integer({ min: -4_000, max: 4_000 })
            .map((day) => new Date(Date.parse('2026-11-01') + day * DAY_MS).toISOString()),
        ),
        { freq: 3 },
      ),
      copyClock: fc.constantFrom('right', 'right', 'behind', 'behind', 'ahead'),
      behindDays: fc.constantFrom(1, 9, 30, 30, 2_500),
      isFlagged: fc.boolean(),
    }),
    { minLength: 2, maxLength: 30 },
  )
  .map((drawn) => {
    const truth = targetChain(daily('2026-11-01', drawn.length));
    let copiedMs = 0;
    let ahead = 0;
    // With none whose clocks were right below or at the end nothing tells which of both is wrong.
    let isSomeRight = drawn.at(-1)!.wrong === null;
    const points = truth.map((point, index): TargetRestorePoint => {
      const { lagHours, wrong, copyClock, behindDays, isFlagged } = drawn[index]!;
      copiedMs = Math.max(copiedMs, Date.parse(point.createdAt) + lagHours * 3_600_000);
      const isBetween = index < drawn.length - 1;
      const isBehind = copyClock === 'behind' && wrong === null && isSomeRight && isBetween;
      // Also where the source's clock is that of the copying machine; of most points it would be the present one that is wrong.
      const isAhead = copyClock === 'ahead' && isBetween && 2 * (ahead + 1) < drawn.length;
      if (isAhead) ahead++;
      else if (!isBehind) isSomeRight = true;
      const copiedAt = new Date(copiedMs).toISOString();
      return {
        ...point,
        createdAt: wrong ?? point.createdAt,
        copiedAt: isBehind
          ? new Date(copiedMs - behindDays * DAY_MS).toISOString()
          : isAhead
            ? FUTURE
            : copiedAt,
        flags: isFlagged ? (['weekly'] satisfies GfsFlag[]) : [],
      };
    });
    return {
      truth,
      points,
      nowMs: copiedMs + 60_000,
      isWrong: drawn.map(({ wrong }) => wrong !== null),
    };
  });
