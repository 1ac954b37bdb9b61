/** Waits for a verification or a restore. */

import { setTimeout as wait } from 'node:timers/promises';
import type { OperationView } from '../api/repositories/repository-schemas.js';
import type { ErrorCode } from '../domain/errors.js';
import type { CommandContext } from './command-context.js';
import {
  display,
  formatBytes,
  formatFields,
  formatInstant,
  type DisplayText,
} from './display-text.js';
import { EXIT_OF_RESULT, type ExitName } from './exit-codes.js';

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
  const path = `/operations/${encodeURIComponent(started.operationId)}`;
  let operation = await context.server.request<OperationView>('GET', path);
  while (operation.state === 'running') {
    await wait(POLL_INTERVAL_MS);
    operation = await context.server.request<OperationView>('GET', path);
  }
  const ended = operation;
  context.show(ended, () => describeOperation(ended));
  return exitOf(ended);
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

function describeOperation(operation: OperationView): DisplayText {
  const fields: [string, string][] = [
    ['Operation', operation.id],
    ['Result', operation.result ?? operation.state],
    ['Read', `${formatBytes(operation.processedBytes)} of ${formatBytes(operation.totalBytes)}`],
    ['Ended', formatInstant(operation.endedAt)],
    ...operation.notes.map((note): [string, string] => ['Note', note]),
  ];
  if (operation.omittedNotes > 0)
    fields.push(['Note', `${operation.omittedNotes} more notes were left out`]);
  const cause = [operation.code, operation.reason].filter((part) => part !== null);
  if (cause.length > 0) fields.push(['Reason', cause.join(': ')]);
  return formatFields(fields);
}
