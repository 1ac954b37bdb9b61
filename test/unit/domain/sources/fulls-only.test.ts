import { describe, expect, it } from 'vitest';
import { isFullsOnly, makesFullsOnly } from '../../../../src/domain/sources/fulls-only.js';
import type { RestorePointSelection } from '../../../../src/domain/sources/select-restore-points.js';
import type { IdentifiedPoint } from '../../../../src/domain/sources/source-identity.js';
import { disk, select, sourcePoint } from '../retention/chain-builder.js';

/** The same of a tool that leaves one opaque file for each point. */
const asFile = (point: IdentifiedPoint): IdentifiedPoint => ({
  ...point,
  disks: point.disks.map((entry) => ({ ...entry, format: 'file' })),
});

const copied = (point: IdentifiedPoint, day: string): IdentifiedPoint => ({
  ...point,
  identity: { is: 'copied', copiedId: `${day}T22:00:00Z` },
});

const brief = ({ points }: RestorePointSelection): string[] =>
  points.map((point) =>
    [point.restorePointId, point.kind, point.changedBy, point.lineageFrom ?? '-'].join(' '),
  );
const IMMEDIATE = { job: { mode: 'immediate', restorePoints: 'latest', gfs: null } } as const;
const ALL = { job: { mode: 'periodic', restorePoints: 'all', gfs: null } } as const;

describe('restore points without increments', () => {
  it('makes fulls of what has no increments, also in an immediate job and with scope all', () => {
    const points = [20, 21, 22].map((day) => asFile(sourcePoint(`2026-11-${day}`, null)));
    const [first, second, third] = points as [IdentifiedPoint, IdentifiedPoint, IdentifiedPoint];
    for (const change of [IMMEDIATE, ALL])
      expect(
        brief(select([copied(first, '2026-11-20'), second, third], ['2026-11-20'], change)),
      ).toEqual(['2026-11-21 full all -', '2026-11-22 full all -']);
    const { points: latest } = select([copied(first, '2026-11-20'), second, third], ['2026-11-20']);
    expect(
      latest.map(({ restorePointId, kind, reason }) => [restorePointId, kind, reason]),
    ).toEqual([['2026-11-22', 'full', 'a full, because the format file has no increments']]);
  });

  it('copies a machine with a disk of each kind by lineage, whose other disks are fulls in any case', () => {
    const withFile = (point: IdentifiedPoint): IdentifiedPoint => ({
      ...point,
      disks: [...point.disks, { ...disk('vdb', null), format: 'other' }],
    });
    expect(
      brief(
        select(
          [
            copied(sourcePoint('2026-11-20', null), '2026-11-20'),
            copied(sourcePoint('2026-11-21', '2026-11-20'), '2026-11-21'),
            sourcePoint('2026-11-22', '2026-11-21'),
          ].map(withFile),
          ['2026-11-20', '2026-11-21'],
        ),
      ),
    ).toEqual(['2026-11-22 increment lineage 2026-11-21']);
  });

  it.each([
    ['a point of nothing but machine description files may get increments', [], undefined, false],
    ['a tool that is known for it, before it has left a point', null, true, true],
    ['a tool of which nothing is known and no point is left', null, undefined, false],
  ])('tells of %s', (_, disks, isKnown, expected) => {
    const formats = new Set(['file']);
    if (disks !== null) return expect(isFullsOnly({ disks }, formats)).toBe(expected);
    const workload = { id: 'w', name: 'w', type: 't', folders: [''], restorePoints: [] };
    const known = isKnown === undefined ? {} : { makesFullsOnly: isKnown };
    return expect(makesFullsOnly({ ...workload, ...known }, formats)).toBe(expected);
  });
});
