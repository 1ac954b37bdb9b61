import { describe, expect, it } from 'vitest';
import { pointsToRemove } from '../../../../src/domain/retention/point-removal.js';

const NOW_MS = Date.parse('2026-11-26T12:00:00Z');

/** `a<-b<-c` and a full `d` of a day each, from 2026-11-20 on. */
const POINTS = [
  { id: 'a', parentId: null },
  { id: 'b', parentId: 'a' },
  { id: 'c', parentId: 'b' },
  { id: 'd', parentId: null },
].map((point, day) => {
  const at = `2026-11-${20 + day}T00:00:00Z`;
  return { ...point, createdAt: at, copiedAt: at };
});

function removed(id: string, rule: { withDependents?: boolean; immutableForDays?: number } = {}) {
  const whole = { withDependents: false, immutableForDays: 0, nowMs: NOW_MS, ...rule };
  return pointsToRemove(POINTS, id, whole);
}

describe('what goes with a restore point', () => {
  it('is it alone when nothing builds on it', () => {
    expect([removed('c'), removed('d')]).toEqual([['c'], ['d']]);
  });

  it('is all that builds on it, dependents first, when that was said', () => {
    expect(removed('a', { withDependents: true })).toEqual(['c', 'b', 'a']);
  });

  it.each([
    ['b', {}, 'POINT_NEEDED'],
    ['x', {}, 'RESTORE_POINT_MISSING'],
    // Copied on 22 November: five days are over on the 27th.
    ['c', { immutableForDays: 5 }, 'POINT_IMMUTABLE'],
    ['a', { withDependents: true, immutableForDays: 5 }, 'POINT_IMMUTABLE'],
  ])('is nothing of %s with %j: %s', (id, rule, code) => {
    expect(() => removed(id, rule)).toThrowError(expect.objectContaining({ code }) as Error);
  });

  // No age is counted from later than a day after the newest point, which is the 24th (ADR 9).
  it('goes when its days are over by the time that its chain shows', () => {
    expect(removed('c', { immutableForDays: 2 })).toEqual(['c']);
  });
});
