import { describe, expect, it } from 'vitest';
import { remadePoints } from '../../../../src/domain/trees/remade-points.js';
import { pointLosses } from '../../../../src/domain/trees/source-point-losses.js';
import type { TreePoint, TreePointKind } from '../../../../src/domain/trees/source-tree.js';
import type { TargetTreePoint } from '../../../../src/domain/trees/target-tree.js';
import { suspicionOfClasses } from '../../../../src/domain/trees/tree-guard.js';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse('2026-11-25T00:00:00Z');
const KINDS: Readonly<Record<string, TreePointKind>> = { f: 'full', d: 'increment', l: 'log' };
const SETS = { shape: 'sets', suspiciousShare: 0.5 } as const;

/** `f0 l1 d2`: kinds, each with its hour. */
function shownOf(text: string, broken = ''): TreePoint[] {
  return text
    .split(' ')
    .filter((id) => id !== '')
    .map((id) => ({
      ...{ id, kind: KINDS[id[0]!]!, createdAtMs: NOW_MS - (100 - Number(id.slice(1))) * HOUR_MS },
      ...{ needs: [], files: [id] },
      ...(broken.split(' ').includes(id)
        ? { state: 'broken', reason: 'no head' }
        : { state: 'complete', reason: null }),
    }));
}

function copiedOf(text: string): TargetTreePoint[] {
  return shownOf(text).map(({ id, kind, createdAtMs, needs, files }) => ({
    ...{ id, kind, needs, files, fileCount: 1, sizeBytes: 1, flags: [], verifiedAt: null },
    ...{ createdAt: new Date(createdAtMs).toISOString(), copiedAt: '2026-11-25T00:00:00.000Z' },
    ...{ health: 'good', source: { repositoryId: 'r', restorePointId: id } },
  }));
}

const lossesOf = (copied: string, shown: string, broken = '', agreed: readonly string[] = []) =>
  pointLosses(shownOf(shown, broken), copiedOf(copied), SETS, {
    ...{ agreed: new Set(agreed), nowMs: NOW_MS },
  });

describe('points of sets that the source does not show any more', () => {
  it.each<[string, string, string, string]>([
    ['nothing is gone', 'f0 l1 f2', 'f0 l1 f2', ''],
    ['the oldest went by their age', 'f0 l1 l2 f3 l4', 'l2 f3 l4', ''],
    ['a server keeps one day', 'f0 l1 l2 f24 l25', 'f48 l49', ''],
    ['fulls went by their age, and logs since are there', 'f0 l1 l2', 'l1 l2 l3', ''],
    ['weekly ones stay, and those between them went', 'f0 f24 f48 f72', 'f0 f72', ''],
    ['logs are kept for less long than fulls', 'f0 l1 l2 f24 l25', 'f0 f24 l25', ''],
    ['a differential went with the next full', 'f0 d1 d2 f24', 'f0 f24', ''],
    ['the newest fulls are gone', 'f0 f24 f48 f72', 'f0 f24', 'f48 f72'],
    ['all fulls are gone beside logs of their time', 'l0 f1 l2 f24 l25', 'l0 l2 l25', 'f1 f24'],
    ['the newest logs are gone', 'f0 l1 l2 l3', 'f0 l1', 'l2 l3'],
    ['a newer full has followed the logs that are gone', 'f0 l1 l2 l3', 'f0 l1 f4', ''],
  ])('%s', (_, copied, shown, gone) => {
    const found = lossesOf(copied, shown).gone.map(({ id }) => id);
    expect(found.join(' ')).toBe(gone);
  });

  it('are agreed to one by one', () => {
    const { gone, agreed } = lossesOf('f0 f24 f48', 'f0', '', ['f48']);
    expect(gone.map(({ id }) => id)).toEqual(['f24']);
    expect(agreed).toEqual(['f48']);
  });
});

describe('points that are broken at the source', () => {
  it.each<[string, string, string, boolean]>([
    ['one of one tells nothing', 'f0', 'f0', false],
    ['two of two are all', 'f0 f1', 'f0 f1', true],
    ['three of five are few', 'f0 f1 f2 f3 f4', 'f0 f1 f2', false],
    ['four of five are most', 'f0 f1 f2 f3 f4', 'f0 f1 f2 f3', true],
    ['backups count beside their logs', 'f0 f1 l2 l3 l4 l5 l6', 'f0 f1', true],
    ['logs count, too', 'f0 l2 l3 l4 l5 l6', 'l3 l4 l5 l6', true],
  ])('%s', (_, points, broken, isSuspicious) => {
    const { suspicion, broken: found } = lossesOf(points, points, broken);
    expect(suspicion !== null).toBe(isSuspicious);
    expect(found.map(({ id }) => id).join(' ')).toBe(broken);
  });

  it('are told by their files where these are other points now', () => {
    const now = shownOf('f0 f9', 'f9').map((point) =>
      point.id === 'f9' ? { ...point, files: ['f1'] } : point,
    );
    const found = pointLosses(now, copiedOf('f0 f1'), SETS, { agreed: new Set(), nowMs: NOW_MS });
    expect(found.broken.map(({ id }) => id)).toEqual(['f1']);
  });
});

it('a store whose increment is a full now has merged what is gone into it', () => {
  const copied = copiedOf('f0 d1 d2 d3').map((point, index) => ({
    ...{ ...point, files: null },
    needs: ['f0', 'd1', 'd2'].slice(0, index),
  }));
  const shown = shownOf('f2 d3').map((point) => ({ ...point, id: point.id.replace('f', 'd') }));
  expect([...remadePoints(shown, copied)].sort()).toEqual(['d1', 'd2', 'f0']);
});

it.each([
  ['four of seven of one kind', { steady: 7, rewritten: 4 }, true],
  ['three of five', { steady: 5, rewritten: 3 }, false],
  ['both of two', { steady: 2, rewritten: 2 }, true],
  ['the one that there is', { steady: 1, rewritten: 1 }, false],
  ['both of two that are appended to', { steady: 2, rewritten: 2, isImmutable: false }, false],
])('a store of which something has written over %s', (_, counts, expected) => {
  const kind = { name: 'indexes', isImmutable: true, ...counts };
  const many = { name: 'data', isImmutable: true, steady: 10_000, rewritten: 0 };
  const rules = { shape: 'store', suspiciousShare: 0.5 } as const;
  expect(suspicionOfClasses([many, kind], rules) !== null).toBe(expected);
});
