import { isDeepStrictEqual } from 'node:util';
import { stagingFolder } from '../../chain/chain-paths.js';
import type { ChainPlace } from '../../chain/chain-place.js';
import { goingPoints, type ChainRecord } from '../../chain/chain-record.js';
import {
  pointFolders,
  readChainRecord,
  recordLost,
  takeChain,
  writeChainRecord,
} from '../../chain/chain-store.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import { sentences } from '../../domain/sentences.js';
import type { WorkloadType } from '../../domain/sources/source-workload.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { isHeld, isOfUnreadFile } from '../../repository/unread-file.js';
import { readStagedJson, stagedPath, type ComposedPoint } from '../staging/copy-plan.js';
import type { MoverContext } from '../task/mover-context.js';
import { finishPendingChange, isStuckFor } from './pending-change.js';
import { isReplaced } from './replace-files.js';
import { markedNotes, withTakenNotes } from './taken-notes.js';
import { removeEndedLeases } from '../../chain/leases.js';
import { setUncommittedAside, uncommittedText } from '../../chain/quarantine.js';
import { TAKE_STAGING_ID } from '../../domain/targets/staging-id.js';
import { markRepository } from '../../repository/repository-marker.js';
import { sweepStaging } from '../staging/staging.js';

export interface InspectChainInput {
  readonly targetRepositoryId: string;
  readonly chain: string;
  readonly jobId: string;
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  /** The session part that takes the chain over; the same one always gets the same epoch. */
  readonly owner: string;
  /** Against which leases expire. Epoch milliseconds. */
  readonly nowMs: number;
  /** A source shows the workload at `nowMs`. */
  readonly isSeen?: boolean;
  /** The chain was there a moment ago: none is begun. */
  readonly isKept?: boolean;
  /** A change that was announced and finds no room is not left for later: the caller has room to give. */
  readonly needsRoom?: boolean;
  /** The caller has looked for a while: what cannot be read still counts as damaged. */
  readonly isLastLook?: boolean;
}

/** Takes the chain over under a new epoch (made when there is none) in a target that is marked as one, carries out a change that was
 *  stopped, and sets aside folders of points that were never committed. A change that has to wait for a reader or for room, or that what is damaged or
 *  gone keeps from being finished, stays announced: copies go on meanwhile, merges and deletions do not.
 *  @returns stuck: why it waits for somebody to do something; null: it waits for nothing or for a reader
 *  @throws CHAIN_FOREIGN, CHAIN_RECORD_CORRUPT, CHAIN_RECORD_LOST; RESTORE_POINT_MISSING, REPOSITORY_FULL where that is asked for */
export async function inspectTargetChain(
  context: MoverContext,
  input: InspectChainInput,
): Promise<{ record: ChainRecord; notes: string[]; stuck: string | null }> {
  const target = await context.repository(input.targetRepositoryId);
  await markRepository(target);
  const identity = { jobId: input.jobId, workload: input.workload };
  const place = { repository: target, chain: input.chain };
  const present = await readChainRecord(target, input.chain);
  if (present === null && input.isKept === true)
    throw new BackupError('RESTORE_POINT_MISSING', `there is no chain in ${input.chain} any more`);
  if (present !== null) await assertRecordCoversPoints(place, present);
  const seenAtMs = input.isSeen === true ? input.nowMs : null;
  const taken = await takeChain(target, input.chain, identity, input.owner, seenAtMs);
  const { record, notes, stuck } = await finishOrPostpone(context, place, taken, input);
  const orphans = await orphansOf(target, input.chain, record);
  const found = [
    ...(record.pending === null ? notes : []),
    ...(await markedNotes(place, record)),
    ...orphans.map(uncommittedText),
  ];
  const kept = await withTakenNotes(place, input.owner, found);
  for (const id of orphans) await setUncommittedAside(target, input.chain, record, id);
  await sweepStaging(target, input.chain, record, kept.length > 0 ? [TAKE_STAGING_ID] : []);
  await removeEndedLeases(target, input.chain, input.nowMs);
  // What waits still every attempt finds.
  return { record, notes: record.pending === null ? kept : [...notes, ...kept], stuck };
}

/** A commit that is stopped leaves its staging folder beside the folder that is not listed yet. A point without both was listed once: the
 *  record is older than its data. Asked before the chain is taken, so that a record which is put back later is the newer one still.
 *  @throws CHAIN_RECORD_LOST */
