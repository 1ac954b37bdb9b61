import { withCorrupt } from '../../../domain/targets/damage.js';
import type { TargetTreePoint } from '../../../domain/trees/target-tree.js';
import { pointsThatNeed, type LostFile } from '../../../domain/trees/tree-damage.js';
import { treeLayoutOf } from '../../../layout/tree-layouts.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import { totalsOf } from '../../../tree/show-tree.js';
import { SortedStream, walkBoth } from '../../../tree/sorted-stream.js';
import { FILES_FOLDER } from '../../../tree/tree-paths.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { readTreeRecord } from '../../../tree/tree-store.js';
import { statIfAllowed } from '../../change/lost-files.js';
import { missedOf } from '../../change/standing-record.js';
import { treeStaged } from '../tree-plan.js';
import { knownFiles, lyingFiles } from '../whole-tree.js';
import { overwrittenPoints } from './overwritten-points.js';

/** Trees of more files are compared with their index by sessions that copy and by health checks alone: a look may take four minutes. */
const COMPARED_FILES = 20_000;

interface LookAtTree {
  /** false: whether all files are gone is all that is asked. */
  readonly compares: boolean;
  readonly nowMs: number;
}

interface LookedAtTree {
  /** Points that lack files are corrupt in it, as a health check would find. */
  readonly record: TreeRecord;
  /** No file was missed. false as well: what was missed tells nothing, because the record changed or went meanwhile. */
  readonly isWhole: boolean;
}

/** How many files `withLostPoints` looks at when it compares. */
export function comparedFiles(record: TreeRecord): number {
  const { fileCount } = totalsOf(record);
  return fileCount > COMPARED_FILES ? 0 : fileCount;
}

/** What the folders of a tree tell of its files: whether all are gone and, of trees that are not large, which. While files are being removed nothing is judged.
 *  @throws as `SourceRepository.list`, `readTreeRecord` */
export async function withLostPoints(
  repository: SourceRepository,
  tree: string,
  record: TreeRecord,
  { compares, nowMs }: LookAtTree,
): Promise<LookedAtTree> {
  // A session that commits meanwhile removes runs of the index that the record before lists, too.
  const { missed, ...looked } = await missedOf(record, {
    look: (judged) => lostPoints(repository, tree, judged, { compares, nowMs }),
    read: () => readTreeRecord(repository, tree),
  });
  if (missed === null) return looked;
  const known = missed.isUnread ? looked.record.points.map(unjudged) : looked.record.points;
  return { ...looked, record: { ...looked.record, points: withCorrupt(known, missed.points) } };
}

interface MissedPoints {
  /** Ids of those that lack files. */
  readonly points: ReadonlySet<string>;
  /** Files that points have for themselves may have another content. */
  readonly isUnread: boolean;
  /** 0: nothing is missed. */
  readonly size: number;
}

function missedPoints(points: ReadonlySet<string>, isUnread = false): MissedPoints {
  return { points, isUnread, size: points.size + (isUnread ? 1 : 0) };
}

const NONE = missedPoints(new Set());

function unjudged(point: TargetTreePoint): TargetTreePoint {
  return point.files === null || point.health !== 'good' ? point : { ...point, health: 'unknown' };
}

async function lostPoints(
  repository: SourceRepository,
  tree: string,
  record: TreeRecord,
  { compares, nowMs }: LookAtTree,
): Promise<MissedPoints> {
  if (record.pending !== null || totalsOf(record).fileCount === 0) return NONE;
  if (await isEmptied(repository, tree))
    return missedPoints(new Set(record.points.map(({ id }) => id)));
  const rules = treeLayoutOf(record.layout)?.rules;
  if (rules === undefined || !compares || comparedFiles(record) === 0) return NONE;
  const lost = await lostFiles(repository, tree, record);
  const { points, isUnread } = await overwrittenPoints(repository, tree, record, nowMs);
  return missedPoints(pointsThatNeed(record.points, lost, rules, points), isUnread);
}

/** What a health check has judged already is left out. A file that a session is about to replace may have any length, also when it began meanwhile; one that has
 *  ended meanwhile has changed the record. */
async function lostFiles(
  repository: SourceRepository,
  tree: string,
  record: TreeRecord,
): Promise<LostFile[]> {
  const isAtWork = async () => (await repository.stat(treeStaged.folder(tree))) !== null;
  const wasAtWork = await isAtWork();
  const judged = new Set(record.lostNamed);
  const gone: LostFile[] = [];
  const ofOtherLength: LostFile[] = [];
  const lying = await SortedStream.of(lyingFiles(repository, tree));
  const known = await SortedStream.of(knownFiles(repository, tree, record));
  await walkBoth(lying, known, (lies, entry) => {
    if (entry === null || judged.has(entry.path)) return undefined;
    const file = { path: entry.path, goneSinceMs: entry.goneSinceMs };
    if (lies?.type !== 'file') gone.push(file);
    else if (lies.stamp.sizeBytes !== entry.stamp.sizeBytes) ofOtherLength.push(file);
    return undefined;
  });
  const lost = wasAtWork || (await isAtWork()) ? [] : ofOtherLength;
  for (const file of gone) if (await isGone(repository, tree, file)) lost.push(file);
  return lost;
}

/** A folder that is listed while a file in it is replaced may not show it. */
async function isGone(
  repository: SourceRepository,
  tree: string,
  { path }: LostFile,
): Promise<boolean> {
  const entry = await statIfAllowed(repository, `${tree}/${FILES_FOLDER}/${path}`);
  return entry?.type !== 'file';
}

async function isEmptied(repository: SourceRepository, tree: string): Promise<boolean> {
  for await (const _ of repository.entries(`${tree}/${FILES_FOLDER}`)) return false;
  return true;
}
