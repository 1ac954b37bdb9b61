/** File-backup jobs live in Temporal: a Schedule `file-backup/<id>` carries the definition and starts the runs, and each secondary target is a copy
 *  job of its own, which this store alone makes, changes and deletes. */

import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type ScheduleDescription,
  type ScheduleSummary,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { copyJobsOf, type FileBackupJob } from '../../domain/jobs/file-backup-job.js';
import { BackupError } from '../../domain/errors.js';
import { calendarOf } from '../../domain/schedules/schedule.js';
import {
  CONTROL_TASK_QUEUE,
  fileBackupRunId,
  fileBackupWorkflowId,
  IDEMPOTENCY_KEY,
  JOB_ID,
  JOB_NAME,
  WORKFLOW_RUN_FILE_BACKUP,
  type FileBackupRunInput,
} from '../../../workflows/messages.js';
import { InTurn } from '../executions/in-turn.js';
import { KeyedStarts } from '../executions/keyed-starts.js';
import { SLUG } from '../field-schemas.js';
import { FileBackupRuns } from './file-backup-runs.js';
import type { FileBackupJobView, FileBackupRunView } from './file-backup-schemas.js';
import {
  FILE_BACKUP_PREFIX,
  isNever,
  NEVER,
  policiesOf,
  versionAttribute,
  type Carrier,
} from '../jobs/job-schedule.js';
import type { DefinitionMemory } from '../jobs/definition-memory.js';
import { KnownDefinitions, scheduledOf, type KnownDefinition } from '../jobs/known-definitions.js';
import type { JobStore } from '../jobs/job-store.js';
import { unlessStale } from '../jobs/job-revision.js';
import { enabledNote, missedStartAt } from '../jobs/missed-start.js';

export interface ListedFileBackup {
  readonly view: FileBackupJobView;
  /** The newest run that ended with a result: one that runs, or was stopped, says nothing. null: none that Temporal remembers, or that was seen by this
   *  process before Temporal forgot it. */
  readonly lastJudged: FileBackupRunView | null;
}

export class FileBackupStore {
  readonly #client: Client;
  readonly #jobs: JobStore;
  readonly #now: () => number;
  /** Of all file-backup jobs: two of them may come to one id of a copy job. */
  readonly #writes = new InTurn();
  readonly #starts: KeyedStarts;
  readonly #runs: FileBackupRuns;
  readonly #definitions: KnownDefinitions<FileBackupJob>;
  /** By job. A job that runs once a month, and failed, has failed for as long. */
  readonly #lastJudged = new Map<string, FileBackupRunView>();

  /** @param memory as of `KnownDefinitions` */
  constructor(client: Client, jobs: JobStore, now: () => number, memory?: DefinitionMemory) {
    this.#definitions = new KnownDefinitions(definitionOf, memory);
    this.#client = client;
    this.#jobs = jobs;
    this.#now = now;
    this.#starts = new KeyedStarts(client, now);
    this.#runs = new FileBackupRuns(client);
  }

  /** By id. */
  async list(): Promise<FileBackupJobView[]> {
    return (await this.listed()).map(({ view }) => view);
  }

  /** By id, each with how its runs went. */
  async listed(): Promise<ListedFileBackup[]> {
    const summaries = new Map<string, ScheduleSummary>();
    for await (const summary of this.#client.schedule.list()) {
      const { scheduleId } = summary;
      if (scheduleId.startsWith(FILE_BACKUP_PREFIX))
        summaries.set(scheduleId.slice(FILE_BACKUP_PREFIX.length), summary);
    }
    await this.#definitions.noteListed(summaries.keys());
    if (summaries.size === 0) return [];
    const runsOf = await this.#runs.byJob();
    const found = await Promise.all(
      [...summaries.keys()].sort().map(async (id) => {
        const describe = () => this.#describe(id).catch(ignoreMissing);
        const known = await this.#definitions.of(id, summaries.get(id)!, describe);
        return known === null ? null : this.#listedOf(known, await runsOf(id));
      }),
    );
    return found.filter((job) => job !== null);
  }

