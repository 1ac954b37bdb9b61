import type { Logger } from 'pino';
import type { Service } from './service.js';

/** Runs until SIGINT or SIGTERM, or until a part of the service fails; a second signal ends the process at once.
 *  @returns the exit status */
export async function runUntilSignal(service: Service, logger: Logger): Promise<number> {
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    const onSignal = (signal: NodeJS.Signals) => {
      process.once('SIGINT', () => process.exit(130));
      process.once('SIGTERM', () => process.exit(143));
      resolve(signal);
    };
    process.once('SIGINT', onSignal);
    process.once('SIGTERM', onSignal);
  });
  try {
    const signal = await Promise.race([signalled, service.failed]);
    logger.info({ signal }, 'stopping');
    return 0;
  } finally {
    await service.stop();
  }
}
