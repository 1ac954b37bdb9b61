import {
  condition,
  getExternalWorkflowHandle,
  ParentClosePolicy,
  patched,
  startChild,
  workflowInfo,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  withoutSources,
  type CopyJob,
  type StartOverrides,
} from '../../src/domain/jobs/copy-job.js';
import { newTask, type CopyTask, type Hold } from '../../src/domain/sessions/copy-session.js';
import type { KeptAnswers } from '../../src/domain/sessions/kept-answers.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import { isErrorCode } from '../../src/domain/errors.js';
import { copyTree } from '../task/copy-tree.js';
import { copyWorkload } from '../task/copy-workload.js';
import { codeOf, isStop, reasonOf } from '../failures.js';
import {
  chainWorkflowId,
  CONTROL_TASK_QUEUE,
  JOB_ID,
  placeSignal,
  taskHoldSignal,
  WORKLOAD,
  type PlaceOrder,
} from '../messages.js';
import type { SessionWorkload } from './session-workloads.js';
import type { TaskReport } from '../task/task-report.js';

interface RunningTask {
  readonly task: CopyTask;
  /** null until Temporal has started it: before that no signal reaches it. */
  child: ChildWorkflowHandle<typeof copyWorkload> | null;
  /** It counts among those at work: it has not given its place back. */
  hasPlace: boolean;
}

/** All starts of one workflow task go into one message of at most 4 MB; each has some kilobytes. */
const STARTS_AT_ONCE = 20;

/** At work, or waiting for their source without a place. Temporal lets a workflow have 2,000 open children. */
const MOST_RUNNING = 500;

/** Before, a task that only waited for its source kept its place for up to twelve hours. */
const COUNTS_PLACES = 'copySession-20261129-counts-places';

/** The tasks of a session that run, each in a child workflow whose id is the lock of its chain. One that fails never stops the others. */
export class SessionChildren {
  private readonly running = new Set<RunningTask>();
  /** Those that want a place again, in the order in which they asked. */
  private readonly wanting = new Set<RunningTask>();
  private starting = 0;
  /** The definition may have a megabyte: one task carries it. */
  private isDefinitionGiven = false;

  constructor(
    private readonly input: {
      readonly job: CopyJob;
      readonly overrides: StartOverrides;
      readonly settings: CopySettings;
      readonly report: TaskReport;
    },
    private hold: Hold | null,
    /** Called once for each task, when it has ended. */
    private readonly onEnd: (task: CopyTask, keeps: KeptAnswers | undefined) => void,
  ) {}

  get count(): number {
    return this.running.size;
  }

  /** As the session knows them, those at work first; how far they are, only they know. */
  get tasks(): CopyTask[] {
    const ordered = [...this.running].sort((a, b) => Number(b.hasPlace) - Number(a.hasPlace));
    return ordered.map(({ task }) => task);
  }

  /** Resolves when another one may be started.
   *  @param isOpen whether anything new is begun now */
  async room(isOpen = () => true): Promise<void> {
    await condition(
      () =>
        isOpen() &&
        this.hasFreePlace &&
        this.starting < STARTS_AT_ONCE &&
        this.running.size < MOST_RUNNING,
    );
  }

  /** Asked once more right before one is started: one that waited for its source may have taken the place meanwhile, and the hours may end before the next is
   *  free. Earlier builds started it all the same. */
  async roomStill(isOpen: () => boolean): Promise<void> {
    if (patched(COUNTS_PLACES)) await this.room(isOpen);
  }

  private get hasFreePlace(): boolean {
    const atWork = [...this.running].filter(({ hasPlace }) => hasPlace).length;
    return atWork < this.input.settings.parallelTasks;
  }

  /** A task gives its place back while it waits for its source, or wants one again: before those that are not begun yet. */
  orderPlace({ workloadId, isWanted }: PlaceOrder): void {
    const running = [...this.running].find(({ task }) => task.workloadId === workloadId);
    if (running === undefined) return;
    if (isWanted) this.wanting.add(running);
    else running.hasPlace = false;
    this.givePlaces();
  }

  private givePlaces(): void {
    for (const running of this.wanting) {
      if (!this.hasFreePlace) return;
      this.wanting.delete(running);
      running.hasPlace = true;
      void this.signalPlace(running);
    }
  }

