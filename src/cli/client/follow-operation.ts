/** Waits for a verification, a restore or a change of copies. */

import { setTimeout as wait } from 'node:timers/promises';
import type { OperationView } from '../../api/repositories/repository-schemas.js';
import type { ErrorCode } from '../../domain/errors.js';
import type { CommandContext } from '../command-context.js';
import {
  display,
  formatBytes,
  formatFields,
  formatInstant,
  type DisplayText,
} from '../display/display-text.js';
import { describeHold } from '../display/session-display.js';
import { EXIT_OF_RESULT, type ExitName } from '../exit-codes.js';
import { mayPass, ServerSilence, withWayBack } from './patience.js';
import { printError } from '../display/print.js';

export interface OperationFlags {
  /** False with `--no-wait`. */
  readonly wait: boolean;
}

const POLL_INTERVAL_MS = 1_000;

export async function finishOperation(
  context: CommandContext,
  started: { readonly operationId: string },
  flags: OperationFlags,
): Promise<ExitName> {
  if (!flags.wait) {
    context.show(started, () => display`${started.operationId}`);
    return 'success';
  }
  const { operationId } = started;
  // Whoever ends the wait by hand would otherwise not know what goes on.
  if (context.terminal.isInteractive)
    printError(
      context.terminal,
      display`Waiting for ${operationId}; it goes on without this command.`,
    );
  const path = `/operations/${encodeURIComponent(operationId)}`;
  let run = '';
  const ended = await untilEnded(operationId, {
    async read() {
      const view = await context.server.request<OperationView>('GET', `${path}${run}`);
      // The next one of the same id is another operation.
      run = `?run=${encodeURIComponent(view.runId)}`;
      return view;
    },
    pause: () => wait(POLL_INTERVAL_MS),
    nowMs: () => performance.now(),
  });
  context.show(ended, () => describeOperation(ended));
  return exitOf(ended);
}

interface Waiting {
  readonly read: () => Promise<OperationView>;
  readonly pause: () => Promise<unknown>;
  /** Of any clock. */
  readonly nowMs: () => number;
}

/** A server that does not answer for a while has lost nothing, and is asked again.
 *  @throws what it says, or that it stays silent, with how the operation is found again */
export async function untilEnded(
  operationId: string,
  { read, pause, nowMs }: Waiting,
): Promise<OperationView> {
  const way = `It was ${operationId}: \`longhaul operation follow ${operationId}\` waits for it again.`;
  const silence = new ServerSilence(nowMs);
  for (; ; await pause())
    try {
      const operation = await read();
      silence.end();
      if (operation.state === 'ended') return operation;
    } catch (error) {
      if (silence.isTooLong() || !mayPass(error)) throw withWayBack(error, way);
    }
}

const NAMED_AND_MISSING: readonly ErrorCode[] = [
  'RESTORE_POINT_MISSING',
  'WORKLOAD_MISSING',
  'REPOSITORY_MISSING',
];

/** What was named and is not there ends as every other command that names it. */
function exitOf({ result, code }: OperationView): ExitName {
  if (result === 'failed' && code !== null && NAMED_AND_MISSING.includes(code)) return 'notFound';
  return EXIT_OF_RESULT[result ?? 'failed'];
}

export function describeOperation(operation: OperationView): DisplayText {
  const fields: [string, string][] = [
    ['Operation', operation.id],
    ['Result', operation.result ?? operation.state],
    ['Read', `${formatBytes(operation.processedBytes)} of ${formatBytes(operation.totalBytes)}`],
    ['Ended', formatInstant(operation.endedAt)],
    ...(operation.waits === undefined
      ? []
      : [['Waits', describeHold(operation.waits)] as [string, string]]),
    ...operation.notes.map((note): [string, string] => ['Note', note]),
  ];
  if (operation.omittedNotes > 0)
    fields.push(['Note', `${operation.omittedNotes} more notes were left out`]);
  const cause = [operation.code, operation.reason].filter((part) => part !== null);
  if (cause.length > 0) fields.push(['Reason', cause.join(': ')]);
  return formatFields(fields);
}
