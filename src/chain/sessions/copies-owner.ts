import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { BackupError, isBackupError, type ErrorCode } from '../../domain/errors.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import { jobFolder, JOB_DEFINITION_NAME, SESSIONS_FOLDER } from '../chain-paths.js';
import { holdsFiles } from '../../repository/holds-files.js';
import { readJobDefinition, writeJobDefinition } from './session-record.js';

type OwnJob = Pick<CopyJob, 'id' | 'origin'>;

/** Whether what lies under the id of a job in a target was made by another job, one that was deleted or is of another server: then the retention of
 *  this one must not touch it unasked. Where no definition lies beside the data yet nobody else claims them; where one lies that is damaged, nobody
 *  knows whose they are.
 *  @throws what says that the storage, or a right, is missing: then nothing is known */
export async function areOthersCopies(target: SourceRepository, job: OwnJob): Promise<boolean> {
  return (await claimOfOthers(target, job)) !== null;
}

/** @throws COPIES_OF_OTHER_JOB */
export async function assertOwnCopies(target: SourceRepository, job: OwnJob): Promise<void> {
  const claim = await claimOfOthers(target, job);
  if (claim !== null) throw new BackupError('COPIES_OF_OTHER_JOB', claim);
}

/** Before copies are made or changed. The definition is there before the first of them: a job that is made anew under this id during a long first
 *  session would else take them for its own.
 *  @throws COPIES_OF_OTHER_JOB */
export async function claimCopies(
  target: BackupRepository,
  job: OwnJob,
  claim: { readonly definition?: CopyJob | undefined; readonly takeOver?: boolean | undefined },
): Promise<void> {
  const { definition, takeOver = false } = claim;
  if (!takeOver) await assertOwnCopies(target, job);
  if (definition === undefined) return;
  const path = `${jobFolder(job.id)}/${JOB_DEFINITION_NAME}`;
  if (takeOver || (await target.stat(path)) === null)
    await writeJobDefinition(target, definition).catch(ignoreNoRoom);
}

/** Retention, which makes room, must not wait for it: the end of the session writes it. */
function ignoreNoRoom(error: unknown): void {
  if (!isBackupError(error, 'REPOSITORY_FULL')) throw error;
}

/** In plain words; null: there is none. */
async function claimOfOthers(
  target: SourceRepository,
  { id, origin }: OwnJob,
): Promise<string | null> {
  const folder = jobFolder(id);
  const owner = await readJobDefinition(target, id).catch(damaged);
  if (!(owner instanceof BackupError))
    return owner === null || owner.origin === origin
      ? null
      : `what lies in ${folder} was copied by another job of this id`;
  // A job that has no origin is of a time in which nobody was asked.
  if (origin === undefined || !(await hasCopies(target, folder))) return null;
  return `whose copies lie in ${folder} is not known, because its definition cannot be read: ${owner.message}`;
}

/** Reads folders only: a record that is damaged, or of a format that comes later, is one, too. */
async function hasCopies(target: SourceRepository, folder: string): Promise<boolean> {
  for (const { type, name, path } of await target.list(folder))
    if (type === 'folder' && name !== SESSIONS_FOLDER && (await holdsFiles(target, path)))
      return true;
  return false;
}

/** What makes the file useless, whoever reads it. */
const DAMAGES: readonly ErrorCode[] = [
  'METADATA_CORRUPT',
  'CHAIN_FORMAT_UNKNOWN',
  'FILE_TOO_LARGE',
  'PATH_FORBIDDEN',
];

function damaged(error: unknown): BackupError {
  if (isBackupError(error) && DAMAGES.includes(error.code)) return error;
  throw error;
}
