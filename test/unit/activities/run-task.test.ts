import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { runTask } from '../../../activities/run-task.js';
import { inActivity } from '../../support/activities/in-activity.js';

const activity = (): Promise<string> => runTask(() => Promise.resolve('done'));

function standStill(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('a task that arrives when its process has just stood still', () => {
  it('is refused when that was longer than its lease, and done when it has no heartbeat that could be missed', async () => {
    await sleep(1); // the pulse has begun
    standStill(1_500);
    await expect(
      inActivity(activity, undefined, { heartbeatTimeoutMs: 2_000 }),
    ).rejects.toMatchObject({ type: 'LEASE_EXPIRED', nonRetryable: false });
    expect(await inActivity(activity, undefined, { heartbeatTimeoutMs: 60_000 })).toBe('done');
    // As the SDK tells that an activity has none.
    expect(await inActivity(activity, undefined, { heartbeatTimeoutMs: 0 })).toBe('done');
    expect(await inActivity(activity, undefined, {})).toBe('done');
  });
});
