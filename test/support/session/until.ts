import { setTimeout as sleep } from 'node:timers/promises';

const TWO_MINUTES_MS = 120_000;

/** Waits for it, also in hooks, where `expect.poll` may not be called. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs = TWO_MINUTES_MS,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`it did not happen in ${limitMs / 1_000} s`);
    await sleep(20);
  }
}
