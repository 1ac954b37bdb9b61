/** File-backup jobs live in Temporal: a Schedule `file-backup/<id>` carries the definition and starts the runs, and each secondary target is a copy
 *  job of its own, which this store alone makes, changes and deletes. */

import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type ScheduleDescription,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import { copyJobsOf, type FileBackupJob } from '../../domain/jobs/file-backup-job.js';
import { BackupError } from '../../domain/errors.js';
import { calendarOf } from '../../domain/schedules/schedule.js';
import {
  CONTROL_TASK_QUEUE,
  fileBackupRunId,
  fileBackupWorkflowId,
  JOB_ID,
  JOB_NAME,
  WORKFLOW_RUN_FILE_BACKUP,
  type FileBackupOutcome,
  type FileBackupRunInput,
} from '../../../workflows/messages.js';
import { listExecutions } from '../executions/execution-list.js';
import { SLUG } from '../field-schemas.js';
import type { FileBackupJobView, FileBackupRunView } from './file-backup-schemas.js';
import { isNever, NEVER, policiesOf } from './job-schedule.js';
import type { JobStore } from './job-store.js';
import { quoted } from '../executions/visibility-query.js';

const PREFIX = 'file-backup/';

export class FileBackupStore {
  readonly #client: Client;
  readonly #jobs: JobStore;
  readonly #now: () => number;

  constructor(client: Client, jobs: JobStore, now: () => number) {
    this.#client = client;
    this.#jobs = jobs;
    this.#now = now;
  }

  /** By id. */
  async list(): Promise<FileBackupJobView[]> {
    const ids: string[] = [];
    for await (const { scheduleId } of this.#client.schedule.list())
      if (scheduleId.startsWith(PREFIX)) ids.push(scheduleId.slice(PREFIX.length));
    const views = await Promise.all(ids.sort().map((id) => this.get(id).catch(ignoreMissing)));
    return views.filter((view) => view !== null);
  }

  /** @throws JOB_MISSING */
  async get(id: string): Promise<FileBackupJobView> {
    return viewOf(await this.#describe(id), await this.#lastRun(id));
  }

  /** The definition alone. @throws JOB_MISSING */
  async definition(id: string): Promise<FileBackupJob> {
    return definitionOf(await this.#describe(id));
  }

  /** @throws JOB_EXISTS */
  async create(job: FileBackupJob): Promise<FileBackupJobView> {
    try {
      await this.#client.schedule.create({
        ...scheduleBodyOf(job, this.#now()),
        scheduleId: `${PREFIX}${job.id}`,
      });
    } catch (cause) {
      if (!(cause instanceof ScheduleAlreadyRunning)) throw cause;
      throw new BackupError('JOB_EXISTS', `a file-backup job ${job.id} exists already`, { cause });
    }
    await this.#putCopyJobs(job);
    return this.get(job.id);
  }

  /** A repeat finishes what an earlier call has begun.
   *  @param revision the one the client has seen; null: whatever it is
   *  @throws JOB_MISSING, JOB_REVISION_STALE */
  async update(
    definition: Omit<FileBackupJob, 'revision'>,
    revision: number | null,
  ): Promise<FileBackupJobView> {
    const { id } = definition;
    const present = await this.definition(id);
    if (revision !== null && revision !== present.revision)
      throw new BackupError(
        'JOB_REVISION_STALE',
        `file-backup job ${id} has revision ${present.revision}, the change was made to ${revision}`,
      );
    const job = { ...definition, revision: present.revision + 1 };
    await this.#handle(id).update(({ state }) => ({
      ...scheduleBodyOf(job, this.#now()),
      state,
    }));
    await this.#putCopyJobs(job);
    const wanted = new Set(copyJobsOf(job).map((copy) => copy.id));
    for (const copy of copyJobsOf(present))
      if (!wanted.has(copy.id)) await this.#jobs.delete(copy.id).catch(ignoreMissing);
    return this.get(id);
  }

  /** With its copy jobs. What they copied stays. @throws JOB_MISSING */
  async delete(id: string): Promise<void> {
    const job = await this.definition(id);
    // The definition goes last: a repeat finds the copy jobs that are left.
    for (const copy of copyJobsOf(job)) await this.#jobs.delete(copy.id).catch(ignoreMissing);
    await this.#handle(id).delete();
  }

