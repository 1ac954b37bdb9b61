/** `longhaul limit …`. */

import { BackupError } from '../../domain/errors.js';
import type { Command } from 'commander';
import type { LimitsView } from '../../api/limits/limit-routes.js';
import type { WeeklySpan } from '../../domain/schedules/weekly-hours.js';
import { NO_LIMIT, UNLIMITED, type Rate, type RateLimit } from '../../domain/rate-limits.js';
import type { RepositoryView } from '../../api/repositories/repository-schemas.js';
import type { Act, CommandContext } from '../command-context.js';
import {
  displayLines,
  display,
  formatBytes,
  formatTable,
  type DisplayText,
} from '../display/display-text.js';
import { describeSpan, HOURS_PHRASES, parseHours } from '../input/hours-phrase.js';

interface LimitFlags {
  readonly read?: string;
  readonly write?: string;
  readonly hours?: readonly string[];
  readonly timeZone?: string;
}

export function addLimitCommands(program: Command, act: Act): void {
  const limit = program
    .command('limit')
    .description('How fast each worker may read and write; changes hold within seconds.');
  act(
    limit.command('show').description('Show the limits, and what holds now.'),
    async (context) => {
      const limits = await context.server.request<LimitsView>('GET', '/limits');
      context.show(limits, (columns) => describeLimits(limits, columns));
    },
  );
  act(
    limit
      .command('set')
      .argument('[repository]', 'default: all repositories together')
      .option('--read <rate>', 'bytes a second, such as 20MiB, or none')
      .option('--write <rate>', 'bytes a second, such as 20MiB, or none')
      .option(
        '--hours <words...>',
        `only then, in place of the constant one, and of what was set for the same hours: ${HOURS_PHRASES}`,
      )
      .option('--time-zone <name>', 'IANA, such as Europe/Berlin: of the hours of all limits')
      .description('Set a limit; what is not named stays.'),
    async (context, repositoryId: string | undefined, flags: LimitFlags) => {
      await change(context, repositoryId, (present) => limitOf(present, flags), flags.timeZone);
    },
  );
  act(
    limit
      .command('clear')
      .argument('[repository]', 'default: all repositories together')
      .description('Remove a limit with all its hours.'),
    async (context, repositoryId: string | undefined) => {
      await change(context, repositoryId, () => null);
    },
  );
}

/** @param to null: no limit, which a repository is then not named with */
async function change(
  context: CommandContext,
  repositoryId: string | undefined,
  to: (present: RateLimit) => RateLimit | null,
  timeZone?: string,
): Promise<void> {
  const view = await context.server.request<LimitsView>('GET', '/limits');
  const { now: _now, revision, ...found } = view;
  const limits = timeZone === undefined ? found : { ...found, timeZone };
  const { service, repositories } = limits;
  const present = repositories.find((limit) => limit.repositoryId === repositoryId);
  const others = repositories.filter((limit) => limit.repositoryId !== repositoryId);
  if (repositoryId !== undefined && present === undefined)
    await refuseUnknown(context, repositoryId);
  const wanted = to(repositoryId === undefined ? service : (present ?? NO_LIMIT));
  const own = repositoryId === undefined || wanted === null ? [] : [{ ...wanted, repositoryId }];
  const body =
    repositoryId === undefined
      ? { ...limits, service: wanted ?? NO_LIMIT }
      : { ...limits, repositories: [...others, ...own] };
  // What was shown is what is changed: limits that somebody else has set meanwhile are not written over.
  const headers = { 'If-Match': String(revision) };
  const changed = await context.server.request<LimitsView>('PUT', '/limits', { body, headers });
  context.show(changed, (columns) => describeLimits(changed, columns));
}

/** A name that was mistyped is not called cleared, and no flags are asked for that it could have. @throws REPOSITORY_MISSING */
async function refuseUnknown({ server }: CommandContext, repositoryId: string): Promise<void> {
  const repositories = await server.all<RepositoryView>('/repositories');
  if (repositories.some(({ id }) => id === repositoryId)) return;
  throw new BackupError(
    'REPOSITORY_MISSING',
    `no repository ${repositoryId} is configured, and no limit has that name`,
  );
}

/** @throws REQUEST_INVALID */
function limitOf(present: RateLimit, { read, write, hours }: LimitFlags): RateLimit {
  if (read === undefined && write === undefined)
    throw new BackupError('REQUEST_INVALID', '--read, --write or both are needed', {
      hint: 'See `longhaul limit set --help`.',
    });
  const rate = (constant: Rate): Rate => ({
    readBytesPerSecond: read === undefined ? constant.readBytesPerSecond : parseRate(read),
    writeBytesPerSecond: write === undefined ? constant.writeBytesPerSecond : parseRate(write),
  });
  if (hours === undefined) return { ...present, ...rate(present) };
  const named = hours.map(parseHours);
  // The same hours again are a correction of them: of two that overlap the lower rate holds, so it could never be raised.
  const isNamed = (span: WeeklySpan) =>
    named.some((own) => describeSpan(own) === describeSpan(span));
  const spans = named.map((span) => {
    const before = present.hours.find((own) => describeSpan(own) === describeSpan(span));
    return { ...span, ...rate(before ?? UNLIMITED) };
  });
  return { ...present, hours: [...present.hours.filter((own) => !isNamed(own)), ...spans] };
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 1_024,
  MiB: 1_024 ** 2,
  GiB: 1_024 ** 3,
};

/** @throws REQUEST_INVALID */
function parseRate(text: string): number | null {
  if (text === 'none') return null;
  const [, amount, unit = ''] = /^(\d{1,12})(KiB|MiB|GiB)?$/.exec(text) ?? [];
  if (amount === undefined)
    throw new BackupError('REQUEST_INVALID', `the rate "${text}" is not understood`, {
      hint: 'Use a number of bytes a second, such as 20MiB or 500KiB, or none.',
    });
  return Number(amount) * (UNITS[unit] ?? 1);
}

function describeLimits(
  { timeZone, service, repositories, now }: LimitsView,
  columns: number,
): DisplayText {
  const rows = [
    ['all together', service, now.service] as const,
    ...repositories.map((limit, index) => {
      return [limit.repositoryId, limit, now.repositories[index] ?? UNLIMITED] as const;
    }),
  ];
  const table = formatTable(
    ['WHERE', 'READ', 'WRITE', 'IN SOME HOURS', 'NOW'],
    rows.map(([where, limit, current]) => [
      where,
      describeRate(limit.readBytesPerSecond),
      describeRate(limit.writeBytesPerSecond),
      limit.hours.map((span) => `${describeSpan(span)}: ${describeRates(span)}`).join('; '),
      describeRates(current),
    ]),
    { columns },
  );
  return displayLines([
    table,
    display`Hours are of ${timeZone}; limits are of each worker process.`,
  ]);
}

function describeRates({ readBytesPerSecond, writeBytesPerSecond }: Rate): string {
  return `read ${describeRate(readBytesPerSecond)}, write ${describeRate(writeBytesPerSecond)}`;
}

function describeRate(bytesPerSecond: number | null): string {
  return bytesPerSecond === null ? 'no limit' : `${formatBytes(bytesPerSecond)}/s`;
}
