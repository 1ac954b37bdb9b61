/** `longhaul file-backup-job …`. */

import type { Command } from 'commander';
import type { FileBackupJobView } from '../../api/file-backups/file-backup-schemas.js';
import type { Act, CommandContext } from '../command-context.js';
import { describeCheck, describeAgeLimits } from '../input/copy-limits.js';
import {
  addDeleteCommand,
  addShowCommand,
  addUpdateCommand,
  createJob,
  jobIn,
  type JobCollection,
} from './definition-commands.js';
import {
  display,
  formatFields,
  formatInstant,
  formatTable,
  type DisplayText,
} from '../display/display-text.js';
import { fileBackupFromFlags, type FileBackupFlags } from '../input/file-backup-input.js';
import { describeHours } from '../input/hours-phrase.js';
import { sendOrder } from '../client/send-order.js';
import { describeSchedule, SCHEDULE_PHRASES } from '../input/schedule-phrase.js';

export function addFileBackupCommands(program: Command, act: Act): void {
  const job = program
    .command('file-backup-job')
    .description('Backups of file shares, and the secondary targets that get copies of them.');
  addDefinitionCommands(job, act);
  act(
    job.command('list').description('List the file-backup jobs.'),
    async (context: CommandContext) => {
      const jobs = await context.server.all<FileBackupJobView>(FILE_BACKUPS.base);
      context.show(jobs, (columns) => describeJobs(jobs, columns));
    },
  );
  addShowCommand(job, act, FILE_BACKUPS);
  act(
    job
      .command('start')
      .argument('<job>')
      .option('--idempotency-key <key>', 'a repeat with the same key starts nothing')
      .description('Make the primary backup now, if the job has one, then the copies.'),
    async (context, id: string, { idempotencyKey: key }: { readonly idempotencyKey?: string }) => {
      const path = `${jobIn(FILE_BACKUPS, id)}/start`;
      const started = await sendOrder<{ runId: string }>(context, path, { key });
      context.show(started, () => display`${started.runId}`);
    },
  );
  for (const [verb, text] of STATE_VERBS)
    act(job.command(verb).argument('<job>').description(text), async (context, id: string) => {
      const path = `${jobIn(FILE_BACKUPS, id)}/${verb}`;
      const changed = await context.server.request<FileBackupJobView>('POST', path);
      context.show(changed, () => display`File-backup job ${id} is ${changed.state}.`);
    });
}

const FILE_BACKUPS: JobCollection<FileBackupJobView> = {
  ...{ base: '/file-backup-jobs', title: 'File-backup job' },
  serverFields: ['copyJobs', 'lastRun'],
  describe: describeJob,
};

const STATE_VERBS = [
  ['enable', 'Let the job and its copies start by themselves again.'],
  ['disable', 'Keep the job and its copies from starting by themselves.'],
] as const;

function addDefinitionCommands(job: Command, act: Act): void {
  act(
    job
      .command('create')
      .option('-f, --file <file>', 'whole definition as JSON or YAML; no other flags then')
      .option('--name <name>')
      .option('--id <id>', 'default: made from the name')
      .option('--source <repository:workload>', 'the backups of the file share')
      .option('--target <repository...>', 'secondary targets, each of which gets a copy')
      .option('--primary-backup <id>', 'configured program that makes the backups')
      .option('--schedule <words>', `when it makes them: ${SCHEDULE_PHRASES}`)
      .option('--time-zone <name>', 'time zone of the job; default: that of the server')
      .option('--allowed-hours <spans...>', 'when copies may begin, as of `job create`')
      .option('--keep-removed-days <number>', 'days that copies keep what the primary has removed')
      .option('--max-copy-age <hours>', 'how old the newest copy may become')
      .option('--max-lag <hours>', 'how long a backup may wait for its copy')
      .description('Create a job, with a copy job for each secondary target.'),
    (context, flags: FileBackupFlags) =>
      createJob(context, FILE_BACKUPS, flags.file, () => fileBackupFromFlags(flags)),
  );
  addUpdateCommand(job, act, FILE_BACKUPS);
  addDeleteCommand(
    job,
    act,
    FILE_BACKUPS,
    'Delete a job and its copy jobs; backups and copies stay.',
  );
}

function describeJobs(jobs: readonly FileBackupJobView[], columns: number): DisplayText {
  if (jobs.length === 0) return display`No file-backup jobs.`;
  return formatTable(
    ['JOB', 'SOURCE', 'MADE BY', 'STATE', 'TARGETS', 'NEXT RUN', 'LAST RUN'],
    jobs.map((job) => [
      job.id,
      `${job.source.repositoryId}:${job.source.workload}`,
      job.primaryBackup ?? '-',
      job.state,
      job.secondaryTargets.map(({ repositoryId }) => repositoryId).join(', '),
      formatInstant(job.nextRunAt),
      job.lastRun === null ? '-' : (job.lastRun.result ?? job.lastRun.state),
    ]),
    { columns },
  );
}

function describeJob(job: FileBackupJobView): DisplayText {
  const { lastRun } = job;
  const targets = job.secondaryTargets.map((target, index): [string, string] => {
    const days = target.keepRemovedForDays ?? job.keepRemovedForDays;
    const start =
      target.schedule === null
        ? job.primaryBackup === null
          ? 'as snapshots appear'
          : 'after each run'
        : describeSchedule(target.schedule);
    const hours =
      target.allowedHours === null ? '' : `, begins ${describeHours(target.allowedHours)}`;
    return [
      index === 0 ? 'Targets' : '',
      `${target.repositoryId}: ${start}${hours}, keeps what is removed for ${days} days (job ${job.copyJobs[index] ?? '?'})`,
    ];
  });
  return formatFields([
    ['Job', job.id],
    ['Name', job.name],
    ['State', job.state],
    ['Revision', String(job.revision)],
    ['Source', `${job.source.repositoryId}: ${job.source.workload}`],
    ['Made by', job.primaryBackup ?? 'another program'],
    ['Schedule', describeSchedule(job.schedule)],
    ...targets,
    ['Age limits', describeAgeLimits(job.rpo)],
    ['Health check', describeCheck(job.healthCheck)],
    ['Next run', formatInstant(job.nextRunAt)],
    ...(job.missedStartAt === null
      ? []
      : [['Did not start', formatInstant(job.missedStartAt)] as [string, string]]),
    ['Last run', lastRun === null ? '-' : `${lastRun.runId} ${lastRun.result ?? lastRun.state}`],
    ['Snapshot', lastRun?.snapshot ?? '-'],
    [
      'Copies',
      lastRun === null || lastRun.sessions.length === 0 ? '-' : lastRun.sessions.join(', '),
    ],
    ['Reason', lastRun?.reason ?? '-'],
  ]);
}
