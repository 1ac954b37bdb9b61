import {
  allHandlersFinished,
  CancellationScope,
  condition,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  newTask,
  OUTSIDE_HOURS,
  sessionIdOfWorkflow,
  type CopySession,
  type CopyTask,
  type Hold,
  type SessionState,
} from '../../src/domain/sessions/copy-session.js';
import type { KeptAnswers } from '../../src/domain/sessions/kept-answers.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import { sessionLeft } from '../../src/domain/sessions/job-outcome.js';
import type { PingEvent } from '../../src/domain/notices/notification-channel.js';
import { pingOfSession } from '../../src/domain/notices/session-check.js';
import {
  liveProgress,
  sessionResult,
  stopText,
  type StopOrder,
} from '../../src/domain/sessions/session-result.js';
import { KEPT_TASKS, TallyKeeper } from '../../src/domain/sessions/session-tally.js';
import { keepHours } from './allowed-hours.js';
import { jobKind } from '../../src/domain/sources/workload-rules.js';
import { controlActivities, followUpActivities, recordActivities } from '../activity-profiles.js';
import { isStop, reasonOf } from '../failures.js';
import { goOnInNewRun } from '../history-length.js';
import { tellCheck } from './job-check.js';
import {
  pauseUpdate,
  RESULT,
  resumeUpdate,
  sessionQuery,
  stopOrderSignal,
  taskPlaceSignal,
  type CopySessionInput,
  type CopySessionOutcome,
  type PlaceOrder,
  type SessionMemo,
} from '../messages.js';
import { settleAbsentWorkloads } from './removed-workloads.js';
import { SessionChildren } from './session-children.js';
import { reportTask } from '../task/task-report.js';
import { keptOfAbsence, notesTold, stillTold } from '../task/told-answers.js';
import { RunLength } from './run-length.js';
import { showSession } from './session-details.js';
import { SessionEnding } from './session-ending.js';
import { findWorkloads, type SessionWorkloads } from './session-workloads.js';

/** One execution of a copy job: its workloads side by side, each in a workflow of its own. One that fails never stops the others, and
 *  the session always ends with a result, which it writes beside the data. What it carries (here, in answers to queries and in its record)
 *  has a size that does not depend on how many workloads there are; a run that has grown long goes on in a new one. */
export async function copySession(input: CopySessionInput): Promise<CopySessionOutcome> {
  const session = new Session(input);
  setHandler(sessionQuery, () => session.view());
  setHandler(pauseUpdate, () => session.setPaused(true));
  setHandler(resumeUpdate, () => session.setPaused(false));
  setHandler(stopOrderSignal, (order) => void (session.stopOrder = order));
  setHandler(taskPlaceSignal, (order) => session.orderPlace(order));
  let stopped = false;
  try {
    if ((await session.run()) === 'goesOn') {
      await condition(allHandlersFinished);
      await goOnInNewRun<typeof copySession>({ ...input, carried: session.carried() });
    }
  } catch (error) {
    if (!isStop(error)) throw error;
    stopped = true;
  }
  stopped ||= CancellationScope.current().consideredCancelled;
  // A stopped session completes, too: its outcome tells what was copied until then.
  await CancellationScope.nonCancellable(() => session.end(stopped));
  return session.outcome();
}

class Session {
  private readonly id = sessionIdOfWorkflow(workflowInfo().workflowId);
  private readonly startedAt: string;
  private readonly ended: TallyKeeper;
  private settings: CopySettings | null;
  private children: SessionChildren | null = null;
  private waiting = 0;
  private state: SessionState = 'running';
  private result: CopySession['result'] = null;
  private reason: string | null = null;
  private endedAt: string | null = null;
  private isPaused: boolean;
  stopOrder: StopOrder | null = null;
  /** When the allowed hours begin; null: they hold. RFC 3339 UTC. */
  private closedUntil: string | null = null;
  private nextTryAt: string | null = null;
  /** Workloads up to this id are done; the queue is sorted by id. */
  private doneUntil: string | null;
  private toldAtMs = 0;
  /** Answers of its tasks that the copies keep until its record is written; of so many workloads as fit into one. */
  private keeps: readonly KeptAnswers[];
  /** A source, or a part of one, showed nothing or could not be read. */
  private isUnseen = false;

  constructor(private readonly input: CopySessionInput) {
    const { carried } = input;
    this.startedAt = carried?.startedAt ?? workflowInfo().startTime.toISOString();
    this.ended = new TallyKeeper(carried?.tally);
    this.settings = carried?.settings ?? null;
    this.isPaused = carried?.isPaused ?? false;
    this.keeps = carried?.keeps ?? [];
    this.doneUntil = carried?.doneUntil ?? null;
    if (this.isPaused) this.state = 'paused';
  }

