import { BackupError } from '../domain/errors.js';
import type { BackupRepository, SourceRepository } from '../repository/backup-repository.js';
import { CHAIN_RECORD_COPY_NAME, CHAIN_RECORD_NAME, isPointFolder } from './chain-paths.js';
import { parseChainRecord, serializeChainRecord } from './chain-record-document.js';
import { type ChainRecord } from './chain-record.js';
import { RecordStore, type RecordIdentity } from './record-store.js';

/** Names in the details of an error; the folder has the rest. */
const MAX_NAMED_POINTS = 100;

/** The commit record of each chain. */
const store = new RecordStore<ChainRecord>({
  name: CHAIN_RECORD_NAME,
  copyName: CHAIN_RECORD_COPY_NAME,
  serialize: serializeChainRecord,
  parse: parseChainRecord,
  assertNoData: assertNoPoints,
});

/** The commit record of the chain in `folder`; null when there is no chain.
 *  @throws as `RecordStore.read` */
export function readChainRecord(
  repository: SourceRepository,
  folder: string,
): Promise<ChainRecord | null> {
  return store.read(repository, folder);
}

/** A chain that is begun over points would take them for rests of stopped commits.
 *  @throws CHAIN_RECORD_LOST */
async function assertNoPoints(repository: SourceRepository, folder: string): Promise<void> {
  const points = await pointFolders(repository, folder);
  if (points.length > 0)
    throw recordLost(folder, points, `there is neither ${CHAIN_RECORD_NAME} nor its copy`);
}

/** Names of the folders that hold a restore point, listed or not. */
export async function pointFolders(
  repository: SourceRepository,
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

/** Makes `next` the commit record.
 *  @throws as `RecordStore.write` */
export function writeChainRecord(
  repository: BackupRepository,
  folder: string,
  next: ChainRecord,
): Promise<ChainRecord> {
  return store.write(repository, folder, next);
}

/** The chain's record under a new epoch owned by `owner`.
 *  @throws as `RecordStore.take` */
export function takeChain(
  repository: BackupRepository,
  folder: string,
  identity: RecordIdentity,
  owner: string,
  seenAtMs: number | null,
): Promise<ChainRecord> {
  const first = { points: [], pending: null };
  return store.take(repository, folder, identity, first, owner, seenAtMs);
}

/** The record, as long as `epoch` still owns it, and durable.
 *  @throws as `RecordStore.owned` */
export function ownedChainRecord(
  repository: BackupRepository,
  folder: string,
  epoch: number,
): Promise<ChainRecord> {
  return store.owned(repository, folder, epoch);
}
