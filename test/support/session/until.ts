import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `condition` holds, for half a minute at most. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not happen in half a minute');
    await sleep(20);
  }
}
