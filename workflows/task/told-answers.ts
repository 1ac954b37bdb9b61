import { CancellationScope, patched } from '@temporalio/workflow';
import type { CopyTask } from '../../src/domain/sessions/copy-session.js';
import type { KeptAnswers } from '../../src/domain/sessions/kept-answers.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import { briefTask } from '../../src/domain/sessions/task-brief.js';
import { toldActivities } from '../activity-profiles.js';

/** What was told is written down by now: the copies keep it no longer. Where they do all the same, it is told once more, as of a run before.
 *  @returns whether it was done */
export async function noteAnswersTold(
  { targetRepositoryId, jobId }: { readonly targetRepositoryId: string; readonly jobId: string },
  settings: CopySettings,
  keeps: readonly KeptAnswers[],
): Promise<boolean> {
  if (keeps.length === 0) return true;
  const { noteAnswersTold: note } = toldActivities(targetRepositoryId, settings);
  return CancellationScope.nonCancellable(() =>
    note.executeWithOptions({ summary: `note what was told of ${keeps.length} workloads` }, [
      { targetRepositoryId, jobId, keeps },
    ]),
  ).then(
    () => true,
    () => false,
  );
}

/** The same of a session, whose end is told: the jobs that follow are not to wait for it.
 *  @returns does it, in as many parts as the time of one step asks for; there is nothing to do for it in a session that an earlier build has begun */
export async function notesTold(
  ids: { readonly targetRepositoryId: string; readonly jobId: string },
  settings: CopySettings | null,
  keeps: readonly KeptAnswers[],
): Promise<() => Promise<void>> {
  if (settings === null || keeps.length === 0) return () => Promise.resolve();
  if (!patched(TOLD_IN_PARTS)) {
    await noteAnswersTold(ids, settings, keeps);
    return () => Promise.resolve();
  }
  return async () => {
    for (let first = 0; first < keeps.length; first += PART)
      // Nobody is to wait for what is away for each part anew.
      if (!(await noteAnswersTold(ids, settings, keeps.slice(first, first + PART)))) return;
  };
}

/** Before, what was told was noted in one step, and the jobs that follow waited for it. */
const TOLD_IN_PARTS = 'copySession-20261128-told-in-parts';

const PART = 50;

/** The same of a workload that is gone, whose task has no file of its own: what is cut in the record is kept. */
export function keptOfAbsence(
  task: CopyTask,
  keeps: KeptAnswers | undefined,
): KeptAnswers | undefined {
  return keeps !== undefined && briefTask(task) === task && patched(KEPT_OF_ABSENCE)
    ? keeps
    : undefined;
}

/** Before, no session heard what the chain of a workload that is gone kept. */
const KEPT_OF_ABSENCE = 'copySession-20261128-kept-of-absence';

/** Of the answers of a session those that its record tells: what it has no room for, and lies nowhere else, is told by the next one. */
export function stillTold(
  keeps: readonly KeptAnswers[],
  omitted: readonly CopyTask[],
): readonly KeptAnswers[] {
  const ids = new Set(omitted.map(({ workloadId }) => workloadId));
  const told = keeps.filter(({ workloadId }) => !ids.has(workloadId));
  return told.length < keeps.length && patched(OMITTED_UNTOLD) ? told : keeps;
}

/** Before, the copies forgot also what a task had told that the record had no room for. */
const OMITTED_UNTOLD = 'copySession-20261128-omitted-untold';
