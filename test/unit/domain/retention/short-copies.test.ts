/** A copy that was taken too early is none of those that a policy promises: neither of a number, nor of a period. */

import { expect, it } from 'vitest';
import type { GfsPolicy } from '../../../../src/domain/jobs/copy-job.js';
import { gfsDue, gfsFulls } from '../../../../src/domain/retention/gfs.js';
import { keptUntil } from '../../../../src/domain/retention/kept-until.js';
import { planRetention, type RetentionInput } from '../../../../src/domain/retention/retention.js';
import type {
  SourceJudgement,
  TargetRestorePoint,
} from '../../../../src/domain/targets/target-point.js';
import { targetChain } from './chain-builder.js';

const JUDGED: SourceJudgement = {
  verdict: 'grown',
  reason: 'its disk vdb was not there',
  fingerprint: null,
  epoch: 1,
};

const full = (day: string, change: Partial<TargetRestorePoint> = {}): TargetRestorePoint => ({
  ...targetChain([day])[0]!,
  ...change,
});
const tooEarly = (point: TargetRestorePoint): TargetRestorePoint => ({
  ...point,
  source: { ...point.source, judged: JUDGED },
});
/** Made anew on `day` of what had been copied too early. */
const again = (point: TargetRestorePoint, day: string): TargetRestorePoint => ({
  ...point,
  ...{ id: `${point.id}-2`, chainId: `${point.id}-2`, copyId: 'again', flags: [] },
  copiedAt: `${day}T22:00:00Z`,
});

/** Sunday the 8th is `C`, copied too early and once more a day later. */
const A = full('2026-11-06');
const B = full('2026-11-07');
const C = full('2026-11-08');
const NOW_MS = Date.parse('2026-11-09T23:00:00Z');

const POLICY: Omit<RetentionInput, 'points'> = {
  policy: { type: 'restorePoints', value: 3 },
  ...{ gfs: null, timeZone: 'UTC', nowMs: NOW_MS },
  ...{ immutableForDays: 1, leasedPointIds: [], unreadable: false, mergeAllowed: false },
};

it('keeps as many whole copies as a policy asks for', () => {
  const points = [A, B, tooEarly(C), again(C, '2026-11-09')];
  const { keep, actions } = planRetention({ ...POLICY, points });
  expect(actions).toEqual([]);
  expect(keep.find(({ id }) => id === A.id)?.reasons).toEqual(['one of the 3 newest']);
  expect(keep.find(({ id }) => id === C.id)?.reasons[0]).toBe('taken too early, not counted');
});

it('lets the same go as ever where all copies are whole', () => {
  const points = [A, B, C, again(C, '2026-11-09')];
  const { actions } = planRetention({ ...POLICY, points });
  expect(actions).toEqual([{ type: 'delete', ids: [A.id], chainId: A.id }]);
});

it('does not count what builds on a copy that was taken too early', () => {
  const [below, above] = targetChain(['2026-11-07', '2026-11-08']);
  const wholeAgain = again({ ...above!, kind: 'full', parentId: null }, '2026-11-09');
  const points = [A, tooEarly(below!), above!, wholeAgain];
  const { keep, actions } = planRetention({
    ...POLICY,
    ...{ points, policy: { type: 'restorePoints', value: 2 } },
  });
  expect(actions).toEqual([]);
  expect(keep.map(({ id, reasons }) => [id, reasons[0]])).toEqual([
    [A.id, 'one of the 2 newest'],
    [below!.id, 'taken too early, not counted'],
    [above!.id, 'taken too early, not counted'],
    [wholeAgain.id, 'one of the 2 newest'],
  ]);
});

it('knows no day on which a whole copy may go that a short one stood in for', () => {
  const points = [A, B, tooEarly(C), again(C, '2026-11-09')];
  const ends = keptUntil({ ...POLICY, points, immutableForDays: 0 });
  expect([...ends.values()]).toEqual([null, null, null, null]);
});

const GFS: GfsPolicy = {
  ...{ weekly: { keep: 4, day: 'sunday' }, monthly: null, yearly: null },
  fullMethod: 'synthetic',
};
const RULES = { gfs: GFS, mode: 'immediate', timeZone: 'UTC', nowMs: NOW_MS } as const;
const flagged = (point: TargetRestorePoint): TargetRestorePoint => ({
  ...point,
  flags: ['weekly'],
});

it('gives the full of a period to the copy that is whole', () => {
  const points = [A, B, tooEarly(flagged(C)), again(C, '2026-11-09')];
  expect(gfsFulls({ ...RULES, points }).fulls).toEqual([
    {
      restorePointId: `${C.id}-2`,
      ...{ flags: ['weekly'], synthesize: false, reason: 'weekly full of 2026-11-08' },
    },
  ]);
});

it('gives it also behind a newer flag', () => {
  const later = full('2026-11-15', { flags: ['weekly'] });
  const points = [tooEarly(flagged(C)), again(C, '2026-11-09'), later];
  const { fulls } = gfsFulls({ ...RULES, points, nowMs: Date.parse('2026-11-15T23:00:00Z') });
  expect(fulls.map(({ restorePointId }) => restorePointId)).toEqual([`${C.id}-2`]);
});

it('gives no flag to a copy that was taken too early, but to the next one of its period', () => {
  const before = flagged(full('2026-11-01'));
  const monday = full('2026-11-09');
  const fullsOf = (points: readonly TargetRestorePoint[]) =>
    gfsFulls({ ...RULES, points }).fulls.map(({ restorePointId }) => restorePointId);
  expect(fullsOf([before, C, monday])).toEqual([C.id]);
  expect(fullsOf([before, tooEarly(C), monday])).toEqual([monday.id]);
  expect(gfsFulls({ ...RULES, points: [before, tooEarly(C)] })).toEqual({
    fulls: [],
    left: [{ flag: 'weekly', periodKey: '2026-11-08' }],
  });
});

it('asks for an active full of a point that is copied again', () => {
  const asked = { ...RULES, createdAtMs: Date.parse(C.createdAt) };
  const { id, createdAt, health } = C;
  const short = { id, createdAt, health, flags: ['weekly' as const] };
  expect(gfsDue({ ...asked, points: [short] })).toEqual([]);
  expect(gfsDue({ ...asked, points: [{ ...short, isShort: true }] })).toHaveLength(1);
});
