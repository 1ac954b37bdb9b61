import { patched } from '@temporalio/workflow';
import type { CopyJob } from '../../src/domain/jobs/copy-job.js';
import { namesOfWorkload, sourceScope } from '../../src/domain/jobs/source-scope.js';
import { newTask, type CopyTask } from '../../src/domain/sessions/copy-session.js';
import type { FoundWorkload } from '../../src/domain/sources/found-workload.js';
import { cut } from '../../src/domain/sessions/task-brief.js';

/** Before, a name that a session was started for and that no source has was passed over without a word, unless the job named it, too. */
const TELLS_UNKNOWN = 'copySession-20261128-unknown-names';

/** Of what one source shows; `isRead`: all of it was seen, and it is something. */
export interface SourceLook {
  readonly repositoryId: string;
  readonly workloads: readonly FoundWorkload[];
  readonly isRead: boolean;
}

/** A task for the names that a session was started for and that none of the sources has, or that the job does not copy. What the job itself names is told
 *  with its source; what lies in a source that was not read nobody knows. No failure: a retry, which names it again, would be tried for ever. */
export function unknownNames(
  job: CopyJob,
  started: readonly string[] | undefined,
  looks: readonly SourceLook[],
): CopyTask[] {
  if (started === undefined || !looks.every(({ isRead }) => isRead)) return [];
  const named = new Set(job.sources.include.flatMap(({ workloads = [] }) => workloads));
  const isInScope = sourceScope(job);
  const held = new Set<string>();
  const copied = new Set<string>();
  for (const { repositoryId, workloads } of looks)
    for (const workload of workloads) {
      const names = namesOfWorkload(workload);
      for (const name of names) held.add(name);
      if (isInScope(repositoryId, workload)) for (const name of names) copied.add(name);
    }
  const unknown = started.filter((name) => !held.has(name) && !named.has(name));
  const uncopied = started.filter((name) => held.has(name) && !copied.has(name));
  if (unknown.length + uncopied.length === 0 || !patched(TELLS_UNKNOWN)) return [];
  return [
    ...told(unknown, `no source of the job holds`),
    ...told(uncopied, `the job does not copy`),
  ];
}

function told(names: readonly string[], why: string): CopyTask[] {
  const [first] = names;
  if (first === undefined) return [];
  const list = cut(names.join(', '), NAMES_CHARACTERS);
  const task = newTask(names.length === 1 ? first : `${names.length} workloads`, null);
  const reason = `the session was started for what ${why}: ${list}`;
  return [{ ...task, state: 'ended', result: 'warning', code: 'WORKLOAD_MISSING', reason }];
}

const NAMES_CHARACTERS = 4_000;
