import type { Info } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';

/** What the SDK reports of activities that fail would bury the results of tests in which they must. */
const QUIET = new DefaultLogger('ERROR');

/** Runs a real activity in this process, without a server. */
export function inActivity<Input, Output>(
  activity: (input: Input) => Promise<Output>,
  input: Input,
  info: Partial<Info> = {},
): Promise<Output> {
  const scheduled = { scheduledTimestampMs: Date.now(), ...info };
  return new MockActivityEnvironment(scheduled, { logger: QUIET }).run(activity, input);
}
