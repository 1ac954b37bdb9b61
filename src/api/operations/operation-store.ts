/** What takes long and is followed by its id: workflows `verify/<repositoryId>/…`, `restore/…`, `remove/…`, `map/…` and `detach/…`. */

import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import { CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { LRUCache } from 'lru-cache';
import { BackupError } from '../../domain/errors.js';
import { listExecutions } from '../executions/execution-list.js';
import { quoted } from '../executions/visibility-query.js';
import {
  CONTROL_TASK_QUEUE,
  operationQuery,
  stopOrderSignal,
  type OperationMemo,
  WORKFLOW_REHOME,
  WORKFLOW_REMOVE,
  WORKFLOW_RESTORE,
  WORKFLOW_VERIFY,
  type RehomeInput,
  type RemoveInput,
  type RestoreInput,
  type VerifyInput,
} from '../../../workflows/messages.js';
import type { OperationStatus } from '../../domain/sessions/operation.js';
import type { StopOrder } from '../../domain/sessions/session-result.js';
import { restorePointKey } from '../../domain/targets/repository-view.js';
import { OPERATION_KINDS, type OperationView } from '../repositories/repository-schemas.js';
import { storageHoldOf } from '../executions/step-storage.js';
import { isNoAnswer, toBackupError } from '../executions/temporal-errors.js';

const QUERY_TIMEOUT_MS = 2_000;
const PAGE_SIZE = 50;
/** The others are short, and what they have announced is done by whoever comes next. */
const STOPPABLE: readonly OperationView['kind'][] = ['verify', 'restore'];
/** Of 200 notes each at most: some 20 MB. */
const KEPT_OUTCOMES = 500;
const NOTHING_KNOWN: OperationStatus = {
  state: 'running',
  result: null,
  processedBytes: 0,
  totalBytes: 0,
  code: null,
  reason: null,
  notes: [],
  omittedNotes: 0,
};

export class OperationStore {
  readonly #client: Client;
  readonly #now: () => number;
  readonly #ended = new LRUCache<string, OperationStatus>({ max: KEPT_OUTCOMES });

  constructor(client: Client, now: () => number) {
    this.#client = client;
    this.#now = now;
  }

  /** @returns the operation's id; that of the running verification when there is one */
  async verify(input: VerifyInput): Promise<string> {
    const workflowId = `verify/${input.repositoryId}/${input.restorePointId ?? 'all'}`;
    await this.#client.workflow.start(WORKFLOW_VERIFY, {
      workflowId,
      taskQueue: CONTROL_TASK_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `verify ${input.restorePointId ?? 'every restore point'} in ${input.repositoryId}`,
    });
    return operationIdOf(workflowId);
  }

  /** @returns the operation's id */
  async restore(input: RestoreInput): Promise<string> {
    const start = new Date(this.#now()).toISOString().replaceAll(/[-:.]/g, '');
    const workflowId = `restore/${input.repositoryId}/${input.restorePointId}-${start}`;
    await this.#client.workflow.start(WORKFLOW_RESTORE, {
      workflowId,
      taskQueue: CONTROL_TASK_QUEUE,
      args: [input],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      staticSummary: `restore ${input.restorePointId} from ${input.repositoryId}`,
    });
    return operationIdOf(workflowId);
  }

  /** @returns the operation's id; that of the same removal when it runs */
  async remove(input: RemoveInput): Promise<string> {
    const { repositoryId, restorePointId, mode, withDependents } = input;
    // Who orders another one must not be answered with the first: whichever comes to the chain first has it.
    const how = `${mode}${withDependents ? ':with-dependents' : ''}`;
    const workflowId = `remove/${repositoryId}/${restorePointId}:${how}`;
    await this.#client.workflow.start(WORKFLOW_REMOVE, {
      workflowId,
      taskQueue: CONTROL_TASK_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `take ${input.restorePointId} out of ${input.repositoryId}`,
    });
    return operationIdOf(workflowId);
  }

  /** Gives copies to another job, or to none.
   *  @returns the operation's id; that of the same one when it runs */
  async rehome(kind: 'map' | 'detach', input: RehomeInput): Promise<string> {
    const { repositoryId, chain, job } = input;
    const { jobId, workload } = chain;
    const whose = [jobId, workload.id, ...(kind === 'map' ? [job.id] : [])];
    const workflowId = `${kind}/${repositoryId}/${restorePointKey(whose)}`;
    await this.#client.workflow.start(WORKFLOW_REHOME, {
      workflowId,
      taskQueue: CONTROL_TASK_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `copies of ${workload.name} in ${repositoryId}: from ${jobId} to ${job.id}`,
    });
    return operationIdOf(workflowId);
  }

  /** @param runId of several with one id; default: the newest. One that went on in a new run is the same operation.
   *  @throws OPERATION_MISSING */
  async get(operationId: string, runId?: string): Promise<OperationView> {
    const { workflowId } = partsOf(operationId);
    for (let run = runId; ;) {
      const execution = await this.#handle(workflowId, run)
        .describe()
        .catch((error: unknown) => {
          throw error instanceof WorkflowNotFoundError ? missing(operationId) : error;
        });
      if (execution.status.name !== 'CONTINUED_AS_NEW') {
        const waits = storageHoldOf(this.#client, execution.raw.pendingActivities);
        return { ...(await this.#view(execution)), ...(waits === null ? {} : { waits }) };
      }
      run = await this.#nextRun(workflowId, execution.runId);
      if (run === undefined) throw missing(operationId);
    }
  }

  /** Asks a check or a restore to end: what it has read, or written, it need not read or write again.
   *  @param runId as of `get`
   *  @throws OPERATION_MISSING, OPERATION_ENDED, OPERATION_UNSTOPPABLE */
  async stop(operationId: string, order: StopOrder, runId?: string): Promise<void> {
    const { workflowId, kind } = partsOf(operationId);
    const running = await this.get(operationId, runId);
    if (running.state === 'ended') throw operationEnded(operationId);
    if (!STOPPABLE.includes(kind))
      throw new BackupError('OPERATION_UNSTOPPABLE', `${operationId} is carried to its end`);
    const handle = this.#handle(workflowId, running.runId);
    try {
      await handle.signal(stopOrderSignal, order);
      await handle.cancel();
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      // It was there a moment ago: it has ended, or goes on in a new run.
      const { runId: next } = await this.get(operationId, running.runId);
      if (next === running.runId) throw operationEnded(operationId);
      await this.stop(operationId, order, next);
    }
  }

  /** In which a run went on: its last event says so. */
  async #nextRun(workflowId: string, runId: string): Promise<string | undefined> {
    const { namespace } = this.#client.options;
    const { history } = await this.#client.workflowService.getWorkflowExecutionHistoryReverse({
      ...{ namespace, execution: { workflowId, runId }, maximumPageSize: 1 },
    });
    const [last] = history?.events ?? [];
    return last?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }

  /** Those that Temporal still knows: running ones first, then the ended ones, newest end first. */
  async list(
    filter: OperationFilter,
  ): Promise<{ items: OperationView[]; nextCursor: string | null }> {
    const { executions, nextCursor } = await listExecutions(this.#client, queryOf(filter), {
      pageSize: PAGE_SIZE,
      ...(filter.cursor === undefined ? {} : { cursor: filter.cursor }),
    });
    return { items: await Promise.all(executions.map((each) => this.#view(each))), nextCursor };
  }

  /** @param runId of several runs with one id: a check of the same repository, the same copies once more */
  #handle(workflowId: string, runId?: string) {
    return this.#client.workflow.getHandle<(input: object) => Promise<OperationStatus>>(
      workflowId,
      runId,
    );
  }

  async #view(
    execution: Pick<
      WorkflowExecutionInfo,
      'workflowId' | 'runId' | 'memo' | 'startTime' | 'closeTime'
    > & { readonly status: { readonly name: string } },
  ): Promise<OperationView> {
    const { memo, startTime, closeTime, status, ...run } = execution;
    const { workflowId, runId } = run;
    const { kind, repositoryId } = partsOf(operationIdOf(workflowId));
    const view = {
      id: operationIdOf(workflowId),
      runId,
      kind,
      repositoryId,
      startedAt: (memo as OperationMemo | undefined)?.startedAt ?? startTime.toISOString(),
      endedAt: closeTime?.toISOString() ?? null,
    };
    return {
      ...view,
      ...(await this.#status(run, status.name === 'RUNNING')),
    };
  }

  /** How an operation ended stays: its history is read once. */
  async #status(
    { workflowId, runId }: Pick<WorkflowExecutionInfo, 'workflowId' | 'runId'>,
    isRunning: boolean,
  ): Promise<OperationStatus & Pick<OperationView, 'live'>> {
    const handle = this.#handle(workflowId, runId);
    if (!isRunning) {
      const ended = this.#ended.get(runId) ?? (await outcomeOf(() => handle.result()));
      this.#ended.set(runId, ended);
      return { ...ended, live: true };
    }
    try {
      const status = await this.#client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
        handle.query(operationQuery),
      );
      return { ...status, live: true };
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      return { ...NOTHING_KNOWN, live: false };
    }
  }
}

