/** Which points of a tree are copied, and which of the copy stay. */

import { dayNumberOf } from '../schedules/calendar-date.js';
import type {
  CopyMode,
  EndedGfs,
  GfsPolicy,
  RestorePointScope,
  RetentionPolicy,
} from '../jobs/copy-job.js';
import { counted } from '../sentences.js';
import { gfsKeepReasons } from '../retention/gfs.js';
import {
  countedBackups,
  ServingFulls,
  withNeeds,
  type LogRules,
  type NeedingPoint,
} from './needed-points.js';
import type { TreePoint } from './source-tree.js';
import { healthOf, type TargetTreePoint } from './target-tree.js';
import { windowIds } from './recovery-window.js';
import { believedTreeDates, datesOfCopy, treeAgesFrom } from './tree-dates.js';
import type { TreeRules } from './tree-rules.js';
import { DAY_MS } from '../elapsed.js';

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
  /** When points were copied, by their ids in the source. Epoch milliseconds. */
  readonly copied: ReadonlyMap<string, number>;
  /** Ids in the source of those whose gap there is none of the copy (`copiedWithoutGap`). Absent: none. */
  readonly withoutGap?: ReadonlySet<string>;
}

export function copiedAt(
  copy: { readonly points: readonly TargetTreePoint[] } | null,
): ReadonlyMap<string, number> {
  return new Map(
    copy?.points.map((point) => [point.source.restorePointId, Date.parse(point.copiedAt)]),
  );
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
  const newestAt = datedPoints(wanted, choice).findLastIndex(isBelieved);
  const newest = [wanted[newestAt], wanted.at(-1)];
  // What was copied when it was whole is not missed.
  const isMissed = ({ id, state }: TreePoint): boolean =>
    state !== 'complete' && !(state === 'broken' && choice.copied.has(id));
  const unusable = newest.find((point) => point !== undefined && isMissed(point));
  const chosen = shape === 'store' ? whole : chosenSets(whole, choice, rules);
  return { points: chosen, unusable: unusable ?? null, warnings: gapsOf(chosen, points, choice) };
}

/** A point of the source with the date that counts for it. */
interface DatedPoint extends TreePoint {
  readonly isDoubted?: true;
}

function isBelieved({ isDoubted }: Pick<NeedingPoint, 'isDoubted'>): boolean {
  return isDoubted !== true;
}

function datedPoints(
  points: readonly TreePoint[],
  { copied, nowMs }: Pick<TreePointChoice, 'copied' | 'nowMs'>,
): DatedPoint[] {
  const seen = points.map(({ id, createdAtMs }) => ({
    createdAtMs,
    copiedAtMs: copied.get(id) ?? nowMs,
  }));
  const dates = believedTreeDates(seen, nowMs);
  return points.map((point, index) => {
    const { atMs, isDoubted } = dates[index]!;
    return isDoubted ? { ...point, createdAtMs: atMs, isDoubted } : point;
  });
}

/** A log whose chain ends before the full that serves it needs that full, as the copy has it. */
function chosenSets(
  whole: readonly TreePoint[],
  choice: TreePointChoice,
  rules: LogRules,
): TreePoint[] {
  const dated = datedPoints(whole, choice);
  const wanted = [
    ...newSets(dated, choice, rules),
    ...whole.flatMap(({ id }) => (choice.copied.has(id) ? [id] : [])),
  ];
  const ids = withNeeds(dated, new Set(wanted), rules);
  const byId = new Map(dated.map((point) => [point.id, point]));
  const fulls = new ServingFulls(
    dated.filter(({ id }) => ids.has(id)),
    rules,
  );
  return whole.flatMap((point) => {
    if (!ids.has(point.id)) return [];
    const own = byId.get(point.id)!;
    const needs = fulls.needsOf(own, (id) => (ids.has(id) ? undefined : byId.get(id)));
    return [needs === own.needs ? point : { ...point, needs }];
  });
}

