import { describe, expect, it } from 'vitest';
import { expiresAtMs, expiryOf, type ExpiryRule } from '../../../../src/domain/retention/expiry.js';
import { daily, targetChain } from './chain-builder.js';

const at = (text: string): number => Date.parse(text);
/** Copied on 1 and 2 November 2026 at 22:00 UTC. */
const points = targetChain(daily('2026-11-01', 2));
const [first, second] = points.map(({ id }) => id);
const once = (expiresAt: string | null) => ({ restorePointId: null, expiresAt });
const rule = (change: Partial<ExpiryRule> = {}): ExpiryRule => ({
  isOrdered: false,
  immutableForDays: 0,
  leasedPointIds: new Set(),
  nowMs: at('2026-12-01T00:00:00Z'),
  ...change,
});

describe('a one-time copy', () => {
  it('goes whole from its date on, what builds on something first, however old its newest point is', () => {
    const date = once('2026-12-01T00:00:00Z');
    expect(expiryOf(points, date, rule())).toEqual({ ids: [second, first], heldBy: null });
    expect(expiryOf(points, date, rule({ nowMs: at('2026-11-30T23:59:59Z') }))).toEqual({
      ids: [],
      heldBy: 'it stays until 2026-12-01 00:00 UTC',
    });
  });

  it('goes without a date only when an operator says so', () => {
    expect(expiryOf(points, once(null), rule())).toEqual({
      ids: [],
      heldBy: 'it has no date after which it is removed',
    });
    expect(expiryOf(points, once(null), rule({ isOrdered: true })).ids).toEqual([second, first]);
  });

  it.each([false, true])(
    'stays whole while a point is immutable or in use (ordered: %s)',
    (isOrdered) => {
      const date = once('2026-11-03T00:00:00Z');
      // 30 days from 2 November 22:00.
      expect(expiryOf(points, date, rule({ isOrdered, immutableForDays: 30 }))).toEqual({
        ids: [],
        heldBy: `restore point ${second!} is immutable until 2026-12-02 22:00 UTC`,
      });
      expect(expiryOf(points, date, rule({ isOrdered, immutableForDays: 28 })).heldBy).toBeNull();
      const leasedPointIds = new Set([first!]);
      expect(expiryOf(points, date, rule({ isOrdered, leasedPointIds }))).toEqual({
        ids: [],
        heldBy: `restore point ${first!} is in use`,
      });
    },
  );

  it('does not go while the clock is behind its copy', () => {
    const ahead = points.map((point) => ({ ...point, copiedAt: '2027-01-01T00:00:00Z' }));
    expect(expiryOf(ahead, once('2026-11-03T00:00:00Z'), rule())).toEqual({
      ids: [],
      heldBy: `restore point ${first!} was copied after the present time; check the clock`,
    });
  });

  it.each([
    ['its date', '2026-12-05T00:00:00Z', 30, '2026-12-05T00:00:00Z'],
    ['the last day of an immutable point', '2026-11-03T00:00:00Z', 30, '2026-12-02T22:00:00Z'],
  ])('is shown to stay until %s, whichever is later', (_, expiresAt, immutableForDays, end) => {
    expect(expiresAtMs(points, once(expiresAt), immutableForDays)).toBe(at(end));
    const heldAt = (nowMs: number) =>
      expiryOf(points, once(expiresAt), rule({ immutableForDays, nowMs })).heldBy;
    expect(heldAt(at(end) - 1)).not.toBeNull();
    expect(heldAt(at(end))).toBeNull();
    expect(expiresAtMs(points, once(null), immutableForDays)).toBeNull();
  });

  it('has nothing left to go when it has no point', () => {
    expect(expiryOf([], once(null), rule())).toEqual({ ids: [], heldBy: null });
  });
});
