/** Verifications and restores: workflows `verify/<repositoryId>/…` and `restore/<repositoryId>/…`. */

import { WorkflowFailedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { BackupError } from '../domain/errors.js';
import {
  CONTROL_TASK_QUEUE,
  operationQuery,
  type OperationMemo,
  WORKFLOW_RESTORE,
  WORKFLOW_VERIFY,
  type RestoreInput,
  type VerifyInput,
} from '../../workflows/messages.js';
import type { OperationStatus } from '../domain/operation.js';
import type { OperationView } from './repository-schemas.js';
import { isNoAnswer, toBackupError } from './temporal-errors.js';

const QUERY_TIMEOUT_MS = 2_000;
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

  /** @throws OPERATION_MISSING */
  async get(operationId: string): Promise<OperationView> {
    const { workflowId, kind, repositoryId } = partsOf(operationId);
    const handle =
      this.#client.workflow.getHandle<(input: object) => Promise<OperationStatus>>(workflowId);
    const execution = await handle.describe().catch((error: unknown) => {
      throw error instanceof WorkflowNotFoundError ? missing(operationId) : error;
    });
    const view = {
      id: operationId,
      kind,
      repositoryId,
      startedAt:
        (execution.memo as OperationMemo | undefined)?.startedAt ??
        execution.startTime.toISOString(),
      endedAt: execution.closeTime?.toISOString() ?? null,
    };
    if (execution.status.name !== 'RUNNING') {
      return { ...view, ...(await outcomeOf(() => handle.result())), live: true };
    }
    try {
      const status = await this.#client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
        handle.query(operationQuery),
      );
      return { ...view, ...status, live: true };
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      return { ...view, ...NOTHING_KNOWN, live: false };
    }
  }
}

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
  const match = /^(verify|restore)\.([a-z0-9-]+)\.([^/]+)$/.exec(operationId);
  const [, kind, repositoryId, rest] = match ?? [];
  if (
    (kind !== 'verify' && kind !== 'restore') ||
    repositoryId === undefined ||
    operationId.length > OPERATION_ID_LENGTH
  ) {
    throw missing(operationId);
  }
  return { workflowId: `${kind}/${repositoryId}/${rest}`, kind, repositoryId };
}

function missing(operationId: string): BackupError {
  return new BackupError('OPERATION_MISSING', `no operation ${operationId}`);
}
