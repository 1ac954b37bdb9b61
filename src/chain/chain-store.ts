import { seenLook } from '../domain/absence.js';
import { BackupError, isBackupError } from '../domain/errors.js';
import type { WorkloadType } from '../domain/restore-point.js';
import type { BackupRepository } from '../repository/backup-repository.js';
import { makeFolderDurable, readWholeFile, replaceFile } from '../repository/replace-file.js';
import { CHAIN_RECORD_COPY_NAME, CHAIN_RECORD_NAME } from './chain-paths.js';
import { parseChainRecord, serializeChainRecord, type ChainRecord } from './chain-record.js';

/** 64 MiB: about 50,000 restore points of ten disks. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/** The commit record of the chain in `folder`; null when there is no chain.
 *
 *  Two copies exist. `chain.json.copy` is written first, so it is equal to or one step ahead of `chain.json`, and a step ahead is safe
 *  to read: what it shows is durable already, and nothing it hides has been touched yet. So a damaged `chain.json` falls back to the copy.
 *  @throws CHAIN_RECORD_CORRUPT when neither can be trusted, CHAIN_FORMAT_UNKNOWN */
export async function readChainRecord(
  repository: BackupRepository,
  folder: string,
): Promise<ChainRecord | null> {
  const path = `${folder}/${CHAIN_RECORD_NAME}`;
  const bytes = await readWholeFile(repository, path, MAX_RECORD_BYTES);
  if (bytes === null) return null;
  try {
    return parseChainRecord(bytes, path);
  } catch (error) {
    if (!isBackupError(error, 'CHAIN_RECORD_CORRUPT')) throw error;
    const copy = await readCopy(repository, folder);
    if (copy === null) throw error;
    return copy;
  }
}

async function readCopy(repository: BackupRepository, folder: string): Promise<ChainRecord | null> {
  const path = `${folder}/${CHAIN_RECORD_COPY_NAME}`;
  const bytes = await readWholeFile(repository, path, MAX_RECORD_BYTES);
  if (bytes === null) return null;
  try {
    return parseChainRecord(bytes, path);
  } catch (error) {
    if (isBackupError(error, 'CHAIN_RECORD_CORRUPT')) return null;
    throw error;
  }
}

/** Makes `next` the commit record: atomic and durable when it returns. Its revision must follow the one on disk.
 *  @throws STALE_EPOCH when the chain has moved on since `next` was derived */
export async function writeChainRecord(
  repository: BackupRepository,
  folder: string,
  next: ChainRecord,
): Promise<ChainRecord> {
  const current = await readChainRecord(repository, folder);
  if (current !== null && (current.revision !== next.revision || current.epoch > next.epoch))
    throw new BackupError(
      'STALE_EPOCH',
      `the chain in ${folder} is at revision ${current.revision} (epoch ${current.epoch}); a write based on revision ${next.revision} (epoch ${next.epoch}) was refused`,
      { details: { folder, revision: current.revision, epoch: current.epoch } },
    );
  const record = { ...next, revision: next.revision + 1 };
  const bytes = serializeChainRecord(record);
  await replaceFile(repository, `${folder}/${CHAIN_RECORD_COPY_NAME}`, bytes);
  await replaceFile(repository, `${folder}/${CHAIN_RECORD_NAME}`, bytes);
  return record;
}

/** The chain's record under a new epoch owned by `owner`; made when there is none. Asking again with the same owner changes nothing.
 *  @param seenAtMs when a source showed the workload, for this owner; null: nobody looked
 *  @throws CHAIN_FOREIGN when the folder belongs to another job or workload */
export async function takeChain(
  repository: BackupRepository,
  folder: string,
  identity: { jobId: string; workload: { id: string; name: string; type: WorkloadType } },
  owner: string,
  seenAtMs: number | null,
): Promise<ChainRecord> {
  const seen = seenAtMs === null ? null : seenLook(seenAtMs);
  const current = await readChainRecord(repository, folder);
  if (current === null) {
    await makeFolderDurable(repository, folder);
    return writeChainRecord(repository, folder, {
      ...identity,
      revision: 0,
      epoch: 1,
      owner,
      presence: seen ?? { lastSeenAt: null, absence: null },
      points: [],
      pending: null,
    });
  }
  if (current.jobId !== identity.jobId || current.workload.id !== identity.workload.id)
    throw new BackupError(
      'CHAIN_FOREIGN',
      `${folder} holds the chain of job ${current.jobId}, workload ${current.workload.name}`,
      { details: { folder, jobId: current.jobId, workloadId: current.workload.id } },
    );
  if (current.owner === owner) {
    await repository.syncFolder(folder);
    return current;
  }
  return writeChainRecord(repository, folder, {
    ...current,
    workload: identity.workload,
    epoch: current.epoch + 1,
    owner,
    presence: seen ?? current.presence,
  });
}

/** The record, as long as `epoch` still owns it, and durable: a process that was killed may have left one that only the cache knows, and
 *  nothing may be done to files on the word of a record that a power cut takes back.
 *  @throws STALE_EPOCH, FILE_MISSING */
export async function ownedChainRecord(
  repository: BackupRepository,
  folder: string,
  epoch: number,
): Promise<ChainRecord> {
  const record = await readChainRecord(repository, folder);
  if (record === null)
    throw new BackupError('FILE_MISSING', `there is no chain in ${folder}`, {
      details: { folder },
    });
  if (record.epoch !== epoch)
    throw new BackupError(
      'STALE_EPOCH',
      `the chain in ${folder} is owned by epoch ${record.epoch} now; this task belongs to epoch ${epoch}`,
      { details: { folder, epoch: record.epoch } },
    );
  await repository.syncFolder(folder);
  return record;
}
