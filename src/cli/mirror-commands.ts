/** `longhaul mirror-job …`. */

import type { Command } from 'commander';
import type { MirrorJobView } from '../api/mirror-schemas.js';
import { BackupError } from '../domain/errors.js';
import type { Act, CommandContext } from './command-context.js';
import {
  display,
  formatFields,
  formatInstant,
  formatTable,
  type DisplayText,
} from './display-text.js';
import { describeHours, parseHours } from './hours-phrase.js';
import { readDefinition } from './job-input.js';
import { describeSchedule, parseSchedule, SCHEDULE_PHRASES } from './schedule-phrase.js';

const BASE = '/mirror-jobs';

export function addMirrorCommands(program: Command, act: Act): void {
  const job = program
    .command('mirror-job')
    .description(
      'Appliances (HPE StoreOnce) that are copied file by file. Start, enable and disable one with `longhaul job`.',
    );
  addDefinitionCommands(job, act);
  act(job.command('list').description('List the mirror jobs.'), async (context: CommandContext) => {
    const jobs = await context.server.all<MirrorJobView>(BASE);
    context.show(jobs, () => describeJobs(jobs));
  });
  act(
    job.command('show').argument('<job>').description('Show one job.'),
    async (context, id: string) => {
      const found = await context.server.request<MirrorJobView>('GET', pathOf(id));
      context.show(found, () => describeJob(found));
    },
  );
}

interface MirrorFlags {
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
      .description('Create a mirror job.'),
    async (context, flags: MirrorFlags) => {
      const body =
        flags.file === undefined ? mirrorFromFlags(flags) : await definitionIn(context, flags.file);
      const made = await context.server.request<MirrorJobView>('POST', BASE, { body });
      context.show(made, () => describeJob(made));
    },
  );
  act(
    job
      .command('update')
      .argument('<job>')
      .requiredOption('-f, --file <file>', 'whole definition as JSON or YAML')
      .option('--revision <number>', 'refuse when the job has another revision')
      .description('Replace the definition of a job.'),
    async (context, id: string, flags: { file: string; revision?: string }) => {
      const body = { id, ...(await definitionIn(context, flags.file)) };
      const headers = { 'If-Match': flags.revision ?? '*' };
      const request = { body, headers };
      const changed = await context.server.request<MirrorJobView>('PUT', pathOf(id), request);
      context.show(changed, () => describeJob(changed));
    },
  );
  act(
    job
      .command('delete')
      .argument('<job>')
      .description('Delete a job; what it copied stays, and a running session goes on.'),
    async (context, id: string) => {
      await context.server.request('DELETE', pathOf(id));
      context.show({ deleted: id }, () => display`Mirror job ${id} is deleted.`);
    },
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
  };
}

function badFlags(message: string): BackupError {
  return new BackupError('REQUEST_INVALID', message, {
    hint: 'See `longhaul mirror-job create --help`.',
  });
}

async function definitionIn({ terminal }: CommandContext, file: string): Promise<object> {
  return readDefinition(file, terminal.workingFolder);
}

function pathOf(id: string): string {
  return `${BASE}/${encodeURIComponent(id)}`;
}

function describeJobs(jobs: readonly MirrorJobView[]): DisplayText {
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
