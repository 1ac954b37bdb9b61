import { describe, expect, it } from 'vitest';
import {
  FILE_FINDINGS,
  findingNotes,
  findingText,
  isNeededBySound,
  pointsThatNeed,
  type TreeCheckOutcome,
} from '../../../../src/domain/trees/tree-damage.js';
import type { TargetTreePoint } from '../../../../src/domain/trees/target-tree.js';
import { pbsLayout } from '../../../../src/layout/pbs/pbs.js';
import { datedTreeLayout } from '../../../../src/layout/dated-tree/dated-tree.js';
import { resticLayout } from '../../../../src/layout/restic/restic.js';

function point(id: string, more: Partial<TargetTreePoint> = {}): TargetTreePoint {
  return {
    ...{ id: `copy-of-${id}`, createdAt: '2026-11-25T00:00:00.000Z', kind: 'full', needs: [] },
    ...{ copiedAt: '2026-11-25T01:00:00.000Z', files: null, fileCount: 1, sizeBytes: 1 },
    ...{ health: 'good', verifiedAt: null, flags: [] },
    source: { repositoryId: 'primary', restorePointId: id },
    ...more,
  };
}

function hurtBy(
  points: readonly TargetTreePoint[],
  path: string,
  rules: Parameters<typeof pointsThatNeed>[2],
  goneSinceMs: number | null = null,
): string[] {
  return [...pointsThatNeed(points, [{ path, goneSinceMs }], rules)];
}

const SETS = [
  point('full', { files: ['f.bak'] }),
  point('diff', { files: ['d.dif'], needs: ['full'] }),
  point('log', { files: ['l.trn'], needs: ['full', 'diff'] }),
  point('other', { files: ['o.bak', 'shared'] }),
  point('another', { files: ['a.bak', 'shared'] }),
];

describe('a lost file hurts', () => {
  it.each([
    ['f.bak', ['copy-of-full', 'copy-of-diff', 'copy-of-log']],
    ['d.dif', ['copy-of-diff', 'copy-of-log']],
    ['l.trn', ['copy-of-log']],
    ['shared', ['copy-of-other', 'copy-of-another']],
    ['nobody’s', []],
  ])('of sets, %s: those that list it and those that need them', (path, expected) => {
    expect(hurtBy(SETS, path, { shape: 'sets' })).toEqual(expected);
  });

  const gone = { goneSince: '2026-11-25T02:00:00.000Z' };
  it.each([
    ['a file of which the layout knows nothing', 'pack', null, ['copy-of-a', 'copy-of-b']],
    ['one that the source has removed', 'pack', 1, ['copy-of-b']],
    ['one that a single point needs', 'own/a', null, ['copy-of-a']],
    ['one of a backup that is no point, and on which one builds', 'own/base', null, ['copy-of-b']],
  ])('of a store, %s: whoever could need it', (_, path, goneSinceMs, expected) => {
    const points = [point('a'), point('b', { ...gone, needs: ['base'] })];
    const pointOf = (of: string) => (of.startsWith('own/') ? of.slice(4) : null);
    expect(hurtBy(points, path, { shape: 'store', pointOf }, goneSinceMs)).toEqual(expected);
  });

  it.each([
    [resticLayout, `snapshots/0123456789abcdef${'0'.repeat(48)}`, '0123456789abcdef'],
    [resticLayout, `data/00/${'0'.repeat(64)}`, null],
    [
      pbsLayout,
      'ns/a/vm/100/2026-11-24T22:00:00Z/index.json.blob',
      'ns/a/vm/100/2026-11-24T22:00:00Z',
    ],
    [pbsLayout, 'vm/100/owner', null],
    [pbsLayout, `.chunks/0000/${'0'.repeat(64)}`, null],
    [datedTreeLayout, '2026-11-24-220000/etc/hosts', '2026-11-24-220000'],
    [datedTreeLayout, 'backup.marker', null],
  ])('of $name, %s: the point %s', ({ rules }, path, expected) => {
    expect(rules.pointOf?.(path) ?? null).toBe(expected);
  });
});

