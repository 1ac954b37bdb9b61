/** `longhaul mirror-job …`. */

import type { Command } from 'commander';
import type { MirrorJobView } from '../../api/mirrors/mirror-schemas.js';
import { BackupError } from '../../domain/errors.js';
import type { Act, CommandContext } from '../command-context.js';
import {
  describeCheck,
  describeAgeLimits,
  limitsFromFlags,
  type LimitFlags,
} from '../input/copy-limits.js';
import {
  addDeleteCommand,
  addShowCommand,
  addUpdateCommand,
  createJob,
  type JobCollection,
} from './definition-commands.js';
import { describeUnreadable } from '../display/describe-unreadable.js';
import {
  display,
  formatFields,
  formatInstant,
  formatTable,
  type DisplayText,
} from '../display/display-text.js';
import { describeHours, parseHours } from '../input/hours-phrase.js';
import { printError } from '../display/print.js';
import { describeSchedule, parseSchedule, SCHEDULE_PHRASES } from '../input/schedule-phrase.js';

export function addMirrorCommands(program: Command, act: Act): void {
  const job = program
    .command('mirror-job')
    .description(
      'Appliances (HPE StoreOnce) that are copied file by file. Start, enable and disable one with `longhaul job`.',
    );
  addDefinitionCommands(job, act);
  act(job.command('list').description('List the mirror jobs.'), async (context: CommandContext) => {
    const { items: jobs, unreadable } = await context.server.browse<MirrorJobView>(MIRRORS.base);
    context.show(jobs, (columns) => describeJobs(jobs, columns));
    if (unreadable.length > 0) printError(context.terminal, describeUnreadable(unreadable));
  });
  addShowCommand(job, act, MIRRORS);
}

const MIRRORS: JobCollection<MirrorJobView> = {
  ...{ base: '/mirror-jobs', title: 'Mirror job', serverFields: [] },
  describe: describeJob,
};

interface MirrorFlags extends LimitFlags {
  readonly file?: string;
  readonly name?: string;
  readonly id?: string;
  readonly source?: string;
  readonly target?: string;
  readonly schedule?: string;
  readonly timeZone?: string;
  readonly allowedHours?: readonly string[];
  readonly keepRemovedDays?: string;
}

function addDefinitionCommands(job: Command, act: Act): void {
  act(
    job
      .command('create')
      .option('-f, --file <file>', 'whole definition as JSON or YAML; no other flags then')
      .option('--name <name>')
      .option('--id <id>', 'default: made from the name')
      .option('--source <repository>', 'the appliance (contents: storeonce)')
      .option('--target <repository>', 'where its files go')
      .option('--schedule <words>', `default: each file when it is closed; ${SCHEDULE_PHRASES}`)
      .option('--time-zone <name>', 'time zone of the job; default: that of the server')
      .option('--allowed-hours <spans...>', 'when it may copy, as of `job create`')
      .option(
        '--keep-removed-days <number>',
        'days after which a file that the source removed goes, from when it was written; default 21',
      )
      .option('--max-copy-age <hours>', 'how old the newest copy may become')
      .option('--max-lag <hours>', 'how long a file may wait for its copy')
      .description('Create a mirror job.'),
    (context, flags: MirrorFlags) =>
      createJob(context, MIRRORS, flags.file, () => mirrorFromFlags(flags)),
  );
  addUpdateCommand(job, act, MIRRORS);
  addDeleteCommand(
    job,
    act,
    MIRRORS,
    'Delete a job; what it copied stays, and a running session goes on.',
  );
}

/** The server checks what they say. @throws REQUEST_INVALID */
function mirrorFromFlags(flags: MirrorFlags): object {
  const { name, id, source, target, timeZone, schedule, keepRemovedDays, allowedHours } = flags;
  if (name === undefined || source === undefined || target === undefined)
    throw badFlags('--name, --source and --target are needed, or --file');
  if (keepRemovedDays !== undefined && !/^\d{1,4}$/.test(keepRemovedDays))
    throw badFlags(`${keepRemovedDays} is not a number`);
  return {
    ...{ name, id, timeZone },
    source: { repositoryId: source },
    target: { repositoryId: target },
    schedule: schedule === undefined ? undefined : parseSchedule(schedule),
    allowedHours: allowedHours === undefined ? undefined : { spans: allowedHours.map(parseHours) },
    keepRemovedForDays: keepRemovedDays === undefined ? undefined : Number(keepRemovedDays),
    ...limitsFromFlags(flags),
  };
}

function badFlags(message: string): BackupError {
  return new BackupError('REQUEST_INVALID', message, {
    hint: 'See `longhaul mirror-job create --help`.',
  });
}

function describeJobs(jobs: readonly MirrorJobView[], columns: number): DisplayText {
  if (jobs.length === 0) return display`No mirror jobs.`;
  return formatTable(
    ['JOB', 'SOURCE', 'TARGET', 'STATE', 'COPIES', 'NEXT RUN', 'LAST SESSION'],
    jobs.map((job) => [
      job.id,
      job.source.repositoryId,
      job.target.repositoryId,
      job.state,
      startOf(job),
      formatInstant(job.nextRunAt),
      lastSessionOf(job),
    ]),
    { columns },
  );
}

function describeJob(job: MirrorJobView): DisplayText {
  return formatFields([
    ['Job', job.id],
    ['Name', job.name],
    ['State', job.state],
    ['Revision', String(job.revision)],
    ['Source', job.source.repositoryId],
    ['Target', job.target.repositoryId],
    ['Copies', startOf(job)],
    ['Hours', job.allowedHours === null ? 'any' : describeHours(job.allowedHours)],
    ['Removed files', `stay until ${job.keepRemovedForDays} days after they were written`],
    ['Age limits', describeAgeLimits(job.rpo)],
    ['Health check', describeCheck(job.healthCheck)],
    ['Next run', formatInstant(job.nextRunAt)],
    ['Last session', lastSessionOf(job)],
  ]);
}

function startOf({ schedule }: MirrorJobView): string {
  return schedule === null ? 'as files are closed' : describeSchedule(schedule);
}

function lastSessionOf({ lastSession }: MirrorJobView): string {
  return lastSession === null
    ? '-'
    : `${lastSession.id} ${lastSession.result ?? lastSession.state}`;
}
