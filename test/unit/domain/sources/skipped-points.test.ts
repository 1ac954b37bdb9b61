import { describe, expect, it } from 'vitest';
import {
  oneForEachState,
  type PassedOverPoint,
} from '../../../../src/domain/sources/skipped-points.js';

function point(day: number, change: Partial<PassedOverPoint> = {}): PassedOverPoint {
  const restorePointId = `2026-10-${String(day).padStart(2, '0')}`;
  return { restorePointId, state: 'complete', reason: 'only the newest one is copied', ...change };
}

function broken(day: number): PassedOverPoint {
  return point(day, { state: 'broken', reason: `broken (disk ${day} is missing)` });
}

describe('oneForEachState', () => {
  it('says nothing when no point is passed over', () => {
    expect(oneForEachState([])).toEqual([]);
  });

  it('tells a single point as it is', () => {
    expect(oneForEachState([point(1)])).toEqual([
      { restorePointId: '2026-10-01', reason: 'only the newest one is copied' },
    ]);
  });

  it('tells all points of a year of dailies in one entry that names the newest, the oldest and the count', () => {
    expect(oneForEachState([1, 2, 3, 4].map((day) => point(day)))).toEqual([
      {
        restorePointId: '2026-10-04',
        reason: 'only the newest one is copied; so were 3 others, the oldest 2026-10-01',
      },
    ]);
  });

  it('keeps states apart, however they are mixed', () => {
    expect(oneForEachState([broken(1), point(2), broken(3), point(4), broken(5)])).toEqual([
      {
        restorePointId: '2026-10-05',
        reason: 'broken (disk 5 is missing); so were 2 others, the oldest 2026-10-01',
      },
      {
        restorePointId: '2026-10-04',
        reason: 'only the newest one is copied; so was 2026-10-02',
      },
    ]);
  });
});