  view(): CopySession {
    const { counts, progress, tasks, omittedTasks } = this.ended.tally;
    const running = this.children?.tasks ?? [];
    return {
      id: this.id,
      jobId: this.input.job.id,
      targetRepositoryId: this.input.job.target.repositoryId,
      trigger: this.input.trigger ?? 'api',
      startedBy: this.input.startedBy ?? null,
      tryNumber: this.tryNumber,
      state: this.state,
      result: this.result,
      startedAt: this.startedAt,
      endedAt: this.endedAt,
      progress: liveProgress(progress, running, this.waiting),
      taskCounts: { ...counts, waiting: this.waiting, running: running.length },
      tasks: [...tasks, ...running],
      omittedTasks,
      reason: this.reason ?? (this.closedUntil === null ? null : OUTSIDE_HOURS),
      waitsUntil: this.closedUntil,
      nextTryAt: this.nextTryAt,
    };
  }

  outcome(): CopySessionOutcome {
    const view = this.view();
    const { result, reason, targetRepositoryId, taskCounts, progress, tasks } = view;
    const outcome = {
      result: result ?? 'failed',
      reason,
      targetRepositoryId,
      taskCounts,
      progress,
    };
    // A watch runs for ever, and what its sessions return stays in its history.
    return view.trigger === 'watch'
      ? { ...outcome, tasks: [], omittedTasks: view.omittedTasks + tasks.length }
      : { ...outcome, tasks, omittedTasks: view.omittedTasks };
  }

  carried(): NonNullable<CopySessionInput['carried']> {
    return {
      startedAt: this.startedAt,
      settings: this.settings!,
      tally: this.ended.tally,
      doneUntil: this.doneUntil,
      isPaused: this.isPaused,
      ...(this.keeps.length === 0 ? {} : { keeps: this.keeps }),
    };
  }

  async run(): Promise<'done' | 'goesOn'> {
    const { job, overrides = {}, carried } = this.input;
    const gateOnlyStart = jobKind(job) === 'fileBackup';
    const mayCopy = overrides.anyHour === true || (gateOnlyStart && carried !== undefined);
    if (job.allowedHours === null || mayCopy) return this.copy();
    const leaveHours = keepHours(job.allowedHours, (until) => this.setClosed(until));
    try {
      await this.whileClosed();
      if (gateOnlyStart) leaveHours();
      return await this.copy();
    } finally {
      leaveHours();
      this.closedUntil = null;
    }
  }

  private async copy(): Promise<'done' | 'goesOn'> {
    const { job, overrides = {} } = this.input;
    await this.whileClosed();
    setCurrentDetails('Looking for workloads');
    const settings = (this.settings ??= await controlActivities.readCopySettings.executeWithOptions(
      { summary: 'read copy settings' },
      [],
    ));
    if (this.input.carried === undefined) void this.ping('start', '');
    const isByHand = (this.input.trigger ?? 'api') === 'api';
    const found = await findWorkloads(job, overrides, settings, isByHand);
    this.isUnseen = found.hasUnreadSource;
    const report = { sessionId: this.id, isLarge: found.workloads.length > KEPT_TASKS };
    const ids = { targetRepositoryId: job.target.repositoryId, jobId: job.id };
    const told = this.ended.tally.tasks.filter(({ workloadId }) => workloadId === null);
    for (const task of found.told)
      this.addUnlessTold(await reportTask({ ...report, isLarge: false }, ids, task), told);
    const { doneUntil } = this;
    const queue = found.workloads.filter(
      ({ workload }) => doneUntil === null || workload.id > doneUntil,
    );
    this.waiting = queue.length;
    const children = new SessionChildren(
      { job, overrides, settings, report },
      this.hold,
      (task, keeps) => this.add(task, keeps),
    );
    this.children = children;
    const length = new RunLength(settings, this.startedAt);
    this.showState();
    try {
      for (const source of queue) {
        await children.room();
        await this.whileClosed();
        if (await length.isToGoOn(children)) return 'goesOn';
        await children.roomStill(() => this.closedUntil === null);
        this.waiting--;
        this.doneUntil = source.workload.id;
        void children.copy(source);
        this.showState();
      }
      await children.ended();
    } finally {
      // Stopped tasks tell what they did until then.
      await CancellationScope.nonCancellable(() => children.ended());
    }
    await this.settleAbsent(settings, found);
    return 'done';
  }

  private async settleAbsent(settings: CopySettings, found: SessionWorkloads): Promise<void> {
    const { job } = this.input;
    const days = job.removedWorkloadsAfterDays;
    if (days === null || found.hasUnreadSource) return;
    try {
      for (const { workload, result, text, notes = [], keeps } of await settleAbsentWorkloads(
        job,
        days,
        found.seen,
        settings,
        this.input.overrides?.takeOver,
      )) {
        const isWarning = result === 'warning';
        const task = {
          ...endedTask(workload, result, isWarning ? text : null),
          notes: isWarning ? notes : [text, ...notes],
        };
        this.add(task, keptOfAbsence(task, keeps));
      }
    } catch (error) {
      if (isStop(error)) throw error;
      const text = `workloads that are gone could not be looked for: ${reasonOf(error)}`;
      this.add(endedTask(`repository ${job.target.repositoryId}`, 'warning', text));
    }
  }

  async setPaused(paused: boolean): Promise<void> {
    if (this.isPaused === paused) return;
    this.isPaused = paused;
    await this.steer();
  }

