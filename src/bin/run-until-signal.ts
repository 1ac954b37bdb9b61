import type { Logger } from 'pino';
import type { Service } from './service.js';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** When all was stopped, a process in which nothing hangs ends well before. */
const END_MS = 3_000;

/** Runs until SIGINT or SIGTERM, or until a part of the service fails. A second signal ends the process at once, and so does the end of the stop where a call
 *  to storage never returns: Node waits for each of its threads when it ends, the kernel does not.
 *  @returns the exit status */
export async function runUntilSignal(
  service: Service,
  logger: Pick<Logger, 'info' | 'error'>,
): Promise<number> {
  let stoppedBy: NodeJS.Signals | null = null;
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
    await service.stop().finally(() => endWhatHangs(() => stoppedBy, logger));
  }
}

/** Does nothing to a process that ends by itself. */
function endWhatHangs(stoppedBy: () => NodeJS.Signals | null, logger: Pick<Logger, 'error'>): void {
  setTimeout(() => {
    logger.error('all is stopped, but calls that never return keep the process: it ends as killed');
    // Without a signal a part has failed, which no end that looks orderly may hide.
    process.kill(process.pid, stoppedBy() ?? 'SIGKILL');
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), END_MS).unref();
  }, END_MS).unref();
}
