import {
  CancellationScope,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { FoundWorkload } from '../activities/found-workloads.js';
import {
  newTask,
  sessionIdOfWorkflow,
  type CopySession,
  type CopyTask,
  type SessionState,
} from '../src/domain/copy-session.js';
import type { CopySettings } from '../src/domain/copy-settings.js';
import { isErrorCode } from '../src/domain/errors.js';
import { heldTwiceText } from '../src/domain/one-workload.js';
import { retryOrder, type RetryOrder, type SessionEnd } from '../src/domain/retry.js';
import { isInScope, isNamed } from '../src/domain/source-scope.js';
import { sessionResult, sumProgress } from '../src/domain/session-result.js';
import { controlActivities, listingActivities, recordActivities } from './activity-profiles.js';
import { copyWorkload } from './copy-workload.js';
import { codeOf, isStop, reasonOf } from './failures.js';
import { settleAbsentWorkloads } from './removed-workloads.js';
import {
  chainWorkflowId,
  CONTROL_TASK_QUEUE,
  JOB_ID,
  pauseUpdate,
  RESULT,
  resumeUpdate,
  sessionQuery,
  taskPauseSignal,
  WORKLOAD,
  type CopySessionInput,
  type CopySessionOutcome,
} from './messages.js';

/** One execution of a copy job: its workloads side by side, each in a workflow of its own. One that fails never stops the others, and
 *  the session always ends with a result, which it writes beside the data. */
export async function copySession(input: CopySessionInput): Promise<CopySessionOutcome> {
  const session = new Session(input);
  setHandler(sessionQuery, () => session.view());
  setHandler(pauseUpdate, () => session.setPaused(true));
  setHandler(resumeUpdate, () => session.setPaused(false));
  let stopped = false;
  try {
    await session.run();
  } catch (error) {
    if (!isStop(error)) throw error;
    stopped = true;
  }
  stopped ||= CancellationScope.current().consideredCancelled;
  // A stopped session completes, too: its outcome tells what was copied until then.
  await CancellationScope.nonCancellable(() => session.end(stopped));
  const { result, reason, tasks } = session.view();
  return { result: result ?? 'failed', reason, tasks };
}

interface RunningTask {
  readonly workload: string;
  /** null until Temporal has started it: before that no signal reaches it. */
  child: ChildWorkflowHandle<typeof copyWorkload> | null;
}

interface SourceWorkloadRef {
  readonly repositoryId: string;
  readonly workload: FoundWorkload;
}

class Session {
  private readonly id = sessionIdOfWorkflow(workflowInfo().workflowId);
  private readonly startedAt = workflowInfo().startTime.toISOString();
  private readonly tasks: CopyTask[] = [];
  private readonly running = new Set<RunningTask>();
  private state: SessionState = 'running';
  private result: CopySession['result'] = null;
  private reason: string | null = null;
  private endedAt: string | null = null;
  private isPaused = false;
  private nextTryAt: string | null = null;
  /** Ids of all workloads that the sources show. */
  private readonly seen = new Set<string>();
  private hasUnreadSource = false;

  constructor(private readonly input: CopySessionInput) {}

  view(): CopySession {
    const waiting = [...this.running].map((task) => waitingTask(task.workload));
    const tasks = [...this.tasks, ...waiting];
    return {
      id: this.id,
      jobId: this.input.job.id,
      trigger: this.input.trigger ?? 'api',
      tryNumber: this.tryNumber,
      state: this.state,
      result: this.result,
      startedAt: this.startedAt,
      endedAt: this.endedAt,
      progress: sumProgress(tasks),
      tasks,
      reason: this.reason,
      nextTryAt: this.nextTryAt,
    };
  }

  async run(): Promise<void> {
    setCurrentDetails('Looking for workloads');
    const settings = await controlActivities.readCopySettings.executeWithOptions(
      { summary: 'read copy settings' },
      [],
    );
    const queue = await this.enumerate(settings);
    this.showState();
    const lane = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift())
        await this.copy(next, settings);
    };
    const lanes = Math.min(settings.parallelTasks, queue.length);
    await Promise.all(Array.from({ length: lanes }, lane));
    await this.settleAbsent(settings);
  }

  private async settleAbsent(settings: CopySettings): Promise<void> {
    const { job } = this.input;
    const days = job.removedWorkloadsAfterDays;
    if (days === null || this.hasUnreadSource) return;
    try {
      for (const { workload, result, text } of await settleAbsentWorkloads(
        job,
        days,
        this.seen,
        settings,
      ))
        this.tasks.push(
          result === 'warning'
            ? endedTask(workload, result, null, text)
            : { ...endedTask(workload, result, null, null), notes: [text] },
        );
    } catch (error) {
      if (isStop(error)) throw error;
      const text = `workloads that are gone could not be looked for: ${reasonOf(error)}`;
      this.tasks.push(endedTask(`repository ${job.target.repositoryId}`, 'warning', null, text));
    }
  }

  /** Workloads of all sources, each once; a source that cannot be read becomes a failed task of its own. */
  private async enumerate(settings: CopySettings): Promise<SourceWorkloadRef[]> {
    const { job, overrides } = this.input;
    const found: SourceWorkloadRef[] = [];
    const { include } = job.sources;
    // Side by side: a source that does not answer holds up no other.
    const listed = await Promise.all(
      include.map(({ repositoryId }) => this.listWorkloads(repositoryId, settings)),
    );
    for (const [index, { repositoryId, workloads }] of include.entries()) {
      const present = listed[index]!;
      for (const { id } of present) this.seen.add(id);
      // A share that is not mounted shows an empty folder.
      this.hasUnreadSource ||= present.length === 0;
      // What lies under a name that cannot be read may be the workload that seems to be gone.
      this.hasUnreadSource ||= present.some(({ unaddressable }) => unaddressable !== undefined);
      for (const workload of present) {
        const isStarted =
          overrides?.workloads === undefined || isNamed(overrides.workloads, workload);
        if (!isStarted || !isInScope(job, repositoryId, workload)) continue;
        const { unaddressable } = workload;
        if (unaddressable !== undefined) {
          this.tasks.push(endedTask(workload.name, 'warning', 'NAME_UNSUPPORTED', unaddressable));
          continue;
        }
        const known = found.find((entry) => entry.workload.id === workload.id);
        if (known === undefined) found.push({ repositoryId, workload });
        else {
          const text = heldTwiceText(workload.id, known.repositoryId, repositoryId);
          this.tasks.push(endedTask(workload.name, 'warning', 'WORKLOAD_CLAIMED_TWICE', text));
        }
      }
      for (const name of workloads ?? [])
        if (
          present.length > 0 &&
          (overrides?.workloads?.includes(name) ?? true) &&
          !present.some((workload) => isNamed([name], workload))
        )
          this.tasks.push(
            endedTask(
              name,
              'failed',
              'WORKLOAD_MISSING',
              `repository ${repositoryId} holds no workload ${name}`,
            ),
          );
    }
    return found;
  }

  private async listWorkloads(
    repositoryId: string,
    settings: CopySettings,
  ): Promise<FoundWorkload[]> {
    // Asked on the target's queue: its workers do the copying, so they must reach the source in any case.
    const activities = listingActivities(this.input.job.target.repositoryId, settings);
    try {
      return await activities.enumerateWorkloads.executeWithOptions(
        { summary: `${repositoryId}: enumerate workloads` },
        [{ repositoryId }],
      );
    } catch (error) {
      if (isStop(error)) throw error;
      const code = codeOf(error);
      this.tasks.push(
        endedTask(
          `repository ${repositoryId}`,
          'failed',
          isErrorCode(code) ? code : 'REPOSITORY_UNREACHABLE',
          reasonOf(error),
        ),
      );
      return [];
    }
  }

  private async copy(source: SourceWorkloadRef, settings: CopySettings): Promise<void> {
    const { job, overrides } = this.input;
    const { repositoryId } = source;
    const { folders: sourceFolders, ...workload } = source.workload;
    const workflowId = chainWorkflowId(job.target.repositoryId, job.id, workload.id);
    const running: RunningTask = { workload: workload.name, child: null };
    this.running.add(running);
    this.showState();
    try {
      const child = await startChild(copyWorkload, {
        workflowId,
        taskQueue: CONTROL_TASK_QUEUE,
        // A session that is terminated takes its tasks along: nothing may write a chain that no session answers for.
        parentClosePolicy: ParentClosePolicy.TERMINATE,
        staticSummary: `${workload.name}: copy to ${job.target.repositoryId}`,
        staticDetails: `Job **${job.name}**, workload **${workload.name}** (${workload.type}) from repository ${repositoryId}`,
        typedSearchAttributes: [
          { key: JOB_ID, value: job.id },
          { key: WORKLOAD, value: workload.name },
        ],
        args: [
          {
            job,
            overrides: overrides ?? {},
            workload,
            sourceRepositoryId: repositoryId,
            sourceFolders,
            settings,
            owner: workflowInfo().firstExecutionRunId,
          },
        ],
      });
      running.child = child;
      if (this.isPaused) await signalPause(child, true);
      this.tasks.push(await child.result());
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError)
        this.tasks.push(
          endedTask(
            workload.name,
            'warning',
            'CHAIN_LOCKED',
            'another session copies this workload',
          ),
        );
      else if (isStop(error)) {
        this.tasks.push(endedTask(workload.name, 'stopped', null, 'the session was stopped'));
        throw error;
      } else
        this.tasks.push(
          endedTask(workload.name, 'failed', null, error instanceof Error ? error.message : ''),
        );
    } finally {
      this.running.delete(running);
      this.showState();
    }
  }

  async setPaused(paused: boolean): Promise<void> {
    if (this.isPaused === paused) return;
    this.isPaused = paused;
    this.state = paused ? 'paused' : 'running';
    upsertMemo({ state: this.state });
    this.showState();
    for (const { child } of this.running) if (child !== null) await signalPause(child, paused);
  }

  async end(stopped: boolean): Promise<void> {
    const outcome = stopped
      ? { result: 'stopped' as const, reason: 'the session was stopped' }
      : sessionResult(this.tasks);
    this.state = 'ended';
    this.result = outcome.result;
    this.reason = outcome.reason;
    this.endedAt = new Date().toISOString();
    upsertSearchAttributes([{ key: RESULT, value: outcome.result }]);
    setCurrentDetails(`**${outcome.result}** ${outcome.reason ?? ''}`);
    const { job } = this.input;
    const order = stopped ? null : retryOrder(job, this.tryNumber, this.tasks, Date.now());
    if (order !== null) {
      this.nextTryAt = new Date(order.dueMs).toISOString();
      upsertMemo({ nextTryAt: this.nextTryAt });
    }
    try {
      await recordActivities(job.target.repositoryId).recordSession.executeWithOptions(
        { summary: `record the session: ${outcome.result}` },
        [{ job, session: this.view() }],
      );
    } catch (error) {
      this.reason =
        `${this.reason ?? ''} (the record of this session could not be written: ${reasonOf(error)})`.trim();
    }
    if (!stopped)
      await controlActivities.startJobsAfter.executeWithOptions(
        { summary: `start the jobs that follow ${job.id}` },
        [{ jobId: job.id, sessionId: this.id, ...this.ending(order) }],
      );
  }

  private get tryNumber(): number {
    return this.input.tryNumber ?? 1;
  }

  private ending(order: RetryOrder | null): { end: SessionEnd; startsFollowers: boolean } {
    const isAll = this.input.overrides?.workloads === undefined;
    const covered = isAll ? null : this.tasks.map(({ workload }) => workload);
    const hasCopied = this.result === 'success' || this.result === 'warning';
    return { end: { covered, order }, startsFollowers: this.tryNumber === 1 || hasCopied };
  }

  private showState(): void {
    const lines = [
      ...this.tasks.map((task) => `- ${task.workload}: ${task.result ?? ''} ${task.reason ?? ''}`),
      ...[...this.running].map(
        ({ workload }) => `- ${workload}: ${this.isPaused ? 'paused' : 'running'}`,
      ),
    ];
    setCurrentDetails(lines.slice(0, MAX_DETAIL_LINES).join('\n'));
  }
}

async function signalPause(
  child: ChildWorkflowHandle<typeof copyWorkload>,
  paused: boolean,
): Promise<void> {
  await child.signal(taskPauseSignal, paused).catch(() => undefined); // it has just ended
}

/** The Temporal UI shows at most 20,000 bytes. */
const MAX_DETAIL_LINES = 100;

function waitingTask(workload: string): CopyTask {
  return { ...newTask(workload), state: 'waiting' };
}

function endedTask(
  workload: string,
  result: CopyTask['result'],
  code: CopyTask['code'],
  reason: string | null,
): CopyTask {
  return { ...newTask(workload), state: 'ended', result, code, reason };
}
