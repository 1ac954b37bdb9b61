import { isTimeZone, WEEKDAYS } from '../../domain/schedules/calendar-date.js';
import type {
  CopyJob,
  Detached,
  EndedGfs,
  GfsPolicy,
  OneTime,
  RetentionPolicy,
} from '../../domain/jobs/copy-job.js';
import { startOfSession, type CopySession } from '../../domain/sessions/copy-session.js';
import { isBackupError, type BackupError } from '../../domain/errors.js';
import {
  count,
  instant,
  nullable,
  object,
  oneOf,
  optional,
  text,
  type Shape,
} from '../../domain/json-shape.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import { readWholeFile } from '../../repository/replace-file.js';
import {
  jobFolder,
  JOB_DEFINITION_NAME,
  SESSIONS_FOLDER,
  sessionRecordPath,
} from '../chain-paths.js';
import { parseJson } from '../../repository/json-file.js';
import { isOfOneFile } from '../../domain/targets/unreadable-part.js';
import { MONTHS } from '../../domain/schedules/day-names.js';

/** A definition has at most 1 MB (`jobFaults`) of JSON without spaces; here it has a line for each name. */
const MAX_DEFINITION_BYTES = 4 * 1024 * 1024;
const DEFINITION_VERSION = 1;

const version: Shape<number> = (value) =>
  value === DEFINITION_VERSION ? null : ` is not ${DEFINITION_VERSION}`;

const timeZone: Shape<string> = (value) =>
  typeof value === 'string' && isTimeZone(value) ? null : ' is not a time zone';

/** Of a definition what is worked with beside the data; whoever imports the job judges all of it. */
type StoredPolicy = Pick<
  CopyJob,
  | 'id'
  | 'name'
  | 'mode'
  | 'retention'
  | 'gfs'
  | 'endedGfs'
  | 'timeZone'
  | 'origin'
  | 'once'
  | 'detached'
>;

const jobDocument = object<{ longhaulJob: number; job: StoredPolicy }>({
  longhaulJob: version,
  job: object<StoredPolicy>({
    id: text,
    name: text,
    mode: oneOf('immediate', 'periodic'),
    retention: object<RetentionPolicy>({ type: oneOf('restorePoints', 'days'), value: count }),
    gfs: nullable(
      object<GfsPolicy>({
        weekly: nullable(
          object<NonNullable<GfsPolicy['weekly']>>({ keep: count, day: oneOf(...WEEKDAYS) }),
        ),
        monthly: nullable(
          object<NonNullable<GfsPolicy['monthly']>>({
            keep: count,
            week: oneOf('first', 'second', 'third', 'fourth', 'fifth', 'last'),
          }),
        ),
        yearly: nullable(
          object<NonNullable<GfsPolicy['yearly']>>({ keep: count, month: oneOf(...MONTHS) }),
        ),
        fullMethod: oneOf('synthetic', 'active'),
      }),
    ),
    endedGfs: optional(
      object<EndedGfs>({
        weekly: nullable(count),
        monthly: nullable(count),
        yearly: nullable(count),
      }),
    ),
    timeZone,
    origin: optional(text),
    once: optional(
      object<OneTime>({ restorePointId: nullable(text), expiresAt: nullable(instant) }),
    ),
    detached: optional(object<Detached>({ fromJobId: text, at: instant })),
  }),
});

/** What a list of jobs shows of a session. */
type SessionEnd = Pick<CopySession, 'id' | 'result' | 'endedAt'>;

const sessionDocument = object<{ longhaulSession: number; session: SessionEnd }>({
  longhaulSession: version,
  session: object<SessionEnd>({
    id: text,
    result: nullable(
      oneOf('success', 'warning', 'failed', 'stopped', 'actionRequired', 'nothingToCopy'),
    ),
    endedAt: nullable(instant),
  }),
});

/** Keeps the job's definition beside its data; an unchanged one is not written again, and a session that began before a change does not undo what a later one
 *  has written. Sessions of one job may end at once. */
