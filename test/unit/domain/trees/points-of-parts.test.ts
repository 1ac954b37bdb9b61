import { describe, expect, it } from 'vitest';
import { withDueFlags } from '../../../../src/domain/retention/set-flags.js';
import { withNewFiles } from '../../../../src/domain/trees/set-points.js';
import type { TreePoint } from '../../../../src/domain/trees/source-tree.js';
import { faultOfPoint, type TargetTreePoint } from '../../../../src/domain/trees/target-tree.js';
import {
  agedPoints,
  chooseTreePoints,
  keptIds,
  type TreePointChoice,
} from '../../../../src/domain/trees/tree-points.js';
import { WEEKLY } from '../retention/retention-plans.js';

const at = (day: number): number => Date.UTC(2026, 10, day, 22);
const PART = 'it holds shop.* alone, and none of the rest';

function backup(day: number, more: Partial<TreePoint> = {}): TreePoint {
  const id = String(day);
  return {
    ...{ id, createdAtMs: at(day), kind: 'full', needs: [], state: 'complete', reason: null },
    ...{ files: [id], ...more },
  };
}
const part = (day: number) => backup(day, { ofPart: PART });
/** A whole backup on the 16th, and one of a part on each day after it. */
const WEEK = [backup(16), ...[17, 18, 19, 20].map(part)];

function copied({ id, createdAtMs, kind, needs, files, ofPart }: TreePoint): TargetTreePoint {
  const createdAt = new Date(createdAtMs).toISOString();
  return {
    ...{ id, createdAt, copiedAt: createdAt, kind, needs, files, fileCount: 1, sizeBytes: 1 },
    ...{ health: 'good', verifiedAt: null, flags: [] },
    source: { repositoryId: 'primary', restorePointId: id },
    ...(ofPart === undefined ? {} : { ofPart }),
  };
}

const LATEST: TreePointChoice = {
  ...{ mode: 'periodic', scope: 'latest', withLogs: false, copied: new Map() },
  ...{ gfs: null, timeZone: 'UTC', nowMs: at(20), retention: { type: 'restorePoints', value: 2 } },
};

function chosen(points: readonly TreePoint[]): string[] {
  return chooseTreePoints(points, { shape: 'sets' }, LATEST).points.map(({ id }) => id);
}

describe('backups of a part of a database', () => {
  it('are not the newest backup: a periodic copy takes the last whole one and those since', () => {
    expect(chosen(WEEK)).toEqual(['16', '17', '18', '19', '20']);
    expect(chosen([...WEEK, backup(21)])).toEqual(['21']);
  });

  it('take no place of whole ones, and go with those before them', () => {
    const kept = (points: readonly TreePoint[]) => [
      ...keptIds(agedPoints(points.map(copied), at(23)), { ...LATEST, nowMs: at(23) }, {}),
    ];
    expect(kept(WEEK)).toEqual(['16', '17', '18', '19', '20']);
    expect(kept([...WEEK, backup(21), part(22), backup(23)]).sort()).toEqual(['21', '22', '23']);
  });

  it('count where there are no others', () => {
    const parts = [17, 18, 19].map(part);
    expect(chosen(parts)).toEqual(['19']);
    expect([...keptIds(parts, LATEST, {})]).toEqual(['18', '19']);
  });

  it('get no flag for a period that has a whole one', () => {
    // A Sunday.
    const earlier = backup(22, { id: 'whole', createdAtMs: at(22) - 3_600_000 });
    const nowMs = at(22) + 2 * 3_600_000;
    const policy = { gfs: WEEKLY, timeZone: 'UTC', mode: 'periodic', nowMs } as const;
    const flagsOf = (points: TreePoint[]) =>
      withDueFlags(points.map(copied), policy).map(({ flags }) => flags);
    expect(flagsOf([earlier, part(22)])).toEqual([['weekly'], []]);
    expect(flagsOf([earlier, backup(22)])).toEqual([[], ['weekly']]);
    expect(flagsOf([part(22)])).toEqual([['weekly']]);
  });

  it('serve no log as their full', () => {
    const log = backup(18, { kind: 'log', needs: ['16'], id: 'log' });
    const ids = keptIds(
      [backup(16), part(17), log],
      { ...LATEST, retention: { type: 'restorePoints', value: 1 } },
      { logsBeforeFullMs: 0 },
    );
    expect(ids).toContain('16');
  });

  it('are known for such once an earlier release has copied them as whole ones', () => {
    const { ofPart: _, ...before } = copied(part(17));
    const now = withNewFiles(before, new Map([['17', part(17)]]), () => 1, true);
    expect(now).toEqual({ ...before, ofPart: PART });
    expect(withNewFiles(now, new Map([['17', part(17)]]), () => 1, true)).toBe(now);
    expect(faultOfPoint(now)).toBe(PART);
  });
});
