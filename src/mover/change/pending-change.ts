import { leasedPointIds, readLeases, type LeasesFound } from '../../chain/leases.js';
import {
  changingPoints,
  goingPoints,
  type ChainRecord,
  type PendingChange,
} from '../../chain/chain-record.js';
import { writeChainRecord } from '../../chain/chain-store.js';
import { afterRetention } from '../../chain/known-source-points.js';
import { assertNever, BackupError, isBackupError, isSenselessImage } from '../../domain/errors.js';
import type { ChainPlace } from '../../chain/chain-place.js';
import { removeDeletedPoints } from './delete-points.js';
import { moveToQuarantine } from '../../chain/quarantine.js';
import { discardMergeNotes, mergeFiles } from './merge-files.js';
import type { MoverContext } from '../task/mover-context.js';
import { replaceFiles } from './replace-files.js';

/** Announces a change of files in the commit record and carries it out. The order is part of the format: the record with `pending` is
 *  durable before the first file is touched, and the files are durable before the record forgets it.
 *  @param announced the record as it is from now on, without `pending`: what goes is no longer shown
 *  @param needed points whose files the change touches; a lease on one of them calls it off
 *  @throws POINT_IN_USE with the record as it was before */
export async function changeChain(
  context: MoverContext,
  place: ChainPlace,
  before: ChainRecord,
  announced: ChainRecord,
  pending: PendingChange,
  needed: readonly string[],
  nowMs: number,
): Promise<ChainRecord> {
  const { repository, chain } = place;
  const record = await writeChainRecord(repository, chain, { ...announced, pending });
  const leases = await leasesAgainst(pending, place, nowMs);
  const leased = leasedPointIds(before, leases);
  const inUse = needed.find((id) => leased.has(id));
  if (inUse !== undefined) {
    const { revision } = record;
    await writeChainRecord(repository, chain, { ...before, revision });
    throw pointInUse(inUse, leases);
  }
  return carryOut(context, place, record);
}

/** Carries out a change that was announced and stopped; the record without it is returned.
 *
 *  Who announced it may have been stopped before it looked for leases: then a reader that came first still needs the files that it touches, those of
 *  the points that go and of all that build on what it changes: a reader goes by their names and stamps. Who comes later is refused by the record
 *  (`CHAIN_LOCKED`), or reads them as they lie because the change waits already. So the change has to wait.
 *  @throws POINT_IN_USE, with everything left as it is; REPOSITORY_FULL: the change goes on where it stopped */
export async function finishPendingChange(
  context: MoverContext,
  place: ChainPlace,
  record: ChainRecord,
  nowMs: number,
): Promise<ChainRecord> {
  if (record.pending === null) return record;
  const leases = await leasesAgainst(record.pending, place, nowMs);
  const isUnclear = leases.doubtful.some(({ isUnreadable }) => isUnreadable);
  const leased = new Set([...leases.named, ...leasedPointIds(record, leases)]);
  const touched = [...goingPoints(record.pending), ...changingPoints(record.pending)];
  const inUse = touched.find((id) => isUnclear || leased.has(id));
  if (inUse !== undefined) throw pointInUse(inUse, leases);
  try {
    return await carryOut(context, place, await taken(place, record));
  } catch (error) {
    throw isBackupError(error, 'REPOSITORY_FULL') ? lacksRoom(record.pending, error) : error;
  }
}

/** What keeps a change that was announced from being finished until somebody does something about the files, however often it is tried. */
export function isStuckFor(error: unknown): error is BackupError {
  return isSenselessImage(error) || isBackupError(error, 'FILE_MISSING');
}

/** An attempt that the server took for dead may be at the same merge still: writing the record is what tells it that it is not its own any more
 *  (`assertStillOurs`), before anything of the files is looked at. All other changes are the same, however many do them at once. */
async function taken({ repository, chain }: ChainPlace, record: ChainRecord): Promise<ChainRecord> {
  return record.pending?.type === 'merge' ? writeChainRecord(repository, chain, record) : record;
}

/** The record holds one change at a time, so what would make room in this very chain cannot be announced before this one is done. */
function lacksRoom({ type }: PendingChange, cause: BackupError): BackupError {
  const message = `a ${type} that was announced goes on when there is room: ${cause.message}`;
  return new BackupError('REPOSITORY_FULL', message, { details: cause.details, cause, hint: HINT });
}

const HINT =
  'Free space on the storage or enlarge it, or remove restore points of other workloads (`longhaul restore-point remove`): the next session finishes the change. Until then nothing of this chain is merged or deleted.';

/** A verification does not keep a corrupt point from being set aside: that is what it looks for, and the lease may be its own, of an attempt
 *  that died or given back by a power cut. */
function leasesAgainst(
  { type }: PendingChange,
  { repository, chain }: ChainPlace,
  nowMs: number,
): Promise<LeasesFound> {
  return readLeases(repository, chain, nowMs, type === 'quarantine' ? ['restore'] : undefined);
}

function pointInUse(restorePointId: string, { doubtful }: LeasesFound): BackupError {
  const doubts = doubtful.map(({ fault }) => fault.message);
  const message = [`restore point ${restorePointId} is being read`, ...doubts].join('; ');
  return new BackupError('POINT_IN_USE', message, { details: { restorePointId } });
}

/** Carries out what the record announces, from the start or from wherever it was stopped; the record without it is returned. */
async function carryOut(
  context: MoverContext,
  place: ChainPlace,
  record: ChainRecord,
): Promise<ChainRecord> {
  const { pending } = record;
  if (pending === null) return record;
  switch (pending.type) {
    case 'merge': {
      const points = await mergeFiles(context, place, record, pending);
      const gone = record.points.filter(({ id }) => id === pending.intoId);
      const next = {
        ...afterRetention({ ...record, points }, gone),
        pending: { type: 'delete', ids: [pending.intoId] },
      } as const;
      return carryOut(context, place, await writeChainRecord(place.repository, place.chain, next));
    }
    case 'replace': {
      const points = await replaceFiles(context, place, record, pending);
      return writeChainRecord(place.repository, place.chain, { ...record, points, pending: null });
    }
    case 'quarantine':
      await moveToQuarantine(place, record, pending);
      return writeChainRecord(place.repository, place.chain, { ...record, pending: null });
    case 'delete':
      // It may be what a merge ends with, whoever carries it out.
      await discardMergeNotes(place);
      await removeDeletedPoints(place, record, pending.ids);
      return writeChainRecord(place.repository, place.chain, { ...record, pending: null });
    default:
      return assertNever(pending);
  }
}