/** Scope `all` takes every one that retention keeps. Else the first run, and each of a periodic job, takes the newest backup and all logs and backups of parts since it: threads
 *  and volumes have logs of their own, and none of them is the newest for all. Later an immediate job takes all that follow what it has copied: a backup is
 *  dated by its beginning, and logs that are newer may have been copied before it was whole. One whose date is not believed may be the newest, or not: it is taken
 *  beside the one that is by the others' dates, and makes none of them old.
 *  @param whole oldest first by the dates of the source */
function newSets(whole: readonly DatedPoint[], choice: TreePointChoice, rules: LogRules): string[] {
  const { scope, mode, copied } = choice;
  const kept = keptIds(whole, choice, rules);
  // Those that are doubted and not copied are behind all others, as if made now: enough of them would leave no place to one that is believed.
  const sure = whole.filter((point) => isBelieved(point) || copied.has(point.id));
  if (sure.length < whole.length) for (const id of keptIds(sure, choice, rules)) kept.add(id);
  const backups = countedBackups(whole);
  for (const id of doubtedWithoutPlace(backups, choice)) kept.delete(id);
  const idsSince = (first: DatedPoint | undefined, isWanted = (_: DatedPoint) => true): string[] =>
    whole.flatMap((point) => {
      const { id, createdAtMs } = point;
      const isOld = first !== undefined && isBelieved(point) && createdAtMs < first.createdAtMs;
      return !isOld && kept.has(id) && isWanted(point) ? [id] : [];
    });
  if (scope === 'all') return idsSince(undefined);
  const dated = whole.filter(isBelieved);
  // Clocks that are all wrong, or that of this machine: the order is all that there is.
  const believed = dated.length > 0 ? dated : whole;
  if (mode === 'immediate' && copied.size > 0)
    return idsSince(believed.find(({ id }) => copied.has(id)));
  const counted = new Set(backups);
  const newest = believed.findLast((point) => counted.has(point));
  const beside = doubtedBeside(backups);
  return idsSince(
    newest,
    (point) => !counted.has(point) || point.id === newest?.id || beside.has(point.id),
  );
}

/** The newest of those before and behind all dates that are believed: the same wrong clock may have dated older ones.
 *  @param backups oldest first by the dates of the source */
function doubtedBeside(backups: readonly DatedPoint[]): Set<string> {
  const first = backups.findIndex(isBelieved);
  const found = [backups[first - 1], backups.at(-1)];
  return new Set(
    found.flatMap((point) => (point === undefined || isBelieved(point) ? [] : [point.id])),
  );
}

/** Also says which of the points that one needs are not there at all. */
function gapsOf(
  chosen: readonly TreePoint[],
  all: readonly TreePoint[],
  { withoutGap }: Pick<TreePointChoice, 'withoutGap'>,
): string[] {
  const byId = new Map(all.map((point) => [point.id, point]));
  return chosen.flatMap(({ id, gap, needs }) => {
    if (gap !== undefined) return withoutGap?.has(id) === true ? [] : [`${id}: ${gap}`];
    const missing = needs.filter((need) => byId.get(need)?.state !== 'complete');
    return missing.length === 0 ? [] : [`${id} needs ${missing.join(', ')}, which is not whole`];
  });
}

/** Those of which more than have a place would be copied, and put believed ones out of the copy, whose number they count for as if made when they were copied.
 *  @param backups oldest first by the dates of the source */
