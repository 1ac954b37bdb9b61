import { randomUUID } from 'node:crypto';
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import type { Activities } from '../../../activities/activities.js';
import { TURN_ACTIVITY, TURN_UPDATE } from '../../../src/domain/sessions/turn.js';
import { inActivity } from '../activities/in-activity.js';
import {
  childEnd,
  Execution,
  payloadValue,
  SHOWN_ONLY,
  STOPPED,
  type Command,
  type ExecutionStart,
  type Failure,
  type Outcome,
  type Payload,
  type ScheduledActivity,
} from './execution.js';
import { activityFailure, nextAttemptAtMs, untakenEnd } from './next-attempt.js';
import { assertSizes } from './payload-size.js';
import type { Ask, LocalWorker } from './worker-contract.js';

/** A workflow id that somebody else has until then. Epoch milliseconds. */
export interface HeldId {
  readonly workflowId: string;
  readonly untilMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

type Activity = (input: unknown) => Promise<unknown>;

/** Plays the Temporal server: workflows say what they want, activities are done one after the other, failed ones again when that may help.
 *  Time stands still but for timers and waits between attempts. A turn comes as soon as it is asked for. What a workflow may want and this server does not know is an error. */
export class LocalServer {
  private readonly executions = new Map<string, Execution>();
  private readonly stopped = new Set<string>();
  /** From how many events on a workflow is told to go on in a new run. */
  longAtEvents = Infinity;
  /** Which of so many activities that are due is done next. */
  pick: (count: number) => number = () => 0;

  /** @param nowMs epoch milliseconds */
  constructor(
    private readonly worker: LocalWorker,
    public nowMs: number,
    private readonly held: HeldId | null = null,
  ) {}

  /** The server when its worker has died and another one goes on. */
  withNewWorker(worker: LocalWorker): LocalServer {
    const server = new LocalServer(worker, this.nowMs, this.held);
    server.pick = this.pick;
    for (const [runId, execution] of this.executions)
      server.executions.set(runId, execution.copy());
    return server;
  }

  begin(workflowType: string, workflowId: string, input: unknown): void {
    const runId = randomUUID();
    this.start({
      workflowType,
      workflowId,
      runId,
      firstRunId: runId,
      input: [defaultPayloadConverter.toPayload(input)],
      startedAtMs: this.nowMs,
      parent: null,
    });
  }

  /** Whether a workflow of this id was begun. */
  has = (workflowId: string): boolean => this.runs(workflowId).length > 0;

  /** Asks a workflow to stop. What it waits for at this moment ends first, and it learns of both at once. */
  stop(workflowId: string): void {
    this.stopped.add(workflowId);
  }

  /** Sends an update to a workflow; what it answers is nobody's matter. */
  update(workflowId: string, name: string, argument: unknown): void {
    const id = randomUUID();
    const input = [defaultPayloadConverter.toPayload(argument)];
    const update = { id, protocolInstanceId: id, name, input, meta: {}, runValidator: true };
    this.newest(workflowId).news.push({ doUpdate: update });
  }

  /** Sends a signal to a workflow that runs. */
  signalTo(workflowId: string, signalName: string, argument: unknown): void {
    const signal = { signalName, input: [defaultPayloadConverter.toPayload(argument)] };
    this.newest(workflowId).news.push({ signalWorkflow: { ...signal, headers: {} } });
  }

  /** Time that what is in work just now takes. */
  takeMs(ms: number): void {
    this.nowMs += ms;
  }

  /** Goes on until a workflow ends, over all runs that go on for it. @returns its result
   *  @throws WorkerDeath; what the worker was doing is not done, as far as the server knows, and has to be done again */
  async end(workflowId: string): Promise<unknown> {
    try {
      for (let steps = 0; ; steps++) {
        if (steps > MAX_STEPS) throw new Error(`${workflowId} goes round in circles`);
        const { outcome } = this.newest(workflowId);
        if (outcome?.type === 'completed') return payloadValue(outcome.result);
        if (outcome?.type === 'failed')
          throw defaultFailureConverter.failureToError(outcome.failure, defaultPayloadConverter);
        await this.step();
      }
    } finally {
      for (const execution of this.executions.values()) await execution.close();
    }
  }

  /** Events of each run, the first run first. */
  runLengths(workflowId: string): number[] {
    return this.runs(workflowId).map(({ historyLength }) => historyLength);
  }

