import type { Logger } from 'pino';
import type { Service } from './service.js';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

let stoppedBy: NodeJS.Signals | null = null;

/** The signal that this process stops for; null: none has come. */
export function stopSignal(): NodeJS.Signals | null {
  return stoppedBy;
}

/** Runs until SIGINT or SIGTERM, or until a part of the service fails. A second signal ends the process at once.
 *  @returns the exit status */
export async function runUntilSignal(
  service: Service,
  logger: Pick<Logger, 'info'>,
): Promise<number> {
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    const onSignal = (signal: NodeJS.Signals) => {
      // Nobody listens any more: the next one is the kernel's.
      for (const each of STOP_SIGNALS) process.removeListener(each, onSignal);
      // The kernel ends the first process of a container by no signal that it does not listen to.
      if (process.pid === 1)
        for (const each of STOP_SIGNALS) process.once(each, () => process.exit(1));
      stoppedBy = signal;
      resolve(signal);
    };
    for (const each of STOP_SIGNALS) process.on(each, onSignal);
  });
  try {
    const signal = await Promise.race([signalled, service.failed]);
    logger.info({ signal }, 'stopping');
    return 0;
  } finally {
    await service.stop();
  }
}
