/** What the points of a copied tree are worth once files were copied: a point is there with all of its files, or not at all. */

import { NOTHING_LACKING, type Lacking } from './lacking-files.js';
import { ServingFulls, type LogRules } from './needed-points.js';
import { isResized } from './grown-points.js';
import { UNKNOWN_ORDER, type TreePoint } from './source-tree.js';
import type { TargetTreePoint } from './target-tree.js';

export interface WholePoints {
  readonly points: readonly TreePoint[];
  /** One plain sentence for each of the others. */
  readonly leftOut: readonly string[];
}

/** The new points whose files are all in the copy, and those of `known` that it has already. What needs one that is left out is left out as well,
 *  but for a log that a full serves.
 *  @param points oldest first
 *  @param known ids of points that were copied before */
export function wholeSets(
  points: readonly TreePoint[],
  known: ReadonlySet<string>,
  isCopied: (path: string) => boolean,
  lacking: Lacking = NOTHING_LACKING,
  rules: LogRules = {},
): WholePoints {
  const reasons = new Map<string, string>();
  const byId = new Map(points.map((point) => [point.id, point]));
  const fulls = new ServingFulls(points, rules);
  // Of a file that is older here than at the source the copy has something, too.
  const unread = new Map(lacking.points.map(({ id, faults }) => [id, faults]));
  for (const point of needsFirst(points, byId, fulls)) {
    const { id, files, needs } = point;
    const newest = fulls.of(point);
    const full = newest === null || reasons.has(newest.id) ? null : newest;
    const absent = files?.filter((path) => !isCopied(path)) ?? [];
    const named = unread.get(id)?.examples[0]?.path ?? absent[0];
    const count = Math.max(absent.length, unread.get(id)?.count ?? 0);
    const missing = needs.find(
      (need) => reasons.has(need) && !fulls.isServedWithout(full, byId.get(need)!),
    );
    if (known.has(id)) continue;
    const were = count === 1 ? 'one of its files was' : `${count} of its files were`;
    if (named !== undefined) reasons.set(id, `${were} not copied (${named})`);
    else if (missing !== undefined) reasons.set(id, `it needs ${missing}, which is not there`);
  }
  return {
    points: points.filter(({ id }) => !reasons.has(id)),
    leftOut: points.flatMap(({ id }) => {
      const reason = reasons.get(id);
      return reason === undefined ? [] : [leftOutText(id, reason)];
    }),
  };
}

/** Each behind what it needs, and the full that may serve it, else in the order given: of logs that are archived in parallel an older one may need a newer. */
function needsFirst(
  points: readonly TreePoint[],
  byId: ReadonlyMap<string, TreePoint>,
  fulls: ServingFulls<TreePoint>,
): Iterable<TreePoint> {
  const [begun, ordered] = [new Set<TreePoint>(), new Set<TreePoint>()];
  for (const start of points) {
    const waiting = [start];
    for (let point = waiting.at(-1); point !== undefined; point = waiting.at(-1)) {
      if (begun.has(point)) {
        ordered.add(point);
        waiting.pop();
        continue;
      }
      begun.add(point);
      for (const needed of [fulls.of(point), ...point.needs.map((need) => byId.get(need))])
        if (needed && !begun.has(needed)) waiting.push(needed);
    }
  }
  return ordered;
}

export function leftOutText(id: string, reason: string): string {
  return `restore point ${id} is not in the copy: ${reason}`;
}

/** Files of the points of `points` that the source shows as they were copied: their tool has given their names to no other backup.
 *  @param shown what the source shows */
export function filesOfStillShown(
  points: readonly TargetTreePoint[],
  shown: readonly TreePoint[],
): ReadonlySet<string> {
  const isStill = stillShown(shown);
  return new Set(points.flatMap((point) => (isStill(point) ? (point.files ?? []) : [])));
}

function stillShown(shown: readonly TreePoint[]): (point: TargetTreePoint) => boolean {
  const byId = new Map(shown.map((point) => [point.id, point]));
  return ({ createdAt, source }) =>
    byId.get(source.restorePointId)?.createdAtMs === Date.parse(createdAt);
}

/** Paths of files that have another content now, and whether it is longer than the one before. */
export type OverwrittenFiles = ReadonlyMap<string, { readonly isLonger: boolean }>;

/** Without those whose files have another content now, because their tool gave the names to another backup. Of those that the source still shows what was read of them
 *  is not there any more, but where more was put behind it.
 *  @param shown what the source shows */
export function notOverwritten(
  points: readonly TargetTreePoint[],
  shown: readonly TreePoint[],
  overwritten: OverwrittenFiles,
): TargetTreePoint[] {
  if (overwritten.size === 0) return [...points];
  const isStill = stillShown(shown);
  return points.flatMap((point) => {
    if (isRewritten(point, overwritten))
      return isStill(point) ? { ...point, verifiedAt: null } : [];
    return isStill(point) || point.files?.some((path) => overwritten.has(path)) !== true
      ? point
      : [];
  });
}

function isRewritten({ files }: TargetTreePoint, overwritten: OverwrittenFiles): boolean {
  return files?.some((path) => overwritten.get(path)?.isLonger === false) === true;
}

/** Of those that are still listed although something has written to their files: of a backup that its tool has ended nothing does that.
 *  @param after the same points once that was entered */
