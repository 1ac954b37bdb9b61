import { CancellationScope, patched } from '@temporalio/workflow';

/** Before, a stop while files got their names left some with them, and the restore could not go on in its folder. */
const TO_THE_END = 'restorePoint-20261128-names-to-the-end';

/** The last steps of a restore: a stop that comes now comes too late, and what is done is said. */
export function toTheEnd<T>(steps: () => Promise<T>): Promise<T> {
  return patched(TO_THE_END) ? CancellationScope.nonCancellable(steps) : steps();
}
