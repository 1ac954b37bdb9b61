/** `longhaul job …`. */

import { BackupError } from '../../domain/errors.js';
import type { Command } from 'commander';
import type { JobView, ListedJob } from '../../api/jobs/job-schemas.js';
import type { Act, CommandContext } from '../command-context.js';
import {
  addShowCommand,
  addUpdateCommand,
  jobIn,
  type JobCollection,
} from './definition-commands.js';
import { display } from '../display/display-text.js';
import { describeJob, describeJobs } from '../display/describe-job.js';
import { describeUnreadable } from '../display/describe-unreadable.js';
import type { ExitName } from '../exit-codes.js';
import { followSession } from '../client/follow-session.js';
import { editCommand, editJob } from './job-edit-command.js';
import { simulateCommand, simulateJob } from './job-simulate-command.js';
import { jobFlags } from '../input/job-flags.js';
import { definitionFromFlags, readDefinition, type JobFlags } from '../input/job-input.js';
import { sendOrder } from '../client/send-order.js';
import { print, printError } from '../display/print.js';
import { addRehomeCommands } from './rehome-commands.js';
import { describePlan, wholePlan, type PlanRequest } from './job-plan.js';

interface StartFlags {
  readonly workload?: readonly string[];
  readonly activeFull?: boolean;
  readonly all?: boolean;
  readonly latest?: boolean;
  readonly now?: boolean;
  readonly anyHour?: boolean;
  readonly acceptChanges?: boolean;
  readonly takeOver?: boolean;
  readonly idempotencyKey?: string;
  readonly follow?: boolean;
}

export function addJobCommands(program: Command, act: Act): void {
  const job = program.command('job').description('Copy jobs.');
  addDefinitionCommands(job, act);
  addRunCommands(job, act);
  addRehomeCommands(job, act);
}

const COPY_JOBS: JobCollection<JobView> = {
  ...{ base: '/jobs', title: 'Job', serverFields: [] },
  describe: describeJob,
};

function addDefinitionCommands(job: Command, act: Act): void {
  act(
    jobFlags(job.command('create'))
      .option('-f, --file <file>', 'whole definition as JSON or YAML; no other flags then')
      .option('--id <id>', 'default: made from the name')
      .description('Create a job.'),
    createJob,
  );
  act(job.command('list').description('List the jobs.'), async (context) => {
    const { items, unreadable } = await context.server.browse<ListedJob>('/jobs');
    context.show(items, (columns) => describeJobs(items, columns));
    if (unreadable.length > 0) printError(context.terminal, describeUnreadable(unreadable));
  });
  addShowCommand(job, act, COPY_JOBS);
  act(editCommand(job), editJob);
  act(simulateCommand(job), simulateJob);
  addUpdateCommand(job, act, COPY_JOBS);
  act(
    job.command('delete').argument('<job>').description('Delete a job; its copies stay.'),
    async (context, id: string) => {
      await context.server.request('DELETE', jobPath(id));
      context.show({ deleted: id }, () => display`Job ${id} is deleted; its copies stay.`);
    },
  );
  act(
    job
      .command('import')
      .argument('<repository>')
      .argument('<job>')
      .description('Take over a job that another server left in a target repository.'),
    async (context, repositoryId: string, jobId: string) => {
      const body = { repositoryId, jobId };
      const imported = await context.server.request<JobView>('POST', '/jobs/import', { body });
      context.show(imported, () => describeJob(imported));
    },
  );
}

function addRunCommands(job: Command, act: Act): void {
  act(
    job
      .command('start')
      .argument('<job>')
      .option('-w, --workload <id...>', 'only these workloads')
      .option('--active-full', 'make new fulls from the source')
      .option('--all', 'every uncopied restore point')
      .option('--latest', 'only the newest restore point')
      .option('--now', 'take what is there, also what may still be in progress')
      .option('--any-hour', 'copy at once, also outside the allowed hours of the job')
      .option(
        '--accept-changes',
        'you have looked at the named workloads, whose files seemed wiped or encrypted: copy them as they are',
      )
      .option(
        '--take-over',
        'go on with all copies that another job left in the target under this id; for administrators',
      )
      .option('--idempotency-key <key>', 'a repeat with the same key starts nothing')
      .option('--follow', 'follow the session to its end')
      .description('Start a session now.'),
    startJob,
  );
  act(
    job
      .command('plan')
      .argument('[job]')
      .option('-f, --file <file>', 'instead: of this definition, which need not be stored')
      .description('Show what a session would copy now.'),
    async (context, id: string | undefined, { file }: { file?: string }) => {
      const plan = await wholePlan(context, await planRequest(context, id, file));
      context.show(plan, (columns) => describePlan(plan, columns));
    },
  );
  addStateCommands(job, act);
  act(
    job
      .command('replace')
      .argument('<job>')
      .description('After a recreated source chain: make a new job with a new chain.'),
    async (context, id: string) => {
      const made = await context.server.request<JobView>('POST', `${jobPath(id)}/replacement`);
      context.show(made, () => describeJob(made));
    },
  );
}

