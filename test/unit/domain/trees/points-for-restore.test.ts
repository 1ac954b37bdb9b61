import { describe, expect, it } from 'vitest';
import { missingTexts, pointsNeededBy } from '../../../../src/domain/trees/points-for-restore.js';
import type { TargetTreePoint } from '../../../../src/domain/trees/target-tree.js';

const RULES = { logsBeforeFullMs: 15 * 60_000 };

function copied(
  id: string,
  createdAt: string,
  kind: TargetTreePoint['kind'],
  needs: readonly string[],
  more: Partial<TargetTreePoint> = {},
): TargetTreePoint {
  const at = `2026-11-${createdAt}:00.000Z`;
  return {
    ...{ id: `copy of ${id}`, createdAt: at, copiedAt: at, kind, needs, files: [id] },
    ...{ fileCount: 1, sizeBytes: 7, health: 'good', verifiedAt: null, flags: [] },
    ...{ source: { repositoryId: 'r', restorePointId: id }, ...more },
  };
}

describe('what a restore of a point of sets takes', () => {
  const POINTS = [
    copied('full', '20T10:00', 'full', []),
    copied('other', '20T11:00', 'full', []),
    copied('diff', '21T10:00', 'increment', ['full']),
    copied('log', '21T11:00', 'log', ['diff']),
    copied('lone', '22T10:00', 'log', ['gone', 'log']),
  ];
  const taken = (points: readonly TargetTreePoint[], id: string) => {
    const { points: needed, missing } = pointsNeededBy(points, `copy of ${id}`, RULES);
    return [needed.map(({ source }) => source.restorePointId).join(' '), missing.join(' ')];
  };

  it('is what it needs, and what that needs', () => {
    expect(taken(POINTS, 'log')).toEqual(['full diff log', '']);
    expect(taken(POINTS, 'other')).toEqual(['other', '']);
  });

  it('lacks what it needs and the copy does not have, and says so with the gaps before it', () => {
    expect(taken(POINTS, 'lone')).toEqual(['full diff log lone', 'gone']);
    const gapped = POINTS.map((point) =>
      point.id === 'copy of log' ? { ...point, gap: 'log 7 is missing' } : point,
    );
    expect(missingTexts(gapped, 'copy of lone', RULES)).toEqual([
      'it needs gone, which the copy does not have',
      'log: log 7 is missing',
    ]);
    expect(missingTexts(gapped, 'copy of diff', RULES)).toEqual([]);
  });

  it('has the full that serves a log when the logs before that full are gone', () => {
    const points = [
      copied('last', '20T09:50', 'log', ['let go']),
      copied('full', '20T10:00', 'full', []),
      copied('first', '20T10:10', 'log', ['last']),
      copied('next', '20T10:20', 'log', ['first']),
    ];
    expect(taken(points, 'next')).toEqual(['last full first next', '']);
    expect(missingTexts(points, 'copy of next', RULES)).toEqual([]);
    expect(taken(points, 'last')).toEqual(['last', 'let go']);
  });
});
