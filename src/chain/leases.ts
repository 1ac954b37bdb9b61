import { randomUUID } from 'node:crypto';
import { BackupError, isBackupError } from '../domain/errors.js';
import { count, object, oneOf, text } from '../domain/json-shape.js';
import type {
  BackupRepository,
  RepositoryEntry,
  SourceRepository,
} from '../repository/backup-repository.js';
import { readWholeFile } from '../repository/replace-file.js';
import { isFileUnread } from '../repository/unread-file.js';
import { LEASES_FOLDER } from './chain-paths.js';
import { lineageOf, type ChainRecord } from './chain-record.js';
import { parseJson } from '../repository/json-file.js';

/** A lease keeps the files that show a restore point from being merged or deleted while someone reads them (docs/FORMAT.md, Leases).
 *
 *  Who reads takes the lease first and looks at the commit record then; who changes announces it in the record first and looks for leases
 *  then. So one of the two always sees the other (docs/FORMAT.md, Order, L1 and L2). */
export interface Lease {
  readonly restorePointId: string;
  readonly purpose: (typeof PURPOSES)[number];
  /** A lease that nobody renews ends by itself. Epoch milliseconds. */
  readonly expiresAtMs: number;
}

/** Three renewals may be missed. */
export const LEASE_MS = 15 * 60_000;

/** How far the clock of a reader may be ahead. A lease that lasts longer than its time and this was written by a clock that is wrong, or
 *  is damaged. */
const MAX_CLOCK_LEAD_MS = 60 * 60_000;

/** So long after it was written last a lease that cannot be believed is not heeded any more: whoever reads has renewed his by then. */
const DOUBTFUL_LEASE_MS = 24 * 60 * 60_000;

const MAX_LEASE_BYTES = 4096;

const PURPOSES = ['restore', 'verify'] as const;

const leaseShape = object<Lease>({
  restorePointId: text,
  purpose: oneOf(...PURPOSES),
  expiresAtMs: count,
});

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
  await repository.makePlace(folder);
  await repository.put(`${folder}/${leaseId}.json`, bytesOf(lease));
}

export async function releaseLease(
  repository: BackupRepository,
  chain: string,
  leaseId: string,
): Promise<void> {
  await repository.remove(`${chain}/${LEASES_FOLDER}/${leaseId}.json`);
}

/** Whether it was neither released nor, after it had ended, removed. */
export async function isLeaseThere(
  repository: SourceRepository,
  chain: string,
  leaseId: string,
): Promise<boolean> {
  return (await repository.stat(`${chain}/${LEASES_FOLDER}/${leaseId}.json`)) !== null;
}

/** Whether it has not ended yet. One that cannot be read is taken for ended by who held it; one that no clock can have written is heeded for its day. */
export async function isLeaseHeld(
  repository: SourceRepository,
  chain: string,
  leaseId: string,
  nowMs: number,
): Promise<boolean> {
  const path = `${chain}/${LEASES_FOLDER}/${leaseId}.json`;
  const lease = await readLease(repository, path);
  if (lease === null || lease instanceof BackupError) return false;
  if (!isTooLong(lease, nowMs)) return lease.expiresAtMs >= nowMs;
  const entry = await repository.stat(path);
  return entry !== null && isHeeded(entry, nowMs);
}

/** What the leases of a chain say. */
export interface LeasesFound {
  /** Ids of the points that a living lease names, listed by the record or not. */
  readonly named: ReadonlySet<string>;
  /** Leases that cannot be believed, each with what is wrong and until when it is heeded all the same. */
  readonly doubtful: readonly DoubtfulLease[];
}

interface DoubtfulLease {
  readonly path: string;
  readonly fault: BackupError;
  /** It cannot be read: then any point may be meant. */
  readonly isUnreadable: boolean;
}

/** Reads only.
 *  @param purposes of the leases that count; one that cannot be read counts as any */
export async function readLeases(
  repository: SourceRepository,
  chain: string,
  nowMs: number,
  purposes: readonly Lease['purpose'][] = PURPOSES,
): Promise<LeasesFound> {
  const named = new Set<string>();
  const doubtful: DoubtfulLease[] = [];
  for (const entry of await leaseFiles(repository, chain)) {
    const lease = await readLease(repository, entry.path);
    if (lease === null) continue;
    if (lease instanceof BackupError) {
      if (isHeeded(entry, nowMs)) doubtful.push(doubt(entry, lease, true));
    } else if (!purposes.includes(lease.purpose)) continue;
    else if (isTooLong(lease, nowMs)) {
      if (!isHeeded(entry, nowMs)) continue;
      named.add(lease.restorePointId);
      doubtful.push(doubt(entry, tooLong(entry, lease), false));
    } else if (lease.expiresAtMs >= nowMs) named.add(lease.restorePointId);
  }
  return { named, doubtful };
}

/** Ids of all points of the record whose files a living lease needs: the leased points and everything below them; all points when a lease
 *  cannot be read. */
