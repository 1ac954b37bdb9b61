import { randomUUID } from 'node:crypto';
import { isBackupError } from '../domain/errors.js';
import type { BackupRepository } from '../repository/backup-repository.js';
import { makeFolderDurable, readWholeFile, replaceFile } from '../repository/replace-file.js';
import { LEASES_FOLDER } from './chain-paths.js';
import { lineageOf, type ChainRecord } from './chain-record.js';

/** A lease keeps the files that show a restore point from being merged or deleted while someone reads them (docs/FORMAT.md, Leases).
 *
 *  Who reads takes the lease first and looks at the commit record then; who changes announces it in the record first and looks for leases
 *  then. So one of the two always sees the other. */
export interface Lease {
  readonly restorePointId: string;
  readonly purpose: 'restore' | 'verify';
  /** A lease that nobody renews ends by itself. Epoch milliseconds. */
  readonly expiresAtMs: number;
}

/** Three renewals may be missed. */
export const LEASE_MS = 15 * 60_000;

const MAX_LEASE_BYTES = 4096;

export function newLeaseId(): string {
  return randomUUID();
}

/** Takes or renews a lease. */
export async function holdLease(
  repository: BackupRepository,
  chain: string,
  leaseId: string,
  lease: Lease,
): Promise<void> {
  const folder = `${chain}/${LEASES_FOLDER}`;
  await makeFolderDurable(repository, folder);
  await replaceFile(repository, `${folder}/${leaseId}.json`, Buffer.from(JSON.stringify(lease)));
}

export async function releaseLease(
  repository: BackupRepository,
  chain: string,
  leaseId: string,
): Promise<void> {
  try {
    await repository.remove(`${chain}/${LEASES_FOLDER}/${leaseId}.json`);
  } catch (error) {
    if (!isBackupError(error, 'FILE_MISSING')) throw error;
  }
}

/** Ids of all points whose files a living lease needs: the leased points and everything below them. */
export async function leasedPointIds(
  repository: BackupRepository,
  chain: string,
  record: ChainRecord,
  nowMs: number,
): Promise<Set<string>> {
  const leased = new Set<string>();
  for (const named of await namedByLeases(repository, chain, nowMs))
    if (record.points.some(({ id }) => id === named))
      for (const { id } of lineageOf(record, named)) leased.add(id);
  return leased;
}

/** Ids of the points that a living lease names, listed by the record or not. Expired leases are removed. */
export async function namedByLeases(
  repository: BackupRepository,
  chain: string,
  nowMs: number,
): Promise<Set<string>> {
  const named = new Set<string>();
  for (const entry of await repository.list(`${chain}/${LEASES_FOLDER}`)) {
    if (entry.type !== 'file' || !entry.name.endsWith('.json')) continue;
    const bytes = await readWholeFile(repository, entry.path, MAX_LEASE_BYTES);
    if (bytes === null) continue;
    const lease = JSON.parse(bytes.toString('utf8')) as Lease;
    if (lease.expiresAtMs < nowMs) await repository.remove(entry.path);
    else named.add(lease.restorePointId);
  }
  return named;
}
