/** One-time copies: workflows `once/<repositoryId>/<copyId>`, each with the one session that it runs. */

import { createHash } from 'node:crypto';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { BackupError } from '../../domain/errors.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { oneTimeId, oneTimeJob, type OneTimeOrder } from '../../domain/jobs/one-time-copy.js';
import { sessionIdOfWorkflow, sessionWorkflowId } from '../../domain/sessions/copy-session.js';
import {
  CONTROL_TASK_QUEUE,
  oneTimeWorkflowId,
  removeCopySignal,
  WORKFLOW_ONE_TIME_COPY,
  type OneTimeCopyInput,
} from '../../../workflows/messages.js';

export interface StartedCopy {
  readonly copyId: string;
  readonly sessionId: string;
}

/** So long the session may take to appear, which the workflow starts. */
const SESSION_LOOKS = 50;
const SESSION_PAUSE_MS = 100;

export class OneTimeCopies {
  constructor(
    private readonly client: Client,
    private readonly now: () => number,
  ) {}

  /** The job of an order. Orders with one key are one order; without a key those of one second. */
  jobOf(order: OneTimeOrder, key: string | null, timeZone: string): CopyJob {
    const text = JSON.stringify([order, key ?? Math.floor(this.now() / 1_000)]);
    const digest = createHash('sha256').update(text).digest('hex');
    return oneTimeJob(oneTimeId(order.source.workload, digest), order, timeZone);
  }

  /** A repeat starts nothing, and gives the answer of the first. */
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
      const first = memo?.sessionId;
      return { copyId, sessionId: typeof first === 'string' ? first : sessionId };
    }
    await this.#sessionOf(sessionWorkflowId(copyId, startMs));
    return { copyId, sessionId };
  }

  /** Whoever is told of a session may ask for it at once. */
  async #sessionOf(workflowId: string): Promise<void> {
    for (let look = 0; look < SESSION_LOOKS; look += 1)
      try {
        await this.client.workflow.getHandle(workflowId).describe();
        return;
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
        await new Promise((resolve) => setTimeout(resolve, SESSION_PAUSE_MS));
      }
    throw new BackupError(
      'TEMPORAL_UNREACHABLE',
      `the session ${sessionIdOfWorkflow(workflowId)} was ordered and has not begun yet: no worker takes it`,
    );
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