interface OperationFilter {
  readonly kind?: OperationView['kind'] | undefined;
  readonly repositoryId?: string | undefined;
  readonly state?: OperationView['state'] | undefined;
  readonly cursor?: string | undefined;
}

/** One that goes on in a new run is one operation: only its last run counts. */
function queryOf({ kind, repositoryId, state }: OperationFilter): string {
  const kinds = OPERATION_KINDS.filter((each) => (kind ?? each) === each);
  const types = kinds.map((each) => {
    const prefix = repositoryId === undefined ? `${each}/` : `${each}/${repositoryId}/`;
    return `(WorkflowType = ${quoted(WORKFLOW_OF_KIND[each])} AND WorkflowId STARTS_WITH ${quoted(prefix)})`;
  });
  const status =
    state === undefined
      ? "ExecutionStatus != 'ContinuedAsNew'"
      : state === 'running'
        ? "ExecutionStatus = 'Running'"
        : "ExecutionStatus != 'Running' AND ExecutionStatus != 'ContinuedAsNew'";
  return `(${types.join(' OR ')}) AND ${status}`;
}

const WORKFLOW_OF_KIND = {
  verify: WORKFLOW_VERIFY,
  restore: WORKFLOW_RESTORE,
  remove: WORKFLOW_REMOVE,
  map: WORKFLOW_REHOME,
  detach: WORKFLOW_REHOME,
} as const;