describe('a lost file is one of a point that counts as good', () => {
  const corrupt = { health: 'corrupt' } as const;
  const gone = { goneSince: '2026-11-25T02:00:00.000Z' };
  const sets = [
    point('full', { files: ['f.bak', 'shared'] }),
    point('bad', { files: ['b.bak', 'shared'], ...corrupt }),
    point('new', { files: ['n.bak'], health: 'unknown' }),
  ];
  it.each([
    ['f.bak', true],
    ['b.bak', false],
    ['shared', true],
    ['n.bak', true],
    ['nobody’s', false],
  ])('of sets, %s, when one lists it that is not corrupt: %s', (path, expected) => {
    expect(isNeededBySound(sets, { shape: 'sets' })({ path, goneSinceMs: null })).toBe(expected);
  });

  const [a, b] = [point('a'), point('b', { ...gone, needs: ['base'] })];
  it.each([
    ['pack', null, [a, b], true],
    [
      'pack',
      null,
      [
        { ...a, ...corrupt },
        { ...b, ...corrupt },
      ],
      false,
    ],
    ['pack', null, [a], true],
    ['pack', 1, [a, b], true],
    ['pack', 1, [a, { ...b, ...corrupt }], false],
    ['pack', 1, [a], false],
    ['own/a', null, [a, b], true],
    ['own/a', null, [{ ...a, ...corrupt }, b], false],
    ['own/base', null, [a, b], true],
    ['own/base', null, [a, { ...b, ...corrupt }], false],
  ])(
    'of a store, %s (gone since %s), when such a point can need it (%#)',
    (path, goneSinceMs, points, expected) => {
      const pointOf = (of: string) => (of.startsWith('own/') ? of.slice(4) : null);
      expect(isNeededBySound(points, { shape: 'store', pointOf })({ path, goneSinceMs })).toBe(
        expected,
      );
    },
  );
});

describe('what a check of a tree says', () => {
  const none = { count: 0, examples: [] };
  const one = (path: string, reason: string) => ({ count: 1, examples: [{ path, reason }] });
  const quiet: TreeCheckOutcome = {
    ...{ pointCount: 3, damaged: 0, healed: none, lost: none, unknown: none },
    ...{ corrupt: [], corruptCount: 0, sourceFault: null },
  };

  it.each<[Partial<TreeCheckOutcome>, string[]]>([
    [{}, []],
    [{ healed: one('a', 'is missing') }, ['"a" was missing and was healed']],
    [{ lost: one('a', 'is missing') }, ['"a" is missing, and no good copy of it was found']],
    [{ lacking: one('a', 'names b, which is not there') }, ['"a" names b, which is not there']],
    [{ sourceFault: 'it is away' }, ['the source could not be asked for them: it is away']],
    [{ corrupt: ['x', 'y'], corruptCount: 2 }, ['corrupt restore points: x, y']],
    [{ corrupt: ['x', 'y'], corruptCount: 3 }, ['corrupt restore points: …, x, y']],
    [{ unknown: one('a', 'is new') }, ['"a" lies there, and is new: it was left alone']],
  ])('of %j is %j', (changes, notes) => {
    expect(findingNotes({ ...quiet, ...changes })).toEqual(notes);
  });

  it('has words of its own for each finding', () => {
    const texts = FILE_FINDINGS.map(findingText);
    expect(new Set(texts).size).toBe(FILE_FINDINGS.length);
    for (const text of texts) expect(text).toMatch(/^(is|was|cannot) /);
  });
});

describe('a file that is lost together with others', () => {
  it('is needed by any sound point of a store that tells nothing of its files', () => {
    const isNeeded = isNeededBySound([point('a')], { shape: 'store' });
    expect(isNeeded({ path: 'own/a', goneSinceMs: null })).toBe(true);
    expect(isNeeded({ path: 'own/a', goneSinceMs: 1 })).toBe(false);
  });

  it('hurts what needs any of them, each point once, in their order', () => {
    const lost = ['l.trn', 'shared', 'l.trn'].map((path) => ({ path, goneSinceMs: null }));
    expect([...pointsThatNeed(SETS, lost, { shape: 'sets' })]).toEqual([
      ...['copy-of-log', 'copy-of-other', 'copy-of-another'],
    ]);
    expect([...pointsThatNeed(SETS, [], { shape: 'store' })]).toEqual([]);
    // Also through points that are listed after those that need them.
    const turned = SETS.toReversed();
    expect(hurtBy(turned, 'f.bak', { shape: 'sets' })).toEqual([
      ...['copy-of-log', 'copy-of-diff', 'copy-of-full'],
    ]);
  });
});