  /** The job with its copy jobs. @throws JOB_MISSING */
  async setEnabled(id: string, isEnabled: boolean): Promise<FileBackupJobView> {
    const job = await this.definition(id);
    if (isEnabled) await this.#handle(id).unpause();
    else await this.#handle(id).pause('disabled through the API');
    for (const copy of copyJobsOf(job))
      await (isEnabled ? this.#jobs.enable(copy.id) : this.#jobs.disable(copy.id));
    return this.get(id);
  }

  /** @returns the id of the run. @throws JOB_MISSING, JOB_BUSY */
  async start(id: string): Promise<string> {
    const job = await this.definition(id);
    const input: FileBackupRunInput = { job };
    const workflowId = fileBackupWorkflowId(id, this.#now());
    try {
      await this.#client.workflow.start(WORKFLOW_RUN_FILE_BACKUP, {
        workflowId,
        taskQueue: CONTROL_TASK_QUEUE,
        args: [input],
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        typedSearchAttributes: [{ key: JOB_ID, value: id }],
        staticSummary: job.name,
      });
    } catch (cause) {
      if (!(cause instanceof WorkflowExecutionAlreadyStartedError)) throw cause;
      const text = `file-backup job ${id} was started twice within a second`;
      throw new BackupError('JOB_BUSY', text, { cause });
    }
    return fileBackupRunId(workflowId);
  }

  /** Makes the copy jobs what the definition says; a repeat changes nothing. */
  async #putCopyJobs(job: FileBackupJob): Promise<void> {
    for (const copy of copyJobsOf(job)) {
      const present = await this.#jobs.definition(copy.id).catch(ignoreMissing);
      if (present === null) await this.#jobs.create(copy);
      else if (present.fileBackupJobId === job.id) await this.#jobs.update(copy, null);
      else
        throw new BackupError(
          'JOB_EXISTS',
          `a job ${copy.id} exists already, and it is no secondary target of ${job.id}`,
        );
    }
  }

  /** The newest; null: none that Temporal remembers. */
  async #lastRun(id: string): Promise<FileBackupRunView | null> {
    const query = `WorkflowType = ${quoted(WORKFLOW_RUN_FILE_BACKUP)} AND ${JOB_ID.name} = ${quoted(id)}`;
    const { executions } = await listExecutions(this.#client, query, { pageSize: 20 });
    const [newest] = [...executions].sort((a, b) => b.startTime.getTime() - a.startTime.getTime());
    if (newest === undefined) return null;
    const memo = (newest.memo ?? {}) as Partial<FileBackupOutcome>;
    const isRunning = newest.status.name === 'RUNNING';
    return {
      runId: fileBackupRunId(newest.workflowId),
      state: isRunning ? 'running' : 'ended',
      result: isRunning ? null : (memo.result ?? null),
      reason: memo.reason ?? null,
      snapshot: memo.snapshot ?? null,
      startedAt: newest.startTime.toISOString(),
      endedAt: newest.closeTime?.toISOString() ?? null,
    };
  }

  async #describe(id: string): Promise<ScheduleDescription> {
    if (!SLUG.test(id)) throw missing(id);
    try {
      return await this.#handle(id).describe();
    } catch (cause) {
      throw cause instanceof ScheduleNotFoundError ? missing(id, cause) : cause;
    }
  }

  #handle(id: string) {
    return this.#client.schedule.getHandle(`${PREFIX}${id}`);
  }
}

function scheduleBodyOf(
  job: FileBackupJob,
  nowMs: number,
): Pick<ScheduleUpdateOptions, 'spec' | 'policies' | 'typedSearchAttributes' | 'action'> {
  const input: FileBackupRunInput = { job };
  return {
    spec: calendarOf(job.schedule, nowMs) ?? NEVER,
    policies: policiesOf(job),
    typedSearchAttributes: [{ key: JOB_NAME, value: job.name }],
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOW_RUN_FILE_BACKUP,
      // The server appends `-<nominal start>`.
      workflowId: fileBackupWorkflowId(job.id),
      taskQueue: CONTROL_TASK_QUEUE,
      args: [input],
      typedSearchAttributes: [{ key: JOB_ID, value: job.id }],
      staticSummary: job.name,
    },
  };
}

function definitionOf({ action, scheduleId }: ScheduleDescription): FileBackupJob {
  const [input] = (action.args ?? []) as FileBackupRunInput[];
  if (input === undefined) throw new Error(`schedule ${scheduleId} carries no job definition`);
  return input.job;
}

function viewOf(
  description: ScheduleDescription,
  lastRun: FileBackupRunView | null,
): FileBackupJobView {
  const job = definitionOf(description);
  const { paused } = description.state;
  const [next] = description.info.nextActionTimes;
  return {
    ...job,
    state: paused ? 'disabled' : 'enabled',
    nextRunAt: paused || next === undefined || isNever(next) ? null : next.toISOString(),
    copyJobs: copyJobsOf(job).map(({ id }) => id),
    lastRun,
  };
}

function ignoreMissing(error: unknown): null {
  if (error instanceof BackupError && error.code === 'JOB_MISSING') return null;
  throw error;
}

function missing(id: string, cause?: unknown): BackupError {
  return new BackupError('JOB_MISSING', `no file-backup job ${id}`, { cause });
}
