/** Copy jobs: each is a Temporal Schedule `job/<jobId>` that carries the definition, with its health check beside it. Writes to one job happen one after the other in this
 *  process; `revision` catches what other processes wrote. */

import { randomUUID } from 'node:crypto';
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  WorkflowNotFoundError,
  type Client,
  type ScheduleDescription,
  type ScheduleHandle,
  type WorkflowHandle,
} from '@temporalio/client';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { BackupError } from '../../domain/errors.js';
import { SLUG } from '../field-schemas.js';
import { HealthSchedules } from './health-schedule.js';
import {
  FILE_BACKUP_PREFIX,
  jobIdOfSchedule,
  scheduleBodyOf,
  scheduleIdOf,
  scheduleOf,
} from './job-schedule.js';
import type { JobDefinition, JobView } from './job-schemas.js';
import { JobList, type JobsBefore, type JobsListed, knownJobOf } from './job-list.js';
import { unlessStale } from './job-revision.js';
import { definitionOf } from './job-view.js';
import { enabledNote } from './missed-start.js';
import { AFTER_JOB } from '../../../workflows/messages.js';
import { quoted } from '../executions/visibility-query.js';
import type { SessionStore } from '../sessions/session-store.js';

export class JobStore {
  readonly #client: Client;
  readonly #sessions: SessionStore;
  readonly #now: () => number;
  readonly #health: HealthSchedules;
  readonly #list: JobList;
  /** Last write of each job. */
  readonly #writes = new Map<string, Promise<unknown>>();
  #changes = 0;

  constructor(client: Client, sessions: SessionStore, now: () => number, before: JobsBefore = {}) {
    this.#client = client;
    this.#sessions = sessions;
    this.#now = now;
    this.#health = new HealthSchedules(client, now);
    this.#list = new JobList(client, sessions, now, before);
  }

  /** Grows with each write through this store: what was read before may not hold any more. */
  get changes(): number {
    return this.#changes;
  }

  /** A job that copies from the beginning: what another one of its id has left is not its own. @throws JOB_EXISTS */
  create(
    definition: JobDefinition,
    { replaces = null, isPaused = false }: { replaces?: string | null; isPaused?: boolean } = {},
  ): Promise<JobView> {
    return this.#put({ ...definition, revision: 1, replaces, origin: randomUUID() }, isPaused);
  }

  /** One whose definition lies beside its copies, which it goes on with, and so does its revision: what lies there would else be taken for later than what
   *  is written next. @throws JOB_EXISTS */
  takeIn(definition: Omit<CopyJob, 'replaces'>): Promise<JobView> {
    return this.#put({ ...definition, replaces: null }, false);
  }

