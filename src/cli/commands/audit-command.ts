/** `longhaul audit`: who changed what. */

import type { Command } from 'commander';
import type { AuditEntry } from '../../domain/access/audit.js';
import type { BrowsePage } from '../../domain/targets/repository-view.js';
import type { Act } from '../command-context.js';
import { describeUnreadable } from '../display/describe-unreadable.js';
import {
  display,
  displayLines,
  formatInstant,
  formatTable,
  type DisplayText,
} from '../display/display-text.js';
import { printError } from '../display/print.js';

interface AuditFlags {
  readonly job?: string;
  readonly from?: string;
  readonly to?: string;
  readonly all?: boolean;
}

export function addAuditCommand(program: Command, act: Act): void {
  act(
    program
      .command('audit')
      .option('--job <id>', 'only what concerns this job')
      .option('--from <instant>', 'RFC 3339: answered at or after')
      .option('--to <instant>', 'RFC 3339: answered before')
      .option('--all', 'everything that is kept, not only the newest')
      .description('Who changed what, or tried to, newest first: as it lies beside the data.'),
    async (context, { job, from, to, all }: AuditFlags) => {
      const query = new URLSearchParams({
        ...(job === undefined ? {} : { jobId: job }),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
      });
      const path = query.size === 0 ? '/audit' : `/audit?${query.toString()}`;
      const page: BrowsePage<AuditEntry> =
        all === true
          ? await context.server.browse<AuditEntry>(path)
          : await context.server.request<BrowsePage<AuditEntry>>('GET', path);
      const { items, unreadable = [], nextCursor } = page;
      if (unreadable.length > 0) printError(context.terminal, describeUnreadable(unreadable));
      context.show(items, (columns) => describeAudit(items, nextCursor !== undefined, columns));
    },
  );
}

function describeAudit(
  lines: readonly AuditEntry[],
  hasMore: boolean,
  columns: number,
): DisplayText {
  if (lines.length === 0) return display`No lines.`;
  const table = formatTable(
    ['AT', 'WHO', 'ROLE', 'WHAT', 'ADDRESS', 'OUTCOME'],
    lines.map(({ at, who, role, operation, path, outcome }) => [
      formatInstant(at),
      who,
      role,
      operation,
      path,
      outcome,
    ]),
    { columns },
  );
  const more = display`There are older ones: longhaul audit --all. With --json each line has what was before and after.`;
  return hasMore ? displayLines([table, display``, more]) : table;
}