  /** @throws JOB_MISSING */
  async get(id: string): Promise<FileBackupJobView> {
    const description = await this.#describe(id);
    const known = { job: definitionOf(description), ...scheduledOf(description) };
    return (await this.#listedOf(known, await this.#runs.of(id))).view;
  }

  async #listedOf(
    known: KnownDefinition<FileBackupJob>,
    runs: readonly FileBackupRunView[],
  ): Promise<ListedFileBackup> {
    const { id } = known.job;
    const [lastRun = null] = runs;
    const scheduled = { ...known, job: { id, mode: 'periodic' as const } };
    const scheduleId = `${FILE_BACKUP_PREFIX}${id}`;
    const missed = await missedStartAt(this.#client, scheduled, lastRun, this.#now(), scheduleId);
    const lastJudged =
      runs.find(({ result }) => result !== null) ?? this.#lastJudged.get(id) ?? null;
    if (lastJudged !== null) this.#lastJudged.set(id, lastJudged);
    return { view: viewOf(known, lastRun, missed), lastJudged };
  }

  /** The definition alone. @throws JOB_MISSING */
  async definition(id: string): Promise<FileBackupJob> {
    return definitionOf(await this.#describe(id));
  }

  /** @throws JOB_EXISTS, also for the id of one of its copy jobs: nothing was written then */
  create(job: FileBackupJob): Promise<FileBackupJobView> {
    const exists = (cause?: unknown) =>
      new BackupError('JOB_EXISTS', `a file-backup job ${job.id} exists already`, { cause });
    return this.#write(job.id, async () => {
      if ((await this.definition(job.id).catch(ignoreMissing)) !== null) throw exists();
      // Tokens, silences and messages name a job of any kind by its id alone.
      if ((await this.#jobs.definition(job.id).catch(ignoreMissing)) !== null)
        throw new BackupError('JOB_EXISTS', `a job ${job.id} exists already`);
      const schedule = {
        ...scheduleBodyOf(job, this.#now()),
        scheduleId: `${FILE_BACKUP_PREFIX}${job.id}`,
      };
      await this.#put(job, false, async () => {
        try {
          await this.#client.schedule.create(schedule);
        } catch (cause) {
          throw cause instanceof ScheduleAlreadyRunning ? exists(cause) : cause;
        }
      });
      return this.get(job.id);
    });
  }

  /** A repeat finishes what an earlier call has begun.
   *  @param revision the one the client has seen; null: whatever it is
   *  @throws JOB_MISSING, JOB_REVISION_STALE, JOB_EXISTS, JOB_FOLLOWED: nothing was written then */
  update(
    definition: Omit<FileBackupJob, 'revision'>,
    revision: number | null,
  ): Promise<FileBackupJobView> {
    const { id } = definition;
    return this.#write(id, async () => {
      const description = await this.#describe(id);
      const present = definitionOf(description);
      refuseStale(present, revision);
      const job = { ...definition, revision: present.revision + 1 };
      const wanted = new Set(copyJobsOf(job).map((copy) => copy.id));
      const left = (await this.#copiesOf(present)).filter((copyId) => !wanted.has(copyId));
      await this.#jobs.assertNotFollowed(left);
      await this.#put(job, description.state.paused, () =>
        this.#handle(id).update((found) => {
          // Another process may have written since it was read.
          refuseStale(definitionOf(found), revision);
          return { ...scheduleBodyOf(job, this.#now()), state: found.state };
        }),
      );
      for (const copyId of left) await this.#jobs.delete(copyId).catch(ignoreMissing);
      return this.get(id);
    });
  }

  /** With its copy jobs. What they copied stays. @throws JOB_MISSING, JOB_FOLLOWED */
  delete(id: string): Promise<void> {
    return this.#write(id, async () => {
      const job = await this.definition(id);
      const copyIds = await this.#copiesOf(job);
      await this.#jobs.assertNotFollowed(copyIds);
      // The definition goes last: a repeat finds the copy jobs that are left.
      for (const copyId of copyIds) await this.#jobs.delete(copyId).catch(ignoreMissing);
      await this.#handle(id).delete();
      this.#lastJudged.delete(id);
    });
  }

  /** The job with its copy jobs. @throws JOB_MISSING */
  setEnabled(id: string, isEnabled: boolean): Promise<FileBackupJobView> {
    return this.#write(id, async () => {
      const job = await this.definition(id);
      if (isEnabled) await this.#handle(id).unpause(enabledNote(this.#now()));
      else await this.#handle(id).pause('disabled through the API');
      for (const copyId of await this.#copiesOf(job))
        await (isEnabled ? this.#jobs.enable(copyId) : this.#jobs.disable(copyId));
      return this.get(id);
    });
  }

  /** Lets the targets whose copies start after one job start after another. What somebody else changes meanwhile stays. @throws JOB_MISSING */
  async followInstead(id: string, jobId: string, nextId: string): Promise<void> {
    await unlessStale(() => this.#followInstead(id, jobId, nextId));
  }

  async #followInstead(id: string, jobId: string, nextId: string): Promise<void> {
    const { revision, ...present } = await this.definition(id);
    const secondaryTargets = present.secondaryTargets.map((target) =>
      target.schedule?.type === 'afterJob' && target.schedule.jobId === jobId
        ? { ...target, schedule: { ...target.schedule, jobId: nextId } }
        : target,
    );
    await this.update({ ...present, secondaryTargets }, revision);
  }

  /** Whether a job is a copy job of a file-backup job that is there and names it: else nothing changes it but who asks for it by its own id. */
  async isCopyOf({
    id,
    fileBackupJobId,
  }: Pick<CopyJob, 'id' | 'fileBackupJobId'>): Promise<boolean> {
    if (fileBackupJobId === undefined) return false;
    const job = await this.definition(fileBackupJobId).catch(ignoreMissing);
    return job !== null && copyJobsOf(job).some((copy) => copy.id === id);
  }

  /** @param idempotencyKey a repeat with the same one starts nothing; null: none
   *  @returns the id of the run. @throws JOB_MISSING, JOB_BUSY */
  async start(id: string, idempotencyKey: string | null = null): Promise<string> {
    const job = await this.definition(id);
    const workflowId =
      idempotencyKey === null
        ? await this.#startRun(job, null)
        : await this.#starts.once(`${FILE_BACKUP_PREFIX}${id}`, idempotencyKey, (key) =>
            this.#startRun(job, key),
          );
    return fileBackupRunId(workflowId);
  }

  async #startRun(job: FileBackupJob, key: string | null): Promise<string> {
    const { id } = job;
    const input: FileBackupRunInput = { job };
    const workflowId = fileBackupWorkflowId(id, this.#now());
    try {
      await this.#client.workflow.start(WORKFLOW_RUN_FILE_BACKUP, {
        workflowId,
        taskQueue: CONTROL_TASK_QUEUE,
        args: [input],
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        typedSearchAttributes: [
          { key: JOB_ID, value: id },
          ...(key === null ? [] : [{ key: IDEMPOTENCY_KEY, value: key }]),
        ],
        staticSummary: job.name,
      });
    } catch (cause) {
      if (!(cause instanceof WorkflowExecutionAlreadyStartedError)) throw cause;
      const text = `file-backup job ${id} was started twice within a second`;
      throw new BackupError('JOB_BUSY', text, { cause });
    }
    return workflowId;
  }

  /** Makes the copy jobs what the definition says, and writes the definition with `write` once the new ones are there: what is refused until then leaves
   *  everything as it was. A repeat changes nothing. */
  async #put(job: FileBackupJob, isPaused: boolean, write: () => Promise<void>): Promise<void> {
    const present = new Set(await this.#copiesOf(job, refuseForeign));
    const copies = copyJobsOf(job);
    const made: string[] = [];
    try {
      for (const copy of copies) {
        if (present.has(copy.id)) continue;
        await this.#jobs.create(copy, { isPaused });
        made.push(copy.id);
      }
      await write();
    } catch (error) {
      // Of any other error nobody knows whether the definition names them by now.
      if (error instanceof BackupError)
        for (const copyId of made) await this.#jobs.delete(copyId).catch(ignoreMissing);
      throw error;
    }
    for (const copy of copies) if (present.has(copy.id)) await this.#jobs.update(copy, null);
  }

  /** Ids of the copy jobs of a definition that are there and its own: a job of such an id may be anybody's.
   *  @param foreign told of one that is not */
  async #copiesOf(
    job: FileBackupJob,
    foreign: (copyId: string, job: FileBackupJob) => void = () => undefined,
  ): Promise<string[]> {
    const own: string[] = [];
    for (const { id } of copyJobsOf(job)) {
      const present = await this.#jobs.definition(id).catch(ignoreMissing);
      if (present === null) continue;
      if (present.fileBackupJobId === job.id) own.push(id);
      else foreign(id, job);
    }
    return own;
  }

  #write<T>(id: string, change: () => Promise<T>): Promise<T> {
    return this.#writes.run(change).finally(() => this.#definitions.noteWrite(id));
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
    return this.#client.schedule.getHandle(`${FILE_BACKUP_PREFIX}${id}`);
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
    typedSearchAttributes: [{ key: JOB_NAME, value: job.name }, versionAttribute(job, nowMs)],
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

