import { holdLease, LEASE_MS, releaseLease } from '../../chain/leases.js';
import { isBackupError, type BackupError } from '../../domain/errors.js';
import type { MoverContext } from '../task/mover-context.js';

/** Which lease, on what. */
interface RestoreLease {
  /** Repository that holds the copy. */
  readonly repositoryId: string;
  readonly chain: string;
  readonly pointId: string;
  readonly leaseId: string;
  /** From when it lasts, epoch milliseconds. */
  readonly nowMs: number;
}

/** Storage that takes no write is read without a lease: what is broken, rescued, a snapshot or full is what has to be restored from. Longhaul merges and deletes nothing where
 *  nothing can be written; on a full target it may, to make room. What anybody does shows in the stamps and digests of what is read.
 *  @returns why there is none; null: it is held */
export async function takeLease(
  context: MoverContext,
  { repositoryId, chain, pointId, leaseId, nowMs }: RestoreLease,
): Promise<string | null> {
  try {
    await holdLease(await context.repository(repositoryId), chain, leaseId, {
      restorePointId: pointId,
      purpose: 'restore',
      expiresAtMs: nowMs + LEASE_MS,
    });
    return null;
  } catch (error) {
    if (isUnwritable(error)) return error.message;
    throw error;
  }
}

/** Called more often than a lease lasts. @returns as `takeLease` */
export async function renewLease(
  context: MoverContext,
  lease: RestoreLease,
): Promise<string | null> {
  return takeLease(context, lease);
}

/** Gives it back, where it could be written. */
export async function endLease(
  context: MoverContext,
  { repositoryId, chain, leaseId }: Pick<RestoreLease, 'repositoryId' | 'chain' | 'leaseId'>,
): Promise<void> {
  try {
    await releaseLease(await context.repository(repositoryId), chain, leaseId);
  } catch (error) {
    if (!isUnwritable(error)) throw error;
  }
}

/** A lease is a few bytes, and a full target may lack even those. */
function isUnwritable(error: unknown): error is BackupError {
  return isBackupError(error, 'REPOSITORY_READ_ONLY') || isBackupError(error, 'REPOSITORY_FULL');
}

/** Of a restore that was stopped, or failed: it keeps no change of the chain waiting, and nobody who orders it again. What it has written stays. */
export async function giveLeaseBack(
  context: MoverContext,
  lease: Pick<RestoreLease, 'repositoryId' | 'chain' | 'leaseId'>,
): Promise<void> {
  await endLease(context, lease);
}
