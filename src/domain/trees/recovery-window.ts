/** What of the logs and backups brings a database to each moment of the days that are kept. */

import {
  LONGEST_BACKUP_MS,
  mayBeOfOne,
  ServingFulls,
  type LogRules,
  type NeedingPoint,
} from './needed-points.js';

/** Ids of the backups from which the first moments of a window are reached, and of all logs since each: of a log in it the newest backup that had ended before the window and brings its database back, else the oldest that does.
 *  Source: Oracle Database Backup and Recovery User's Guide (recovery window). Empty where no log lies in the window.
 *  @param points oldest first
 *  @param backups those of them that count (`countedBackups`), oldest first
 *  @param sinceMs when the window begins */
export function windowIds(
  points: readonly NeedingPoint[],
  backups: readonly NeedingPoint[],
  sinceMs: number,
  rules: LogRules,
): Set<string> {
  const logs = points.filter(({ kind }) => kind === 'log');
  const inWindow = logs.filter((log) => log.createdAtMs >= sinceMs && log.isDoubted !== true);
  if (inWindow.length === 0) return new Set();
  const whole = backups.filter(wholeBackups(points, rules));
  // A backup is dated by its beginning, and by clocks of some zone.
  const ended = whole.filter(({ createdAtMs }) => createdAtMs <= sinceMs - LONGEST_BACKUP_MS);
  const baseOf = (log: NeedingPoint): NeedingPoint | undefined => {
    // The first that fits ends the search: there are tens of thousands of logs.
    const isOwn = (backup: NeedingPoint): boolean => mayBeOfOne(backup, log, rules);
    return ended.findLast(isOwn) ?? whole.find(isOwn);
  };
  const bases = new Set(inWindow.flatMap((log) => baseOf(log) ?? []));
  return new Set(
    [...bases].flatMap((base) => [
      base.id,
      ...logs.flatMap((log) =>
        log.createdAtMs >= base.createdAtMs && mayBeOfOne(base, log, rules) ? [log.id] : [],
      ),
    ]),
  );
}

/** Tells whether a backup is there with all that it needs. Where any full serves logs, one that does not may be of a part of the database. */
function wholeBackups(
  points: readonly NeedingPoint[],
  rules: LogRules,
): (backup: NeedingPoint) => boolean {
  const byId = new Map(points.map((point) => [point.id, point]));
  const fulls = new ServingFulls(points, rules);
  const isSound = (point: NeedingPoint): boolean =>
    point.gap === undefined &&
    point.isCorrupt !== true &&
    point.isDoubted !== true &&
    point.needs.every((need) => byId.has(need)) &&
    (rules.logsBeforeFullMs === undefined || point.needs.length > 0 || fulls.has(point));
  // No log is rolled forward from a backup of a part.
  const isOfPart = ({ kind, needs }: NeedingPoint): boolean =>
    rules.logsBeforeFullMs !== undefined && kind === 'full' && needs.length > 0;
  return (backup) => {
    if (isOfPart(backup)) return false;
    const found = new Set([backup]);
    for (const point of found) {
      if (!isSound(point)) return false;
      for (const need of point.needs) found.add(byId.get(need)!);
    }
    return true;
  };
}
