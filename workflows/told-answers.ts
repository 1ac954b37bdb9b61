import { CancellationScope } from '@temporalio/workflow';
import type { KeptAnswers } from '../src/domain/sessions/kept-answers.js';
import type { CopySettings } from '../src/domain/jobs/copy-settings.js';
import { toldActivities } from './activity-profiles.js';

/** What was told is written down by now: the copies keep it no longer. Where they do all the same, it is told once more, as of a run before. */
export async function noteAnswersTold(
  { targetRepositoryId, jobId }: { readonly targetRepositoryId: string; readonly jobId: string },
  settings: CopySettings,
  keeps: readonly KeptAnswers[],
): Promise<void> {
  if (keeps.length === 0) return;
  const { noteAnswersTold: note } = toldActivities(targetRepositoryId, settings);
  await CancellationScope.nonCancellable(() =>
    note.executeWithOptions({ summary: `note what was told of ${keeps.length} workloads` }, [
      { targetRepositoryId, jobId, keeps },
    ]),
  ).catch(() => undefined);
}
