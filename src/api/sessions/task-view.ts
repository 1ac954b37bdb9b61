/** Tasks as the API shows them: with what holds them up. */

import { bottleneckOf, holdOf } from '../../domain/sessions/bottleneck.js';
import { newTask, type CopyTask } from '../../domain/sessions/copy-session.js';
import type { MoverTimes } from '../../domain/sessions/mover-times.js';
import { shownProgress } from '../../domain/sessions/session-result.js';
import type { StepRetry } from '../../domain/sessions/operation.js';
import type { StorageHold } from '../../domain/sessions/storage-wait.js';
import type { TaskView } from './session-schemas.js';

/** @param task perhaps of a record that an earlier version wrote, without what was added since
 *  @param live what is known of it at this moment */
export function taskView(
  task: CopyTask,
  live: {
    readonly retry?: StepRetry | null;
    readonly waits?: StorageHold | null;
    readonly recent?: MoverTimes | null;
  } = {},
): TaskView {
  const { retry = null, waits = null, recent = null } = live;
  const whole = { ...newTask(task.workload, task.workloadId), ...task };
  const bottleneck = bottleneckOf(whole, recent, holdOf({ retry, waits }));
  return { ...whole, progress: shownProgress(whole), retry, waits, bottleneck };
}

/** Of which nothing more is known than what was recorded. */
export function taskViews(tasks: readonly CopyTask[]): TaskView[] {
  return tasks.map((task) => taskView(task));
}