  async #put(job: CopyJob, isPaused: boolean): Promise<JobView> {
    await this.#write(job.id, async (handle) => {
      // Tokens, silences and messages name a job of any kind by its id alone.
      if (await this.#isFileBackup(job.id))
        throw new BackupError('JOB_EXISTS', `a file-backup job ${job.id} exists already`);
      try {
        await this.#client.schedule.create(scheduleOf(job, this.#now(), isPaused));
      } catch (cause) {
        if (!(cause instanceof ScheduleAlreadyRunning)) throw cause;
        await this.#finishPut(job.id);
        throw new BackupError('JOB_EXISTS', `a job ${job.id} exists already`, { cause });
      }
      await this.#health.put(job, isPaused);
      if (job.mode === 'immediate' && !isPaused) await startWatcher(handle);
    });
    return this.get(job.id);
  }

  /** A call that made the Schedule may have ended before it made the health check, and its repeat finds the job. A watcher comes by itself. */
  async #finishPut(jobId: string): Promise<void> {
    const present = await this.#describe(jobId).catch(deletedMeanwhile);
    if (present !== null) await this.#health.put(definitionOf(present), present.state.paused);
  }

  /** `JobList.all`. */
  list(): Promise<JobsListed> {
    return this.#list.all((jobId) => this.#describe(jobId).catch(deletedMeanwhile));
  }

  /** @throws JOB_MISSING */
  async get(jobId: string): Promise<JobView> {
    const description = await this.#describe(jobId);
    return this.#list.view(knownJobOf(description), await this.#sessions.latestOf(jobId));
  }

  /** The definition alone. @throws JOB_MISSING */
  async definition(jobId: string): Promise<CopyJob> {
    return definitionOf(await this.#describe(jobId));
  }

  /** `revision` is the one the client has seen; null: whatever it is. @throws JOB_MISSING, JOB_REVISION_STALE */
  async update(definition: JobDefinition, revision: number | null): Promise<JobView> {
    const { id } = definition;
    await this.#write(id, async (handle) => {
      const description = await this.#describe(id);
      const current = definitionOf(description);
      refuseStale(current, revision);
      const job: CopyJob = {
        ...definition,
        revision: current.revision + 1,
        replaces: current.replaces,
        ...(current.origin === undefined ? {} : { origin: current.origin }),
      };
      await handle.update((found) => {
        // Another process may have written since it was read.
        refuseStale(definitionOf(found), revision);
        return { ...scheduleBodyOf(job, this.#now()), state: found.state };
      });
      await this.#health.put(job, description.state.paused);
      await this.#endWatchers(await this.#describe(id));
      const isWatching = job.mode === 'immediate' && !description.state.paused;
      if (isWatching) await startWatcher(handle);
    });
    return this.get(id);
  }

  /** Jobs that start after it, as they are now. */
  async followersOf(jobId: string): Promise<CopyJob[]> {
    const ids: string[] = [];
    const query = `${AFTER_JOB.name} = ${quoted(jobId)}`;
    for await (const { scheduleId } of this.#client.schedule.list({ query })) {
      const id = jobIdOfSchedule(scheduleId);
      if (id !== null) ids.push(id);
    }
    const found = await Promise.all(
      ids.sort().map((id) => this.definition(id).catch(deletedMeanwhile)),
    );
    // The list may be a moment old.
    return found.filter((job) => job !== null && follows(job, jobId)) as CopyJob[];
  }

  /** One that starts after a job is to start after another; one that no longer does stays. What somebody else changes of it meanwhile stays. */
  async followInstead(id: string, jobId: string, nextId: string): Promise<void> {
    await unlessStale(async () => {
      const present = await this.definition(id).catch(deletedMeanwhile);
      if (present === null || !follows(present, jobId)) return;
      await this.update(
        { ...present, schedule: { type: 'afterJob', jobId: nextId } },
        present.revision,
      );
    });
  }

  /** @param jobIds of jobs that go together @throws JOB_FOLLOWED */
  async assertNotFollowed(jobIds: readonly string[]): Promise<void> {
    for (const jobId of jobIds) {
      const followers = await this.followersOf(jobId);
      const left = followers.map(({ id }) => id).filter((id) => !jobIds.includes(id));
      if (left.length > 0)
        throw new BackupError('JOB_FOLLOWED', `after job ${jobId} start: ${left.join(', ')}`);
    }
  }

  /** Copies stay, running sessions go on. Whether others follow it is asked before. @throws JOB_MISSING */
  async delete(jobId: string): Promise<void> {
    await this.#write(jobId, async (handle) => {
      const { mode } = definitionOf(await this.#describe(jobId));
      // What starts from here on ends by itself, because its job is disabled or gone.
      if (mode === 'immediate') await handle.pause('about to be deleted');
      const description = await this.#describe(jobId);
      await this.#health.remove(jobId);
      await handle.delete();
      await this.#endWatchers(description);
    });
  }

  /** `note` says why, for whoever looks at the Schedule. @throws JOB_MISSING */
  async disable(jobId: string, note = 'disabled through the API'): Promise<JobView> {
    await this.#write(jobId, (handle) => this.#pause(handle, jobId, note));
    return this.get(jobId);
  }

  async #pause(handle: ScheduleHandle, jobId: string, note: string): Promise<void> {
    const job = definitionOf(await this.#describe(jobId));
    await handle.pause(note);
    await this.#health.put(job, true);
    await this.#endWatchers(await this.#describe(jobId));
  }

  /** A repeat changes nothing. @throws JOB_MISSING */
  async enable(jobId: string): Promise<JobView> {
    await this.#write(jobId, async (handle) => {
      const description = await this.#describe(jobId);
      const job = definitionOf(description);
      await handle.unpause(enabledNote(this.#now()));
      await this.#health.put(job, false);
      // A second watcher would wait behind the first, and begin when that is ended.
      if (job.mode === 'immediate' && description.state.paused) await startWatcher(handle);
    });
    return this.get(jobId);
  }

  /** A job with the same definition and a new chain, for one whose source chain was recreated; the old job is disabled and keeps its
   *  chain. A repeat, also at the same time, gives the job that the first call made. @throws JOB_MISSING, JOB_NOT_REPLACEABLE */
  async replace(jobId: string): Promise<JobView> {
    let createdId = '';
    await this.#write(jobId, async (handle) => {
      const old = await this.get(jobId);
      if (old.state === 'actionRequired')
        createdId = await this.#createNumbered(await this.definition(jobId));
      else createdId = (await this.#replacementOf(old)) ?? '';
      if (createdId === '') {
        throw new BackupError(
          'JOB_NOT_REPLACEABLE',
          `job ${jobId} is ${old.state}, it does not wait for a replacement`,
        );
      }
      if (old.state !== 'disabled') await this.#pause(handle, jobId, `replaced by ${createdId}`);
    });
    return this.get(createdId);
  }

  /** The job that was made from one that is disabled since then; null: none. */
  async #replacementOf(old: JobView): Promise<string | null> {
    if (old.state !== 'disabled') return null;
    for (let next = nextNumber(old.id); ; next += 1) {
      const id = numberedId(old.id, next);
      const job = await this.definition(id).catch(deletedMeanwhile);
      if (job?.replaces === old.id) return id;
      if (job === null && !(await this.#isFileBackup(id))) return null;
    }
  }

  /** Under the first free number, or the one under which it was made before: the id tells a repeat what an earlier call did. */
  async #createNumbered(old: CopyJob): Promise<string> {
    const { revision: _revision, replaces: _replaces, ...definition } = old;
    const stemName = old.name.replace(/ \(\d{1,4}\)$/, '');
    for (let next = nextNumber(old.id); ; next += 1) {
      const id = numberedId(old.id, next);
      try {
        await this.create(
          { ...definition, id, name: `${stemName} (${next})` },
          { replaces: old.id },
        );
        return id;
      } catch (error) {
        if (!(error instanceof BackupError && error.code === 'JOB_EXISTS')) throw error;
        const present = await this.definition(id).catch(deletedMeanwhile);
        if (present?.replaces === old.id) return id;
      }
    }
  }

  async #isFileBackup(id: string): Promise<boolean> {
    try {
      await this.#client.schedule.getHandle(`${FILE_BACKUP_PREFIX}${id}`).describe();
      return true;
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return false;
      throw error;
    }
  }

  /** Watchers hold the definition they were started with; what they have started goes on without them. A running session is left alone.
   *  @param present as the Schedule is after the change: before it another one may have begun */
  async #endWatchers({ info: { runningActions } }: ScheduleDescription): Promise<void> {
    const watchers = runningActions.filter(({ workflow }) =>
      workflow.workflowId.startsWith('watch/'),
    );
    await Promise.all(
      watchers.map(({ workflow }) =>
        cancelIfRunning(this.#client.workflow.getHandle(workflow.workflowId)),
      ),
    );
  }

  async #describe(jobId: string): Promise<ScheduleDescription> {
    if (!SLUG.test(jobId)) throw jobMissing(jobId);
    try {
      return await this.#handle(jobId).describe();
    } catch (cause) {
      throw cause instanceof ScheduleNotFoundError ? jobMissing(jobId, cause) : cause;
    }
  }

  #handle(jobId: string): ScheduleHandle {
    return this.#client.schedule.getHandle(scheduleIdOf(jobId));
  }

  async #write(jobId: string, change: (handle: ScheduleHandle) => Promise<void>): Promise<void> {
    const before = this.#writes.get(jobId) ?? Promise.resolve();
    const write = before.catch(() => undefined).then(() => change(this.#handle(jobId)));
    this.#writes.set(jobId, write);
    try {
      await write;
    } finally {
      this.#changes += 1;
      if (this.#writes.get(jobId) === write) this.#writes.delete(jobId);
      this.#list.noteWrite(jobId);
    }
  }
}

function follows({ schedule }: CopyJob, jobId: string): boolean {
  return schedule.type === 'afterJob' && schedule.jobId === jobId;
}

/** @throws JOB_REVISION_STALE */
function refuseStale({ id, revision }: CopyJob, seen: number | null): void {
  if (seen === null || seen === revision) return;
  throw new BackupError(
    'JOB_REVISION_STALE',
    `job ${id} has revision ${revision}, the change was made to ${seen}`,
  );
}

/** `nightly` is replaced by `nightly-2`, that by `nightly-3`. */
function nextNumber(jobId: string): number {
  return Number(/-(\d{1,4})$/.exec(jobId)?.[1] ?? 1) + 1;
}

function numberedId(jobId: string, number: number): string {
  const stem = jobId.replace(/(.)-\d{1,4}$/, '$1');
  return `${stem.slice(0, 63 - `-${number}`.length)}-${number}`;
}

/** At once, or as soon as the one that is ending has ended. Only a start under a policy is tracked by the Schedule, so that its calendar
 *  never starts a second watcher; `triggerImmediately` at creation is not. */
function startWatcher(handle: ScheduleHandle): Promise<void> {
  return handle.trigger(ScheduleOverlapPolicy.BUFFER_ONE);
}

async function cancelIfRunning(handle: WorkflowHandle): Promise<void> {
  try {
    await handle.cancel();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

function deletedMeanwhile(error: unknown): null {
  if (error instanceof BackupError && error.code === 'JOB_MISSING') return null;
  throw error;
}

function jobMissing(jobId: string, cause?: unknown): BackupError {
  return new BackupError('JOB_MISSING', `no job ${jobId}`, { cause });
}
