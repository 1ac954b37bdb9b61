import type { Logger } from '../api/api-dependencies.js';
import type { StateLock } from '../temporal/state-lock.js';

const LOOK_EVERY_MS = 5_000;

/** Looks at the state directory from time to time, and says once that it is lost and once that it is back.
 *  @returns ends it */
export function reportStateDirectory(
  lock: StateLock,
  logger: Logger,
  everyMs: number = LOOK_EVERY_MS,
): () => void {
  let isLost = false;
  const look = async (): Promise<void> => {
    const fault = await lock.fault();
    if (fault !== null && !isLost)
      logger.error({ code: fault.code, hint: fault.hint }, fault.message);
    if (fault === null && isLost) logger.info({}, 'the state directory is back');
    isLost = fault !== null;
  };
  const timer = setInterval(() => void look(), everyMs);
  return () => clearInterval(timer);
}
