/** How long a command that follows something waits for a server that does not answer. */

import { BackupError, ERROR_CODES, isErrorCode } from '../../domain/errors.js';
import { ServerError } from './server-client.js';

/** A server that is updated, or a network that is mended, is back by then; whoever waits longer wants to know. */
const PATIENCE_MS = 10 * 60_000;

/** How long nothing was heard of a server. */
export class ServerSilence {
  #sinceMs: number | null = null;

  /** @param nowMs of any clock */
  constructor(private readonly nowMs: () => number) {}

  /** It answered. */
  end(): void {
    this.#sinceMs = null;
  }

  /** It did not, when it was asked at `askedMs`. @returns whether it was waited for long enough */
  isTooLong(askedMs = this.nowMs()): boolean {
    this.#sinceMs ??= askedMs;
    return this.nowMs() - this.#sinceMs >= PATIENCE_MS;
  }
}

/** Whether a server that is asked again may have another answer. */
export function mayPass(error: unknown): boolean {
  if (error instanceof BackupError) return error.kind === 'unavailable';
  return (
    error instanceof ServerError &&
    isErrorCode(error.code) &&
    ERROR_CODES[error.code].kind === 'unavailable'
  );
}

/** The error, with how what goes on without the command is found again. */
export function withWayBack(error: unknown, way: string): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof BackupError)
    return new BackupError(error.code, error.message, {
      ...{ cause: error, hint: `${error.hint}\n${way}` },
    });
  if (error instanceof ServerError) return new ServerError(error.code, error.detail, way);
  return error;
}
