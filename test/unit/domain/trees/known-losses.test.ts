import { describe, expect, it } from 'vitest';
import {
  areLossesKnown,
  LossList,
  lossesWithout,
  pointsWithout,
  type KnownLosses,
} from '../../../../src/domain/trees/known-losses.js';
import type { TargetTreePoint } from '../../../../src/domain/trees/target-tree.js';

function point(id: string, more: Partial<TargetTreePoint> = {}): TargetTreePoint {
  return {
    ...{ id: `copy-of-${id}`, createdAt: '2026-11-25T00:00:00.000Z', kind: 'full', needs: [] },
    ...{ copiedAt: '2026-11-25T01:00:00.000Z', files: null, fileCount: 1, sizeBytes: 1 },
    ...{ health: 'good', verifiedAt: null, flags: [] },
    source: { repositoryId: 'primary', restorePointId: id },
    ...more,
  };
}

const lost = (...paths: string[]): KnownLosses => ({
  count: paths.length,
  files: paths.map((path) => ({ path, digest: '0'.repeat(64), goneSinceMs: null })),
});

const SETS = [
  point('a', { files: ['a.bak'], health: 'corrupt' }),
  point('b', { files: ['b.bak'], health: 'corrupt', needs: ['a'] }),
  point('c', { files: ['c.bak'], health: 'unknown' }),
  point('d', { files: ['d.bak'] }),
];

function healthsWithout(before: KnownLosses | undefined, left: KnownLosses): string[] {
  const standing = { points: SETS, ...(before === undefined ? {} : { lost: before }) };
  const sets = { rules: { shape: 'sets' }, isBehind: false } as const;
  return pointsWithout(standing, SETS, left, sets).map(({ health }) => health);
}

describe('points of which files were sent again', () => {
  it.each<[string, KnownLosses, string[]]>([
    ['nothing', lost(), ['good', 'good', 'good', 'good']],
    ['a file that two of them need', lost('a.bak'), ['corrupt', 'corrupt', 'good', 'good']],
    ['a file of the second', lost('b.bak'), ['good', 'corrupt', 'good', 'good']],
    ['a file of one that counts as good', lost('d.bak'), ['good', 'good', 'good', 'good']],
  ])('are good but for those that need what is left: %s', (_, left, healths) => {
    expect(healthsWithout(lost('a.bak', 'b.bak', 'c.bak'), left)).toEqual(healths);
  });

  it.each<[string, KnownLosses | undefined, KnownLosses]>([
    ['it was never written what they suffer from', undefined, lost()],
    ['more was lost than is listed', { count: 3, files: lost('a.bak').files }, lost()],
    ['more is left than is listed', lost('a.bak'), { count: 2, files: lost('a.bak').files }],
  ])('stay what they are where %s', (_, before, left) => {
    expect(healthsWithout(before, left)).toEqual(['corrupt', 'corrupt', 'unknown', 'good']);
  });

  it('need what the source has removed while the copy is behind it', () => {
    const store = [point('s', { health: 'corrupt' })];
    const left = { count: 1, files: [{ path: 'data/1', digest: '', goneSinceMs: 5 }] };
    const before = { points: store, lost: left };
    const healthOf = (isBehind: boolean) =>
      pointsWithout(before, store, left, { rules: { shape: 'store' }, isBehind })[0]!.health;
    expect([healthOf(false), healthOf(true)]).toEqual(['good', 'corrupt']);
  });
});

describe('what is lost', () => {
  it('is counted beyond the 200 that are listed, and then it is not known of all', () => {
    const list = new LossList();
    for (let i = 0; i < 201; i++) list.add({ path: `${i}`, digest: '', goneSinceMs: null });
    const { count, files } = list.losses;
    expect([count, files.length]).toEqual([201, 200]);
    expect(areLossesKnown({ points: [], lost: list.losses })).toBe(false);
    expect(lossesWithout(list.losses, (path) => path === '7').count).toBe(200);
  });

  it('is known where all points are good and nothing is listed', () => {
    expect(areLossesKnown({ points: [point('a')] })).toBe(true);
    expect(areLossesKnown({ points: [point('a', { health: 'unknown' })] })).toBe(false);
  });
});