  /** Workflows that may work just now. */
  get turnsHeld(): number {
    return [...this.executions.values()].filter(
      ({ outcome, turns, activities }) =>
        outcome === null && [...turns.values()].some((seq) => activities.has(seq)),
    ).length;
  }

  /** On which queues which activities were ordered, `activity queue`. */
  readonly ordered = new Set<string>();

  /** From the beginning. */
  get turnsGiven(): number {
    return [...this.executions.values()].reduce((sum, { turns }) => sum + turns.size, 0);
  }

  private runs(workflowId: string): Execution[] {
    return [...this.executions.values()].filter(({ start }) => start.workflowId === workflowId);
  }

  private newest(workflowId: string): Execution {
    const newest = this.runs(workflowId).at(-1);
    if (newest === undefined) throw new Error(`no workflow ${workflowId} was started`);
    return newest;
  }

  private start(start: ExecutionStart): void {
    assertSizes(start.workflowType, start.input);
    this.executions.set(start.runId, new Execution(start));
  }

  /** One thing after the other, in an order that is always the same: news, activities that are due, then the next moment. */
  private async step(): Promise<void> {
    const open = [...this.executions.values()].filter(({ outcome }) => outcome === null);
    for (const { start, news } of open)
      if (this.stopped.delete(start.workflowId)) news.push({ cancelWorkflow: {} });
    for (const execution of open)
      if (execution.news.length > 0) {
        for (const command of await execution.goOn(this.nowMs, this.longAtEvents))
          this.obey(execution, command);
        return;
      }
    if (this.fireTimers(open)) return;
    const due = open.flatMap((execution) =>
      [...execution.activities]
        .filter(([, { dueAtMs }]) => dueAtMs <= this.nowMs)
        .map(([seq, activity]) => ({ execution, seq, activity })),
    );
    if (due.length === 0) return this.passTime(open);
    const { execution, seq, activity } = due[this.pick(due.length)]!;
    await this.attempt(execution, seq, activity);
  }

  private async passTime(open: readonly Execution[]): Promise<void> {
    const due = open.flatMap(({ timers, activities }) => [
      ...timers.values(),
      // A turn ends with an answer.
      ...[...activities.values()].map(({ dueAtMs }) => dueAtMs).filter(Number.isFinite),
    ]);
    if (due.length === 0) throw new Error('a workflow waits for what this server does not do');
    await this.worker.whileWaiting?.(async (workflowId, query) =>
      payloadValue(await this.newest(workflowId).query(query)),
    );
    this.nowMs = Math.max(this.nowMs, Math.min(...due));
    this.fireTimers(open);
  }

  private fireTimers(open: readonly Execution[]): boolean {
    let hasFired = false;
    for (const { timers, news } of open)
      for (const [seq, dueAtMs] of timers)
        if (dueAtMs <= this.nowMs) {
          timers.delete(seq);
          news.push({ fireTimer: { seq } });
          hasFired = true;
        }
    return hasFired;
  }

  private async attempt(
    execution: Execution,
    seq: number,
    activity: ScheduledActivity,
  ): Promise<void> {
    const { attempt, command } = activity;
    if (this.worker.isAway?.(command.activityType ?? '') === true) {
      this.leave(execution, seq, activity);
      return;
    }
    // Whatever comes of it: it was begun.
    execution.activities.set(seq, { ...activity, attempt: attempt + 1 });
    let result: Payload | null = null;
    try {
      const output = await this.run(execution, command, attempt);
      if (output !== undefined) result = defaultPayloadConverter.toPayload(output);
      assertSizes(command.activityType ?? '', [result]);
    } catch (error) {
      if (this.worker.isDead()) throw new WorkerDeath(command.activityType ?? '');
      this.fail(execution, seq, activity, error);
      return;
    }
    if (this.worker.isDead()) throw new WorkerDeath(command.activityType ?? '');
    if (this.worker.losesAnswer?.(command.activityType ?? '', attempt) === true) return;
    execution.activities.delete(seq);
    execution.news.push({ resolveActivity: { seq, result: { completed: { result } } } });
  }

  private async run(
    execution: Execution,
    { activityType, arguments: input }: ScheduledActivity['command'],
    attempt: number,
  ): Promise<unknown> {
    const name = activityType as keyof Activities;
    const activity = this.worker.activities[name] as Activity | undefined;
    if (activity === undefined) throw new Error(`no activity ${name}`);
    this.worker.activity = name;
    const ask: Ask = async (query) => payloadValue(await execution.query(query));
    await this.worker.before?.(name, ask);
    // So long: a test that holds up its own process has no server that would give the task away.
    const info = { attempt, activityType: name, heartbeatTimeoutMs: HOUR_MS };
    return inActivity(activity, payloadValue(input?.[0] ?? null), info);
  }

