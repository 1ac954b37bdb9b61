/** The facts of a workload from its restore points. Pure. */

import type { Presence } from '../retention/absence.js';
import {
  calendarDateOf,
  dayNumberOf,
  dateOfDayNumber,
  isoDate,
  utcText,
} from '../schedules/calendar-date.js';
import type { CopyJob } from '../jobs/copy-job.js';
import { believedPoints } from '../sources/believed-dates.js';
import { fittingIds } from '../sources/found-workload.js';
import { missedPoint, missedText } from '../sources/missed-point.js';
import { shortCopies } from '../sources/source-identity.js';
import type { SourceWorkload, WorkloadType } from '../sources/source-workload.js';
import type { TargetRestorePoint } from '../targets/target-point.js';
import {
  RECENT_POINTS,
  SHOWN_DAYS,
  type ChainFacts,
  type MissedNewest,
  type SourceFacts,
} from './workload-facts.js';

/** @param workload its points settled: what is in progress is not there yet */
export function sourceFacts(workload: SourceWorkload, nowMs: number): SourceFacts {
  const { id, otherIds, name, type, restorePoints, conflict } = workload;
  const logs = logIds(workload);
  const whole = restorePoints.filter(({ state }) => state === 'complete');
  const backups = whole.filter((point) => !logs.has(point.id));
  const hasBoth = backups.length > 0 && backups.length < whole.length;
  return {
    is: 'source',
    id,
    ...(otherIds === undefined ? {} : { otherIds: fittingIds(otherIds) }),
    name,
    type,
    ...(workload.tree === undefined ? {} : { isTree: true as const }),
    restorePointCount: restorePoints.length,
    ...momentsOf(whole.map(({ createdAtMs }) => createdAtMs)),
    ...(hasBoth ? { recentBackupsAtSeconds: recentOf(backups) } : {}),
    problem: conflict ?? null,
    ...newestMissed(workload, logs, nowMs),
  };
}

function logIds({ tree }: SourceWorkload): ReadonlySet<string> {
  return new Set(tree?.points.flatMap(({ id, kind }) => (kind === 'log' ? [id] : [])));
}

function recentOf(points: SourceWorkload['restorePoints']): readonly number[] {
  return momentsOf(points.map(({ createdAtMs }) => createdAtMs)).recentAtSeconds;
}

/** An incomplete log is told by the sessions of jobs that copy logs. */
function newestMissed(
  { restorePoints, tree }: SourceWorkload,
  logs: ReadonlySet<string>,
  nowMs: number,
): Pick<SourceFacts, 'missed' | 'missedWithLogs'> {
  const withLogs = restorePoints.filter(({ id, state }) => state !== 'incomplete' || !logs.has(id));
  const isTree = tree !== undefined;
  const missed = missedFacts(
    withLogs.filter(({ id }) => !logs.has(id)),
    isTree,
    nowMs,
  );
  const missedWithLogs = missedFacts(withLogs, isTree, nowMs);
  return {
    ...(missed === null ? {} : { missed }),
    ...(missedWithLogs === null ? {} : { missedWithLogs }),
  };
}

/** Of trees sessions miss also what was copied, unless it is broken (`chooseTreePoints`). */
function missedFacts(
  points: SourceWorkload['restorePoints'],
  isTree: boolean,
  nowMs: number,
): MissedNewest | null {
  const missed = missedPoint(points, nowMs);
  if (missed === null) return null;
  const { createdAtMs, state } = missed;
  return {
    atSeconds: Math.floor(createdAtMs / 1_000),
    text: `its newest restore point, ${utcText(createdAtMs)}, ${missedText(missed)}`,
    mayBeCopied: state === 'broken' || !isTree,
  };
}

/** What `ChainRecord` holds of it. */
interface ChainOfFacts {
  readonly jobId: string;
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  readonly presence: Presence;
}

/** Moments are dates that fit the chain (`believedPoints`), as everywhere where copies are judged: one point from the future is no copy of tomorrow,
 *  and makes no later one old.
 *  @param points that are offered, in the order of the record
 *  @param policy of the job as it lies beside the data; null: there is none that can be read, and days are those of UTC */
