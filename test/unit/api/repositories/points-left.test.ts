import { expect, it } from 'vitest';
import { withoutOldReasons } from '../../../../src/api/repositories/points-left.js';
import type { RestorePointView } from '../../../../src/domain/targets/repository-view.js';

it('points of a job that copies elsewhere now are kept by nothing that its old definition says', async () => {
  const point = (jobId: string | null) =>
    ({
      ...{ id: `${String(jobId)}:web01:p1`, jobId, keptUntil: '2026-12-20T00:00:00.000Z' },
      keptBecause: ['one of the newest 7'],
    }) as unknown as RestorePointView;
  const asked: string[] = [];
  const targetOf = (jobId: string) => {
    asked.push(jobId);
    return Promise.resolve({ moved: 'vault', stays: 'offsite' }[jobId] ?? null);
  };
  const points = ['moved', 'stays', 'unknown', null, 'moved'].map(point);
  const told = await withoutOldReasons(points, 'offsite', targetOf);
  const left = { ...point('moved'), keptUntil: null };
  const moved = {
    ...left,
    keptBecause: ['job moved copies elsewhere now, and removes nothing here'],
  };
  expect(told).toEqual([moved, points[1], points[2], points[3], moved]);
  expect(asked).toEqual(['moved', 'stays', 'unknown']);
});