export async function writeJobDefinition(
  repository: BackupRepository,
  job: CopyJob,
): Promise<void> {
  const folder = jobFolder(job.id);
  const path = `${folder}/${JOB_DEFINITION_NAME}`;
  const bytes = json({ longhaulJob: DEFINITION_VERSION, job });
  const present = await readWholeFile(repository, path, MAX_DEFINITION_BYTES);
  if (present?.equals(bytes) === true || (present !== null && isLater(present, path, job))) return;
  await repository.makePlace(folder);
  await repository.put(path, bytes, { isShared: true });
}

/** Of another job of this id, or of one that cannot be read, nothing is later. */
function isLater(present: Buffer, path: string, { origin, revision }: CopyJob): boolean {
  try {
    const job = parseJson(present, path, jobDocument).job as Partial<CopyJob>;
    return origin !== undefined && job.origin === origin && Number(job.revision) > revision;
  } catch {
    return false;
  }
}

/** null: there is none.
 *  @throws METADATA_CORRUPT, CHAIN_FORMAT_UNKNOWN */
export async function readJobDefinition(
  repository: SourceRepository,
  jobId: string,
): Promise<CopyJob | null> {
  const path = `${jobFolder(jobId)}/${JOB_DEFINITION_NAME}`;
  const bytes = await readWholeFile(repository, path, MAX_DEFINITION_BYTES);
  return bytes === null ? null : (parseJson(bytes, path, jobDocument).job as CopyJob);
}

export async function writeSessionRecord(
  repository: BackupRepository,
  session: CopySession,
): Promise<void> {
  const path = sessionRecordPath(session.jobId, session.id, yearOf(session.id));
  await repository.makePlace(path.slice(0, path.lastIndexOf('/')));
  await repository.put(path, json({ longhaulSession: DEFINITION_VERSION, session }));
}

/** The id says when the session started, in every run of its workflow the same. */
function yearOf(sessionId: string): number {
  return new Date(startOfSession(sessionId)).getUTCFullYear();
}

/** How many session records the job has beside its data, and how the newest of them ended; null: none. Their names sort by time. A newest
 *  one that cannot be read is a fault, not a session that did not take place. */
export async function lastSessionRecord(
  repository: SourceRepository,
  jobId: string,
): Promise<{ count: number; last: SessionEnd | null; fault: BackupError | null }> {
  const files: string[] = [];
  for (const year of await repository.list(`${jobFolder(jobId)}/${SESSIONS_FOLDER}`))
    if (year.type === 'folder')
      for (const entry of await repository.list(year.path))
        if (entry.type === 'file' && entry.name.endsWith('.json')) files.push(entry.path);
  const newest = files.sort().at(-1);
  if (newest === undefined) return { count: 0, last: null, fault: null };
  const found = { count: files.length, last: null, fault: null };
  try {
    const bytes = await readWholeFile(repository, newest, MAX_SESSION_BYTES);
    return bytes === null
      ? found
      : { ...found, last: parseJson(bytes, newest, sessionDocument).session };
  } catch (error) {
    if (isBackupError(error) && isOfOneFile(error)) return { ...found, fault: error };
    throw error;
  }
}

/** When the newest session began that has a record and began until then; null: there is none. Epoch milliseconds. */
export async function lastSessionStart(
  repository: SourceRepository,
  jobId: string,
  untilMs: number,
): Promise<number | null> {
  const years = await repository.list(`${jobFolder(jobId)}/${SESSIONS_FOLDER}`);
  for (const year of years.sort((a, b) => (a.name < b.name ? 1 : -1))) {
    if (year.type !== 'folder' || Date.UTC(Number(year.name)) > untilMs) continue;
    const starts = (await repository.list(year.path))
      .filter(({ type, name }) => type === 'file' && name.endsWith('.json'))
      .map(({ name }) => startOfSession(name.replace(/\.json$/, '')))
      .filter((startMs) => startMs <= untilMs);
    if (starts.length > 0) return starts.reduce((last, start) => Math.max(last, start));
  }
  return null;
}

/** A session is cut to what goes through one payload. */
const MAX_SESSION_BYTES = 4 * 1024 * 1024;

function json(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
}
