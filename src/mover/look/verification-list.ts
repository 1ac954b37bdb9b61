import { chainFolder, jobFolder } from '../../chain/chain-paths.js';
import { availablePoints, lineageOf, type ChainRecord } from '../../chain/chain-record.js';
import { walkOwnChains } from '../../chain/find-chains.js';
import { BackupError } from '../../domain/errors.js';
import { partsOfRestorePointKey } from '../../domain/targets/repository-view.js';
import { jsonBytes } from '../../domain/sessions/task-brief.js';
import type { TargetRestorePoint } from '../../domain/targets/target-point.js';
import type {
  VerificationPage,
  VerificationPosition,
  TreeToVerify,
} from '../../domain/targets/verification.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { findTrees } from '../../tree/find-trees.js';
import type { TreeRecord } from '../../tree/tree-record.js';
import type { MoverContext } from '../task/mover-context.js';

export interface ListVerificationInput {
  readonly repositoryId: string;
  /** Only what this point needs: itself and all below it. */
  readonly restorePointId: string | null;
  readonly jobId: string | null;
  /** When the check began; RFC 3339 UTC. */
  readonly since: string;
  /** Epoch milliseconds. Absent in what was asked before: no date lies ahead. */
  readonly nowMs?: number;
  /** What is done already; null: nothing. */
  readonly after: VerificationPosition | null;
  /** Chains without a restore point that is offered, too: something may be left to be removed. Absent: they hold nothing to verify. */
  readonly withEmpty?: true;
}

type Part = VerificationPage['parts'][number];

/** An answer may have 2 MiB, and stays in the history. */
const PAGE_BYTES = 250_000;
/** Of one chain: ids of some 25 bytes. */
const PAGE_POINTS = 5_000;

/** `verificationPage` of a repository. */
export async function listVerification(
  context: MoverContext,
  input: ListVerificationInput,
): Promise<VerificationPage> {
  return verificationPage(await context.source(input.repositoryId), input);
}

/** The next part of what is to be verified. Chains behind it are not read.
 *  @throws RESTORE_POINT_MISSING when there is no such point */
export async function verificationPage(
  repository: SourceRepository,
  input: ListVerificationInput,
): Promise<VerificationPage> {
  const { repositoryId, restorePointId, after } = input;
  const parts: Part[] = [];
  let bytes = 0;
  let isFound = false;
  for await (const part of allParts(repository, input)) {
    isFound = true;
    if (part === null) continue;
    bytes += jsonBytes(part);
    if (bytes > PAGE_BYTES && parts.length > 0) return { parts, isLast: false };
    parts.push(part);
    if (part.type === 'chain' && part.pointIds.length === PAGE_POINTS)
      return { parts, isLast: false };
  }
  // A folder that could not be read is told already, and not looked into again.
  if (restorePointId !== null && !isFound && after?.pointId !== null)
    throw new BackupError(
      'RESTORE_POINT_MISSING',
      `repository ${repositoryId} holds no copy ${restorePointId}; only what Longhaul has copied carries the digests to verify it`,
    );
  return { parts, isLast: true };
}

/** null: nothing of it is left to be done. */
async function* allParts(
  repository: SourceRepository,
  input: ListVerificationInput,
): AsyncGenerator<Part | null> {
  const { after } = input;
  const isWanted = (path: string) => isMeant(input, path) && isAhead(path, after);
  if (after?.isTree !== true)
    for await (const found of walkOwnChains(repository, isWanted))
      yield 'record' in found
        ? chainPart(found.folder, found.record, input)
        : { type: 'unreadable', ...found };
  yield* treeParts(repository, input);
}

async function* treeParts(
  repository: SourceRepository,
  input: ListVerificationInput,
): AsyncGenerator<Part | null> {
  const after = input.after?.isTree === true ? input.after : null;
  const isWanted = (path: string) => isMeant(input, path) && isAhead(path, after);
  const { trees, unreadable } = await findTrees(repository);
  const parts: (Part & { readonly path: string })[] = [
    ...trees.flatMap(({ folder, record }) => treePart(folder, record, input) ?? []),
    // A job's folder is told by the walk through the chains.
    ...unreadable
      .filter(({ path }) => path.includes('/'))
      .map((part) => ({ type: 'unreadable' as const, ...part, isTree: true as const })),
  ];
  const wanted = parts.filter(({ path }) => isWanted(path));
  yield* wanted.sort((a, b) => (isAhead(a.path, { path: b.path, pointId: null }) ? 1 : -1));
}

/** null: it has no restore point, or not the one that is asked for. */
function treePart(
  path: string,
  { jobId, workload, points }: TreeRecord,
  { restorePointId }: ListVerificationInput,
): TreeToVerify | null {
  const pointId = restorePointId && (partsOfRestorePointKey(restorePointId)[2] ?? '');
  const isThere = points.some(({ id }) => pointId === null || id === pointId);
  if (!isThere) return null;
  return { type: 'tree', path, jobId, workloadId: workload.id, workload, pointId };
}

/** Whether the check is about the chain in this folder, or about one in the job's folder. */
function isMeant({ restorePointId, jobId }: ListVerificationInput, path: string): boolean {
  const meant =
    restorePointId !== null ? chainOf(restorePointId) : jobId !== null ? jobFolder(jobId) : null;
  if (meant === null) return true;
  return path === meant || path.startsWith(`${meant}/`) || meant.startsWith(`${path}/`);
}

function chainOf(restorePointId: string): string {
  const [jobId = '', workloadId = ''] = partsOfRestorePointKey(restorePointId);
  return chainFolder(jobId, workloadId);
}

/** In the order of `walkOwnChains`. */
function isAhead(path: string, after: VerificationPosition | null): boolean {
  if (after === null) return true;
  const [job = '', workload] = path.split('/');
  const [jobDone = '', workloadDone] = after.path.split('/');
  if (job !== jobDone) return job > jobDone;
  if (workloadDone === undefined) return false;
  if (workload === undefined) return true;
  return workload === workloadDone ? after.pointId !== null : workload > workloadDone;
}

/** null: nothing of it is left to be done. */
function chainPart(path: string, record: ChainRecord, input: ListVerificationInput): Part | null {
  const { restorePointId, after, withEmpty } = input;
  const { jobId, workload } = record;
  const pointId = restorePointId && (partsOfRestorePointKey(restorePointId)[2] ?? '');
  const points = pointId === null ? availablePoints(record) : lineageOf(record, pointId).reverse();
  const open = after?.path === path ? pointsAhead(points, after.pointId, input) : points;
  const pointIds = open.slice(0, PAGE_POINTS).map(({ id }) => id);
  const isWanted = pointIds.length > 0 || (withEmpty === true && after?.path !== path);
  if (!isWanted) return null;
  return { type: 'chain', path, jobId, workloadId: workload.id, workload, pointIds };
}

/** Where the last one that was verified is gone meanwhile, those that the check has not entered yet: neither what is marked corrupt nor what a clock that ran
 *  ahead has dated is passed over for its date. */
function pointsAhead(
  points: readonly TargetRestorePoint[],
  pointId: string | null,
  { since, nowMs = Infinity }: ListVerificationInput,
): readonly TargetRestorePoint[] {
  const done = points.findIndex(({ id }) => id === pointId);
  if (done >= 0) return points.slice(done + 1);
  return points.filter(
    ({ health, verifiedAt }) =>
      health === 'corrupt' ||
      verifiedAt === null ||
      verifiedAt < since ||
      Date.parse(verifiedAt) > nowMs,
  );
}
