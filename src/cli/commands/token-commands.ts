/** `longhaul token …`. */

import { BackupError } from '../../domain/errors.js';
import type { Command } from 'commander';
import type { CreatedToken, TokenView } from '../../api/access/access-routes.js';
import { ROLES, type TokenScope } from '../../domain/access/access.js';
import type { Act } from '../command-context.js';
import {
  display,
  displayLines,
  formatInstant,
  formatTable,
  type DisplayText,
} from '../display/display-text.js';
import { DAY_MS } from '../../domain/elapsed.js';

interface CreateFlags {
  readonly role: string;
  readonly job?: readonly string[];
  readonly repository?: readonly string[];
  readonly expires?: string;
}

export function addTokenCommands(program: Command, act: Act): void {
  const token = program
    .command('token')
    .description('Tokens of people and programs; each has a role, and may be bound and end.');
  act(
    token
      .command('create')
      .argument('<name>', 'for whom it is')
      .requiredOption('--role <role>', ROLES.join(', '))
      .option('--job <id...>', 'for these jobs and their sessions alone')
      .option('--repository <id...>', 'for these repositories alone')
      .option('--expires <days>', 'days for which it holds; default: for ever')
      .description('Make a token. It is shown once, and kept as a digest.'),
    async (context, name: string, flags: CreateFlags) => {
      const body = { name, role: flags.role, scope: scopeOf(flags), expiresAt: endOf(flags) };
      const created = await context.server.request<CreatedToken>('POST', '/tokens', { body });
      context.show(created, () => display`${created.token}`);
    },
  );
  act(token.command('list').description('List the tokens.'), async (context) => {
    const tokens = await context.server.all<TokenView>('/tokens');
    context.show(tokens, (columns) => describeTokens(tokens, columns));
  });
  act(
    token.command('revoke').argument('<id>').description('Revoke a token: it holds no longer.'),
    async (context, id: string) => {
      await context.server.request('DELETE', `/tokens/${encodeURIComponent(id)}`);
      context.show({ revoked: id }, () => display`Token ${id} holds no longer.`);
    },
  );
}

function scopeOf({ job = [], repository = [] }: CreateFlags): TokenScope | null {
  if (job.length + repository.length === 0) return null;
  return { jobs: job, repositories: repository };
}

/** @throws REQUEST_INVALID */
function endOf({ expires }: CreateFlags): string | null {
  if (expires === undefined) return null;
  if (!/^[1-9]\d{0,4}$/.test(expires))
    throw new BackupError('REQUEST_INVALID', `${expires} is not a number of days`, {
      hint: 'See `longhaul token create --help`.',
    });
  return new Date(Date.now() + Number(expires) * DAY_MS).toISOString();
}

function describeTokens(tokens: readonly TokenView[], columns: number): DisplayText {
  const note = display`The token of the configuration file always holds and is not listed.`;
  if (tokens.length === 0) return displayLines([display`No tokens.`, note]);
  const table = formatTable(
    ['TOKEN', 'NAME', 'ROLE', 'FOR', 'MADE BY', 'EXPIRES', 'LAST USED'],
    tokens.map((token) => [
      token.id,
      token.name,
      token.role,
      describeScope(token.scope),
      token.createdBy,
      `${formatInstant(token.expiresAt)}${token.isExpired ? ' (over)' : ''}`,
      formatInstant(token.lastUsedAt),
    ]),
    { columns, cut: ['NAME'] },
  );
  return displayLines([table, note]);
}

function describeScope(scope: TokenScope | null): string {
  return scope === null ? 'everything' : [...scope.jobs, ...scope.repositories].join(', ');
}
