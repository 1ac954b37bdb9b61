import { describe, expect, it } from 'vitest';
import {
  changingPoints,
  goingPoints,
  isBeingChanged,
  lineageOf,
  withNewChain,
  type ChainRecord,
  type PendingChange,
} from '../../../src/chain/chain-record.js';
import { diskPath, digestTablePath, tablesCopyPath } from '../../../src/chain/chain-paths.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';

const point = (id: string, parentId: string | null, chainId: string) =>
  ({ id, parentId, chainId }) as unknown as TargetRestorePoint;

/** Two chains: `a` with `b` and `c` on it, `d` with `e`. */
const POINTS = [
  point('a', null, 'a'),
  point('b', 'a', 'a'),
  point('c', 'b', 'a'),
  point('d', null, 'd'),
  point('e', 'd', 'd'),
];

function recordOf(pending: unknown, points = POINTS): ChainRecord {
  return { points, pending, workload: { id: 'w', name: 'web01' } } as unknown as ChainRecord;
}

const change = (pending: unknown) => pending as PendingChange;
const MERGE = change({ type: 'merge', intoId: 'a', fromId: 'b' });
const REPLACE = change({ type: 'replace', pointId: 'b' });
const DELETE = change({ type: 'delete', ids: ['e', 'd'] });
const QUARANTINE = change({ type: 'quarantine', ids: ['e'] });

describe('the lineage of a point', () => {
  it('is the point and all that it builds on, down to its full', () => {
    const ids = (id: string) => lineageOf(recordOf(null), id).map((each) => each.id);
    expect([ids('c'), ids('a'), ids('e')]).toEqual([['c', 'b', 'a'], ['a'], ['e', 'd']]);
  });

  it.each([
    ['is not listed', POINTS, 'x', 'x'],
    ['builds on one that is not listed', [point('b', 'a', 'a')], 'b', 'a'],
    ['builds on itself', [point('a', 'b', 'a'), point('b', 'a', 'a')], 'b', 'b'],
  ])('is refused of one that %s', (_, points, id, restorePointId) => {
    expect(() => lineageOf(recordOf(null, points), id)).toThrow(
      expect.objectContaining({
        code: 'RESTORE_POINT_MISSING',
        details: { restorePointId },
      }) as Error,
    );
  });
});

it('makes a chain of its own of a point and of all that builds on it', () => {
  const made = withNewChain(POINTS, { ...POINTS[1]!, parentId: null });
  expect(made.map(({ id, parentId, chainId }) => [id, parentId, chainId])).toEqual([
    ['a', null, 'a'],
    ['b', null, 'b'],
    ['c', 'b', 'b'],
    ['d', null, 'd'],
    ['e', 'd', 'd'],
  ]);
});

describe('a change that is under way', () => {
  it.each([
    ['none', null, [], []],
    ['a merge', MERGE, ['a'], ['b']],
    ['a synthetic full', REPLACE, [], ['b']],
    ['a removal', DELETE, ['e', 'd'], []],
    ['a quarantine', QUARANTINE, ['e'], []],
  ])('(%s) says what goes and what is written to', (_, pending, going, changing) => {
    expect(goingPoints(pending)).toEqual(going);
    expect(changingPoints(pending)).toEqual(changing);
  });

  it('is one of every point that builds on what is written to, and of no other', () => {
    const changed = (pending: PendingChange | null) =>
      POINTS.map(({ id }) => id).filter((id) => isBeingChanged(recordOf(pending), id));
    expect(changed(null)).toEqual([]);
    expect(changed(MERGE)).toEqual(['b', 'c']);
    expect(changed(REPLACE)).toEqual(['b', 'c']);
    expect(changed(DELETE)).toEqual([]);
  });
});

// docs/FORMAT.md, Layout.
it('keeps the files of a disk in the folder of its point', () => {
  expect(diskPath('2026-11-01T000000Z', 'vda', 'qcow2')).toBe('2026-11-01T000000Z/vda.qcow2');
  expect(digestTablePath('2026-11-01T000000Z', 'vda')).toBe('2026-11-01T000000Z/vda.digests');
  expect(tablesCopyPath('2026-11-01T000000Z', 'vda')).toBe('2026-11-01T000000Z/vda.tables');
});
