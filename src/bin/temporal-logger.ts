import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, type Logger as SdkLogger } from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import { isErrorCode } from '../domain/errors.js';

/** What the Temporal SDK has to say, in the server's own log. Its chatter about workers changing state is debugging. */
export function temporalLogger(logger: Logger): SdkLogger {
  return new DefaultLogger('INFO', ({ level, message, meta }) => {
    // Two hundred characters that nobody can read.
    const { taskToken: _taskToken, error, ...rest } = meta ?? {};
    const fields = {
      ...{ part: 'temporal-sdk', ...rest },
      ...(error === undefined ? {} : { error: errorFields(error) }),
    };
    if (level === 'ERROR') logger.error(fields, message);
    else if (level === 'WARN' && !isExpected(message)) logger.warn(fields, message);
    else logger.debug(fields, message);
  });
}

/** What an error says lies where JSON does not look. One with a code says all in its words, which its stack would hide; of a bug the stack is what matters, and it lies in what the
 *  activity wrapped. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (!(error instanceof ApplicationFailure)) return pino.stdSerializers.err(error);
  if (!isErrorCode(error.type)) return pino.stdSerializers.err(error.cause ?? error);
  const { type, message, nonRetryable, details } = error;
  return { type, message, nonRetryable, details };
}

/** A worker of a repository does activities only, on purpose. */
function isExpected(message: string): boolean {
  return message.startsWith('No workflows registered');
}
