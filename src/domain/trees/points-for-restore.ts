/** What a restore of one point of a copy takes, and what is missing of it. */

import { firstTexts } from '../sentences.js';
import {
  LONGEST_BACKUP_MS,
  ServingFulls,
  type LogRules,
  type NeedingPoint,
} from './needed-points.js';
import type { TargetTreePoint } from './target-tree.js';
import { agedPoints } from './tree-points.js';

interface NeededPoints {
  /** That the copy has, the one itself among them. */
  readonly points: readonly TargetTreePoint[];
  /** Ids in the source of those that it does not have. */
  readonly missing: readonly string[];
}

/** The points that one cannot do without. Of a chain of logs that reaches back beyond a full that serves, that full stands for those before it, whether
 *  retention has let them go or not. Of a log these are also the logs of other threads, volumes and replica sets: a database is rolled forward along all of them, where it has
 *  more than one (`TreeRules.hasOneLog`). */
export function pointsNeededBy(
  points: readonly TargetTreePoint[],
  pointId: string,
  rules: LogRules,
): NeededPoints {
  const wanted = points.find(({ id }) => id === pointId);
  if (wanted === undefined) return { points: [], missing: [] };
  const bySource = new Map(points.map((point) => [point.source.restorePointId, point]));
  const aged = agedPoints(points);
  const agedById = new Map(aged.map((point) => [point.id, point]));
  const dates: Dates = (point) => agedById.get(point.source.restorePointId)!;
  const fulls = new ServingFulls(aged, rules);
  const own = agedById.get(wanted.source.restorePointId)!;
  const serving = fulls.of(own);
  const full = serving === null ? null : bySource.get(serving.id)!;
  // A full that was still written when the log was closed needs the logs behind it: only one that had its time to end stands for logs that are there.
  const ended = fulls.of({ ...own, createdAtMs: own.createdAtMs - LONGEST_BACKUP_MS });
  const found = new Set([wanted]);
  const missing = new Set<string>();
  const isBefore = (one: TargetTreePoint, other: TargetTreePoint): boolean =>
    dates(one).createdAtMs < dates(other).createdAtMs;
  const follow = (isWanted = (_: TargetTreePoint) => true): void => {
    for (const point of found)
      for (const need of point.needs) {
        const needed = agedById.get(need);
        const isServed =
          needed === undefined
            ? full !== null && point.kind === 'log' && isBefore(point, full)
            : point.kind === 'log' && fulls.isServedWithout(ended, needed);
        const served = needed === undefined ? full : bySource.get(ended?.id ?? '');
        const other = (isServed ? served : bySource.get(need)) ?? null;
        if (other === null) missing.add(need);
        else if (isWanted(other)) found.add(other);
      }
  };
  follow();
  if (wanted.kind === 'log') {
    const baseMs = addBase(found, full, dates);
    const sinceMs = baseMs - (rules.logsBeforeFullMs ?? 0);
    // Of one just before the base what lies before it does not matter, unless another needs it.
    const others = points.filter(
      (point) => point.gap === undefined || dates(point).createdAtMs >= baseMs,
    );
    const beside =
      rules.hasOneLog === true ? [] : logsBeside(others, wanted, found, { sinceMs, dates });
    for (const point of beside) found.add(point);
    // What lies before the base is in it.
    follow((need) => dates(need).createdAtMs >= sinceMs);
  }
  return { points: points.filter((point) => found.has(point)), missing: [...missing] };
}

/** What is believed of them, as retention does. */
type Dates = (point: TargetTreePoint) => Pick<NeedingPoint, 'createdAtMs' | 'isDoubted'>;

/** When the backup was made from which the logs of `found` are rolled forward: the newest among them. Those whose chain begins behind a hole have none:
 *  the full that serves is added. One of a doubted date may be older than any of them. */
function addBase(found: Set<TargetTreePoint>, full: TargetTreePoint | null, dates: Dates): number {
  const backups = [...found].filter(({ kind }) => kind !== 'log').map(dates);
  const believed = backups.filter(({ isDoubted }) => isDoubted !== true);
  if (believed.length > 0) return Math.max(...believed.map(({ createdAtMs }) => createdAtMs));
  if (backups.length > 0 || full === null)
    return [...found].reduce((oldest, one) => Math.min(oldest, dates(one).createdAtMs), Infinity);
  found.add(full);
  return dates(full).createdAtMs;
}

/** The logs from the base on to the date of the wanted one, of each chain; and of each other chain the next, which reaches beyond that date. Where the clock was turned back among them
 *  the numbers of a chain tell what follows, not its dates.
 *  @param found with all logs that the wanted one needs */
function logsBeside(
  points: readonly TargetTreePoint[],
  wanted: TargetTreePoint,
  found: ReadonlySet<TargetTreePoint>,
  { sinceMs, dates }: { readonly sinceMs: number; readonly dates: Dates },
): TargetTreePoint[] {
  const atMs = (point: TargetTreePoint): number => dates(point).createdAtMs;
  const logs = points.filter(({ kind }) => kind === 'log');
  const own = [...found].filter(({ kind }) => kind === 'log');
  const untilMs = own.reduce((latest, log) => Math.max(latest, atMs(log)), atMs(wanted));
  const until = logs.filter((log) => atMs(log) >= sinceMs && atMs(log) <= untilMs);
  const byId = new Map(logs.map((log) => [log.source.restorePointId, log]));
  const followers = followersOf(logs, byId);
  const ownIds = new Set(own.map(({ source }) => source.restorePointId));
  const taken = new Set([...found, ...until]);
  const turned = new Set<TargetTreePoint>();
  for (const point of taken) {
    // The next one reaches beyond the date, and no other is needed.
    if (point.kind === 'log' && atMs(point) > untilMs) continue;
    for (const log of followers.get(point.source.restorePointId) ?? []) {
      if (log.needs.some((need) => ownIds.has(need))) continue;
      const isBehindTurn = turned.has(point) || (point.kind === 'log' && atMs(log) < atMs(point));
      if (isBehindTurn) turned.add(log);
      if (isBehindTurn || atMs(log) >= sinceMs) taken.add(log);
    }
  }
  return [...taken].filter(({ kind }) => kind === 'log');
}

/** By id in the source, the logs that follow a log; and those that follow a backup, where no log lies before them. */
function followersOf(
  logs: readonly TargetTreePoint[],
  byId: ReadonlyMap<string, TargetTreePoint>,
): Map<string, TargetTreePoint[]> {
  const followers = new Map<string, TargetTreePoint[]>();
  for (const log of logs) {
    const before = log.needs.filter((need) => byId.has(need));
    for (const need of before.length > 0 ? before : log.needs) {
      const known = followers.get(need);
      if (known === undefined) followers.set(need, [log]);
      else known.push(log);
    }
  }
  return followers;
}

/** What a point needs and the copy does not have, and gaps before what it needs; one plain sentence each. */
export function missingTexts(
  points: readonly TargetTreePoint[],
  pointId: string,
  rules: LogRules,
): string[] {
  const needed = pointsNeededBy(points, pointId, rules);
  const { missing } = needed;
  const absent =
    missing.length === 0
      ? []
      : [`it needs ${firstTexts(missing).join(', ')}, which the copy does not have`];
  const gaps = needed.points.flatMap(({ source, gap }) =>
    gap === undefined ? [] : [`${source.restorePointId}: ${gap}`],
  );
  return [...absent, ...firstTexts(gaps)];
}
