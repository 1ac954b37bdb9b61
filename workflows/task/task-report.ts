import { CancellationScope } from '@temporalio/workflow';
import type { CopyTask } from '../../src/domain/sessions/copy-session.js';
import { briefTask } from '../../src/domain/sessions/task-brief.js';
import { recordActivities } from '../activity-profiles.js';
import { reasonOf } from '../failures.js';

/** Where a task belongs, and whether it is to be recorded also when it is small. */
export interface TaskReport {
  readonly sessionId: string;
  /** The session has more tasks than its record has room for. */
  readonly isLarge: boolean;
}

/** Hands a task to its session: as a brief of bounded size, and whole in a file beside the data when the session's own record cannot hold
 *  all of it. Also when the task was stopped; what cannot be recorded is said, and is no reason to fail. */
export async function reportTask(
  { sessionId, isLarge }: TaskReport,
  { targetRepositoryId, jobId }: { readonly targetRepositoryId: string; readonly jobId: string },
  task: CopyTask,
): Promise<CopyTask> {
  const brief = briefTask(task);
  if (brief === task && !isLarge) return task;
  try {
    await CancellationScope.nonCancellable(() =>
      recordActivities(targetRepositoryId).recordTask.executeWithOptions(
        { summary: `${task.workload}: record the task` },
        [{ targetRepositoryId, jobId, sessionId, task: { ...task, recorded: true } }],
      ),
    );
    return { ...brief, recorded: true };
  } catch (error) {
    const note = `the whole task could not be recorded: ${reasonOf(error)}`;
    return briefTask({ ...brief, notes: [...brief.notes, note] });
  }
}
