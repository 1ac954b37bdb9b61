import type { Info } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { noteFirstPoll } from '../../../activities/running/run-task.js';

/** What the SDK reports of activities that fail would bury the results of tests in which they must. */
const QUIET = new DefaultLogger('ERROR');

/** Runs a real activity in this process, without a server, as one of the first that a worker is given: that a test before it set the clock, or kept
 *  the processor, is no account. */
export function inActivity<Input, Output>(
  ...[activity, input, info, onHeartbeat]: Parameters<typeof inRunningWorker<Input, Output>>
): Promise<Output> {
  noteFirstPoll();
  return inRunningWorker(activity, input, info, onHeartbeat);
}

/** The same, of a worker that has asked the server for tasks for as long as this process lives: it may have stood still. */
export function inRunningWorker<Input, Output>(
  activity: (input: Input) => Promise<Output>,
  input: Input,
  info: Partial<Info> = {},
  onHeartbeat: (details: unknown) => void = () => undefined,
): Promise<Output> {
  const scheduled = { scheduledTimestampMs: Date.now(), ...info };
  const environment = new MockActivityEnvironment(scheduled, { logger: QUIET });
  environment.on('heartbeat', onHeartbeat);
  return environment.run(activity, input);
}
