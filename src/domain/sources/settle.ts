/** Whether a source restore point is whole: because its tool says so, or because nothing in its set has changed for a while. */

import { utcText } from '../schedules/calendar-date.js';
import type { CopyJob } from '../jobs/copy-job.js';
import type { PointEvidence } from './point-state.js';
import type { SourceRestorePoint } from './source-workload.js';

/** How one look judges. */
export interface SettleRule {
  readonly nowMs: number;
  /** Time without a change after which a point that its tool says nothing of is taken for whole; 0: what is there is taken. */
  readonly settleMs: number;
  /** What earlier looks saw of points that are dated in the future. */
  readonly seen?: readonly SeenSet[];
}

/** The files of a point as a look saw them. Only needed where the clock of the storage runs ahead, so that the times of the files say
 *  nothing: then what counts is for how long they were seen unchanged. */
export interface SeenSet {
  readonly restorePointId: string;
  /** `PointEvidence.files`. */
  readonly files: string;
  /** The first look that saw exactly these. */
  readonly sinceMs: number;
}

/** A restore point that may not be whole yet, and when it is looked at again. */
export interface AwaitedPoint {
  readonly restorePointId: string;
  readonly reason: string;
  readonly lookAgainAtMs: number;
  /** To be handed to the next look; null: the times of its files tell. */
  readonly seen: SeenSet | null;
}

/** A point that lacks a disk which the point before had, or whose tool will write a closing record, is given more time. */
const LACKING_FACTOR = 10;

/** Restore points with their state as it is at `rule.nowMs`: those that may still be written are `inProgress`, and so is what builds on
 *  them. What is broken or incomplete and was written to just now may be in the making, too. A point that its tool has closed is left as
 *  it is, as long as nothing was written to it afterwards.
 *  @param points a parent before its children */
export function settlePoints(
  points: readonly SourceRestorePoint[],
  rule: SettleRule,
): SourceRestorePoint[] {
  const judged = new Map<string, SourceRestorePoint>();
  let before: SourceRestorePoint | null = null;
  for (const point of points) {
    const parent = point.parentId === null ? undefined : judged.get(point.parentId);
    judged.set(point.id, settlePoint(point, before, parent, rule));
    before = point;
  }
  return [...judged.values()];
}

/** The points of `points` that are in progress, as the next look needs them. */
export function awaitedPoints(
  points: readonly Pick<
    SourceRestorePoint,
    'id' | 'state' | 'reason' | 'lookAgainAtMs' | 'evidence'
  >[],
  rule: SettleRule,
): AwaitedPoint[] {
  return points.flatMap(({ id, state, reason, lookAgainAtMs, evidence }) => {
    if (state !== 'inProgress' || lookAgainAtMs === undefined) return [];
    const seen =
      evidence !== undefined && isAhead(evidence, rule) ? seenSet(id, evidence, rule) : null;
    return [{ restorePointId: id, reason: reason ?? '', lookAgainAtMs, seen }];
  });
}

/** When the first of them is looked at again; null: there are none. Epoch milliseconds. */
export function firstLookMs(awaited: readonly AwaitedPoint[]): number | null {
  if (awaited.length === 0) return null;
  return Math.min(...awaited.map(({ lookAgainAtMs }) => lookAgainAtMs));
}

/** What a task shows while it waits. */
export function awaitedReason(awaited: readonly AwaitedPoint[]): string {
  const named = awaited.map(({ restorePointId, reason }) => `${restorePointId} (${reason})`);
  return `restore points in progress are awaited: ${named.join(', ')}`;
}

/** Why a point was not copied, as a session says it that waits for it no longer.
 *  @param isOnce no other session follows */
export function awaitedNoLonger(reason: string, isOnce = false): string {
  const next = isOnce ? 'it is copied by a new order' : 'the next session looks at it again';
  return reason.replaceAll(LOOKED_AT_AGAIN, next);
}

/** As `ownWait` ends, with `utcText`. */
const LOOKED_AT_AGAIN = /it is looked at again at [\d-]{10} [\d:]+ UTC/g;

/** How long a session of `job` waits before it looks again at points in progress, growing with the time that it has waited already; null: it
 *  waits no longer. A start that comes while a session waits is skipped, so no session waits past the next one.
 *
 *  The watch of an immediate job starts a session when a point is whole, so such a session waits only where it cannot know by the dates of
 *  the files what the watch has seen. */