export function chainFacts(
  { jobId, workload, presence }: ChainOfFacts,
  points: readonly TargetRestorePoint[],
  policy: Pick<CopyJob, 'timeZone' | 'retention' | 'origin'> | null,
  idAsSource: string,
  nowMs: number,
): ChainFacts {
  const dated = believedPoints(points, nowMs);
  const readable = dated.filter(({ health }) => health !== 'corrupt');
  const sound = soundPoints(dated);
  const timeZone = policy?.timeZone ?? 'UTC';
  const verified = points.flatMap(({ verifiedAt }) => (verifiedAt === null ? [] : [verifiedAt]));
  const newest = newestOf(sound);
  const disks = points.flatMap((point) => point.disks);
  return {
    is: 'chain',
    ...workload,
    jobId,
    ...(policy === null ? {} : { jobOrigin: policy.origin ?? null }),
    idAsSource,
    sourceRepositoryId: newestOf(dated)?.source.repositoryId ?? null,
    restorePointCount: points.length,
    ...momentsOf(sound.map(({ createdAt }) => Date.parse(createdAt))),
    newestCopiedAt: newest?.copiedAt ?? null,
    damagedCount: points.length - readable.length,
    oldestVerifiedAt: earliest(verified),
    leastReadAt: earliest(readable.map(({ verifiedAt, copiedAt }) => verifiedAt ?? copiedAt)),
    neverVerifiedCount: points.length - verified.length,
    storedBytes: disks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    missedSince: presence.absence?.firstMissedAt ?? null,
    timeZone,
    days: pointsOfDays(sound, timeZone, nowMs),
    today: isoDate(calendarDateOf(nowMs, timeZone)),
    keptSince: keptSince(dated, policy, nowMs),
  };
}

function earliest(instants: readonly string[]): string | null {
  return instants.length === 0 ? null : instants.reduce((a, b) => (a < b ? a : b));
}

/** Points that can be restored, and hold all of their day: not those that were taken too early. A point that builds on a damaged one and hides all of its damage is sound: who marks damage (`markDamage`) looks at
 *  what each point above shows. Nothing is built on what is marked, but earlier releases did so and called it good: between a point and a damaged one
 *  below it must be one, or itself, that a check has found good since it was copied.
 *  @param points with dates that are believed */
export function soundPoints(points: readonly TargetRestorePoint[]): TargetRestorePoint[] {
  const byId = new Map(points.map((point) => [point.id, point]));
  const short = shortCopies(points);
  return points.filter((point) => {
    if (short.has(point.id)) return false;
    for (let below: TargetRestorePoint | undefined = point; below !== undefined;) {
      if (below.health === 'corrupt') return false;
      if (isCheckedSinceCopied(below)) return true;
      below = below.parentId === null ? undefined : byId.get(below.parentId);
    }
    return true;
  });
}

/** A copy reads back what it writes, and has the date of that. */
function isCheckedSinceCopied({ verifiedAt, copiedAt }: TargetRestorePoint): boolean {
  return verifiedAt !== null && Date.parse(verifiedAt) > Date.parse(copiedAt);
}

/** Of several of one moment the one that was copied last: a point of a tree whose date is not believed has that of the newest one before it.
 *  @param points with dates that are believed */
function newestOf(points: readonly TargetRestorePoint[]): TargetRestorePoint | null {
  return points.reduce<TargetRestorePoint | null>(
    (newest, point) => (newest === null || isNewer(point, newest) ? point : newest),
    null,
  );
}

function isNewer(point: TargetRestorePoint, other: TargetRestorePoint): boolean {
  const aheadMs = Date.parse(point.createdAt) - Date.parse(other.createdAt);
  if (aheadMs !== 0) return aheadMs > 0;
  return Date.parse(point.copiedAt) >= Date.parse(other.copiedAt);
}

function momentsOf(timesMs: readonly number[]): Pick<SourceFacts, 'recentAtSeconds' | 'oldestAt'> {
  const newestFirst = timesMs.toSorted((a, b) => b - a);
  const oldestMs = newestFirst.at(-1);
  return {
    recentAtSeconds: newestFirst.slice(0, RECENT_POINTS).map((ms) => Math.floor(ms / 1_000)),
    oldestAt: oldestMs === undefined ? null : new Date(oldestMs).toISOString(),
  };
}

function pointsOfDays(
  points: readonly TargetRestorePoint[],
  timeZone: string,
  nowMs: number,
): number[] {
  const firstDay = dayNumberOf(nowMs, timeZone) - SHOWN_DAYS + 1;
  const counts = Array.from({ length: SHOWN_DAYS }, () => 0);
  for (const { createdAt } of points) {
    const index = dayNumberOf(Date.parse(createdAt), timeZone) - firstDay;
    const count = counts[index];
    if (count !== undefined) counts[index] = count + 1;
  }
  return counts;
}

function keptSince(
  points: readonly TargetRestorePoint[],
  policy: Pick<CopyJob, 'timeZone' | 'retention'> | null,
  nowMs: number,
): string | null {
  if (policy === null) return null;
  const { retention, timeZone } = policy;
  if (retention.type === 'days')
    return isoDate(dateOfDayNumber(dayNumberOf(nowMs, timeZone) - retention.value));
  const short = shortCopies(points);
  const whole = points.filter(({ id }) => !short.has(id));
  const oldest = whole.at(-Math.min(retention.value, whole.length));
  return oldest === undefined
    ? null
    : isoDate(calendarDateOf(Date.parse(oldest.createdAt), timeZone));
}
