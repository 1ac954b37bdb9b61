import { patched } from '@temporalio/workflow';
import {
  ambiguousIds,
  ambiguousNames,
  ambiguousText,
  orderedBy,
} from '../../src/domain/jobs/ambiguous-ids.js';
import type { CopyJob } from '../../src/domain/jobs/copy-job.js';
import { namedIn } from '../../src/domain/jobs/source-scope.js';
import { NAMES_OF_JOB } from '../../src/domain/jobs/unmatched-names.js';
import { ERROR_CODES } from '../../src/domain/errors.js';
import { sentences } from '../../src/domain/sentences.js';
import { newTask, type CopyTask } from '../../src/domain/sessions/copy-session.js';
import type { FoundWorkload } from '../../src/domain/sources/found-workload.js';
import type { SourceLook } from './unknown-names.js';

/** Before, an id that several workloads had before started all of them, and was told by nobody; one that is a name of another now started both. */
const AMBIGUOUS_IDS = 'copySession-20261128-ambiguous-ids';

/** What is to be said of names that may be meant for one of several workloads. No failure: what is copied is good, and a retry would name them again.
 *  @returns `isStarted`: whether a session that is started for these names is for a workload */
export function ambiguousTasks(
  job: CopyJob,
  started: readonly string[] | undefined,
  looks: readonly Pick<SourceLook, 'repositoryId' | 'workloads'>[],
): { readonly tasks: readonly CopyTask[]; isStarted: (workload: FoundWorkload) => boolean } {
  const shown = looks.flatMap(({ repositoryId, workloads }) =>
    workloads
      .filter(({ unseen }) => unseen === undefined)
      .map((workload) => ({ repositoryId, workload })),
  );
  const all = shown.map(({ workload }) => workload);
  const ordered = ambiguousIds(started ?? [], all);
  const texts =
    started === undefined
      ? ambiguousNames(job, shown)
      : ordered.length === 0
        ? []
        : [
            `the session was started for ids that several workloads had before, and copied none of them for it: ${ambiguousText(ordered)}`,
          ];
  const isNamed = started === undefined ? () => true : namedIn(started);
  const isOrdered = started === undefined ? isNamed : orderedBy(started, all);
  const isSame = all.every((workload) => isOrdered(workload) === isNamed(workload));
  if ((texts.length === 0 && isSame) || !patched(AMBIGUOUS_IDS))
    return { tasks: [], isStarted: isNamed };
  return { tasks: texts.map(warning), isStarted: isOrdered };
}

function warning(text: string): CopyTask {
  const { hint } = ERROR_CODES.WORKLOAD_AMBIGUOUS;
  const reason = sentences(text, hint);
  const told = { state: 'ended', result: 'warning', code: 'WORKLOAD_AMBIGUOUS', reason } as const;
  return { ...newTask(NAMES_OF_JOB, null), ...told };
}
