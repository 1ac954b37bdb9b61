/** Which points of a tree are copied, and which of the copy stay. */

import { dayNumberOf, DAY_MS } from '../schedules/calendar-date.js';
import type {
  CopyMode,
  EndedGfs,
  GfsPolicy,
  RestorePointScope,
  RetentionPolicy,
} from '../jobs/copy-job.js';
import { gfsKeepReasons } from '../retention/gfs.js';
import { ageBase, agesFrom } from '../retention/retention-age.js';
import { ServingFulls, withNeeds, type LogRules, type NeedingPoint } from './needed-points.js';
import type { TreePoint } from './source-tree.js';
import { healthOf, type TargetTreePoint } from './target-tree.js';
import type { TreeRules } from './tree-rules.js';

/** What the job says of how long points stay. */
export interface TreeRetention {
  readonly retention: RetentionPolicy;
  /** null: no point of the copy has a flag that protects it. */
  readonly gfs: GfsPolicy | null;
  readonly endedGfs?: EndedGfs | undefined;
  readonly timeZone: string;
}

export interface TreePointChoice extends TreeRetention {
  readonly mode: CopyMode;
  readonly scope: RestorePointScope;
  /** Points of kind `log` are copied, too. */
  readonly withLogs: boolean;
  readonly nowMs: number;
  /** Ids in the source of the points that were copied. */
  readonly copied: ReadonlySet<string>;
}

export interface ChosenTreePoints {
  /** Oldest first, with all that each of them needs. */
  readonly points: readonly TreePoint[];
  /** Of the newest point, when it is not among them: why; null otherwise. */
  readonly unusable: TreePoint | null;
  /** What is missing between them, and what was passed over; one plain sentence each. */
  readonly warnings: readonly string[];
}

/** Of a store all whole points travel, because its files do. Of sets those that the scope asks for (`newSets`), and those that were copied, as long as the
 *  source shows them. What retention would remove at once is left out. */
export function chooseTreePoints(
  points: readonly TreePoint[],
  rules: Pick<TreeRules, 'shape' | 'isOpaque'> & LogRules,
  choice: TreePointChoice,
): ChosenTreePoints {
  const { shape, isOpaque } = rules;
  const wanted = points.filter(({ kind }) => choice.withLogs || kind !== 'log');
  const whole = wanted.filter(({ state }) => state === 'complete');
  // What is still written there is told file by file.
  if (isOpaque === true) return { points: whole.slice(-1), unusable: null, warnings: [] };
  const newest = wanted.at(-1);
  const unusable = newest === undefined || newest.state === 'complete' ? null : newest;
  const chosen = shape === 'store' ? whole : chosenSets(whole, choice, rules);
  return { points: chosen, unusable, warnings: gapsOf(chosen, points) };
}

/** A log whose chain ends before the full that serves it needs that full, as the copy has it. */
function chosenSets(
  whole: readonly TreePoint[],
  choice: TreePointChoice,
  rules: LogRules,
): TreePoint[] {
  const wanted = [
    ...newSets(whole, choice, rules),
    ...whole.flatMap(({ id }) => (choice.copied.has(id) ? [id] : [])),
  ];
  const ids = withNeeds(whole, new Set(wanted), rules);
  const chosen = whole.filter(({ id }) => ids.has(id));
  const byId = new Map(whole.map((point) => [point.id, point]));
  const fulls = new ServingFulls(chosen, rules);
  return chosen.map((point) => {
    const needs = fulls.needsOf(point, (id) => (ids.has(id) ? undefined : byId.get(id)));
    return needs === point.needs ? point : { ...point, needs };
  });
}

/** Scope `all` takes every one that retention keeps. Else the first run, and each of a periodic job, takes the newest backup and all logs since it: threads
 *  and volumes have logs of their own, and none of them is the newest for all. Later an immediate job takes all that follow what it has copied: a backup is
 *  dated by its beginning, and logs that are newer may have been copied before it was whole. */
