import { describe, expect, it } from 'vitest';
import type { PointEvidence } from '../../../../src/domain/sources/point-state.js';
import { settledTreePoints } from '../../../../src/domain/trees/settled-tree.js';
import { type TreePoint } from '../../../../src/domain/trees/source-tree.js';

const NOON = Date.parse('2026-11-24T12:00:00Z');
const RULE = { nowMs: NOON, settleMs: 60_000 };

function point(id: string, changes: Partial<TreePoint> = {}): TreePoint {
  return {
    ...{ id, createdAtMs: NOON - 3_600_000, kind: 'full', needs: [], state: 'complete' },
    ...{ reason: null, files: [id], ...changes },
  };
}

function written(secondsAgo: number, closing: PointEvidence['closing']): PointEvidence {
  return { closing, changedAtMs: NOON - secondsAgo * 1000, files: '1:1:1' };
}

describe('settledTreePoints', () => {
  it.each<[string, Partial<TreePoint>, string]>([
    ['that there is nothing to wait for', {}, 'complete'],
    ['whose tool says nothing, 59 s later', { evidence: written(59, 'silent') }, 'inProgress'],
    ['whose tool says nothing, 60 s later', { evidence: written(60, 'silent') }, 'complete'],
    ['that its tool has closed just now', { evidence: written(0, 'closed') }, 'complete'],
    [
      'without its closing record, 9 min later',
      { state: 'incomplete', reason: 'x', evidence: written(540, 'awaited') },
      'inProgress',
    ],
    [
      'without its closing record, 10 min later',
      { state: 'incomplete', reason: 'x', evidence: written(600, 'awaited') },
      'incomplete',
    ],
  ])('judges a point %s', (_, changes, state) => {
    expect(settledTreePoints({ id: 'db', points: [point('a', changes)] }, RULE)).toMatchObject([
      { id: 'a', files: ['a'], state },
    ]);
  });

  it('lets what needs a point in progress wait, too', () => {
    const points = [
      point('full', { evidence: written(1, 'silent') }),
      point('log', { kind: 'log', needs: ['full'] }),
    ];
    expect(settledTreePoints({ id: 'db', points }, RULE).map(({ state }) => state)).toEqual([
      'inProgress',
      'inProgress',
    ]);
  });
});
