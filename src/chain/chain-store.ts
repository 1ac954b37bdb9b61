import { seenLook } from '../domain/absence.js';
import { BackupError, isBackupError } from '../domain/errors.js';
import type { WorkloadType } from '../domain/restore-point.js';
import type { BackupRepository } from '../repository/backup-repository.js';
import { makeFolderDurable, readWholeFile, replaceFile } from '../repository/replace-file.js';
import {
  chainFolder,
  CHAIN_RECORD_COPY_NAME,
  CHAIN_RECORD_NAME,
  isPointFolder,
} from './chain-paths.js';
import { parseChainRecord, serializeChainRecord, type ChainRecord } from './chain-record.js';

/** 64 MiB: about 50,000 restore points of ten disks. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/** Names in the details of an error; the folder has the rest. */
const MAX_NAMED_POINTS = 100;

/** The commit record of the chain in `folder`; null when there is no chain.
 *
 *  Two copies exist. `chain.json.copy` is written first, so it is equal to or one step ahead of `chain.json`, and a step ahead is safe
 *  to read: what it shows is durable already, and nothing it hides has been touched yet. Either may be lost, damaged or set back from
 *  outside (a restored folder, a sync tool): the newest that is whole is the record.
 *  @throws CHAIN_RECORD_CORRUPT when none can be trusted, CHAIN_RECORD_LOST when there is none and points are there, CHAIN_FOREIGN when
 *    the two are of different chains and none of them belongs here, CHAIN_FORMAT_UNKNOWN */
export async function readChainRecord(
  repository: BackupRepository,
  folder: string,
): Promise<ChainRecord | null> {
  return (await readBothFiles(repository, folder)).record;
}

/** @returns isSettled: both files are of the record's revision */
async function readBothFiles(
  repository: BackupRepository,
  folder: string,
): Promise<{ record: ChainRecord | null; isSettled: boolean }> {
  const main = await readRecordFile(repository, `${folder}/${CHAIN_RECORD_NAME}`);
  const copy = await readRecordFile(repository, `${folder}/${CHAIN_RECORD_COPY_NAME}`);
  const record = await recordOf(repository, folder, main, copy);
  const isSettled =
    record?.revision === main.record?.revision && record?.revision === copy.record?.revision;
  return { record, isSettled };
}

async function recordOf(
  repository: BackupRepository,
  folder: string,
  main: RecordFile,
  copy: RecordFile,
): Promise<ChainRecord | null> {
  if (main.record !== null && copy.record !== null)
    return newerOf(folder, main.record, copy.record);
  const whole = main.record ?? copy.record;
  if (whole !== null) return whole;
  const fault = main.fault ?? copy.fault;
  if (fault !== null) throw fault;
  await assertNoPoints(repository, folder);
  return null;
}

/** Neither a record nor a fault: the file is certainly absent. */
interface RecordFile {
  readonly record: ChainRecord | null;
  readonly fault: BackupError | null;
}

/** What makes one file useless, but says nothing about the other: damage, or a folder, link or device in its place. */
const FAULTS_OF_ONE_FILE: readonly string[] = [
  'CHAIN_RECORD_CORRUPT',
  'FILE_TOO_LARGE',
  'PATH_FORBIDDEN',
];

async function readRecordFile(repository: BackupRepository, path: string): Promise<RecordFile> {
  try {
    const bytes = await readWholeFile(repository, path, MAX_RECORD_BYTES);
    return { record: bytes === null ? null : parseChainRecord(bytes, path), fault: null };
  } catch (error) {
    if (!isBackupError(error) || !FAULTS_OF_ONE_FILE.includes(error.code)) throw error;
    return { record: null, fault: recordCorrupt(path, error) };
  }
}

function recordCorrupt(path: string, error: BackupError): BackupError {
  if (error.code === 'CHAIN_RECORD_CORRUPT') return error;
  return new BackupError('CHAIN_RECORD_CORRUPT', error.message, {
    details: { path },
    cause: error,
  });
}

