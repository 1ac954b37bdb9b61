import { createHash } from 'node:crypto';
import { chainFolder } from '../../chain/chain-paths.js';
import { readChainRecord } from '../../chain/chain-store.js';
import { BackupError, type ErrorCode } from '../../domain/errors.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import {
  awaitedPoints,
  settlePoints,
  type AwaitedPoint,
  type SettleRule,
} from '../../domain/sources/settle.js';
import { isCopyable, type SourceIdentity } from '../../domain/sources/source-identity.js';
import { sourceScope, type NamedWorkload } from '../../domain/jobs/source-scope.js';
import type { UnseenPart } from '../../domain/sources/unseen-part.js';
import type { TreePoint } from '../../domain/trees/source-tree.js';
import { jobKind } from '../../domain/sources/workload-rules.js';
import { workloadTypeOf } from '../../layout/layouts.js';
import { newTreePoints } from '../source/new-tree-points.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { listSourceWorkloads } from '../source/source-catalogue.js';
import { identifiedPoints, toldRecord } from '../source/source-points.js';
import type { MoverContext } from '../task/mover-context.js';
import { notingFolders } from './noted-folders.js';
import { assertIsNoTarget } from './source-guard.js';

interface News {
  /** Fingerprint of the sources as they are. */
  readonly seen: string;
  /** Those that have something to copy. */
  readonly workloads: NamedWorkload[];
  /** Ids of those of them of which nothing is to be copied that is known, only compared: with weak stamps that is so at each look. */
  readonly onlyToCompare: readonly string[];
  /** Points that are in progress. */
  readonly awaited: readonly AwaitedPoint[];
  /** Sources that could not be read, or not in all of their places, and why. */
  readonly unread: readonly UnreadSource[];
  /** By the id of a source: where something new is seen by a look. */
  readonly folders: Readonly<Record<string, readonly string[]>>;
}

export interface UnreadSource {
  readonly repositoryId: string;
  readonly code: ErrorCode;
}

/** Looks at the sources of a job for complete restore points that are not copied yet. A source that cannot be read takes nothing from what the others
 *  show; a workload whose copies cannot be read counts as one with something to copy: its session says why it is not copied.
 *  @throws REPOSITORY_UNREACHABLE and what else keeps the whole target from being read */
export async function lookForNews(
  context: MoverContext,
  input: {
    readonly job: CopyJob;
    /** Of the look before. */
    readonly awaited: readonly AwaitedPoint[];
    /** By the id of a source: for how long nothing may have changed in a restore point before it is taken for whole. */
    readonly settleMs: Readonly<Record<string, number>>;
    /** Configured repositories that are written to. */
    readonly targetIds: readonly string[];
    readonly nowMs: number;
  },
): Promise<News> {
  const { job, settleMs, targetIds, nowMs } = input;
  const fingerprint = createHash('sha256');
  const workloads: NamedWorkload[] = [];
  const onlyToCompare: string[] = [];
  const isInScope = sourceScope(job);
  const awaited: AwaitedPoint[] = [];
  const seenBefore = input.awaited.flatMap((point) => point.seen ?? []);
  const unread: UnreadSource[] = [];
  const folders: Record<string, readonly string[]> = {};
  const target = await context.source(job.target.repositoryId);
  for (const { repositoryId } of job.sources.include) {
    const listed = await orCode(context, async () => {
      const repository = await context.source(repositoryId);
      await assertIsNoTarget(context, targetIds, repositoryId);
      const noted = new Set<string>();
      const noting = notingFolders(repository, noted);
      const { workloads, places } = await listWithPlaces(noting, context);
      folders[repositoryId] = [...noted];
      return { workloads, places };
    });
    if (typeof listed === 'string') {
      unread.push({ repositoryId, code: listed });
      fingerprint.update(JSON.stringify([repositoryId, listed]));
      continue;
    }
    // A session says which, and copies what lies beside them: once, as long as they are the same.
    if (listed.places.length > 0) {
      unread.push({ repositoryId, code: PLACE_UNREAD });
      fingerprint.update(JSON.stringify([repositoryId, PLACE_UNREAD, listed.places]));
    }
    for (const found of listed.workloads) {
      if (!isInScope(repositoryId, found)) continue;
      // What another kind of job copies is no news for this one.
      if (workloadTypeOf(found.type).rules.job !== jobKind(job)) continue;
      const rule = { nowMs, settleMs: settleMs[repositoryId] ?? 0, seen: seenBefore };
      const workload = { ...found, restorePoints: settlePoints(found.restorePoints, rule) };
      awaited.push(...awaitedPoints(workload.restorePoints, rule));
      fingerprint.update(JSON.stringify([repositoryId, workload.id, completePoints(workload)]));
      const work = await orCode(context, () => workOf(target, job, repositoryId, workload, rule));
      if (work === 'REPOSITORY_UNREACHABLE')
        throw new BackupError(work, `repository ${target.id} cannot be read`);
      if (typeof work === 'string' && !isWork(work)) fingerprint.update(work);
      if (work === 'compare') onlyToCompare.push(workload.id);
      if (work !== 'none') workloads.push({ id: workload.id, name: workload.name });
    }
  }
  const seen = fingerprint.digest('hex');
  return { seen, workloads, onlyToCompare, awaited, unread, folders };
}