export function pauseBeforeLookMs(
  job: Pick<CopyJob, 'mode' | 'schedule'>,
  awaited: readonly AwaitedPoint[],
  { nowMs, waitedMs }: { readonly nowMs: number; readonly waitedMs: number },
): number | null {
  const wanted = job.mode === 'immediate' ? awaited.filter(({ seen }) => seen !== null) : awaited;
  if (wanted.length === 0) return null;
  const next = Math.min(...wanted.map(({ lookAgainAtMs }) => lookAgainAtMs)) - nowMs;
  const pauseMs = Math.max(next, Math.min(waitedMs / 4, MAX_PAUSE_MS), MIN_PAUSE_MS);
  return waitedMs + pauseMs > waitLimitMs(job) ? null : pauseMs;
}

const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 10 * 60_000;

function waitLimitMs({ mode, schedule }: Pick<CopyJob, 'mode' | 'schedule'>): number {
  if (mode === 'immediate') return SHORT_WAIT_MS;
  if (schedule.type === 'interval') return Math.min(schedule.everyMinutes * 60_000, LONG_WAIT_MS);
  const isFrequent = schedule.type === 'cron' && !DAILY_CRON.test(schedule.expression);
  return isFrequent ? SHORT_WAIT_MS : LONG_WAIT_MS;
}

const LONG_WAIT_MS = 12 * 60 * 60_000;
const SHORT_WAIT_MS = 15 * 60_000;
/** At one minute of one hour: at most once a day. */
const DAILY_CRON = /^\s*\d+\s+\d+\s/;

function settlePoint(
  point: SourceRestorePoint,
  before: SourceRestorePoint | null,
  parent: SourceRestorePoint | undefined,
  rule: SettleRule,
): SourceRestorePoint {
  if (point.state === 'unknown') return point;
  const own = ownWait(point, before, rule);
  if (parent?.state === 'inProgress') {
    const reason = own?.reason ?? `it builds on ${parent.id}, which is in progress`;
    const lookAgainAtMs = Math.max(parent.lookAgainAtMs ?? 0, own?.lookAgainAtMs ?? 0);
    return { ...point, state: 'inProgress', reason, lookAgainAtMs };
  }
  return own === null ? point : { ...point, state: 'inProgress', ...own };
}

/** null: the point is what its files show. */
function ownWait(
  point: SourceRestorePoint,
  before: SourceRestorePoint | null,
  rule: SettleRule,
): { readonly reason: string; readonly lookAgainAtMs: number } | null {
  const { evidence } = point;
  if (evidence === undefined || rule.settleMs === 0) return null;
  if (evidence.closing === 'closed' && point.state === 'complete') return null;
  const lacking = lackingDisk(point, before);
  const isGivenMore = lacking !== null || evidence.closing === 'awaited';
  const neededMs = rule.settleMs * (isGivenMore ? LACKING_FACTOR : 1);
  const lookAgainAtMs = unchangedSinceMs(point.id, evidence, rule) + neededMs;
  if (lookAgainAtMs <= rule.nowMs) return null;
  const why =
    point.reason ??
    (lacking === null
      ? 'nothing says that it is whole'
      : `it lacks disk ${lacking}, which the point before it has`);
  const reason = `${why}, and it has changed within ${String(Math.ceil(neededMs / 1000))} s; it is looked at again at ${utcText(lookAgainAtMs)}`;
  return { reason, lookAgainAtMs };
}

function lackingDisk(point: SourceRestorePoint, before: SourceRestorePoint | null): string | null {
  const held = new Set(point.disks.map(({ disk }) => disk));
  return before?.disks.find(({ disk }) => !held.has(disk))?.disk ?? null;
}

function unchangedSinceMs(id: string, evidence: PointEvidence, rule: SettleRule): number {
  return isAhead(evidence, rule) ? seenSet(id, evidence, rule).sinceMs : evidence.changedAtMs;
}

/** The files are dated so far in the future that waiting by their times would take more than twice as long as it should. */
function isAhead({ changedAtMs }: PointEvidence, { nowMs, settleMs }: SettleRule): boolean {
  return changedAtMs > nowMs + settleMs;
}

function seenSet(id: string, { files }: PointEvidence, { nowMs, seen = [] }: SettleRule): SeenSet {
  const earlier = seen.find((set) => set.restorePointId === id && set.files === files);
  return earlier ?? { restorePointId: id, files, sinceMs: nowMs };
}
