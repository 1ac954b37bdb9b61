import type { CopyJob } from '../domain/copy-job.js';
import type { CopySession } from '../domain/copy-session.js';
import type { BackupRepository } from '../repository/backup-repository.js';
import { makeFolderDurable, readWholeFile, replaceFile } from '../repository/replace-file.js';
import { jobFolder, JOB_DEFINITION_NAME, sessionRecordPath } from './chain-paths.js';

/** 1 MiB: a job names workloads, it does not list blocks. */
const MAX_DEFINITION_BYTES = 1024 * 1024;
const DEFINITION_VERSION = 1;

/** Keeps the job's definition beside its data; an unchanged one is not written again. */
export async function writeJobDefinition(
  repository: BackupRepository,
  job: CopyJob,
): Promise<void> {
  const folder = jobFolder(job.id);
  const path = `${folder}/${JOB_DEFINITION_NAME}`;
  const bytes = json({ longhaulJob: DEFINITION_VERSION, job });
  const present = await readWholeFile(repository, path, MAX_DEFINITION_BYTES);
  if (present?.equals(bytes) === true) return;
  await makeFolderDurable(repository, folder);
  await replaceFile(repository, path, bytes);
}

/** null: there is none. */
export async function readJobDefinition(
  repository: BackupRepository,
  jobId: string,
): Promise<CopyJob | null> {
  const path = `${jobFolder(jobId)}/${JOB_DEFINITION_NAME}`;
  const bytes = await readWholeFile(repository, path, MAX_DEFINITION_BYTES);
  if (bytes === null) return null;
  const document = JSON.parse(bytes.toString('utf8')) as { job?: CopyJob };
  return document.job ?? null;
}

export async function writeSessionRecord(
  repository: BackupRepository,
  session: CopySession,
): Promise<void> {
  const year = new Date(session.startedAt).getUTCFullYear();
  const path = sessionRecordPath(session.jobId, session.id, year);
  await makeFolderDurable(repository, path.slice(0, path.lastIndexOf('/')));
  await replaceFile(repository, path, json({ longhaulSession: DEFINITION_VERSION, session }));
}

function json(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
}
