import {
  startOfSession,
  type CopyProgress,
  type CopyTask,
  type SessionResult,
} from '../../domain/sessions/copy-session.js';
import { count, listOf, nullable, object, text, type Shape } from '../../domain/json-shape.js';
import { pathSegment } from '../../domain/targets/path-segment.js';
import { unreadablePart, type UnreadablePart } from '../../domain/targets/unreadable-part.js';
import { jsonBytes } from '../../domain/sessions/task-brief.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import { readWholeFile } from '../../repository/replace-file.js';
import { taskRecordsFolder } from '../chain-paths.js';
import { parseJson } from '../../repository/json-file.js';

/** Files of the tasks that the record of their session has no room for (docs/FORMAT.md, Job and sessions). */

interface SessionPlace {
  readonly jobId: string;
  readonly sessionId: string;
}

const TASK_VERSION = 1;
/** As the payload that it was written from, with room for line ends. */
const MAX_TASK_BYTES = 4 * 1024 * 1024;

/** The task of one workload, whole. */
export async function writeTaskRecord(
  repository: BackupRepository,
  place: SessionPlace,
  task: CopyTask,
): Promise<void> {
  const folder = folderOf(place);
  await repository.makePlace(folder);
  const name = `${pathSegment(task.workloadId ?? task.workload)}.json`;
  const content = JSON.stringify({ longhaulTask: TASK_VERSION, task }, null, 1);
  await repository.put(`${folder}/${name}`, Buffer.from(`${content}\n`));
}

/** A page of the tasks of a session that have files, in the order of the files' names. What cannot be read is named, the rest is shown.
 *  @param page `after`: name of the last file of the page before; `maxBytes` of JSON, but at least one task
 *  @returns `last`: where the next page begins; null: there is none */
export async function readTaskRecords(
  repository: SourceRepository,
  place: SessionPlace,
  { after, maxBytes }: { readonly after: string; readonly maxBytes: number },
): Promise<{ tasks: CopyTask[]; unreadable: UnreadablePart[]; last: string | null }> {
  const folder = folderOf(place);
  const names = (await repository.list(folder))
    .filter(({ type, name }) => type === 'file' && name.endsWith('.json') && name > after)
    .map(({ name }) => name)
    .sort();
  const tasks: CopyTask[] = [];
  const unreadable: UnreadablePart[] = [];
  let bytes = 0;
  for (const [index, name] of names.entries()) {
    const path = `${folder}/${name}`;
    try {
      const content = await readWholeFile(repository, path, MAX_TASK_BYTES);
      if (content === null) continue;
      const { task } = parseJson(content, path, taskDocument);
      tasks.push(task as CopyTask);
      bytes += jsonBytes(task);
    } catch (error) {
      const part = unreadablePart(path, error);
      unreadable.push(part);
      bytes += jsonBytes(part);
    }
    if (bytes >= maxBytes && index + 1 < names.length) return { tasks, unreadable, last: name };
  }
  return { tasks, unreadable, last: null };
}

/** Of a task what is worked with; the rest is only shown. */
type StoredTask = Pick<CopyTask, 'workload' | 'progress' | 'committed' | 'notes'> & {
  readonly state: string;
  readonly result: SessionResult | null;
};

const number: Shape<number> = (value) => (typeof value === 'number' ? null : ' is not a number');

const taskDocument = object<{ longhaulTask: number; task: StoredTask }>({
  longhaulTask: (value) => (value === TASK_VERSION ? null : ` is not ${TASK_VERSION}`),
  task: object<StoredTask>({
    workload: text,
    state: text,
    result: nullable(text) as Shape<SessionResult | null>,
    progress: object<CopyProgress>({
      percent: number,
      processedBytes: count,
      totalBytes: count,
      readBytes: count,
      transferredBytes: count,
      reusedBytes: count,
      storedBytes: count,
      bytesPerSecond: number,
      etaSeconds: nullable(number),
    }),
    committed: listOf(text),
    notes: listOf(text),
  }),
});

function folderOf({ jobId, sessionId }: SessionPlace): string {
  const year = new Date(startOfSession(sessionId)).getUTCFullYear();
  return taskRecordsFolder(jobId, sessionId, year);
}
