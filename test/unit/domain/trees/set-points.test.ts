import { describe, expect, it } from 'vitest';
import {
  notOverwritten,
  overwrittenTexts,
  wholeSets,
  withNewFiles,
} from '../../../../src/domain/trees/set-points.js';
import { UNKNOWN_ORDER, type TreePoint } from '../../../../src/domain/trees/source-tree.js';
import type { TargetTreePoint } from '../../../../src/domain/trees/target-tree.js';

const CREATED = '2026-11-20T01:00:00.000Z';

function shown(id: string, files: readonly string[] | null, more: Partial<TreePoint> = {}) {
  return {
    ...{ id, createdAtMs: Date.parse(CREATED), kind: 'full', needs: [], files },
    ...{ state: 'complete', reason: null, ...more },
  } satisfies TreePoint;
}

function copied(id: string, files: readonly string[] | null): TargetTreePoint {
  return {
    ...{ id: `copy of ${id}`, createdAt: CREATED, copiedAt: CREATED, kind: 'full', needs: ['old'] },
    ...{ files, fileCount: files?.length ?? 9, sizeBytes: 7, health: 'good', verifiedAt: null },
    ...{ flags: [], source: { repositoryId: 'r', restorePointId: id } },
  };
}

describe('the points that are there once files were copied', () => {
  const have =
    (...paths: readonly string[]) =>
    (path: string) =>
      paths.includes(path);

  it.each<[string, TreePoint[], string[], string[], string, string[]]>([
    // points, ids copied before, files of the copy, points that are there, what is told of the others
    ['with all their files', [shown('a', ['1', '2'])], [], ['1', '2'], 'a', []],
    [
      'not with one of them alone',
      [shown('a', ['1', '2', '3'])],
      [],
      ['1'],
      '',
      ['restore point a is not in the copy: 2 of its files were not copied (2)'],
    ],
    ['that were there before, whatever is copied now', [shown('a', ['1'])], ['a'], [], 'a', []],
    ['that have no files of their own', [shown('a', null)], [], [], 'a', []],
    [
      'not without what they need, nor what needs them',
      [
        ...[shown('a', ['1']), shown('b', ['2'], { needs: ['x', 'a'] })],
        ...[shown('c', ['2'], { needs: ['b'] }), shown('d', ['2'])],
      ],
      [],
      ['2'],
      'd',
      [
        'restore point a is not in the copy: one of its files was not copied (1)',
        'restore point b is not in the copy: it needs a, which is not there',
        'restore point c is not in the copy: it needs b, which is not there',
      ],
    ],
    [
      'not without a newer one that they need, as logs do that are archived in parallel',
      [
        ...[shown('10', ['1'], { needs: ['9'] }), shown('9', ['1'], { needs: ['8'] })],
        ...[shown('8', ['2'], { needs: ['7'] }), shown('7', ['1'])],
      ],
      [],
      ['1'],
      '7',
      [
        'restore point 10 is not in the copy: it needs 9, which is not there',
        'restore point 9 is not in the copy: it needs 8, which is not there',
        'restore point 8 is not in the copy: one of its files was not copied (2)',
      ],
    ],
  ])('are those %s', (_, points, known, files, expected, leftOut) => {
    const whole = wholeSets(points, new Set(known), have(...files));
    expect(whole.points.map(({ id }) => id).join(' ')).toBe(expected);
    expect(whole.leftOut).toEqual(leftOut);
  });
});

describe('points whose files have another content now', () => {
  const points = [copied('a', ['1', '2']), copied('b', ['3']), copied('c', null)];
  const left = (now: readonly TreePoint[], ...overwritten: readonly string[]) =>
    notOverwritten(points, now, new Map(overwritten.map((path) => [path, { isLonger: true }])))
      .map(({ source }) => source.restorePointId)
      .join(' ');

  it('are gone, and no others', () => {
    expect(left([], '2')).toBe('b c');
    expect(left([], '4')).toBe('a b c');
    expect(left([])).toBe('a b c');
  });

  it('stay while the source shows them with their date', () => {
    expect(left([shown('a', ['1'])], '2')).toBe('a b c');
    expect(left([shown('a', ['1'], { createdAtMs: 1 })], '2')).toBe('b c');
  });

  it('are told with their names and dates', () => {
    expect(overwrittenTexts(points, points.slice(1))).toEqual([
      `restore point a of ${CREATED} is no longer in the copy: the source has written another backup over its files`,
    ]);
    expect(overwrittenTexts(points, points)).toEqual([]);
  });
});

