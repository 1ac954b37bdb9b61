/** `longhaul operation …`: verifications, restores and changes of copies, also those that somebody else or a schedule began. */

import type { Command } from 'commander';
import type { OperationView } from '../../api/repositories/repository-schemas.js';
import type { Act, CommandContext } from '../command-context.js';
import { display, formatInstant, formatTable, type DisplayText } from '../display/display-text.js';
import { describeOperation, finishOperation } from '../client/follow-operation.js';
import { printError } from '../display/print.js';
import type { Page } from '../client/server-client.js';

interface ListFlags {
  readonly kind?: string;
  readonly repository?: string;
  readonly state?: string;
  readonly all?: boolean;
}

export function addOperationCommands(program: Command, act: Act): void {
  const operation = program
    .command('operation')
    .description('Verifications, restores and changes of copies.');
  act(
    operation
      .command('list')
      .option('--kind <kind>', 'verify, restore, remove, map or detach')
      .option('--repository <id>', 'only in this repository')
      .option('--state <state>', 'running or ended')
      .option('--all', 'all that Temporal still knows, not the first page alone')
      .description('List them, running ones first, then the ended ones, newest end first.'),
    listOperations,
  );
  act(
    operation
      .command('show')
      .argument('<operation>')
      .option('--run <id>', 'of several with one id; default: the newest')
      .description('Show one: how far it is, what it found, why it failed.'),
    async (context, id: string, { run }: { readonly run?: string }) => {
      const found = await context.server.request<OperationView>('GET', addressOf(id, run));
      context.show(found, () => describeOperation(found));
    },
  );
  act(
    operation
      .command('follow')
      .argument('<operation>')
      .description('Wait for its end; the exit code tells its result.'),
    (context, operationId: string) => finishOperation(context, { operationId }, { wait: true }),
  );
  act(
    operation
      .command('stop')
      .argument('<operation>')
      .option('--run <id>', 'of several with one id; default: the newest')
      .option('--reason <text>', 'stands in what is left of it, with who stopped it')
      .description('End a check or a restore; ordered again it goes on from there.'),
    async (context, id: string, { run, reason }: StopFlags) => {
      const body = { reason: reason ?? null };
      await context.server.request<OperationView>('POST', addressOf(id, run, '/stop'), {
        body,
      });
      context.show({ operationId: id }, () => display`${id} is stopping.`);
    },
  );
}

interface StopFlags {
  readonly run?: string;
  readonly reason?: string;
}

function addressOf(id: string, run: string | undefined, step = ''): string {
  const query = run === undefined ? '' : `?run=${encodeURIComponent(run)}`;
  return `/operations/${encodeURIComponent(id)}${step}${query}`;
}

async function listOperations(
  context: CommandContext,
  { kind, repository, state, all }: ListFlags,
): Promise<void> {
  const query = new URLSearchParams({
    ...(kind === undefined ? {} : { kind }),
    ...(repository === undefined ? {} : { repositoryId: repository }),
    ...(state === undefined ? {} : { state }),
  });
  const path = `/operations?${query.toString()}`;
  const page: Page<OperationView> =
    all === true
      ? { items: await context.server.all<OperationView>(path) }
      : await context.server.request('GET', path);
  context.show(page.items, (columns) => describeOperations(page.items, columns));
  if (page.nextCursor !== undefined)
    printError(context.terminal, display`There are more: \`--all\` lists them.`);
}

function describeOperations(operations: readonly OperationView[], columns: number): DisplayText {
  if (operations.length === 0) return display`No operations.`;
  return formatTable(
    ['OPERATION', 'STATE', 'RESULT', 'STARTED', 'ENDED', 'RUN'],
    operations.map(({ id, runId, state, result, startedAt, endedAt, live }) => [
      id,
      state === 'running' && !live ? 'running, no worker answers' : state,
      result ?? '-',
      formatInstant(startedAt),
      formatInstant(endedAt),
      runId,
    ]),
    { columns },
  );
}