  orderPlace(order: PlaceOrder): void {
    this.children?.orderPlace(order);
  }

  private async setClosed(until: string | null): Promise<void> {
    if (this.closedUntil === until) return;
    this.closedUntil = until;
    await this.steer();
  }

  private async steer(): Promise<void> {
    const { hold } = this;
    this.state = hold === null ? 'running' : hold.type === 'paused' ? 'paused' : 'waiting';
    upsertMemo({ state: this.state });
    this.showState();
    await this.children?.setHold(hold);
  }

  private get hold(): Hold | null {
    if (this.isPaused) return { type: 'paused' };
    return this.closedUntil === null ? null : { type: 'hours', until: this.closedUntil };
  }

  /** Nothing new is begun outside the allowed hours. */
  private async whileClosed(): Promise<void> {
    if (this.closedUntil !== null) await condition(() => this.closedUntil === null);
  }

  async end(stopped: boolean): Promise<void> {
    const { tally } = this.ended;
    const outcome = stopped
      ? { result: 'stopped' as const, reason: stopText('the session', this.stopOrder) }
      : sessionResult(tally.tasks, tally.counts);
    this.state = 'ended';
    this.waiting = 0;
    this.result = outcome.result;
    this.reason = outcome.reason;
    this.endedAt = new Date().toISOString();
    upsertSearchAttributes([{ key: RESULT, value: outcome.result }]);
    setCurrentDetails(`**${outcome.result}** ${outcome.reason ?? ''}`);
    const { job } = this.input;
    const { isUnseen, startedAt } = this;
    const ending = new SessionEnding(this.input, { tally, isUnseen, startedAt });
    const order = stopped ? null : ending.retryOrder();
    if (order !== null) this.nextTryAt = new Date(order.dueMs).toISOString();
    this.tellEnd();
    const isRecorded = await this.try('the record of this session could not be written', () =>
      recordActivities(job.target.repositoryId).recordSession.executeWithOptions(
        { summary: `record the session: ${outcome.result}` },
        [{ job, session: this.view(), takeOver: this.input.overrides?.takeOver }],
      ),
    );
    const ids = { targetRepositoryId: job.target.repositoryId, jobId: job.id };
    const noteTold = await notesTold(ids, this.settings, isRecorded ? this.keeps : []);
    if (!stopped)
      await this.try('the jobs that follow could not be started', () =>
        followUpActivities.startJobsAfter.executeWithOptions(
          { summary: `start the jobs that follow ${job.id}` },
          [{ jobId: job.id, sessionId: this.id, ...ending.told(outcome.result, order) }],
        ),
      );
    await this.ping(pingOfSession(outcome.result, tally), outcome.reason ?? outcome.result);
    await noteTold();
  }

  private ping(event: PingEvent, text: string): Promise<void> {
    return tellCheck(this.settings, this.input.job.id, event, text);
  }

  private get tryNumber(): number {
    return this.input.tryNumber ?? 1;
  }

  /** For lists, which ask no worker. */
  private tellEnd(): void {
    const { taskCounts, progress } = this.view();
    const isPartial = this.input.overrides?.workloads !== undefined;
    const { nextTryAt } = this;
    const { tasks, counts } = this.ended.tally;
    const left: SessionMemo['left'] = sessionLeft(tasks, counts, isPartial);
    const next = nextTryAt === null ? {} : { nextTryAt };
    upsertMemo({ taskCounts, progress, isPartial, left, ...next });
  }

  /** A session ends, whatever becomes of its last steps. @returns whether this one was done */
  private async try(otherwise: string, step: () => Promise<unknown>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      this.reason = `${this.reason ?? ''} (${otherwise}: ${reasonOf(error)})`.trim();
      return false;
    }
  }

  private add(task: CopyTask, keeps?: KeptAnswers): void {
    if (keeps !== undefined) this.keeps = [...this.keeps, keeps];
    this.keeps = stillTold(this.keeps, this.ended.add(task));
    this.showState();
    // Known without asking a worker, and seldom enough to cost nothing.
    if (Date.now() - this.toldAtMs < MEMO_INTERVAL_MS) return;
    if (this.toldAtMs > 0) {
      const { taskCounts, progress } = this.view();
      upsertMemo({ taskCounts, progress });
    }
    this.toldAtMs = Date.now();
  }

  /** What every run of a session finds. Several may be alike.
   *  @param told by the runs before; what is found again is taken out */
  private addUnlessTold(task: CopyTask, told: CopyTask[]): void {
    const index = told.findIndex(
      ({ workload, code }) => workload === task.workload && code === task.code,
    );
    if (index < 0) this.add(task);
    else told.splice(index, 1);
  }

  private showState(): void {
    const { state, closedUntil } = this;
    const { tasks: ended } = this.ended.tally;
    showSession({ state, running: this.children?.tasks ?? [], ended, closedUntil });
  }
}

const MEMO_INTERVAL_MS = 5_000;

function endedTask(workload: string, result: CopyTask['result'], reason: string | null): CopyTask {
  return { ...newTask(workload, null), state: 'ended', result, reason };
}