function addStateCommands(job: Command, act: Act): void {
  act(
    job.command('enable').argument('<job...>').description('Let jobs start by themselves again.'),
    (context, ids: readonly string[]) => setState(context, ids, 'enable'),
  );
  act(
    job
      .command('disable')
      .argument('[job...]')
      .option('--all', 'every job that is enabled, and say how the same are enabled again')
      .description('Keep jobs from starting by themselves; a session that runs goes on.'),
    async (context, ids: readonly string[], { all }: { all?: boolean }) => {
      if ((all === true) === ids.length > 0)
        throw new BackupError('REQUEST_INVALID', 'name the jobs, or say --all');
      await (all === true ? disableAll(context) : setState(context, ids, 'disable'));
    },
  );
}

async function setState(
  context: CommandContext,
  ids: readonly string[],
  verb: 'enable' | 'disable',
  onAsk: (id: string) => void = () => undefined,
): Promise<void> {
  // One after the other, so that it is known which were changed when one fails.
  for (const id of ids) {
    onAsk(id);
    const changed = await context.server.request<JobView>('POST', `${jobPath(id)}/${verb}`);
    context.show(changed, () => display`Job ${id} is ${changed.state}.`);
  }
}

/** Those that are disabled already stay so when the others are enabled again. */
async function disableAll(context: CommandContext): Promise<void> {
  const { items, unreadable } = await context.server.browse<ListedJob>('/jobs');
  const known = items.filter((job) => !isDisabled(job)).map(({ id }) => id);
  const disabled: string[] = [];
  try {
    // One that gave no answer may be disabled all the same.
    await setState(context, known, 'disable', (id) => disabled.push(id));
  } finally {
    if (disabled.length > 0 && !context.isJson)
      print(
        context.terminal,
        display`To enable the same again: longhaul job enable ${disabled.join(' ')}`,
      );
  }
  if (known.length === 0 && !context.isJson) print(context.terminal, display`No job is enabled.`);
  if (unreadable.length > 0) printError(context.terminal, describeUnreadable(unreadable));
}

function isDisabled(job: ListedJob): boolean {
  return job.state === 'unknown' ? job.paused : job.state === 'disabled';
}

async function createJob(context: CommandContext, flags: JobFlags): Promise<void> {
  const body =
    flags.file === undefined
      ? definitionFromFlags(flags)
      : await readDefinition(flags.file, context.terminal.workingFolder);
  const created = await context.server.request<JobView>('POST', '/jobs', { body });
  context.show(created, () => describeJob(created));
}

async function startJob(
  context: CommandContext,
  id: string,
  flags: StartFlags,
): Promise<ExitName | void> {
  const { workload, activeFull, all, latest, now, anyHour, acceptChanges } = flags;
  const { takeOver, idempotencyKey, follow } = flags;
  const body = {
    ...(workload === undefined ? {} : { workloads: workload }),
    ...(activeFull === undefined ? {} : { activeFull }),
    ...(now === undefined ? {} : { now }),
    ...(anyHour === undefined ? {} : { anyHour }),
    ...(acceptChanges === undefined ? {} : { acceptChanges }),
    ...(takeOver === undefined ? {} : { takeOver }),
    ...(all === true
      ? { restorePoints: 'all' }
      : latest === true
        ? { restorePoints: 'latest' }
        : {}),
  };
  const started = await sendOrder<{ sessionId: string }>(context, `${jobPath(id)}/start`, {
    ...{ body, key: idempotencyKey },
  });
  if (follow === true) return followSession(context, started.sessionId);
  context.show(started, () => display`${started.sessionId}`);
}

function jobPath(id: string): string {
  return jobIn(COPY_JOBS, id);
}

/** @throws REQUEST_INVALID unless either a job or a file is named */
async function planRequest(
  { terminal }: CommandContext,
  id: string | undefined,
  file: string | undefined,
): Promise<PlanRequest> {
  if (file === undefined && id !== undefined) return { method: 'GET', path: `${jobPath(id)}/plan` };
  if (file === undefined || id !== undefined) {
    const hint = 'See `longhaul job plan --help`.';
    throw new BackupError('REQUEST_INVALID', 'name a job, or a file with --file', { hint });
  }
  const body = await readDefinition(file, terminal.workingFolder);
  return { method: 'POST', path: '/plans', body };
}
