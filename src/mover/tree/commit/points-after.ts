import { compareBytes } from '../../../domain/byte-order.js';
import { pointFolderName } from '../../../domain/targets/path-segment.js';
import { hasNews, notRenewedText, pointsToTake } from '../../../domain/trees/grown-points.js';
import {
  leftOutText,
  wholeSets,
  withNewFiles,
  type WholePoints,
} from '../../../domain/trees/set-points.js';
import { lackedBy, NOTHING_LACKING, type Lacking } from '../../../domain/trees/lacking-files.js';
import type { TreePoint } from '../../../domain/trees/source-tree.js';
import { missedSinceMs } from '../../../domain/trees/missed-since.js';
import type { TargetTreePoint } from '../../../domain/trees/target-tree.js';
import type { TreeRules } from '../../../domain/trees/tree-rules.js';
import { treeLayoutOf } from '../../../layout/tree-layouts.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import { readIndex } from '../../../tree/read-index.js';
import { totalsOf } from '../../../tree/show-tree.js';
import type { TreeRecord, UnfinishedPoint } from '../../../tree/tree-record.js';
import type { TreePlan } from '../tree-plan.js';
import { counted } from '../../../domain/sentences.js';

/** How large the files are that the copy of sets has. Those of a store are not asked for. */
export async function copiedBytes(
  target: SourceRepository,
  tree: string,
  { index }: TreeRecord,
  plan: TreePlan,
): Promise<(path: string) => number | null> {
  if (isStore(plan)) return () => 0;
  const bytes = new Map<string, number>();
  for (const one of index)
    for await (const part of readIndex(target, tree, one))
      for (const { path, stamp } of part) bytes.set(path, stamp.sizeBytes);
  return (path) => bytes.get(path) ?? null;
}

/** The files of a store belong to any of its points, where its rules do not tell to which: while one of them cannot be read or is still written to, or when
 *  there is none at all, no new point is known to be whole. Neither is one that needs such a point. */
export function wholeOf(
  record: TreeRecord,
  plan: TreePlan,
  lacking: Lacking,
  bytesOf: (path: string) => number | null,
): WholePoints {
  const known = new Map(record.points.map((point) => [point.source.restorePointId, point]));
  if (!isStore(plan))
    return wholeSets(
      plan.points,
      new Set(known.keys()),
      (path) => bytesOf(path) !== null,
      lacking,
      rulesOf(plan),
    );
  // They tell what they lack (`pointsAfter`).
  if (rulesOf(plan).isPartial === true) lacking = NOTHING_LACKING;
  const hasFiles = totalsOf(record).fileCount > 0;
  const isLacking = new Set(lacking.points.map(({ id }) => id));
  const waits = waitsIn(plan);
  const reasonAgainst = (point: TreePoint): string | null => {
    if (lacking.any || isLacking.has(point.id))
      return `${counted(lacking.faults.count, 'file')} of the store could not be copied (${lacking.faults.examples[0]!.path})`;
    if (waits(point))
      return `${counted(plan.waitingCount, 'file of the store was', 'files of the store were')} written to a moment ago`;
    return hasFiles ? null : 'no file of the store was found';
  };
  const taken = pointsToTake(plan.points, record.points);
  const short = new Set([...isLacking, ...ownWaiting(plan)]);
  const reasons = reasonsOf(taken, reasonAgainst, { known, short });
  const isAway = (id: string) => !known.has(id) && (reasons.has(id) || short.has(id));
  const textOf = (id: string, reason: string) => {
    const copied = known.get(id);
    return copied === undefined ? leftOutText(id, reason) : notRenewedText(id, copied, reason);
  };
  return {
    points: plan.points
      .filter(({ id }) => !reasons.has(id))
      .map((point) => (point.kind === 'log' ? logWithout(point, isAway, known) : point)),
    leftOut: plan.points.flatMap(({ id }) => {
      const reason = reasons.get(id);
      return reason === undefined ? [] : [textOf(id, reason)];
    }),
  };
}

type KnownPoints = ReadonlyMap<string, TargetTreePoint>;

/** Whether files that wait may be a point's. Files of a store are written one after the other: what waits is younger than all that a point needs that was
 *  written before. */
