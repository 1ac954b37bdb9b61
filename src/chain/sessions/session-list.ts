/** The sessions that lie as records beside the data of a target: those of all times, also when Temporal has long forgotten them. */

import { startOfSession, type CopySession } from '../../domain/sessions/copy-session.js';
import type { RecordedSession, RecordFilter } from '../../domain/sessions/recorded-session.js';
import { count, instant, nullable, object, oneOf, text } from '../../domain/json-shape.js';
import { isFolderPassedOver } from '../../domain/sources/passed-over.js';
import { modifiedAtMs } from '../../domain/file-stamp.js';
import { unreadablePart, type UnreadablePart } from '../../domain/targets/unreadable-part.js';
import type { RepositoryEntry, SourceRepository } from '../../repository/backup-repository.js';
import { readWholeFile } from '../../repository/replace-file.js';
import { jobFolder, SESSIONS_FOLDER, sessionRecordPath } from '../chain-paths.js';
import { parseJson } from '../../repository/json-file.js';
import { DAY_MS } from '../../domain/elapsed.js';

interface RecordPage {
  readonly sessions: readonly RecordedSession[];
  readonly unreadable: readonly UnreadablePart[];
  /** Where the next page begins; null: there is none. */
  readonly next: string | null;
}

/** As a session is cut to what goes through one payload. */
const MAX_RECORD_BYTES = 4 * 1024 * 1024;
const PAGE_SESSIONS = 100;
/** A page of a filter that fits few sessions ends after so many files, and may be empty. */
const MAX_READS = 300;

/** By so much the clocks of a storage and of a worker may differ. */
const CLOCKS_DIFFER_MS = DAY_MS;

/** Newest start first. The names of the files tell job and start, so that only those of the page are read.
 *  @param after `next` of the page before */
export async function listSessionRecords(
  repository: SourceRepository,
  filter: RecordFilter,
  after: string | null,
): Promise<RecordPage> {
  const unreadable: UnreadablePart[] = [];
  const files = await recordFiles(repository, filter, unreadable);
  const wanted = files.filter(({ key }) => after === null || key < after);
  const sessions: RecordedSession[] = [];
  for (const [index, { path, key }] of wanted.entries()) {
    const session = await readRecord(repository, path).catch((error: unknown) => {
      unreadable.push(unreadablePart(path, error));
      return null;
    });
    if (session !== null && isWanted(session, filter)) sessions.push(summaryOf(session));
    const isFull = sessions.length === PAGE_SESSIONS || index + 1 === MAX_READS;
    if (isFull && index + 1 < wanted.length) return { sessions, unreadable, next: key };
  }
  return { sessions, unreadable, next: null };
}

/** The whole record of one session; null: there is none. @throws METADATA_CORRUPT */
export async function readSessionRecord(
  repository: SourceRepository,
  jobId: string,
  sessionId: string,
): Promise<CopySession | null> {
  const year = new Date(startOfSession(sessionId)).getUTCFullYear();
  if (Number.isNaN(year)) return null;
  return readRecord(repository, sessionRecordPath(jobId, sessionId, year));
}

function isWanted(
  { result, startedAt }: CopySession,
  { result: wanted, fromMs, toMs }: RecordFilter,
): boolean {
  const startMs = Date.parse(startedAt);
  return (
    (wanted ?? result) === result &&
    startMs >= (fromMs ?? -Infinity) &&
    startMs < (toMs ?? Infinity)
  );
}

interface RecordFile {
  readonly path: string;
  /** Sorts by start. */
  readonly key: string;
}

async function recordFiles(
  repository: SourceRepository,
  { jobId, fromMs, toMs }: RecordFilter,
  unreadable: UnreadablePart[],
): Promise<RecordFile[]> {
  const jobs =
    jobId === null
      ? foldersOf(await repository.list('')).map(({ path }) => path)
      : [jobFolder(jobId)];
  const files: RecordFile[] = [];
  for (const job of jobs)
    try {
      for (const year of foldersOf(await repository.list(`${job}/${SESSIONS_FOLDER}`)))
        for (const { type, name, path, stamp } of await repository.list(year.path)) {
          const id = /^(.+)\.json$/.exec(name)?.[1];
          const startMs = id === undefined ? NaN : startOfSession(id);
          if (type !== 'file' || Number.isNaN(startMs)) continue;
          // The name says when it was to start. What was caught up started later, by days, but before its record was written.
          const latestMs = Math.max(startMs, modifiedAtMs(stamp)) + CLOCKS_DIFFER_MS;
          if (startMs >= (toMs ?? Infinity) || latestMs < (fromMs ?? -Infinity)) continue;
          files.push({ path, key: `${new Date(startMs).toISOString()} ${path}` });
        }
    } catch (error) {
      unreadable.push(unreadablePart(`${job}/${SESSIONS_FOLDER}`, error));
    }
  return files.sort((a, b) => (a.key > b.key ? -1 : 1));
}

function foldersOf(entries: readonly RepositoryEntry[]): RepositoryEntry[] {
  return entries.filter(({ type, name }) => type === 'folder' && !isFolderPassedOver(name));
}

async function readRecord(repository: SourceRepository, path: string): Promise<CopySession | null> {
  const bytes = await readWholeFile(repository, path, MAX_RECORD_BYTES);
  return bytes === null ? null : (parseJson(bytes, path, document).session as CopySession);
}

const document = object<{
  longhaulSession: number;
  session: Omit<RecordedSession, 'state' | 'nextTryAt'>;
}>({
  longhaulSession: (value) => (value === 1 ? null : ' is not 1'),
  session: object<Omit<RecordedSession, 'state' | 'nextTryAt'>>({
    id: text,
    jobId: text,
    trigger: oneOf('api', 'schedule', 'watch', 'afterJob', 'retry'),
    startedBy: nullable(text),
    tryNumber: count,
    result: nullable(
      oneOf('success', 'warning', 'failed', 'stopped', 'actionRequired', 'nothingToCopy'),
    ),
    startedAt: instant,
    endedAt: nullable(instant),
  }),
});

/** What was to be tried again has been since, or never will be. */
function summaryOf(session: CopySession): RecordedSession {
  const { id, jobId, trigger, startedBy, tryNumber, result, startedAt, endedAt } = session;
  return {
    id,
    jobId,
    trigger,
    startedBy,
    tryNumber,
    state: 'ended',
    result,
    startedAt,
    endedAt,
    nextTryAt: null,
  };
}