describe('a point that has got files since it was copied', () => {
  const after = (point: TargetTreePoint, now: TreePoint | null, isCopied = true) =>
    withNewFiles(
      point,
      new Map(now === null ? [] : [[now.id, now]]),
      () => (isCopied ? 5 : null),
      true,
    );

  it('has them as soon as they are copied, and what it needs now', () => {
    const now = shown('a', ['2', '1', '3'], { needs: ['new'], sizeBytes: 99 });
    expect(after(copied('a', ['1']), now)).toEqual({
      ...copied('a', ['1']),
      ...{ files: ['1', '2', '3'], fileCount: 3, sizeBytes: 99, needs: ['new'] },
    });
    expect(after(copied('a', ['1']), { ...shown('a', ['1', '2']) }).sizeBytes).toBe(7);
  });

  it('has another size as soon as its files in the copy have it', () => {
    const now = shown('a', ['1', '2'], { needs: ['new'], sizeBytes: 10 });
    expect(after(copied('a', ['1', '2']), now)).toEqual({
      ...copied('a', ['1', '2']),
      ...{ sizeBytes: 10, needs: ['new'] },
    });
  });

  it.each<[string, TargetTreePoint, TreePoint | null, boolean]>([
    ['it has none that is new', copied('a', ['1', '2']), shown('a', ['1'], { needs: ['x'] }), true],
    ['they are not copied', copied('a', ['1']), shown('a', ['1', '2']), false],
    ['files of it are gone', copied('a', ['1', '2']), shown('a', ['1'], { sizeBytes: 5 }), true],
    [
      'it has grown and is not copied so',
      copied('a', ['1']),
      shown('a', ['1'], { sizeBytes: 9 }),
      true,
    ],
    ['it has the size that it had', copied('a', ['1']), shown('a', ['1'], { sizeBytes: 7 }), true],
    ['the source does not show it', copied('a', ['1']), null, true],
    ['it is one of a store', copied('a', null), shown('a', ['1']), true],
    ['the source names no files', copied('a', ['1']), shown('a', null), true],
  ])('stays as it is when %s', (_, point, now, isCopied) => {
    expect(after(point, now, isCopied)).toBe(point);
  });

  it('follows the log that has filled the hole before it, and keeps a hole that is only not seen', () => {
    const later = { ...copied('9', ['9']), needs: [], gap: 'log 8 is missing' };
    const now = shown('9', ['9'], { needs: ['8'] });
    const before = shown('8', ['8'], { kind: 'log' });
    const seen = (kind: TreePoint['kind']) =>
      new Map([now, { ...before, kind }].map((point) => [point.id, point]));
    const { gap: _, ...filled } = later;
    expect(withNewFiles(later, seen('log'), () => 7, true)).toEqual({ ...filled, needs: ['8'] });
    expect(withNewFiles(later, seen('full'), () => 7, true)).toBe(later);
  });

  it('follows what the source says once the order is told, unless a point that it needs has gone', () => {
    const doubtful = { ...copied('b', ['2']), needs: ['a', 'x'], gap: UNKNOWN_ORDER };
    const now = shown('b', ['2'], { kind: 'increment', needs: ['x'] });
    const of = (point: TargetTreePoint, ...all: TreePoint[]) =>
      withNewFiles(point, new Map(all.map((one) => [one.id, one])), () => 7, true);
    const { gap: _, ...told } = doubtful;
    expect(of(doubtful, now, shown('a', ['1']), shown('x', ['3']))).toEqual({
      ...told,
      needs: ['x'],
    });
    expect(of(doubtful, now, shown('x', ['3']))).toBe(doubtful);
    // A control file that contradicted may have gone: it was no part of what this point needs.
    const all = [now, shown('a', ['1']), shown('x', ['3'])];
    const lost = new Map(all.map((one) => [one.id, one]));
    expect(withNewFiles(doubtful, lost, () => 7, false)).toBe(doubtful);
    const other = { ...doubtful, gap: 'the level 0 that it builds on is not here' };
    expect(of(other, now, shown('a', ['1']), shown('x', ['3']))).toBe(other);
  });

  it('has a gap from when it is known, unless it may be of the source alone', () => {
    const full = shown('a', ['1', '2'], { gap: 'no log behind it is here' });
    const base = shown('a', ['1']);
    const delta = { ...copied('b', ['2']), kind: 'increment', needs: ['a'] } as const;
    const now = shown('b', ['2'], { kind: 'increment', needs: ['a'], gap: 'x' });
    const of = (point: TargetTreePoint, ...all: TreePoint[]) =>
      withNewFiles(point, new Map(all.map((one) => [one.id, one])), () => null, true).gap;
    const own = { ...copied('a', ['1']), needs: [] };
    expect(of(own, full)).toBe('no log behind it is here');
    expect(of({ ...own, files: ['1', 'log'] }, full)).toBeUndefined();
    expect(of({ ...own, needs: ['gone'] }, full)).toBeUndefined();
    expect(of({ ...own, kind: 'log' }, full)).toBeUndefined();
    expect(of({ ...own, gap: 'its own' }, full)).toBe('its own');
    expect(of(delta, now, base)).toBe('x');
    // What it builds on has gone there.
    expect(of(delta, now, { ...base, kind: 'increment' })).toBeUndefined();
    expect(of(delta, { ...now, needs: [] }, base)).toBeUndefined();
  });

  it('lacks its logs no more once they are copied', () => {
    const backup = { ...copied('a', ['1']), gap: 'no log behind it is here' };
    const now = shown('a', ['1', 'log']);
    expect(after(backup, now)).not.toHaveProperty('gap');
    expect(after(backup, now, false)).toBe(backup);
    expect(after({ ...backup, kind: 'log' }, now)).toHaveProperty('gap');
    expect(after(backup, { ...now, gap: 'another is missing' })).toHaveProperty('gap');
  });
});