/** @throws JOB_REVISION_STALE */
function refuseStale({ id, revision }: FileBackupJob, seen: number | null): void {
  if (seen === null || seen === revision) return;
  throw new BackupError(
    'JOB_REVISION_STALE',
    `file-backup job ${id} has revision ${revision}, the change was made to ${seen}`,
  );
}

/** @throws JOB_EXISTS */
function refuseForeign(copyId: string, job: FileBackupJob): never {
  throw new BackupError(
    'JOB_EXISTS',
    `a job ${copyId} exists already, and it is no secondary target of ${job.id}`,
  );
}

/** Of definitions that were stored before there were such fields. */
const NOT_SAID: Pick<FileBackupJob, 'rpo' | 'healthCheck'> = { rpo: null, healthCheck: null };

function definitionOf({ action, scheduleId }: Carrier): FileBackupJob {
  const [input] = (action.args ?? []) as FileBackupRunInput[];
  if (input === undefined) throw new Error(`schedule ${scheduleId} carries no job definition`);
  return { ...NOT_SAID, ...input.job };
}

function viewOf(
  { job, isPaused, nextActionTimes }: KnownDefinition<FileBackupJob>,
  lastRun: FileBackupRunView | null,
  missedStart: string | null,
): FileBackupJobView {
  const [next] = nextActionTimes;
  return {
    ...job,
    state: isPaused ? 'disabled' : 'enabled',
    nextRunAt: isPaused || next === undefined || isNever(next) ? null : next.toISOString(),
    missedStartAt: missedStart,
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
