import { describe, expect, it } from 'vitest';
import { immutableReason, mayBecomeFull } from '../../../../src/domain/retention/immutability.js';

const at = (text: string): number => Date.parse(text);
const POINT = { id: 'a', createdAt: '2026-11-01T22:00:00Z', copiedAt: '2026-11-03T01:00:00Z' };
/** Ten days; `asOf` as the clock unless the chain shows less. */
const rule = (now: string, asOf = now) => ({
  immutableForDays: 10,
  nowMs: at(now),
  asOfMs: at(asOf),
});

describe('a restore point of a repository that is immutable for ten days', () => {
  it.each([
    ['right after its copy', rule('2026-11-03T01:00:00Z'), 'immutable until 2026-11-13 01:00 UTC'],
    [
      'a second before they are over',
      rule('2026-11-13T00:59:59Z'),
      'immutable until 2026-11-13 01:00 UTC',
    ],
    ['when they are over', rule('2026-11-13T01:00:00Z'), null],
    [
      'under a clock years ahead of its chain',
      rule('2029-11-13T01:00:00Z', '2026-11-05T22:00:00Z'),
      'immutable until 2026-11-13 01:00 UTC',
    ],
    [
      'when its days are over for a chain that shows just that, and not a second earlier (over)',
      rule('2026-11-20T00:00:00Z', '2026-11-11T22:00:00Z'),
      null,
    ],
    [
      'when its days are over for a chain that shows just that, and not a second earlier (not over)',
      rule('2026-11-20T00:00:00Z', '2026-11-11T21:59:59Z'),
      'immutable until 2026-11-13 01:00 UTC',
    ],
    [
      'under a clock behind its copy',
      rule('2026-10-01T00:00:00Z'),
      'immutable until 2026-11-13 01:00 UTC',
    ],
  ])('%s', (_, given, reason) => {
    expect(immutableReason(POINT, given)).toBe(reason);
  });

  it('is as any other without days, also under a clock behind its copy', () => {
    expect(immutableReason(POINT, { ...rule('2026-10-01T00:00:00Z'), immutableForDays: 0 })).toBe(
      null,
    );
    expect(immutableReason(POINT, { ...rule('2026-11-03T01:00:00Z'), immutableForDays: 0 })).toBe(
      null,
    );
  });

  it.each([
    ['the newest one, an hour after its copy', 'a', '2026-11-03T02:00:00Z', true],
    ['the newest one, at the moment of its copy', 'a', '2026-11-03T01:00:00Z', true],
    ['the newest one, 24 hours after its copy', 'a', '2026-11-04T01:00:00Z', false],
    ['the newest one, before its copy by the clock', 'a', '2026-11-03T00:59:59Z', false],
    ['another one, an hour after its copy', 'b', '2026-11-03T02:00:00Z', false],
    ['another one, when its days are over', 'b', '2026-11-13T01:00:00Z', true],
  ])('may become a full or not: %s', (_, newest, now, expected) => {
    expect(mayBecomeFull(POINT, { id: newest }, rule(now))).toBe(expected);
  });

  it('may not become a full of its day when its chain is not known', () => {
    expect(mayBecomeFull(POINT, undefined, rule('2026-11-03T02:00:00Z'))).toBe(false);
  });
});