async function assertRecordCoversPoints(
  { repository, chain }: ChainPlace,
  record: ChainRecord,
): Promise<void> {
  const lost: string[] = [];
  for (const id of await unlistedPoints(repository, chain, record))
    if ((await repository.stat(stagingFolder(chain, id))) === null) lost.push(id);
  if (lost.length > 0)
    throw recordLost(chain, lost, `the record of revision ${record.revision} is older than they`);
}

/** Folders of points that the record neither lists nor has just announced the end of: those are still being read, and go when the change is carried out. */
async function unlistedPoints(
  repository: SourceRepository,
  chain: string,
  record: ChainRecord,
): Promise<string[]> {
  const known = new Set([...record.points.map(({ id }) => id), ...goingPoints(record.pending)]);
  const folders = await pointFolders(repository, chain);
  return folders.filter((id) => !known.has(id));
}

interface TakenChain {
  readonly record: ChainRecord;
  readonly notes: string[];
  readonly stuck: string | null;
}

async function finishOrPostpone(
  context: MoverContext,
  place: ChainPlace,
  record: ChainRecord,
  { nowMs, needsRoom = false, isLastLook = false }: InspectChainInput,
): Promise<TakenChain> {
  try {
    const finished = await finishPendingChange(context, place, record, nowMs);
    const { pending } = record;
    if (pending?.type !== 'replace' || isReplaced(finished, pending))
      return { record: finished, notes: [], stuck: null };
    const lost = `the full that was to replace the files of restore point ${pending.pointId} is lost; the point stays as it was`;
    return { record: finished, notes: [lost], stuck: null };
  } catch (error) {
    if (isBackupError(error, 'REPOSITORY_FULL') && !needsRoom)
      return readPostponed(place, record, sentences(error.message, error.hint));
    if (isStuckFor(error)) return markStuck(place, record, error);
    // A bad sector may be read at another time: only who has looked for a while says anything about the files.
    if (isBackupError(error) && (await isOfUnreadFile(place.repository, error)))
      return isLastLook && !isHeld(error)
        ? markStuck(place, record, error)
        : readPostponed(
            place,
            record,
            `a ${record.pending!.type} that was announced cannot be finished just now: ${error.message}`,
          );
    if (!isBackupError(error, 'POINT_IN_USE')) throw error;
    const note = `a ${record.pending!.type} that was announced waits: ${error.message}`;
    return { record, notes: [note], stuck: null };
  }
}

async function readPostponed(
  { repository, chain }: ChainPlace,
  before: ChainRecord,
  why: string,
): Promise<TakenChain> {
  // What it did so far may have written the record: a merge becomes a deletion.
  const record = (await readChainRecord(repository, chain)) ?? before;
  return { record, notes: [why], stuck: why };
}

/** Nothing more may be built on what a merge left half done and cannot go on with, nor may it count as a copy that can be restored. */
async function markStuck(
  place: ChainPlace,
  before: ChainRecord,
  error: BackupError,
): Promise<TakenChain> {
  const why = sentences(
    `a ${before.pending!.type} that was announced cannot be finished: ${error.message}`,
    'Until what is damaged or gone is put back nothing of this chain is merged or deleted, and copies go on in a new one. If it is lost, remove the oldest restore point that is left with all that build on it (`longhaul restore-point remove <repository> <point> --with-dependents`).',
  );
  const taken = await readPostponed(place, before, why);
  const { pending } = taken.record;
  if (pending?.type !== 'merge') return taken;
  const affected = new Set([pending.fromId]);
  const points = taken.record.points.map((point) => {
    if (point.parentId !== null && affected.has(point.parentId)) affected.add(point.id);
    return affected.has(point.id) ? { ...point, health: 'corrupt' as const } : point;
  });
  if (isDeepStrictEqual(points, taken.record.points)) return taken;
  const record = await writeChainRecord(place.repository, place.chain, {
    ...taken.record,
    points,
  });
  return { ...taken, record };
}

/** A commit that was stopped between naming the folder and writing the record leaves a folder that no record lists. It is finished when
 *  its plan still stands, and otherwise set aside, not deleted: should a record ever be wrong, nothing is lost. */
async function orphansOf(
  target: SourceRepository,
  chain: string,
  record: ChainRecord,
): Promise<string[]> {
  const orphans: string[] = [];
  for (const id of await unlistedPoints(target, chain, record)) {
    const staging = stagingFolder(chain, id);
    const composed = await readStagedJson<ComposedPoint>(target, stagedPath.composed(staging));
    if (composed === null) orphans.push(id);
  }
  return orphans;
}