  private fail(
    execution: Execution,
    seq: number,
    activity: ScheduledActivity,
    error: unknown,
  ): void {
    const cause = defaultFailureConverter.errorToFailure(error, defaultPayloadConverter);
    const dueAtMs = nextAttemptAtMs(activity, cause, this.nowMs);
    if (dueAtMs !== null) {
      execution.activities.set(seq, { ...activity, attempt: activity.attempt + 1, dueAtMs });
      return;
    }
    this.failForGood(execution, seq, activity, cause);
  }

  /** It waits in its queue for as long as it may. */
  private leave(execution: Execution, seq: number, activity: ScheduledActivity): void {
    const { atMs, failure } = untakenEnd(activity);
    if (this.nowMs >= atMs) this.failForGood(execution, seq, activity, failure);
    else {
      const dueAtMs = Math.min(atMs, this.nowMs + MINUTE_MS);
      execution.activities.set(seq, { ...activity, dueAtMs });
    }
  }

  private failForGood(
    execution: Execution,
    seq: number,
    activity: ScheduledActivity,
    cause: Failure,
  ): void {
    execution.activities.delete(seq);
    const failure = activityFailure(activity, cause);
    execution.news.push({ resolveActivity: { seq, result: { failed: { failure } } } });
  }

  private obey(execution: Execution, command: Command): void {
    const { scheduleActivity, startTimer, cancelTimer, startChildWorkflowExecution } = command;
    const { completeWorkflowExecution, failWorkflowExecution, requestCancelActivity } = command;
    const { continueAsNewWorkflowExecution, signalExternalWorkflowExecution } = command;
    const { updateResponse, cancelChildWorkflowExecution, cancelWorkflowExecution } = command;
    if (scheduleActivity?.activityType === TURN_ACTIVITY)
      this.giveTurn(execution, scheduleActivity);
    else if (updateResponse) this.endTurn(execution, updateResponse);
    else if (scheduleActivity) {
      assertSizes(scheduleActivity.activityType ?? '', scheduleActivity.arguments ?? []);
      this.ordered.add(`${scheduleActivity.activityType} ${scheduleActivity.taskQueue}`);
      execution.activities.set(scheduleActivity.seq ?? 0, {
        command: scheduleActivity,
        scheduledAtMs: this.nowMs,
        attempt: 1,
        dueAtMs: this.nowMs,
      });
    } else if (startTimer) {
      const waitMs = optionalTsToMs(startTimer.startToFireTimeout) ?? 0;
      execution.timers.set(startTimer.seq ?? 0, this.nowMs + waitMs);
    } else if (requestCancelActivity) this.cancelActivity(execution, requestCancelActivity);
    else if (cancelTimer) execution.timers.delete(cancelTimer.seq ?? 0);
    else if (startChildWorkflowExecution) this.startChild(execution, startChildWorkflowExecution);
    else if (completeWorkflowExecution) {
      const { result } = completeWorkflowExecution;
      assertSizes(execution.start.workflowType, [result ?? null]);
      this.conclude(execution, { type: 'completed', result: result ?? null });
    } else if (failWorkflowExecution)
      this.conclude(execution, { type: 'failed', failure: failWorkflowExecution.failure ?? {} });
    else if (cancelWorkflowExecution)
      this.conclude(execution, { type: 'failed', failure: STOPPED });
    else if (cancelChildWorkflowExecution)
      this.cancelChild(execution, cancelChildWorkflowExecution.childWorkflowSeq ?? 0);
    else if (continueAsNewWorkflowExecution) {
      execution.outcome = { type: 'continuedAsNew' };
      const input = continueAsNewWorkflowExecution.arguments ?? [];
      const startedAtMs = this.nowMs;
      const runId = randomUUID();
      this.start({ ...execution.start, runId, input, startedAtMs });
    } else if (signalExternalWorkflowExecution)
      this.signal(execution, signalExternalWorkflowExecution);
    else if (!Object.keys(command).some((name) => SHOWN_ONLY.has(name)))
      throw new Error(`a workflow wants ${Object.keys(command).join(', ')}`);
  }

