import { defaultPayloadConverter, TypedSearchAttributes } from '@temporalio/common';
import { msNumberToTs } from '@temporalio/common/lib/time.js';
import proto, { type coresdk, type temporal } from '@temporalio/proto';
import type { Workflow, WorkflowCreateOptions } from '@temporalio/worker/lib/workflow/interface.js';
import { newWorkflow } from './workflow-sandbox.js';

export type Payload = temporal.api.common.v1.IPayload;

/** Commands that change only what people see, or what a replay would have to know: nothing is replayed here. */
export const SHOWN_ONLY: ReadonlySet<string> = new Set(
  'setPatchMarker upsertWorkflowSearchAttributes modifyWorkflowProperties'.split(' '),
);

export function payloadValue(payload: Payload | null): unknown {
  return payload === null ? undefined : defaultPayloadConverter.fromPayload(payload);
}
export type Failure = temporal.api.failure.v1.IFailure;
type Job = coresdk.workflow_activation.IWorkflowActivationJob;
export type Command = coresdk.workflow_commands.IWorkflowCommand;

/** How an execution ended. */
export type Outcome =
  | { readonly type: 'completed'; readonly result: Payload | null }
  | { readonly type: 'failed'; readonly failure: Failure }
  | { readonly type: 'continuedAsNew' };

export interface ScheduledActivity {
  readonly command: coresdk.workflow_commands.IScheduleActivity;
  readonly scheduledAtMs: number;
  readonly attempt: number;
  /** When this attempt is due. */
  readonly dueAtMs: number;
}

export interface ExecutionStart {
  readonly workflowType: string;
  readonly workflowId: string;
  readonly runId: string;
  /** The same in every run that goes on for an earlier one. */
  readonly firstRunId: string;
  readonly input: Payload[];
  readonly startedAtMs: number;
  /** Whom to tell of the end. */
  readonly parent: {
    readonly workflowId: string;
    readonly runId: string;
    readonly seq: number;
  } | null;
}

/** What the workflow was told, and when: its history. */
interface Told {
  readonly atMs: number;
  readonly jobs: Job[];
  /** The server says that a new run is to go on. */
  readonly isLong: boolean;
}

/** One run of a workflow, as the server keeps it: what it was told, and what it waits for. The code that runs can be thrown away at any
 *  time; it comes to the same place again when it is told the same. */
export class Execution {
  outcome: Outcome | null = null;
  /** By the number that the workflow gave them. */
  readonly activities = new Map<number, ScheduledActivity>();
  /** Activities that hold a turn, by the turn's token. */
  readonly turns = new Map<string, number>();
  /** Epoch milliseconds. */
  readonly timers = new Map<number, number>();
  /** Not told yet. */
  readonly news: Job[] = [];
  private readonly history: Told[] = [];
  /** Changes of the code that the history has, so that it is replayed by the same code. */
  private readonly patches = new Set<string>();
  private running: Workflow | null = null;

  constructor(readonly start: ExecutionStart) {
    this.news.push({ initializeWorkflow: initialization(start) });
  }

  /** Events of its history, about. */
  get historyLength(): number {
    return this.history.length * EVENTS_OF_AN_ACTIVATION;
  }

  /** As the server knows it, without the code that runs. */
  copy(): Execution {
    const copy = new Execution(this.start);
    copy.outcome = this.outcome;
    copy.news.splice(0, Infinity, ...this.news);
    for (const [seq, activity] of this.activities) copy.activities.set(seq, activity);
    for (const [token, seq] of this.turns) copy.turns.set(token, seq);
    for (const [seq, dueAtMs] of this.timers) copy.timers.set(seq, dueAtMs);
    copy.history.push(...this.history);
    for (const patchId of this.patches) copy.patches.add(patchId);
    return copy;
  }

  /** Tells the workflow the news. @param longAtEvents from how many events on the server wants a new run @returns what it wants */
  async goOn(nowMs: number, longAtEvents = Infinity): Promise<readonly Command[]> {
    this.running ??= await this.replay();
    const isLong = this.historyLength >= longAtEvents;
    const told = { atMs: nowMs, jobs: this.news.splice(0), isLong };
    this.history.push(told);
    return this.tell(this.running, told, false);
  }

  /** Asks a workflow that waits. */
  async query(queryType: string): Promise<Payload | null> {
    const { runId } = this.start;
    const workflow = (this.running ??= await this.replay());
    const { WorkflowActivation } = proto.coresdk.workflow_activation;
    const completion = await workflow.activate(
      WorkflowActivation.fromObject({
        runId,
        jobs: [{ queryWorkflow: { queryId: 'q', queryType } }],
        historyLength: this.historyLength,
      }),
    );
    const [answer] = completion.successful?.commands ?? [];
    const { succeeded, failed } = answer?.respondToQuery ?? {};
    if (!succeeded) throw new Error(`${queryType}: ${failed?.message ?? 'no answer'}`);
    return succeeded.response ?? null;
  }

