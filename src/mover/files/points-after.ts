import { compareBytes } from '../../domain/byte-order.js';
import { pointFolderName } from '../../domain/targets/path-segment.js';
import {
  leftOutText,
  wholeSets,
  withNewFiles,
  type WholePoints,
} from '../../domain/trees/set-points.js';
import type { TreePoint } from '../../domain/trees/source-tree.js';
import { missedSinceMs } from '../../domain/trees/tree-points.js';
import type { TargetTreePoint } from '../../domain/trees/target-tree.js';
import type { TreeRules } from '../../domain/trees/tree-rules.js';
import { treeLayoutOf } from '../../layout/tree-layouts.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { readIndex } from '../../tree/file-index.js';
import { totalsOf } from '../../tree/show-tree.js';
import type { TreeRecord, UnfinishedPoint } from '../../tree/tree-record.js';
import type { TreePlan } from './tree-plan.js';

/** Which files the copy of sets has. Those of a store are not asked for. */
export async function copiedPaths(
  target: BackupRepository,
  tree: string,
  { index }: TreeRecord,
  plan: TreePlan,
): Promise<(path: string) => boolean> {
  if (isStore(plan)) return () => true;
  const paths = new Set<string>();
  for (const one of index)
    for await (const part of readIndex(target, tree, one))
      for (const { path } of part) paths.add(path);
  return (path) => paths.has(path);
}

/** The files of a store belong to any of its points: while one of them cannot be read or is still written to, or when there is none at all,
 *  no new point is known to be whole. */
export function wholeOf(
  record: TreeRecord,
  plan: TreePlan,
  unread: readonly string[],
  isCopied: (path: string) => boolean,
): WholePoints {
  const known = new Set(record.points.map(({ source }) => source.restorePointId));
  if (!isStore(plan)) return wholeSets(plan.points, known, isCopied);
  const hasFiles = totalsOf(record).fileCount > 0;
  // Where nothing is known of the files, one that is not finished takes nothing from the others.
  const waitingCount = rulesOf(plan).isOpaque === true ? 0 : plan.waitingCount;
  if (unread.length === 0 && waitingCount === 0 && hasFiles)
    return { points: plan.points, leftOut: [] };
  const reason =
    unread.length > 0
      ? `${unread.length} files of the store could not be copied (${unread[0]!})`
      : waitingCount > 0
        ? `${waitingCount} files of the store were written to a moment ago`
        : 'no file of the store was found';
  const added = plan.points.filter(({ id }) => !known.has(id));
  return {
    points: plan.points.filter(({ id }) => known.has(id)),
    leftOut: added.map(({ id }) => leftOutText(id, reason)),
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

function rulesOf({ layout }: TreePlan): TreeRules {
  return treeLayoutOf(layout)!.rules;
}

/** Those that were there, with what is known of them now, and the new ones.
 *  @param whole of the plan */
export function pointsAfter(
  record: TreeRecord,
  whole: readonly TreePoint[],
  {
    plan,
    nowMs,
    isCopied,
  }: {
    readonly plan: TreePlan;
    readonly nowMs: number;
    readonly isCopied: (path: string) => boolean;
  },
): TargetTreePoint[] {
  const shown = new Set(plan.shown);
  const wholeById = new Map(whole.map((point) => [point.id, point]));
  const { shape, isOpaque } = rulesOf(plan);
  const isOfStore = shape === 'store' && isOpaque !== true;
  const missedSince = new Date(missedSinceMs(record, plan.plannedAtMs)).toISOString();
  const known = record.points.map((point) => {
    const { goneSince, ...rest } = withNewFiles(point, wholeById, isCopied);
    if (!isOfStore || shown.has(point.source.restorePointId)) return rest;
    return { ...rest, goneSince: goneSince ?? missedSince };
  });
  const copied = new Set(known.map(({ source }) => source.restorePointId));
  const added = whole.filter(({ id }) => !copied.has(id));
  const ids = new FreeIds(new Set(known.map(({ id }) => id)));
  const { fileCount, sizeBytes } = totalsOf(record);
  const isFollowed = isOpaque === true && added.length > 0;
  const points: TargetTreePoint[] = isFollowed ? [] : [...known];
  for (const point of added) {
    const id = ids.next(point);
    const own = {
      fileCount: point.files?.length ?? fileCount,
      sizeBytes: point.sizeBytes ?? sizeBytes,
    };
    points.push({ id, ...own, ...copiedPoint(point, plan, nowMs) });
  }
  return points.sort((a, b) => compareBytes(a.createdAt, b.createdAt) || compareBytes(a.id, b.id));
}

function copiedPoint(
  { id, createdAtMs, kind, needs, files, gap }: TreePoint,
  { sourceRepositoryId }: TreePlan,
  nowMs: number,
): Omit<TargetTreePoint, 'id' | 'fileCount' | 'sizeBytes'> {
  const copiedAt = new Date(nowMs).toISOString();
  return {
    ...{ createdAt: new Date(createdAtMs).toISOString(), copiedAt, kind, needs, files },
    ...{ health: 'good', verifiedAt: null, flags: [] },
    source: { repositoryId: sourceRepositoryId, restorePointId: id },
    ...(gap === undefined ? {} : { gap }),
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