  /** It is not in work: one is done after the other. */
  private cancelActivity(
    { activities, news }: Execution,
    { seq }: NonNullable<Command['requestCancelActivity']>,
  ): void {
    const { activityType, activityId } = activities.get(seq ?? 0)?.command ?? {};
    if (!activities.delete(seq ?? 0)) return;
    const activityFailureInfo = { activityType: { name: activityType }, activityId };
    const cause = { canceledFailureInfo: {} };
    const failure = { message: 'Activity cancelled', cause, activityFailureInfo };
    news.push({ resolveActivity: { seq, result: { cancelled: { failure } } } });
  }

  private giveTurn(execution: Execution, command: ScheduledActivity['command']): void {
    const { seq, arguments: input } = command;
    const { token } = payloadValue(input?.[0] ?? null) as { token: string };
    execution.turns.set(token, seq ?? 0);
    const times = { scheduledAtMs: this.nowMs, attempt: 1, dueAtMs: Infinity };
    execution.activities.set(seq ?? 0, { command, ...times });
    const update = { id: token, protocolInstanceId: token, name: TURN_UPDATE };
    const tokens = [defaultPayloadConverter.toPayload(token)];
    execution.news.push({ doUpdate: { ...update, input: tokens, meta: {}, runValidator: true } });
  }

  private endTurn(
    execution: Execution,
    { protocolInstanceId, completed }: NonNullable<Command['updateResponse']>,
  ): void {
    const seq = execution.turns.get(protocolInstanceId ?? '');
    if (!completed || seq === undefined || !execution.activities.delete(seq)) return;
    execution.news.push({ resolveActivity: { seq, result: { completed: {} } } });
  }

  private startChild(
    parent: Execution,
    command: NonNullable<Command['startChildWorkflowExecution']>,
  ): void {
    const seq = command.seq ?? 0;
    const workflowId = command.workflowId ?? '';
    const workflowType = command.workflowType ?? '';
    if (this.openRun(workflowId) !== null || this.isHeld(workflowId)) {
      const failed = { workflowId, workflowType, cause: ALREADY_EXISTS };
      parent.news.push({ resolveChildWorkflowExecutionStart: { seq, failed } });
      return;
    }
    const runId = randomUUID();
    const startedAtMs = this.nowMs;
    const input = command.input ?? [];
    this.start({
      workflowType,
      workflowId,
      runId,
      firstRunId: runId,
      input,
      startedAtMs,
      parent: { workflowId: parent.start.workflowId, runId: parent.start.runId, seq },
    });
    parent.news.push({ resolveChildWorkflowExecutionStart: { seq, succeeded: { runId } } });
  }

  private cancelChild(parent: Execution, seq: number): void {
    for (const { start, outcome, news } of this.executions.values())
      if (
        outcome === null &&
        start.parent?.runId === parent.start.runId &&
        start.parent.seq === seq
      )
        news.push({ cancelWorkflow: {} });
  }

  private isHeld(workflowId: string): boolean {
    return this.held?.workflowId === workflowId && this.nowMs < this.held.untilMs;
  }

  private openRun(workflowId: string): Execution | null {
    const runs = [...this.executions.values()];
    const isOpen = ({ start, outcome }: Execution) =>
      start.workflowId === workflowId && outcome === null;
    return runs.find(isOpen) ?? null;
  }

  private conclude(execution: Execution, outcome: Outcome): void {
    execution.outcome = outcome;
    const { parent } = execution.start;
    if (parent === null) return;
    const end = childEnd(parent.seq, execution.start, outcome);
    if (end !== null) this.executions.get(parent.runId)!.news.push(end);
  }

  private signal(
    sender: Execution,
    command: NonNullable<Command['signalExternalWorkflowExecution']>,
  ): void {
    const { seq, childWorkflowId, workflowExecution, signalName, args } = command;
    const receiver = this.openRun(childWorkflowId ?? workflowExecution?.workflowId ?? '');
    receiver?.news.push({ signalWorkflow: { signalName, input: args ?? [], headers: {} } });
    const failure = receiver === null ? { message: 'it has ended' } : undefined;
    sender.news.push({ resolveSignalExternalWorkflow: { seq, failure } });
  }
}

/** Of one session; the largest that a test runs needs a tenth of them. */
const MAX_STEPS = 20_000;

/** StartChildWorkflowExecutionFailedCause of coresdk. */
const ALREADY_EXISTS = 1;

/** The end of the process that did the activity: nothing that happened in it reaches the server. */
export class WorkerDeath extends Error {
  override readonly name = 'WorkerDeath';
  constructor(activity: string) {
    super(`the worker died in ${activity}`);
  }
}