  private async signalPlace({ task }: RunningTask): Promise<void> {
    const child = getExternalWorkflowHandle(this.workflowIdOf(task.workloadId!));
    await child.signal(placeSignal).catch(() => undefined); // it has just ended
  }

  private workflowIdOf(workloadId: string): string {
    const { job } = this.input;
    return chainWorkflowId(job.target.repositoryId, job.id, workloadId);
  }

  /** @returns whether all have ended; false: not within `limitMs` */
  async ended(limitMs?: number): Promise<boolean> {
    const isNone = () => this.running.size === 0;
    if (limitMs !== undefined) return condition(isNone, limitMs);
    await condition(isNone);
    return true;
  }

  /** Never rejects: what goes wrong is in the task. */
  async copy(source: SessionWorkload): Promise<void> {
    const waiting: CopyTask = {
      ...newTask(source.title, source.workload.id),
      state: 'waiting',
    };
    const running: RunningTask = { task: waiting, child: null, hasPlace: true };
    this.running.add(running);
    this.starting++;
    let task: CopyTask;
    let keeps: KeptAnswers | undefined;
    try {
      const child = await this.start(source).finally(() => this.starting--);
      running.child = child;
      if (this.hold !== null) await signalHold(child, this.hold);
      ({ keeps, ...task } = await child.result());
    } catch (error) {
      task = { ...waiting, state: 'ended', ...outcomeOf(error) };
    }
    this.running.delete(running);
    this.wanting.delete(running);
    this.givePlaces();
    this.onEnd(task, keeps);
  }

  async setHold(hold: Hold | null): Promise<void> {
    this.hold = hold;
    for (const { child } of this.running) if (child !== null) await signalHold(child, hold);
  }

  private start(source: SessionWorkload): Promise<ChildWorkflowHandle<typeof copyWorkload>> {
    const { job, overrides, settings, report } = this.input;
    const { repositoryId, title, formerIds } = source;
    const { folders: sourceFolders, ...workload } = source.workload;
    const { workloads: _workloads, ...forEach } = overrides;
    const definition = this.isDefinitionGiven ? {} : { definition: job };
    this.isDefinitionGiven = true;
    // Both take the same, and their id is the same lock.
    const copy: typeof copyWorkload = workload.isTree === true ? copyTree : copyWorkload;
    return startChild(copy, {
      workflowId: this.workflowIdOf(workload.id),
      taskQueue: CONTROL_TASK_QUEUE,
      // A session that is terminated takes its tasks along: nothing may write a chain that no session answers for.
      parentClosePolicy: ParentClosePolicy.TERMINATE,
      staticSummary: `${title}: copy to ${job.target.repositoryId}`,
      staticDetails: `Job **${job.name}**, workload **${workload.name}** (${workload.type}) from repository ${repositoryId}`,
      typedSearchAttributes: [
        { key: JOB_ID, value: job.id },
        { key: WORKLOAD, value: workload.name },
      ],
      args: [
        {
          job: withoutSources(job),
          overrides: forEach,
          workload: title === workload.name ? workload : { ...workload, title },
          sourceRepositoryId: repositoryId,
          sourceFolders,
          ...(formerIds.length === 0 ? {} : { formerIds }),
          settings,
          owner: workflowInfo().firstExecutionRunId,
          report,
          ...definition,
          ...(patched(COUNTS_PLACES) ? { countsPlaces: true as const } : {}),
        },
      ],
    });
  }
}

function outcomeOf(error: unknown): Pick<CopyTask, 'result' | 'code' | 'reason'> {
  if (error instanceof WorkflowExecutionAlreadyStartedError)
    return {
      result: 'warning',
      code: 'CHAIN_LOCKED',
      reason: 'another session copies this workload',
    };
  if (isStop(error)) return { result: 'stopped', code: null, reason: 'the session was stopped' };
  const code = codeOf(error);
  return { result: 'failed', code: isErrorCode(code) ? code : null, reason: reasonOf(error) };
}

async function signalHold(
  child: ChildWorkflowHandle<typeof copyWorkload>,
  hold: Hold | null,
): Promise<void> {
  await child.signal(taskHoldSignal, hold).catch(() => undefined); // it has just ended
}
