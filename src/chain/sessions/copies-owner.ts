import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { jobFolder } from '../chain-paths.js';
import { isOfOneFile } from '../unreadable.js';
import { readJobDefinition } from './session-record.js';

type OwnJob = Pick<CopyJob, 'id' | 'origin'>;

/** Whether what lies under the id of a job in a target was made by another job, one that was deleted or is of another server: then the retention of
 *  this one must not touch it unasked. Where no definition lies beside the data yet, or none that can be read, nobody else claims them. */
export async function areOthersCopies(
  target: BackupRepository,
  { id, origin }: OwnJob,
): Promise<boolean> {
  const owner = await readJobDefinition(target, id).catch(unreadableDefinition);
  return owner !== null && owner.origin !== origin;
}

/** @throws COPIES_OF_OTHER_JOB */
export async function assertOwnCopies(target: BackupRepository, job: OwnJob): Promise<void> {
  if (!(await areOthersCopies(target, job))) return;
  throw new BackupError(
    'COPIES_OF_OTHER_JOB',
    `what lies in ${jobFolder(job.id)} was copied by another job of this id`,
  );
}

function unreadableDefinition(error: unknown): null {
  if (isBackupError(error) && isOfOneFile(error)) return null;
  throw error;
}
