import { DefaultLogger, type Logger as SdkLogger } from '@temporalio/worker';
import type { Logger } from 'pino';

/** What the Temporal SDK has to say, in the server's own log. Its chatter about workers changing state is debugging. */
export function temporalLogger(logger: Logger): SdkLogger {
  return new DefaultLogger('INFO', ({ level, message, meta }) => {
    const fields = { part: 'temporal-sdk', ...meta };
    if (level === 'ERROR') logger.error(fields, message);
    else if (level === 'WARN' && !isExpected(message)) logger.warn(fields, message);
    else logger.debug(fields, message);
  });
}

/** A worker of a repository does activities only, on purpose. */
function isExpected(message: string): boolean {
  return message.startsWith('No workflows registered');
}
