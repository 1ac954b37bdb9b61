import { setTimeout as sleep } from 'node:timers/promises';

const HALF_A_MINUTE_MS = 30_000;

/** Waits for it, also in hooks, where `expect.poll` may not be called. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs = HALF_A_MINUTE_MS,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`it did not happen in ${limitMs / 1_000} s`);
    await sleep(20);
  }
}