function doubtedWithoutPlace(
  backups: readonly DatedPoint[],
  { retention, copied }: TreePointChoice,
): string[] {
  if (retention.type === 'days') return [];
  const beside = doubtedBeside(backups);
  const doubted = backups.filter((point) => !isBelieved(point));
  const others = doubted.filter(({ id }) => !beside.has(id));
  const places = Math.max(0, placesOfDoubted(retention.value) - beside.size);
  const withPlace = new Set(others.slice(Math.max(0, others.length - places)));
  return others.flatMap((one) => (withPlace.has(one) || copied.has(one.id) ? [] : [one.id]));
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
 *  needs. Logs, and backups of parts, which take no place, are kept from the oldest backup on that no flag alone keeps; of days so that each moment of these can be reached
 *  (`windowIds`). Ages are counted from a day after the newest point at the latest, so that a clock that runs ahead, or a
 *  source that stopped, lets nothing go.
 *  @param unordered oldest first by the dates of the source */
export function keptIds(
  unordered: readonly AgedPoint[],
  { retention, gfs, endedGfs, timeZone, nowMs }: TreeRetention & Pick<TreePointChoice, 'nowMs'>,
  rules: LogRules,
): Set<string> {
  // There is no day to count from: of a database whose first backup is being made nothing is whole.
  if (unordered.length === 0) return new Set();
  const points = byDate(unordered);
  const backups = countedBackups(points);
  const counted = new Set(backups);
  const asOfMs = agesOf(points, nowMs);
  const firstDay = dayNumberOf(asOfMs, timeZone) - retention.value;
  const fewest = retention.type === 'days' ? MINIMUM_POINTS : retention.value;
  const firstByCount = firstCounted(backups, fewest);
  const kept = backups.filter(
    ({ createdAtMs }, index) =>
      index >= firstByCount ||
      (retention.type === 'days' && dayNumberOf(createdAtMs, timeZone) >= firstDay),
  );
  const ids = new Set(kept.map(({ id }) => id));
  const oldestMs = logsFromMs(backups, kept[0]);
  for (const point of points)
    if (!counted.has(point) && point.createdAtMs >= oldestMs) ids.add(point.id);
  if (retention.type === 'days')
    for (const id of windowIds(points, backups, asOfMs - retention.value * DAY_MS, rules))
      ids.add(id);
  for (const id of flagKeepReasons(points, { gfs, endedGfs, timeZone, nowMs }).keys()) ids.add(id);
  return withNeeds(points, ids, rules);
}

/** Which backup is the oldest that is kept for its number. One whose date is not believed may be older than it seems: it takes no other's place, and as many such
 *  as there are places stay beside the others, and not fewer than a session copies beside the newest (`doubtedBeside`). */
function firstCounted(backups: readonly AgedPoint[], fewest: number): number {
  const good = backups.filter(({ isCorrupt }) => isCorrupt !== true);
  const believed = good.filter(isBelieved);
  const most = believed.length === 0 ? fewest : fewest + placesOfDoubted(fewest);
  const oldest = [good[Math.max(0, good.length - most)], believed.at(-fewest)];
  return Math.max(...oldest.map((one) => (one === undefined ? 0 : backups.indexOf(one))));
}

function placesOfDoubted(fewest: number): number {
  return Math.max(fewest, MOST_BESIDE);
}

const MOST_BESIDE = 2;

/** Of a backup that was made before its date says, the logs since are needed, too.
 *  @param backups oldest first */
function logsFromMs(backups: readonly AgedPoint[], oldest: AgedPoint | undefined): number {
  if (oldest === undefined) return -Infinity;
  const upToIt = backups.slice(0, backups.indexOf(oldest) + 1);
  return upToIt.findLast(isBelieved)?.createdAtMs ?? -Infinity;
}

function byDate<P extends AgedPoint>(points: readonly P[]): P[] {
  return points.toSorted((a, b) => a.createdAtMs - b.createdAtMs);
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
  const flagged = byDate(points).flatMap(({ id, createdAtMs, flags = [] }) =>
    flags.length === 0 ? [] : [{ id, createdAt: new Date(createdAtMs).toISOString(), flags }],
  );
  return gfsKeepReasons({ gfs, endedGfs, timeZone, nowMs: agesOf(points, nowMs), points: flagged });
}

/** From when ages are counted. */
function agesOf(points: readonly AgedPoint[], nowMs: number): number {
  const dates = points.map((point) => ({
    atMs: point.createdAtMs,
    isDoubted: !isBelieved(point),
  }));
  return treeAgesFrom(dates, nowMs);
}

/** The points of a copy as retention sees them, by their ids in the source and with the dates that are believed (`believedTreeDates`). */
export function agedPoints(points: readonly TargetTreePoint[], nowMs?: number): AgedPoint[] {
  const dates = datesOfCopy(points, nowMs);
  return points.map(({ source, kind, needs, files, sizeBytes, ofPart, gap, ...point }, index) => ({
    id: source.restorePointId,
    createdAtMs: dates[index]!.atMs,
    ...{ kind, needs, files, sizeBytes },
    ...(ofPart === undefined ? {} : { ofPart }),
    ...(gap === undefined ? {} : { gap }),
    ...(dates[index]!.isDoubted ? { isDoubted: true } : {}),
    ...(healthOf(point) === 'corrupt' ? { isCorrupt: true } : {}),
    ...(point.flags.length > 0 ? { flags: point.flags } : {}),
  }));
}

/** The points that stay when others go. A log that a full serves needs this one from then on, and not the logs before it that go.
 *  @param kept ids in the source of those that stay */
export function pointsLeft(
  points: readonly TargetTreePoint[],
  kept: ReadonlySet<string>,
  rules: LogRules,
  nowMs?: number,
): TargetTreePoint[] {
  const aged = agedPoints(points, nowMs);
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

export interface TreeRemovalRule {
  readonly rules: Pick<TreeRules, 'keepRemovedForDays' | 'isOpaque'>;
  /** Of the job; a number of restore points says nothing of files. */
  readonly retention: RetentionPolicy;
  /** Of the target. */
  readonly immutableForDays: number;
  /** `copyAgesFrom`: a clock that runs ahead lets nothing go. */
  readonly asOfMs: number;
}

/** Whether what the source removed goes from the copy, too: after the days of the job, and at once where the tool bears nothing that stays. Where
 *  nothing is known of the files these days begin when the file was written; one that was missed by a single look stays all the same.
 *  @param writtenAtMs when the source's file was last written */
export function isRemovalDue(
  goneSinceMs: number,
  writtenAtMs: number,
  { rules: { keepRemovedForDays, isOpaque }, retention, immutableForDays, asOfMs }: TreeRemovalRule,
): boolean {
  const days = daysAfterRemoval({
    rules: { keepRemovedForDays, isOpaque },
    retention,
    immutableForDays,
  });
  if (isOpaque === true) {
    const stayingMs = missedDays(immutableForDays) * DAY_MS;
    const dueAtMs = Math.max(writtenAtMs + days * DAY_MS, goneSinceMs + stayingMs);
    return dueAtMs <= asOfMs;
  }
  return days === 0 || goneSinceMs + days * DAY_MS <= asOfMs;
}

/** How long a copy keeps what the source removed, in words for the end of a sentence. */
export function removalText(rule: Omit<TreeRemovalRule, 'asOfMs'>): string {
  const days = daysAfterRemoval(rule);
  if (rule.rules.isOpaque === true) {
    const least = counted(missedDays(rule.immutableForDays), 'day');
    return `the copy keeps what went for ${counted(days, 'day')} after it was written, and at least ${least} from now`;
  }
  if (days === 0) return 'what went goes from the copy, too, unless its own files need it';
  return `the copy keeps what went for ${counted(days, 'day')}`;
}

/** Of what is opaque from when a look missed it. */
function missedDays(immutableForDays: number): number {
  return Math.max(MISSED_FOR_DAYS, immutableForDays);
}

/** Of what is opaque from when it was written. */
function daysAfterRemoval({
  rules: { keepRemovedForDays, isOpaque },
  retention,
  immutableForDays,
}: Omit<TreeRemovalRule, 'asOfMs'>): number {
  const wanted = retention.type === 'days' ? retention.value : keepRemovedForDays;
  if (isOpaque === true) return wanted;
  return Math.max(keepRemovedForDays === 0 ? 0 : wanted, immutableForDays);
}

/** A share that answers without some of its folders is seen again within a day, or an operator has noticed. */
const MISSED_FOR_DAYS = 1;
