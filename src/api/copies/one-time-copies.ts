/** One-time copies: workflows `once/<repositoryId>/<copyId>`, each with the one session that it runs. */

import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { oneTimeId, oneTimeJob, type OneTimeOrder } from '../../domain/jobs/one-time-copy.js';
import {
  sessionIdOfWorkflow,
  sessionWorkflowId,
  workflowIdOfSession,
} from '../../domain/sessions/copy-session.js';
import {
  CONTROL_TASK_QUEUE,
  oneTimeWorkflowId,
  removeCopySignal,
  WORKFLOW_ONE_TIME_COPY,
  type OneTimeCopyInput,
} from '../../../workflows/messages.js';
import { isUnavailable } from '../executions/temporal-errors.js';

export interface StartedCopy {
  readonly copyId: string;
  readonly sessionId: string;
  /** False: it is ordered, and its session begins as soon as a worker takes it. */
  readonly hasBegun: boolean;
}

/** So long the answer waits for the session, which the workflow starts: whoever is told of one may ask for it at once. */
const SESSION_WAIT = { looks: 50, pauseMs: 100 } as const;

export class OneTimeCopies {
  constructor(
    private readonly client: Client,
    private readonly now: () => number,
    private readonly wait: { readonly looks: number; readonly pauseMs: number } = SESSION_WAIT,
  ) {}

  /** The job of an order. Orders with one key are one order; without a key those of one second. */
  jobOf(order: OneTimeOrder, key: string | null, timeZone: string): CopyJob {
    const text = JSON.stringify([order, key ?? Math.floor(this.now() / 1_000)]);
    const digest = createHash('sha256').update(text).digest('hex');
    return oneTimeJob(oneTimeId(order.source.workload, digest), order, timeZone);
  }

  /** Whether the order was taken before. */
  async isOrdered({ id, target }: CopyJob): Promise<boolean> {
    try {
      await this.client.workflow.getHandle(oneTimeWorkflowId(target.repositoryId, id)).describe();
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  /** A repeat starts nothing, and gives the answer of the first. Once the order is taken nothing is an error any more. */
  async start(job: CopyJob, startedBy: string): Promise<StartedCopy> {
    const { id: copyId, target, once } = job;
    const { repositoryId } = target;
    const workflowId = oneTimeWorkflowId(repositoryId, copyId);
    const startMs = this.now();
    const sessionId = sessionIdOfWorkflow(sessionWorkflowId(copyId, startMs));
    const input: OneTimeCopyInput = {
      ...{ repositoryId, copyId, expiresAt: once?.expiresAt ?? null },
      copy: { job, startMs, startedBy },
    };
    try {
      await this.client.workflow.start(WORKFLOW_ONE_TIME_COPY, {
        ...{ workflowId, taskQueue: CONTROL_TASK_QUEUE, args: [input] },
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
        memo: { sessionId },
        staticSummary: `${job.name} to ${repositoryId}`,
        staticDetails: job.description,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const { memo } = await this.client.workflow.getHandle(workflowId).describe();
      const first = typeof memo?.sessionId === 'string' ? memo.sessionId : sessionId;
      return { copyId, sessionId: first, hasBegun: await this.#hasBegun(first, 1) };
    }
    return { copyId, sessionId, hasBegun: await this.#hasBegun(sessionId, this.wait.looks) };
  }

  async #hasBegun(sessionId: string, looks: number): Promise<boolean> {
    const workflowId = workflowIdOfSession(sessionId);
    if (workflowId === null) return false;
    const handle = this.client.workflow.getHandle(workflowId);
    for (let look = 1; ; look += 1)
      try {
        await handle.describe();
        return true;
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError) && !isUnavailable(error)) throw error;
        if (look >= looks) return false;
        await setTimeout(this.wait.pauseMs);
      }
  }

  /** Has it removed as soon as nothing holds it; a repeat changes nothing. A running session is not stopped: it goes after that. */
  async remove(repositoryId: string, copyId: string): Promise<void> {
    const input: OneTimeCopyInput = { repositoryId, copyId, copy: null, expiresAt: null };
    await this.client.workflow.signalWithStart(WORKFLOW_ONE_TIME_COPY, {
      workflowId: oneTimeWorkflowId(repositoryId, copyId),
      taskQueue: CONTROL_TASK_QUEUE,
      args: [{ ...input, isOrdered: true }],
      signal: removeCopySignal,
      signalArgs: [],
      staticSummary: `remove the one-time copy ${copyId} from ${repositoryId}`,
    });
  }
}
