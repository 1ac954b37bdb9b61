import { BackupError } from '../domain/errors.js';
import { RecordStore, type RecordIdentity } from '../chain/record-store.js';
import type { BackupRepository, SourceRepository } from '../repository/backup-repository.js';
import { FILES_FOLDER, TREE_RECORD_COPY_NAME, TREE_RECORD_NAME } from './tree-paths.js';
import { parseTreeRecord, serializeTreeRecord, type TreeRecord } from './tree-record.js';

/** The commit record of each tree. */
const store = new RecordStore<TreeRecord>({
  name: TREE_RECORD_NAME,
  copyName: TREE_RECORD_COPY_NAME,
  serialize: serializeTreeRecord,
  parse: parseTreeRecord,
  assertNoData: assertNoFiles,
});

/** Files that no record tells of could be those of another tree, or of this one at a later time.
 *  @throws CHAIN_RECORD_LOST */
async function assertNoFiles(repository: SourceRepository, folder: string): Promise<void> {
  if ((await repository.list(`${folder}/${FILES_FOLDER}`)).length === 0) return;
  throw new BackupError(
    'CHAIN_RECORD_LOST',
    `${folder} holds files that no record lists: there is neither ${TREE_RECORD_NAME} nor its copy. Nothing was changed`,
    { details: { folder } },
  );
}

/** null: there is no copy of a tree.
 *  @throws as `RecordStore.read` */
export function readTreeRecord(
  repository: SourceRepository,
  tree: string,
): Promise<TreeRecord | null> {
  return store.read(repository, tree);
}

/** @throws as `RecordStore.write` */
export function writeTreeRecord(
  repository: BackupRepository,
  tree: string,
  next: TreeRecord,
): Promise<TreeRecord> {
  return store.write(repository, tree, next);
}

/** The record under a new epoch owned by `owner`; made when there is none.
 *  @throws as `RecordStore.take` */
export function takeTree(
  repository: BackupRepository,
  tree: string,
  identity: RecordIdentity,
  source: Pick<TreeRecord, 'layout' | 'sourceRepositoryId'>,
  owner: string,
  seenAtMs: number | null,
): Promise<TreeRecord> {
  const nothing = { points: [], unfinished: [], index: [], guard: [], pending: null };
  const first = { ...source, ...nothing, enteredPlan: null, changedAt: null };
  return store.take(repository, tree, identity, first, owner, seenAtMs);
}

/** The record, as long as `epoch` still owns it, and durable.
 *  @throws as `RecordStore.owned` */
export function ownedTreeRecord(
  repository: BackupRepository,
  tree: string,
  epoch: number,
): Promise<TreeRecord> {
  return store.owned(repository, tree, epoch);
}
