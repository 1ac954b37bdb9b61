import { describe, expect, it } from 'vitest';
import type { GfsPolicy } from '../../../../src/domain/jobs/copy-job.js';
import type { RestorePointSelection } from '../../../../src/domain/sources/select-restore-points.js';
import type { IdentifiedPoint } from '../../../../src/domain/sources/source-identity.js';
import { select, sourcePoint, targetChain } from '../retention/chain-builder.js';

const briefOf = ({ points }: RestorePointSelection): string[] =>
  points.map((point) =>
    [point.restorePointId, point.kind, point.changedBy, point.lineageFrom ?? '-'].join(' '),
  );

describe('active fulls of a backlog', () => {
  const gfs: GfsPolicy = {
    weekly: { keep: 4, day: 'sunday' },
    monthly: null,
    yearly: null,
    fullMethod: 'active',
  };
  const days = ['01', '02', '08', '09', '15', '16'].map((day) => `2026-11-${day}`);
  const chain = days.map((day, index) => sourcePoint(day, days[index - 1] ?? null));

  it('are made of the first point of each GFS day, however many lie in one round', () => {
    const job = { mode: 'periodic', restorePoints: 'all', gfs } as const;
    const copied: IdentifiedPoint = {
      ...chain[0]!,
      identity: { is: 'copied', copiedId: `${days[0]}T22:00:00Z` },
    };
    // 1, 8 and 15 November 2026 are Sundays.
    expect(briefOf(select([copied, ...chain.slice(1)], [days[0]!], { job }))).toEqual([
      '2026-11-02 increment lineage 2026-11-01',
      '2026-11-08 full all -',
      '2026-11-09 increment lineage 2026-11-08',
      '2026-11-15 full all -',
      '2026-11-16 increment lineage 2026-11-15',
    ]);
  });

  it('are made of the next point when that of the GFS day is corrupt', () => {
    const job = { mode: 'periodic', restorePoints: 'latest', gfs } as const;
    const copied = targetChain(['2026-11-15', '2026-11-16']).map((point, index) =>
      index === 0
        ? { ...point, flags: ['weekly' as const], health: 'corrupt' as const }
        : { ...point, health: 'unknown' as const },
    );
    const current = [
      { ...sourcePoint('2026-11-16', null), identity: { is: 'copied', copiedId: copied[1]!.id } },
      sourcePoint('2026-11-17', '2026-11-16'),
    ] as const;
    expect(briefOf(select([...current], ['2026-11-15', '2026-11-16'], { job, copied }))).toEqual([
      '2026-11-17 full all -',
    ]);
  });
});
