import { ContinueAsNew, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { CopyTask } from '../src/domain/sessions/copy-session.js';
import { isStop } from './failures.js';
import { RESULT, taskHoldSignal, taskQuery } from './messages.js';
import type { Pause } from './pause.js';
import { reportTask, type TaskReport } from './task-report.js';
import type { TaskState } from './task-state.js';

/** The copy of one workload, whatever it is. */
export interface WorkloadTask {
  readonly state: TaskState;
  readonly pause: Pause;
  readonly ids: { readonly targetRepositoryId: string; readonly jobId: string };
  run(): Promise<void>;
}

/** Runs it as a task that tells how far it is, can be paused, and never fails: it says how it ended. */
export async function runWorkloadTask(copy: WorkloadTask, report: TaskReport): Promise<CopyTask> {
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
  return reportTask(report, copy.ids, state.task);
}
