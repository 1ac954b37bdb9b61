import { CancellationScope, CancelledFailure, patched } from '@temporalio/workflow';
import type { OperationState } from './operation-state.js';

/** Before, a stop while files got their names left some with them, and the restore could not go on in its folder. */
const TO_THE_END = 'restorePoint-20261128-names-to-the-end';

/** Before, a restore that was stopped ended while its last batch was still at work. */
export const WAITS_FOR_STOP = 'restorePoint-20261128-waits-for-stop';

/** The last steps of a restore: a stop that comes now comes too late, which is said, as what is done.
 *  @throws CancelledFailure when it came before: a batch that is at its end ends, whoever waits for that */
export async function toTheEnd<T>(state: OperationState, steps: () => Promise<T>): Promise<T> {
  if (!patched(TO_THE_END)) return steps();
  if (CancellationScope.current().consideredCancelled && patched(WAITS_FOR_STOP))
    throw new CancelledFailure('stopped before the restored files got their names');
  const done = await CancellationScope.nonCancellable(steps);
  if (CancellationScope.current().consideredCancelled) state.note(TOO_LATE);
  return done;
}

const TOO_LATE =
  'it was to be stopped while the restored files got their names: that came too late, and all of them have theirs';