function waitsIn(plan: TreePlan): (point: TreePoint) => boolean {
  const { waitingCount, waitingPoints } = plan;
  if (rulesOf(plan).isOpaque === true || waitingCount === 0) return () => false;
  const fromMs = plan.waitingFromMs ?? (waitingPoints === undefined ? -Infinity : null);
  const own = new Set(ownWaiting(plan));
  return ({ id, kind, createdAtMs, writtenUntilMs }) => {
    const untilMs = writtenUntilMs ?? (kind === 'log' ? createdAtMs : Infinity);
    return own.has(id) || (fromMs !== null && !(untilMs < fromMs));
  };
}

/** Points that wait for files of their own. Where nothing is known of the files, one that is not finished takes nothing from the others. */
function ownWaiting(plan: TreePlan): readonly string[] {
  return rulesOf(plan).isOpaque === true ? [] : (plan.waitingPoints ?? []);
}

/** Why points are left out, by their ids: for themselves, or because a backup needs one that is left out, or of which files are lacking, and that the copy does not have.
 *  One that is not taken because its log is not there has the data that others build on. */
function reasonsOf(
  taken: readonly TreePoint[],
  reasonAgainst: (point: TreePoint) => string | null,
  { known, short }: { readonly known: KnownPoints; readonly short: ReadonlySet<string> },
): Map<string, string> {
  const reasons = new Map<string, string>();
  for (const point of taken) {
    const reason = reasonAgainst(point);
    if (reason !== null) reasons.set(point.id, reason);
  }
  for (let before = -1; before < reasons.size;) {
    before = reasons.size;
    for (const { id, kind, needs } of taken) {
      if (kind === 'log' || reasons.has(id)) continue;
      const missing = needs.find(
        (need) => !known.has(need) && (reasons.has(need) || short.has(need)),
      );
      if (missing !== undefined) reasons.set(id, `it needs ${missing}, which is not there`);
    }
  }
  return reasons;
}

/** A log is worth something without the backup before it, where an earlier one is there: as it was copied, it follows that. */
function logWithout(
  point: TreePoint,
  isAway: (id: string) => boolean,
  known: KnownPoints,
): TreePoint {
  const missing = point.needs.find(isAway);
  if (missing === undefined) return point;
  const earlier = known.get(point.id)?.needs ?? [];
  if (earlier.length > 0 && earlier.every((need) => known.has(need)))
    return { ...point, needs: earlier };
  const gap = `the backup that it follows, ${missing}, is not there`;
  return {
    ...{ ...point, needs: point.needs.filter((need) => !isAway(need)) },
    gap: point.gap === undefined ? gap : `${point.gap}; ${gap}`,
  };
}

/** Points of sets that are not whole here. */
export function unfinishedOf(
  { points }: Pick<TreePlan, 'points'>,
  whole: readonly TreePoint[],
): UnfinishedPoint[] {
  const ids = new Set(whole.map(({ id }) => id));
  return points.flatMap(({ id, files }) =>
    ids.has(id) || files === null ? [] : [{ restorePointId: id, files }],
  );
}

export function isStore(plan: TreePlan): boolean {
  return rulesOf(plan).shape === 'store';
}

export function rulesOf({ layout }: TreePlan): TreeRules {
  return treeLayoutOf(layout)!.rules;
}

/** Those that were there, with what is known of them now and as the source shows them when they have grown, and the new ones.
 *  @param whole of the plan */