  private async replay(): Promise<Workflow> {
    const workflow = await newWorkflow(this.options());
    const patches = [...this.patches].map((patchId) => ({ notifyHasPatch: { patchId } }));
    for (const [index, told] of this.history.entries()) {
      const jobs = index === 0 ? [...told.jobs, ...patches] : told.jobs;
      await this.tell(workflow, { ...told, jobs }, true);
    }
    return workflow;
  }

  private async tell(
    workflow: Workflow,
    { atMs, jobs, isLong }: Told,
    isReplaying: boolean,
  ): Promise<readonly Command[]> {
    const { runId, workflowType } = this.start;
    const completion = await workflow.activate({
      runId,
      jobs: [...jobs],
      timestamp: msNumberToTs(atMs),
      isReplaying,
      historyLength: this.historyLength,
      continueAsNewSuggested: isLong,
    });
    await workflow.getAndResetSinkCalls();
    if (completion.failed)
      throw new Error(`${workflowType} stalls: ${completion.failed.failure?.message ?? ''}`);
    const commands = completion.successful?.commands ?? [];
    for (const { setPatchMarker } of commands)
      if (setPatchMarker?.patchId) this.patches.add(setPatchMarker.patchId);
    return commands;
  }

  /** Ends the code that runs. */
  async close(): Promise<void> {
    const { running } = this;
    this.running = null;
    await running?.dispose();
  }

  private options(): WorkflowCreateOptions {
    const { workflowId, runId, workflowType, firstRunId, startedAtMs, parent } = this.start;
    const startTime = new Date(startedAtMs);
    return {
      info: {
        workflowId,
        runId,
        workflowType,
        searchAttributes: {},
        typedSearchAttributes: new TypedSearchAttributes(),
        taskQueue: 'control',
        namespace: 'test',
        ...(parent === null ? {} : { parent: { ...parent, namespace: 'test' } }),
        firstExecutionRunId: firstRunId,
        originalExecutionRunId: runId,
        startTime,
        runStartTime: startTime,
        taskTimeoutMs: 10_000,
        attempt: 1,
        historyLength: 0,
        historySize: 0,
        continueAsNewSuggested: false,
        targetWorkerDeploymentVersionChanged: false,
        unsafe: {
          now: () => startedAtMs,
          isReplaying: false,
          isReplayingHistoryEvents: false,
          random: { fillRandom: () => undefined },
        } as unknown as WorkflowCreateOptions['info']['unsafe'],
      },
      randomnessSeed: [...Buffer.from(runId)],
      now: startedAtMs,
      showStackTraceSources: false,
    };
  }
}

/** Scheduled, started, completed, and the workflow task: about what an activity costs. */
const EVENTS_OF_AN_ACTIVATION = 6;

function initialization(start: ExecutionStart): coresdk.workflow_activation.IInitializeWorkflow {
  return {
    workflowType: start.workflowType,
    workflowId: start.workflowId,
    arguments: start.input,
    firstExecutionRunId: start.firstRunId,
    startTime: msNumberToTs(start.startedAtMs),
    attempt: 1,
    headers: {},
  };
}

/** How a workflow ends that was asked to stop, and does. */
export const STOPPED: Failure = { message: 'Workflow cancelled', canceledFailureInfo: {} };

/** As a parent is told that its child has failed. */
function childFailure(
  { workflowId, workflowType, runId }: ExecutionStart,
  cause: Failure,
): Failure {
  const childWorkflowExecutionFailureInfo = {
    namespace: 'test',
    workflowExecution: { workflowId, runId },
    workflowType: { name: workflowType },
  };
  return { message: 'Child Workflow execution failed', cause, childWorkflowExecutionFailureInfo };
}

type ChildResult = NonNullable<Job['resolveChildWorkflowExecution']>['result'];

/** What a parent is told of the end of its child; null: nothing, it goes on. */
export function childEnd(seq: number, start: ExecutionStart, outcome: Outcome): Job | null {
  if (outcome.type === 'continuedAsNew') return null;
  let result: ChildResult;
  if (outcome.type === 'completed') result = { completed: { result: outcome.result } };
  else {
    const failure = childFailure(start, outcome.failure);
    result = outcome.failure === STOPPED ? { cancelled: { failure } } : { failed: { failure } };
  }
  return { resolveChildWorkflowExecution: { seq, result } };
}
