/** Orders that a server may have taken although its answer did not come. */

import { BackupError } from '../../domain/errors.js';
import type { CommandContext } from '../command-context.js';

/** Starts a session, with a key if somebody gave one. Where nobody knows whether it was taken the hint says so, and how it is repeated. */
export function sendOrder<Answer>(
  context: CommandContext,
  path: string,
  { body, key }: { readonly body?: object; readonly key: string | undefined },
): Promise<Answer> {
  const repeat =
    key === undefined
      ? 'look at `longhaul session list` before you repeat it; with --idempotency-key a repeat starts nothing twice'
      : 'repeat it with the same --idempotency-key, which starts nothing twice';
  const headers: Record<string, string> = key === undefined ? {} : { 'Idempotency-Key': key };
  return send(context, path, { headers, repeat, ...(body === undefined ? {} : { body }) });
}

/** Begins a verification, a restore or a change of copies. */
export function beginOperation(
  context: CommandContext,
  path: string,
  body?: object,
): Promise<{ readonly operationId: string }> {
  const repeat = 'look at `longhaul operation list` before you repeat it';
  return send(context, path, { repeat, ...(body === undefined ? {} : { body }) });
}

async function send<Answer>(
  { server }: CommandContext,
  path: string,
  {
    repeat,
    ...request
  }: { readonly repeat: string; readonly body?: object; readonly headers?: Record<string, string> },
): Promise<Answer> {
  try {
    return await server.request<Answer>('POST', path, request);
  } catch (error) {
    if (!(error instanceof BackupError) || error.kind !== 'unavailable') throw error;
    const hint = `${error.hint}\nIt may have been taken all the same: ${repeat}.`;
    throw new BackupError(error.code, error.message, { hint, cause: error });
  }
}