async function outcomeOf(result: () => Promise<OperationStatus>): Promise<OperationStatus> {
  try {
    return await result();
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    const isStopped = cause instanceof CancelledFailure || cause instanceof TerminatedFailure;
    const known = toBackupError(error);
    return {
      ...NOTHING_KNOWN,
      state: 'ended',
      result: isStopped ? 'stopped' : 'failed',
      code: known?.code ?? null,
      reason: known?.message ?? cause?.message ?? error.message,
    };
  }
}

/** `verify/offsite/nightly:web01:…` ⇄ `verify.offsite.nightly:web01:…`: one segment of an address. */
function operationIdOf(workflowId: string): string {
  return workflowId.replace('/', '.').replace('/', '.');
}

const OPERATION_ID_LENGTH = 900;

function partsOf(operationId: string): {
  workflowId: string;
  kind: OperationView['kind'];
  repositoryId: string;
} {
  const match = /^([a-z]+)\.([a-z0-9-]+)\.([^/]+)$/.exec(operationId);
  const [, kind, repositoryId, rest] = match ?? [];
  if (
    !isOperationKind(kind) ||
    repositoryId === undefined ||
    operationId.length > OPERATION_ID_LENGTH
  ) {
    throw missing(operationId);
  }
  return { workflowId: `${kind}/${repositoryId}/${rest}`, kind, repositoryId };
}

function isOperationKind(kind: string | undefined): kind is OperationView['kind'] {
  return (OPERATION_KINDS as readonly (string | undefined)[]).includes(kind);
}

function missing(operationId: string): BackupError {
  return new BackupError('OPERATION_MISSING', `no operation ${operationId}`);
}

function operationEnded(operationId: string): BackupError {
  return new BackupError('OPERATION_ENDED', `${operationId} has ended`);
}
