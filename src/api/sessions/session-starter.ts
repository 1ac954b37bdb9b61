/** Starts copy sessions by hand. `schedule.trigger()` would ignore the overlap policy and return no id. */

import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import type { CopyJob, StartOverrides } from '../../domain/jobs/copy-job.js';
import { BackupError } from '../../domain/errors.js';
import { sessionIdOfWorkflow, sessionWorkflowId } from '../../domain/sessions/copy-session.js';
import {
  IDEMPOTENCY_KEY,
  CONTROL_TASK_QUEUE,
  WORKFLOW_COPY_SESSION,
  type CopySessionInput,
  type SessionMemo,
} from '../../../workflows/messages.js';
import { KeyedStarts } from '../executions/keyed-starts.js';
import { searchAttributesOf } from '../jobs/job-schedule.js';

/** Ids have whole seconds: a start in a second that is taken moves to the next free one, at most this far. */
const LATEST_START_SECONDS = 30;

export class SessionStarter {
  readonly #client: Client;
  readonly #now: () => number;
  readonly #starts: KeyedStarts;
  readonly #underWay = new Map<string, Promise<string>>();

  constructor(client: Client, now: () => number) {
    this.#client = client;
    this.#now = now;
    this.#starts = new KeyedStarts(client, now);
  }

  /** @returns the session's id. A repeat with the same `idempotencyKey` for the same job gives the first answer. */
  async start(
    job: CopyJob,
    overrides: StartOverrides,
    idempotencyKey: string | null,
    startedBy: string,
  ): Promise<string> {
    const workflowId = await (idempotencyKey === null
      ? this.#startTogether(job, overrides, startedBy)
      : this.#starts.once(job.id, idempotencyKey, (key) =>
          this.#startNew(job, overrides, key, startedBy),
        ));
    return sessionIdOfWorkflow(workflowId);
  }

  /** Calls for the same that come while the first is not answered yet (a double click, forty scripts) get its answer. */
  async #startTogether(
    job: CopyJob,
    overrides: StartOverrides,
    startedBy: string,
  ): Promise<string> {
    const same = JSON.stringify([job.id, job.revision, overrides, startedBy]);
    const known = this.#underWay.get(same);
    if (known !== undefined) return known;
    const workflowId = this.#startNew(job, overrides, null, startedBy);
    this.#underWay.set(same, workflowId);
    try {
      return await workflowId;
    } finally {
      this.#underWay.delete(same);
    }
  }

  /** @returns the workflow's id */
  async #startNew(
    job: CopyJob,
    overrides: StartOverrides,
    key: string | null,
    startedBy: string,
  ): Promise<string> {
    const nowMs = this.#now();
    for (let seconds = 0; ; seconds += 1) {
      const workflowId = sessionWorkflowId(job.id, nowMs + seconds * 1_000);
      try {
        await this.#startAs(workflowId, job, overrides, key, startedBy);
        return workflowId;
      } catch (error) {
        const isTaken = error instanceof WorkflowExecutionAlreadyStartedError;
        if (!isTaken) throw error;
        if (seconds < LATEST_START_SECONDS) continue;
        throw new BackupError(
          'JOB_BUSY',
          `job ${job.id} was started ${LATEST_START_SECONDS + 1} times within a moment`,
          { cause: error },
        );
      }
    }
  }

  async #startAs(
    workflowId: string,
    job: CopyJob,
    overrides: StartOverrides,
    key: string | null,
    startedBy: string,
  ): Promise<void> {
    const input: CopySessionInput = { job, overrides, trigger: 'api', startedBy };
    const isPartial = overrides.workloads !== undefined;
    const memo: SessionMemo = { trigger: 'api', startedBy, isPartial };
    await this.#client.workflow.start(WORKFLOW_COPY_SESSION, {
      workflowId,
      taskQueue: CONTROL_TASK_QUEUE,
      args: [input],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
      memo: { ...memo },
      typedSearchAttributes: [
        ...searchAttributesOf(job),
        ...(key === null ? [] : [{ key: IDEMPOTENCY_KEY, value: key }]),
      ],
      staticSummary: job.name,
      staticDetails: `Copies to repository ${job.target.repositoryId}, started through the API.`,
    });
  }
}