export function leasedPointIds(record: ChainRecord, { named, doubtful }: LeasesFound): Set<string> {
  if (doubtful.some(({ isUnreadable }) => isUnreadable))
    return new Set(record.points.map(({ id }) => id));
  const leased = new Set<string>();
  for (const id of named)
    if (record.points.some((point) => point.id === id))
      for (const below of lineageOf(record, id)) leased.add(below.id);
  return leased;
}

/** Removes leases that ended long ago, for who renews one that is just over may write it between the look and the removal. One that cannot be believed and
 *  comes from the future is written anew as it is: its day is counted from now, instead of from years ahead. Only the owner of the chain may call it. */
export async function removeEndedLeases(
  repository: BackupRepository,
  chain: string,
  nowMs: number,
): Promise<void> {
  for (const entry of await leaseFiles(repository, chain)) {
    const lease = await readLease(repository, entry.path);
    if (lease === null) continue;
    if (lease instanceof BackupError || isTooLong(lease, nowMs)) {
      if (isFromFuture(entry, nowMs)) await writeAnew(repository, entry.path, nowMs);
    } else if (lease.expiresAtMs < nowMs - LEASE_MS) await repository.remove(entry.path);
  }
}

/** By more than its day: else that ends soon enough, and the clock of the storage may just be ahead, which would begin it anew each time. */
function isFromFuture({ stamp }: RepositoryEntry, nowMs: number): boolean {
  return writtenAtMs(stamp) > nowMs + DOUBTFUL_LEASE_MS;
}

/** As it is, unless it is released or renewed meanwhile. */
async function writeAnew(repository: BackupRepository, path: string, nowMs: number): Promise<void> {
  const entry = await repository.stat(path);
  if (entry === null || !isFromFuture(entry, nowMs)) return;
  const lease = await readLease(repository, path);
  if (lease === null || !(lease instanceof BackupError || isTooLong(lease, nowMs))) return;
  try {
    const bytes = lease instanceof BackupError ? UNREADABLE : bytesOf(lease);
    await repository.put(path, bytes, { expected: entry.stamp });
  } catch (error) {
    if (!isBackupError(error, 'WRITE_CONFLICT')) throw error;
  }
}

/** Like one that cannot be read. */
const UNREADABLE = Buffer.from('{}');

function isTooLong({ expiresAtMs }: Lease, nowMs: number): boolean {
  return expiresAtMs > nowMs + LEASE_MS + MAX_CLOCK_LEAD_MS;
}

function bytesOf(lease: Lease): Buffer {
  return Buffer.from(JSON.stringify(lease));
}

async function leaseFiles(repository: SourceRepository, chain: string): Promise<RepositoryEntry[]> {
  const entries = await repository.list(`${chain}/${LEASES_FOLDER}`);
  return entries.filter(({ type, name }) => type === 'file' && name.endsWith('.json'));
}

/** null: it was released meanwhile. An error: it cannot be read as a lease. */
async function readLease(
  repository: SourceRepository,
  path: string,
): Promise<Lease | BackupError | null> {
  try {
    const bytes = await readWholeFile(repository, path, MAX_LEASE_BYTES);
    return bytes === null ? null : parseJson(bytes, path, leaseShape);
  } catch (error) {
    const isOfFile = isBackupError(error) && error.kind !== 'unavailable';
    if (isOfFile || (await isFileUnread(repository, path, error))) return error as BackupError;
    throw error;
  }
}

/** By the time that the storage keeps. A file from the future counts: that clock tells nothing, and who owns the chain has it written anew (`removeEndedLeases`). */
function isHeeded({ stamp }: RepositoryEntry, nowMs: number): boolean {
  return nowMs < writtenAtMs(stamp) + DOUBTFUL_LEASE_MS;
}

function writtenAtMs({ modifiedAtNs }: RepositoryEntry['stamp']): number {
  return Number(BigInt(modifiedAtNs) / 1_000_000n);
}

function doubt(entry: RepositoryEntry, fault: BackupError, isUnreadable: boolean): DoubtfulLease {
  const until = new Date(writtenAtMs(entry.stamp) + DOUBTFUL_LEASE_MS).toISOString();
  const message = `${fault.message}; until ${until} nothing that it may stand for is merged, replaced or deleted`;
  const { code, details } = fault;
  return {
    path: entry.path,
    fault: new BackupError(code, message, { details, cause: fault }),
    isUnreadable,
  };
}

function tooLong({ path }: RepositoryEntry, { expiresAtMs }: Lease): BackupError {
  const instant = new Date(expiresAtMs);
  const when = Number.isNaN(instant.getTime()) ? `${expiresAtMs} ms` : instant.toISOString();
  return new BackupError(
    'METADATA_CORRUPT',
    `lease ${path} would last until ${when}, far longer than a lease does`,
    {
      details: { path },
    },
  );
}