export function rewrittenTexts(
  after: readonly TargetTreePoint[],
  overwritten: OverwrittenFiles,
): string[] {
  return after
    .filter((point) => isRewritten(point, overwritten))
    .map(({ source, files }) => {
      const [path] = files!.filter((one) => overwritten.get(one)?.isLonger === false);
      return `the source has written other bytes into files of restore point ${source.restorePointId}, which it shows as before, and the copy has these now (${path!}): check it with its tool`;
    });
}

export function overwrittenTexts(
  before: readonly TargetTreePoint[],
  after: readonly TargetTreePoint[],
): string[] {
  const kept = new Set(after.map(({ id }) => id));
  return before
    .filter(({ id }) => !kept.has(id))
    .map(
      ({ source, createdAt }) =>
        `restore point ${source.restorePointId} of ${createdAt} is no longer in the copy: the source has written another backup over its files`,
    );
}

/** A point that has got files since it was copied, or another size, with those that are in the copy. A log behind a hole that was filled since follows the
 *  one that fills it: several are archived at a time, and a later one may be there first. A backup whose logs came after it lacks them no more. Where the hole
 *  only is not to be seen any more, because what lay before it has gone, it stays. A gap that it always had is told from when it is known (`isOwnGap`).
 *  @param bytesOf files in the copy; null: it does not have them
 *  @param isAllThere nothing that was copied has gone at the source: what contradicted an order may be among that */
export function withNewFiles(
  point: TargetTreePoint,
  shown: ReadonlyMap<string, TreePoint>,
  bytesOf: (path: string) => number | null,
  isAllThere: boolean,
): TargetTreePoint {
  const { files, source } = point;
  const now = shown.get(source.restorePointId);
  if (files === null || now === undefined || now.files === null) return point;
  const held = new Set(files);
  const added = now.files.filter((path) => !held.has(path) && bytesOf(path) !== null);
  const isFilled =
    point.gap !== undefined &&
    now.gap === undefined &&
    (now.needs.some((need) => shown.get(need)?.kind === 'log') ||
      (point.kind !== 'log' && added.length > 0) ||
      (isAllThere && now.state === 'complete' && isOrderTold(point, shown)));
  const isNotedLater = now.ofPart !== undefined && point.ofPart === undefined;
  // What could not be read, or is written to, is in the copy as it was.
  const bytes = now.files.reduce((sum, path) => sum + (bytesOf(path) ?? 0), 0);
  const isTaken = isResized(now, point) && bytes === now.sizeBytes;
  const isGapFound = isOwnGap(now, point, shown);
  if (added.length === 0 && !isFilled && !isNotedLater && !isTaken && !isGapFound) return point;
  const sizeBytes = (added.length > 0 || isTaken ? now.sizeBytes : undefined) ?? point.sizeBytes;
  const all = [...files, ...added];
  const { gap = isGapFound ? now.gap : undefined, ...rest } = point;
  return {
    ...{ ...rest, files: all, fileCount: all.length, sizeBytes, needs: now.needs },
    ...(gap === undefined || isFilled ? {} : { gap }),
    ...(now.ofPart === undefined ? {} : { ofPart: now.ofPart }),
  };
}

/** Whether the source knows in which order the points were made between which a copied one stood. Where one of them has gone there, it is only not seen any more. */
function isOrderTold(
  { gap, needs }: TargetTreePoint,
  shown: ReadonlyMap<string, TreePoint>,
): boolean {
  return gap === UNKNOWN_ORDER && needs.every((need) => shown.has(need));
}

/** Whether what the source lacks of a copied backup is not in the copy either: it was not known of when it was copied, and of what it has nothing has gone at
 *  the source since. Of logs, and where a chain has lost its beginning there, the copy may have what came before. */
function isOwnGap(
  now: TreePoint,
  { kind, files, needs, gap }: TargetTreePoint,
  shown: ReadonlyMap<string, TreePoint>,
): boolean {
  if (now.gap === undefined || gap !== undefined || kind === 'log') return false;
  if (files === null || now.files === null) return false;
  const [nowFiles, nowNeeds] = [new Set(now.files), new Set(now.needs)];
  const isAllShown =
    files.every((path) => nowFiles.has(path)) && needs.every((need) => nowNeeds.has(need));
  return isAllShown && isRooted(now, shown);
}

function isRooted(point: TreePoint, shown: ReadonlyMap<string, TreePoint>): boolean {
  const found = new Set([point]);
  // Grows while it is gone through.
  for (const { kind, needs } of found) {
    if (kind === 'full' && needs.length === 0) return true;
    for (const need of needs) {
      const needed = shown.get(need);
      if (needed !== undefined) found.add(needed);
    }
  }
  return false;
}

/** Ids in the source of the sets that the copy has whole, whatever has gone at the source since. */
export function copiedWithoutGap(
  points: readonly TargetTreePoint[],
  shown: readonly TreePoint[],
): Set<string> {
  const byId = new Map(shown.map((point) => [point.id, point]));
  return new Set(
    points.flatMap((point) => {
      const now = byId.get(point.source.restorePointId);
      if (point.files === null || point.gap !== undefined || now === undefined) return [];
      return isOwnGap(now, point, byId) ? [] : [now.id];
    }),
  );
}