const PLACE_UNREAD = 'SOURCE_PART_UNREADABLE';

/** What a source shows, and the paths of places that cannot be read. */
async function listWithPlaces(
  repository: SourceRepository,
  { facts }: MoverContext,
): Promise<{ readonly workloads: SourceWorkload[]; readonly places: readonly string[] }> {
  const places: string[] = [];
  const onUnseen = ({ code, path }: UnseenPart): void => {
    if (code === PLACE_UNREAD) places.push(path);
  };
  const workloads = await listSourceWorkloads(repository, onUnseen, facts);
  return { workloads, places: places.sort() };
}

/** @returns the code of what the work threw. @throws bugs, and that the look is to end */
async function orCode<T>(
  { control }: MoverContext,
  work: () => Promise<T>,
): Promise<T | ErrorCode> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BackupError) || control.isStopped) throw error;
    return error.code;
  }
}

/** Points that may be copied, and what tells that one has become another. */
function completePoints({ restorePoints, tree }: SourceWorkload): unknown[][] {
  const states = new Map(tree?.points.map((point) => [point.id, stateOf(point)]));
  return restorePoints
    .filter(isCopyable)
    .map(({ id, disks }) => [id, disks.map(({ stamp }) => stamp), ...(states.get(id) ?? [])]);
}

/** What changes of a point of a tree while it stays the same point. */
function stateOf({ createdAtMs, sizeBytes, files, needs, gap }: TreePoint): unknown[] {
  return [createdAtMs, sizeBytes, files?.length, needs, gap];
}

type Work = 'copy' | 'compare' | 'none';

function isWork(work: Work | ErrorCode): work is Work {
  return work === 'copy' || work === 'compare' || work === 'none';
}

/** `copy`: there is a complete point that nobody has dealt with, or one that was copied and taken too early. `compare`: only one of which a comparison tells what
 *  it is. */
async function workOf(
  target: SourceRepository,
  job: CopyJob,
  sourceRepositoryId: string,
  workload: SourceWorkload,
  rule: SettleRule,
): Promise<Work> {
  if (workload.tree !== undefined) {
    const { added } = await newTreePoints(target, job, workload, rule);
    return added.length > 0 ? 'copy' : 'none';
  }
  const record = await readChainRecord(target, chainFolder(job.id, workload.id));
  // A session takes down what a source knows by now of copies of its copies.
  if (record !== null && toldRecord(workload, record) !== null) return 'copy';
  const points = identifiedPoints(workload, record, sourceRepositoryId, null);
  const has = (...is: readonly SourceIdentity['is'][]) =>
    points.some(({ identity }) => is.includes(identity.is));
  return has('new', 'grown') ? 'copy' : has('unproven') ? 'compare' : 'none';
}
