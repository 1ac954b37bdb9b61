import type { CopyJob } from '../domain/copy-job.js';
import type { CopySession } from '../domain/copy-session.js';
import type { BackupRepository } from '../repository/backup-repository.js';
import { makeFolderDurable, readWholeFile, replaceFile } from '../repository/replace-file.js';
import {
  jobFolder,
  JOB_DEFINITION_NAME,
  SESSIONS_FOLDER,
  sessionRecordPath,
} from './chain-paths.js';

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

/** How many session records the job has beside its data, and the newest of them; null: none. Their names sort by time. */
export async function lastSessionRecord(
  repository: BackupRepository,
  jobId: string,
): Promise<{ count: number; last: CopySession | null }> {
  const files: string[] = [];
  for (const year of await repository.list(`${jobFolder(jobId)}/${SESSIONS_FOLDER}`))
    if (year.type === 'folder')
      for (const entry of await repository.list(year.path))
        if (entry.type === 'file' && entry.name.endsWith('.json')) files.push(entry.path);
  const newest = files.sort().at(-1);
  if (newest === undefined) return { count: 0, last: null };
  const bytes = await readWholeFile(repository, newest, MAX_SESSION_BYTES);
  const document = JSON.parse(bytes?.toString('utf8') ?? '{}') as { session?: CopySession };
  return { count: files.length, last: document.session ?? null };
}

/** 16 MiB: some 10,000 workloads. */
const MAX_SESSION_BYTES = 16 * 1024 * 1024;

function json(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
}
