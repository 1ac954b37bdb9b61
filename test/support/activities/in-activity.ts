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
  onHeartbeat: (details: unknown) => void = () => undefined,
): Promise<Output> {
  const scheduled = { scheduledTimestampMs: Date.now(), ...info };
  const environment = new MockActivityEnvironment(scheduled, { logger: QUIET });
  environment.on('heartbeat', onHeartbeat);
  return environment.run(activity, input);
}