function newSets(whole: readonly TreePoint[], choice: TreePointChoice, rules: LogRules): string[] {
  const { scope, mode, copied } = choice;
  const kept = keptIds(whole, choice, rules);
  const idsSince = (first: TreePoint | undefined, isWanted = (_: TreePoint) => true): string[] =>
    whole.flatMap((point) => {
      const { id, createdAtMs } = point;
      const isOld = first !== undefined && createdAtMs < first.createdAtMs;
      return !isOld && kept.has(id) && isWanted(point) ? [id] : [];
    });
  if (scope === 'all') return idsSince(undefined);
  if (mode === 'immediate' && copied.size > 0)
    return idsSince(whole.find(({ id }) => copied.has(id)));
  const newest = whole.findLast(({ kind }) => kind !== 'log');
  return idsSince(newest, ({ id, kind }) => kind === 'log' || id === newest?.id);
}

/** Also says which of the points that one needs are not there at all. */
function gapsOf(chosen: readonly TreePoint[], all: readonly TreePoint[]): string[] {
  const byId = new Map(all.map((point) => [point.id, point]));
  return chosen.flatMap(({ id, gap, needs }) => {
    if (gap !== undefined) return [`${id}: ${gap}`];
    const missing = needs.filter((need) => byId.get(need)?.state !== 'complete');
    return missing.length === 0 ? [] : [`${id} needs ${missing.join(', ')}, which is not whole`];
  });
}

interface AgedPoint extends NeedingPoint {
  /** A health check found files damaged that it needs: it counts for none of those that are to stay. Absent: it is whole. */
  readonly isCorrupt?: boolean;
  /** Of the copy. Absent: none. */
  readonly flags?: TargetTreePoint['flags'];
}

/** A policy of days never leaves less than this, logs not counted. Source: VBR user guide, `backup_copy_simple_retention`. */
const MINIMUM_POINTS = 3;

/** Ids of the points that retention keeps: by days from when their sources were made, or the newest of them, or by a flag; and all that one of these
 *  needs. Logs are kept from the oldest backup on that no flag alone keeps. Ages are counted from a day after the newest point at the latest, so that a clock that runs ahead, or a
 *  source that stopped, lets nothing go.
 *  @param points oldest first */
export function keptIds(
  points: readonly AgedPoint[],
  { retention, gfs, endedGfs, timeZone, nowMs }: TreeRetention & Pick<TreePointChoice, 'nowMs'>,
  rules: LogRules,
): Set<string> {
  // There is no day to count from: of a database whose first backup is being made nothing is whole.
  if (points.length === 0) return new Set();
  const backups = points.filter(({ kind }) => kind !== 'log');
  const firstDay = dayNumberOf(agesOf(points, nowMs), timeZone) - retention.value;
  const fewest = retention.type === 'days' ? MINIMUM_POINTS : retention.value;
  const good = backups.filter(({ isCorrupt }) => isCorrupt !== true);
  const oldestCounted = good[Math.max(0, good.length - fewest)];
  const firstByCount = oldestCounted === undefined ? 0 : backups.indexOf(oldestCounted);
  const kept = backups.filter(
    ({ createdAtMs }, index) =>
      index >= firstByCount ||
      (retention.type === 'days' && dayNumberOf(createdAtMs, timeZone) >= firstDay),
  );
  const ids = new Set(kept.map(({ id }) => id));
  const oldestMs = kept[0]?.createdAtMs ?? -Infinity;
  for (const { id, kind, createdAtMs } of points)
    if (kind === 'log' && createdAtMs >= oldestMs) ids.add(id);
  for (const id of flagKeepReasons(points, { gfs, endedGfs, timeZone, nowMs }).keys()) ids.add(id);
  return withNeeds(points, ids, rules);
}

/** Why flags keep points, by ids in the source. */
export function flagKeepReasons(
  points: readonly AgedPoint[],
  {
    gfs,
    endedGfs,
    timeZone,
    nowMs,
  }: Pick<TreePointChoice, 'gfs' | 'endedGfs' | 'timeZone' | 'nowMs'>,
): Map<string, string[]> {
  const flagged = points.flatMap(({ id, createdAtMs, flags = [] }) =>
    flags.length === 0 ? [] : [{ id, createdAt: new Date(createdAtMs).toISOString(), flags }],
  );
  return gfsKeepReasons({ gfs, endedGfs, timeZone, nowMs: agesOf(points, nowMs), points: flagged });
}

