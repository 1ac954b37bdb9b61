import { expect, it } from 'vitest';
import type { TreePoint } from '../../../../src/domain/trees/source-tree.js';
import {
  chooseTreePoints,
  type TreePointChoice,
} from '../../../../src/domain/trees/tree-points.js';

it('a backup that broke at the source after it was copied is not missed', () => {
  const broken = {
    ...{ id: 'a', createdAtMs: 0, kind: 'full', state: 'broken', reason: 'its data are gone' },
    ...{ files: [], needs: [] },
  } as unknown as TreePoint;
  const choice = {
    ...{ mode: 'periodic', scope: 'all', withLogs: true, retention: null, gfs: null },
    ...{ endedGfs: [], timeZone: 'UTC', nowMs: 1, copied: new Map() },
  } as unknown as TreePointChoice;
  const unusableOf = (copied: ReadonlyMap<string, number>) =>
    chooseTreePoints([broken], { shape: 'store' }, { ...choice, copied }).unusable;
  expect(unusableOf(new Map())).toBe(broken);
  expect(unusableOf(new Map([['a', 0]]))).toBeNull();
});