export function pointsAfter(
  record: TreeRecord,
  whole: readonly TreePoint[],
  {
    plan,
    nowMs,
    bytesOf,
    lacking,
  }: {
    readonly plan: TreePlan;
    readonly nowMs: number;
    readonly bytesOf: (path: string) => number | null;
    readonly lacking: Lacking;
  },
): TargetTreePoint[] {
  const shown = new Set(plan.shown);
  const wholeById = new Map(whole.map((point) => [point.id, point]));
  const { shape, isOpaque, isPartial } = rulesOf(plan);
  const isOfStore = shape === 'store' && isOpaque !== true;
  const missedSince = new Date(
    plan.goneSinceMs ?? missedSinceMs(record, plan.plannedAtMs),
  ).toISOString();
  const lacksOf = (id: string, before: TargetTreePoint | null) =>
    isPartial === true ? lackedBy(lacking, id, before) : {};
  const totals = totalsOf(record);
  const stateOf = (point: TreePoint) => ({
    fileCount: point.files?.length ?? totals.fileCount,
    sizeBytes: point.sizeBytes ?? totals.sizeBytes,
    ...copiedPoint(point, plan, nowMs),
  });
  const paths = new Set(whole.flatMap(({ files }) => files ?? []));
  const isAllThere = record.points.every(({ files }) => files?.every((path) => paths.has(path)));
  const known = record.points.map((point) => {
    const isShown = shown.has(point.source.restorePointId);
    const now = wholeById.get(point.source.restorePointId);
    const { goneSince, ...found } =
      shape === 'store' && now !== undefined && hasNews(now, point)
        ? renewedPoint(point, stateOf(now))
        : withNewFiles(point, wholeById, bytesOf, isAllThere);
    const rest = isShown
      ? { ...withoutLacks(found), ...lacksOf(point.source.restorePointId, point) }
      : found;
    if (!isOfStore || isShown) return rest;
    return { ...rest, goneSince: goneSince ?? missedSince };
  });
  const copied = new Set(known.map(({ source }) => source.restorePointId));
  const added = whole.filter(({ id }) => !copied.has(id));
  const ids = new FreeIds(new Set(known.map(({ id }) => id)));
  const isFollowed = isOpaque === true && added.length > 0;
  const points: TargetTreePoint[] = isFollowed ? [] : [...known];
  // The state before suffered from the same files.
  const isCorrupt = isFollowed && known.some(({ health }) => health === 'corrupt');
  const found =
    isCorrupt && (plan.lostOfNewPoints ?? 0) > 0 ? ({ health: 'corrupt' } as const) : {};
  for (const point of added) {
    const own = { ...stateOf(point), ...found };
    points.push({ id: ids.next(point), ...own, ...lacksOf(point.id, null) });
  }
  return points.sort((a, b) => compareBytes(a.createdAt, b.createdAt) || compareBytes(a.id, b.id));
}

/** A point of a store as the source shows it now. It keeps its name, and what is known to be wrong with it. */
function renewedPoint(
  { id, health, flags, lacks, goneSince }: TargetTreePoint,
  now: Omit<TargetTreePoint, 'id'>,
): TargetTreePoint {
  return {
    ...{ id, ...now, flags },
    ...(health === 'good' ? {} : { health }),
    ...(lacks === undefined ? {} : { lacks }),
    ...(goneSince === undefined ? {} : { goneSince }),
  };
}

function withoutLacks({ lacks: _, ...rest }: Omit<TargetTreePoint, 'goneSince'>) {
  return rest;
}

function copiedPoint(
  { id, createdAtMs, kind, needs, files, gap, ofPart }: TreePoint,
  { sourceRepositoryId, lostOfNewPoints = 0 }: TreePlan,
  nowMs: number,
): Omit<TargetTreePoint, 'id' | 'fileCount' | 'sizeBytes'> {
  const copiedAt = new Date(nowMs).toISOString();
  return {
    ...{ createdAt: new Date(createdAtMs).toISOString(), copiedAt, kind, needs, files },
    // A health check tells whether it can do without what is lost, or heals it.
    ...{ health: lostOfNewPoints > 0 ? 'unknown' : 'good', verifiedAt: null, flags: [] },
    source: { repositoryId: sourceRepositoryId, restorePointId: id },
    ...(gap === undefined ? {} : { gap }),
    ...(ofPart === undefined ? {} : { ofPart }),
  };
}

/** Names that no point has yet. Logs that were brought here together have one date, by the thousand. */
class FreeIds {
  readonly #numbers = new Map<string, number>();

  constructor(private readonly taken: Set<string>) {}

  next({ createdAtMs }: TreePoint): string {
    const name = pointFolderName(createdAtMs);
    let number = this.#numbers.get(name) ?? 1;
    const idOf = () => (number === 1 ? name : `${name}-${number}`);
    while (this.taken.has(idOf())) number++;
    const id = idOf();
    this.taken.add(id);
    this.#numbers.set(name, number + 1);
    return id;
  }
}
