import { ContinueAsNew, patched, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { EndedTask, KeptAnswers } from '../../src/domain/sessions/kept-answers.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import { isStop } from '../failures.js';
import { RESULT, taskHoldSignal, taskQuery } from '../messages.js';
import type { Pause } from './pause.js';
import { reportTask, type TaskReport } from './task-report.js';
import { noteAnswersTold } from './told-answers.js';
import type { CopyTaskState } from './task-state.js';

/** The copy of one workload, whatever it is. */
export interface WorkloadTask {
  readonly state: CopyTaskState;
  readonly pause: Pause;
  readonly ids: { readonly targetRepositoryId: string; readonly jobId: string };
  /** What it was answered and has told; null: nothing that is kept. */
  readonly keeps: KeptAnswers | null;
  run(): Promise<void>;
}

/** Runs it as a task that tells how far it is, can be paused, and never fails: it says how it ended. */
export async function runWorkloadTask(
  copy: WorkloadTask,
  { report, settings }: { readonly report: TaskReport; readonly settings: CopySettings },
): Promise<EndedTask> {
  const { state } = copy;
  setHandler(taskQuery, () => state.task);
  setHandler(taskHoldSignal, (hold) => copy.pause.set(hold));
  try {
    await copy.run();
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    if (isStop(error)) state.end('stopped', 'the session was stopped');
    else state.fail(error);
  }
  upsertSearchAttributes([{ key: RESULT, value: state.task.result ?? 'failed' }]);
  const whole = state.task;
  const task = await reportTask(report, copy.ids, whole);
  const { keeps } = copy;
  if (keeps === null || !patched(TOLD_LAST)) return task;
  // The session writes down what it is handed: of a brief whose whole could not be recorded, that is not all.
  if (task !== whole && task.recorded !== true) return task;
  if (!report.isLarge) return { ...task, keeps };
  // A session of so many carries no list of them, and has a file of each.
  await noteAnswersTold(copy.ids, settings, [keeps]);
  return task;
}

/** Before, a copy forgot what a task had told although nothing of it was written down yet. */
export const TOLD_LAST = 'copyTask-20261128-told-last';
