/** `longhaul copy …`: copies that are made once, without a job, and removed after a date. */

import type { Command } from 'commander';
import { BackupError } from '../../domain/errors.js';
import type { StartedCopy } from '../../api/copies/one-time-copies.js';
import type { StoredJob } from '../../domain/targets/repository-view.js';
import type { Act, CommandContext } from '../command-context.js';
import { describeUnreadable } from '../display/describe-unreadable.js';
import { display, displayLines, formatInstant, formatTable } from '../display/display-text.js';
import type { ExitName } from '../exit-codes.js';
import { followSession } from '../client/follow-session.js';
import { sendOrder } from '../client/send-order.js';
import { printError } from '../display/print.js';
import { DAY_MS } from '../../domain/elapsed.js';

interface OnceFlags {
  readonly to: string;
  readonly point?: string;
  readonly expires?: string;
  readonly idempotencyKey?: string;
  readonly follow?: boolean;
}

export function addCopyCommands(program: Command, act: Act): void {
  const copy = program.command('copy').description('One-time copies, which no job makes.');
  act(
    copy
      .command('once')
      .argument('<repository>', 'where the workload is read')
      .argument('<workload>', 'its id or name')
      .requiredOption('--to <target>', 'repository to copy to')
      .option('--point <id>', 'restore point of the source; default: the newest')
      .option(
        '--expires <date>',
        'YYYY-MM-DD or an instant (2026-12-31T18:00:00Z) after which it is removed; default: never',
      )
      .option('--idempotency-key <key>', 'a repeat with the same key starts nothing')
      .option('-f, --follow', 'follow the session to its end')
      .description('Copy one restore point of one workload once.'),
    copyOnce,
  );
  act(
    copy
      .command('list')
      .argument('<repository>')
      .description('One-time copies in a repository, with the dates after which they are removed.'),
    listCopies,
  );
  act(
    copy
      .command('remove')
      .argument('<repository>')
      .argument('<copy>')
      .option('-y, --yes', 'do it; without it, what would go is shown')
      .description('Remove a one-time copy before its date, as soon as nothing holds it.'),
    removeCopy,
  );
}

async function copyOnce(
  context: CommandContext,
  repositoryId: string,
  workload: string,
  flags: OnceFlags,
): Promise<ExitName | void> {
  const { to, point, expires, idempotencyKey, follow } = flags;
  const body = {
    source: { repositoryId, workload, restorePointId: point ?? null },
    target: { repositoryId: to },
    expiresAt: expires === undefined ? null : endOf(expires),
  };
  const started = await sendOrder<StartedCopy>(context, '/one-time-copies', {
    ...{ body, key: idempotencyKey },
  });
  const { copyId, sessionId } = started;
  if (follow === true && started.hasBegun) return followSession(context, sessionId);
  context.show(started, () => display`${copyId}: session ${sessionId}`);
  if (started.hasBegun) return;
  const later = follow === true ? `; then \`longhaul session follow ${sessionId}\` follows it` : '';
  printError(
    context.terminal,
    display`It is ordered. No worker has begun it yet: it begins by itself as soon as one runs${later}.`,
  );
  return follow === true ? 'unavailable' : undefined;
}

/** A day ends at midnight of UTC, the next day's first instant. */
function endOf(text: string): string {
  const instantMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) + DAY_MS : Date.parse(text);
  if (!Number.isNaN(instantMs) && text.length >= 10) return new Date(instantMs).toISOString();
  throw new BackupError('REQUEST_INVALID', `--expires: ${text} is no date`);
}

async function listCopies(context: CommandContext, repositoryId: string): Promise<void> {
  const { items, unreadable } = await context.server.browse<StoredJob>(jobsOf(repositoryId));
  const copies = items.filter(({ once }) => once !== null);
  context.show(copies, (columns) =>
    copies.length === 0
      ? display`No one-time copies.`
      : formatTable(
          ['COPY', 'NAME', 'RESTORE POINTS', 'OF', 'REMOVED AFTER'],
          copies.map(({ id, name, restorePointCount, newestAt, once }) => [
            ...[id, name, String(restorePointCount), formatInstant(newestAt)],
            once?.expiresAt === null ? 'never' : formatInstant(once?.expiresAt ?? null),
          ]),
          { columns, cut: ['NAME'] },
        ),
  );
  if (unreadable.length > 0) printError(context.terminal, describeUnreadable(unreadable));
}

async function removeCopy(
  context: CommandContext,
  repositoryId: string,
  copyId: string,
  { yes }: { readonly yes?: boolean },
): Promise<ExitName | void> {
  if (yes !== true) {
    const { items, unreadable } = await context.server.browse<StoredJob>(jobsOf(repositoryId));
    if (unreadable.length > 0) printError(context.terminal, describeUnreadable(unreadable));
    const copy = items.find(({ id, once }) => id === copyId && once !== null);
    if (copy === undefined)
      throw new BackupError('JOB_MISSING', `no one-time copy ${copyId} in ${repositoryId}`);
    context.show(copy, () =>
      displayLines([
        display`${copy.name}: ${copy.restorePointCount} restore points, the newest of ${formatInstant(copy.newestAt)}`,
        display`Nothing was removed: repeat it with --yes.`,
      ]),
    );
    return 'conflict';
  }
  const path = `/repositories/${encodeURIComponent(repositoryId)}/one-time-copies/${encodeURIComponent(copyId)}/remove`;
  const removed = await context.server.request<{ copyId: string }>('POST', path);
  context.show(removed, () => display`${copyId} is removed as soon as nothing holds it.`);
}

function jobsOf(repositoryId: string): string {
  return `/repositories/${encodeURIComponent(repositoryId)}/jobs`;
}
