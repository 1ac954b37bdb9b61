import {
  CancellationScope,
  CancelledFailure,
  makeContinueAsNewFunc,
  workflowInfo,
  type Workflow,
} from '@temporalio/workflow';
import type { CopySettings } from '../src/domain/jobs/copy-settings.js';

/** Whether this run has grown so long that the next one is to go on: by its events, or because the server says so, which also looks at
 *  their size. */
export function isHistoryLong({
  maxHistoryEvents,
}: Pick<CopySettings, 'maxHistoryEvents'>): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return historyLength >= maxHistoryEvents || continueAsNewSuggested;
}

/** Ends this run; the next one goes on, with the memo as it is now. By default it would get that of the start.
 *  @throws CancelledFailure when a stop has come in the meantime: the server tells the next run nothing of it */
export async function goOnInNewRun<F extends Workflow>(...args: Parameters<F>): Promise<never> {
  if (CancellationScope.current().consideredCancelled)
    throw new CancelledFailure('stopped before a new run');
  return makeContinueAsNewFunc<F>({ memo: workflowInfo().memo })(...args);
}