/** Of one chain the one with the higher revision; equal ones are equal. Of two chains the one that belongs in this folder. */
function newerOf(folder: string, main: ChainRecord, copy: ChainRecord): ChainRecord {
  if (isSameChain(main, copy)) return copy.revision > main.revision ? copy : main;
  const own = [main, copy].filter((record) => isAtHome(folder, record));
  if (own.length === 1) return own[0]!;
  throw new BackupError(
    'CHAIN_FOREIGN',
    `${folder} holds records of two chains: of job ${main.jobId}, workload ${main.workload.name}, and of job ${copy.jobId}, workload ${copy.workload.name}`,
    { details: { folder } },
  );
}

function isSameChain(a: ChainRecord, b: ChainRecord): boolean {
  return a.jobId === b.jobId && a.workload.id === b.workload.id;
}

/** Whether the record lies where the chain that it names is looked for. A chain that was moved elsewhere can be copied from, no more. */
export function isAtHome(folder: string, { jobId, workload }: ChainRecord): boolean {
  return folder === chainFolder(jobId, workload.id);
}

/** A chain that is begun over points would take them for rests of stopped commits.
 *  @throws CHAIN_RECORD_LOST */
async function assertNoPoints(repository: BackupRepository, folder: string): Promise<void> {
  const points = await pointFolders(repository, folder);
  if (points.length > 0)
    throw recordLost(folder, points, `there is neither ${CHAIN_RECORD_NAME} nor its copy`);
}

/** Names of the folders that hold a restore point, listed or not. */
export async function pointFolders(
  repository: BackupRepository,
  folder: string,
): Promise<string[]> {
  const names: string[] = [];
  for (const { type, name, path } of await repository.list(folder))
    if (type === 'folder' && isPointFolder(name) && (await repository.list(path)).length > 0)
      names.push(name);
  return names.sort();
}

export function recordLost(folder: string, points: readonly string[], why: string): BackupError {
  const [first] = points;
  const what =
    points.length === 1
      ? `restore point ${first ?? ''}`
      : `${points.length} restore points (${first ?? ''} …)`;
  return new BackupError(
    'CHAIN_RECORD_LOST',
    `${folder} holds ${what} that no record lists: ${why}. Nothing was changed`,
    { details: { folder, points: points.slice(0, MAX_NAMED_POINTS) } },
  );
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
  await writeBothFiles(repository, folder, record);
  return record;
}

async function writeBothFiles(
  repository: BackupRepository,
  folder: string,
  record: ChainRecord,
): Promise<void> {
  const bytes = serializeChainRecord(record);
  await replaceFile(repository, `${folder}/${CHAIN_RECORD_COPY_NAME}`, bytes);
  await replaceFile(repository, `${folder}/${CHAIN_RECORD_NAME}`, bytes);
}

/** Ends a write that was stopped between the two files, and makes good a file that was lost; for the owner of the chain. Either way the
 *  record is durable afterwards: a process that was killed may have left one that only the cache knows. */
async function settle(
  repository: BackupRepository,
  folder: string,
  record: ChainRecord,
  isSettled: boolean,
): Promise<void> {
  if (isSettled) await repository.syncFolder(folder);
  else await writeBothFiles(repository, folder, record);
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
  const { record: current, isSettled } = await readBothFiles(repository, folder);
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
    await settle(repository, folder, current, isSettled);
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

/** The record, as long as `epoch` still owns it, and durable: nothing may be done to files on the word of a record that a power cut takes
 *  back.
 *  @throws STALE_EPOCH, FILE_MISSING */
export async function ownedChainRecord(
  repository: BackupRepository,
  folder: string,
  epoch: number,
): Promise<ChainRecord> {
  const { record, isSettled } = await readBothFiles(repository, folder);
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
  await settle(repository, folder, record, isSettled);
  return record;
}
