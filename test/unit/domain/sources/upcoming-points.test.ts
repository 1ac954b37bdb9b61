import { describe, expect, it } from 'vitest';
import { withUpcomingPoints } from '../../../../src/domain/sources/upcoming-points.js';
import { daily, targetChain } from '../retention/chain-builder.js';
import { brief, newest, plan } from '../retention/retention-plans.js';

const NOW = Date.UTC(2026, 10, 8);

function copy(day: number, kind: 'full' | 'increment' = 'increment') {
  const createdAtMs = Date.UTC(2026, 10, day, 22);
  return { restorePointId: `s${day}`, createdAtMs, kind };
}

describe('withUpcomingPoints', () => {
  it('lets retention count what is to be copied, so that its plan is that of the next session', () => {
    const points = targetChain(daily('2026-11-01', 5));
    expect(brief(plan(points, newest(5)).actions)).toEqual([]);
    const upcoming = withUpcomingPoints(points, [copy(6), copy(7)], 'primary', NOW);
    const { actions, keep } = plan(upcoming, newest(5));
    expect(brief(actions)).toEqual(['merge 01<02', 'merge 02<03']);
    expect(keep.slice(-2).map(({ id }) => id)).toEqual([
      '2026-11-06T220000Z',
      '2026-11-07T220000Z',
    ]);
  });

  it.each([NaN, 1e15, -1e15])(
    'leaves out what no session can copy: dated %s ms after 1970',
    (ms) => {
      const copies = [{ ...copy(1), createdAtMs: ms }];
      expect(withUpcomingPoints([], copies, 'primary', NOW)).toEqual([]);
    },
  );

  it('begins a chain on a damaged point, as the session does', () => {
    const points = targetChain(daily('2026-11-01', 2)).map((point, index) =>
      index === 1 ? { ...point, health: 'corrupt' as const } : point,
    );
    const [third, fourth] = withUpcomingPoints(points, [copy(3), copy(4)], 'p', NOW).slice(2);
    expect(third).toMatchObject({ kind: 'full', parentId: null, chainId: third!.id });
    expect(fourth).toMatchObject({ kind: 'increment', parentId: third!.id, chainId: third!.id });
  });

  it('begins a chain with a full, and with an increment that has nothing to build on', () => {
    const made = withUpcomingPoints([], [copy(1), copy(2), copy(3, 'full'), copy(3)], 'p', NOW);
    expect(made.map(({ id, kind, parentId, chainId }) => [id, kind, parentId, chainId])).toEqual([
      ['2026-11-01T220000Z', 'full', null, '2026-11-01T220000Z'],
      ['2026-11-02T220000Z', 'increment', '2026-11-01T220000Z', '2026-11-01T220000Z'],
      ['2026-11-03T220000Z', 'full', null, '2026-11-03T220000Z'],
      ['2026-11-03T220000Z-2', 'increment', '2026-11-03T220000Z', '2026-11-03T220000Z'],
    ]);
  });
});