/** From when ages are counted. */
function agesOf(points: readonly AgedPoint[], nowMs: number): number {
  const newestMs = points.reduce((newest, { createdAtMs }) => Math.max(newest, createdAtMs), 0);
  return agesFrom(newestMs, nowMs);
}

/** The points of a copy as retention sees them, by their ids in the source. */
export function agedPoints(points: readonly TargetTreePoint[]): AgedPoint[] {
  return points.map(({ source, createdAt, kind, needs, sizeBytes, health, lacks, flags }) => ({
    id: source.restorePointId,
    createdAtMs: Date.parse(createdAt),
    ...{ kind, needs, sizeBytes },
    ...(healthOf({ health, lacks }) === 'corrupt' ? { isCorrupt: true } : {}),
    ...(flags.length > 0 ? { flags } : {}),
  }));
}

/** The points that stay when others go. A log that a full serves needs this one from then on, and not the logs before it that go.
 *  @param kept ids in the source of those that stay */
export function pointsLeft(
  points: readonly TargetTreePoint[],
  kept: ReadonlySet<string>,
  rules: LogRules,
): TargetTreePoint[] {
  const aged = agedPoints(points);
  const byId = new Map(aged.map((point) => [point.id, point]));
  const fulls = new ServingFulls(
    aged.filter(({ id }) => kept.has(id)),
    rules,
  );
  return points.flatMap((point) => {
    const own = byId.get(point.source.restorePointId)!;
    if (!kept.has(own.id)) return [];
    const needs = fulls.needsOf(own, (id) => (kept.has(id) ? undefined : byId.get(id)));
    return [needs === own.needs ? point : { ...point, needs }];
  });
}

export interface RemovalRule {
  readonly rules: Pick<TreeRules, 'keepRemovedForDays' | 'isOpaque'>;
  /** Of the job; a number of restore points says nothing of files. */
  readonly retention: RetentionPolicy;
  /** Of the target. */
  readonly immutableForDays: number;
  /** `AgeBase.asOfMs` of the points of the copy: a clock that runs ahead lets nothing go. */
  readonly asOfMs: number;
}

/** Since when something counts as gone that a look misses now: never earlier than the source was known to have it, so that a clock that is behind for one
 *  look does not make it old. `points`, `changedAt`: of the copy. Epoch milliseconds. */
export function missedSinceMs(
  {
    points,
    changedAt,
  }: { readonly points: readonly TargetTreePoint[]; readonly changedAt: string | null },
  nowMs: number,
): number {
  if (changedAt === null) return nowMs;
  return Math.max(nowMs, ageBase(points, Date.parse(changedAt)).asOfMs);
}

/** Whether what the source removed goes from the copy, too: after the days of the job, and at once where the tool bears nothing that stays. Where
 *  nothing is known of the files these days begin when the file was written; one that was missed by a single look stays all the same.
 *  @param writtenAtMs when the source's file was last written */
export function isRemovalDue(
  goneSinceMs: number,
  writtenAtMs: number,
  { rules: { keepRemovedForDays, isOpaque }, retention, immutableForDays, asOfMs }: RemovalRule,
): boolean {
  const wanted = retention.type === 'days' ? retention.value : keepRemovedForDays;
  if (isOpaque === true) {
    const missedForDays = Math.max(MISSED_FOR_DAYS, immutableForDays);
    const dueAtMs = Math.max(writtenAtMs + wanted * DAY_MS, goneSinceMs + missedForDays * DAY_MS);
    return dueAtMs <= asOfMs;
  }
  const days = Math.max(keepRemovedForDays === 0 ? 0 : wanted, immutableForDays);
  return days === 0 || goneSinceMs + days * DAY_MS <= asOfMs;
}

/** A share that answers without some of its folders is seen again within a day, or an operator has noticed. */
const MISSED_FOR_DAYS = 1;
