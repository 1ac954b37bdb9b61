/** Starts copy sessions by hand. `schedule.trigger()` would ignore the overlap policy and return no id. */

import { createHash } from 'node:crypto';
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
import { listExecutions } from '../executions/execution-list.js';
import { searchAttributesOf } from '../jobs/job-schedule.js';
import { quoted } from '../executions/visibility-query.js';

/** Visibility lags by milliseconds on a development server and by seconds on a cluster; this process remembers for much longer. */
const REMEMBERED_KEYS_MS = 10 * 60_000;
/** Ids have whole seconds: a start in a second that is taken moves to the next free one, at most this far. */
const LATEST_START_SECONDS = 30;

export class SessionStarter {
  readonly #client: Client;
  readonly #now: () => number;
  readonly #starts = new Map<string, { session: Promise<string>; startedMs: number }>();

  readonly #underWay = new Map<string, Promise<string>>();

  constructor(client: Client, now: () => number) {
    this.#client = client;
    this.#now = now;
  }

  /** @returns the session's id. A repeat with the same `idempotencyKey` for the same job gives the first answer. */
  async start(
    job: CopyJob,
    overrides: StartOverrides,
    idempotencyKey: string | null,
    startedBy: string,
  ): Promise<string> {
    if (idempotencyKey === null) return this.#startTogether(job, overrides, startedBy);
    this.#forgetOldKeys();
    const key = createHash('sha256').update(`${job.id}\n${idempotencyKey}`).digest('hex');
    const known = this.#starts.get(key);
    if (known !== undefined) return known.session;
    const session = this.#startOnce(job, overrides, key, startedBy);
    this.#starts.set(key, { session, startedMs: this.#now() });
    // A start that failed may be repeated.
    session.catch(() => this.#starts.delete(key));
    return session;
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
    const session = this.#startNew(job, overrides, null, startedBy);
    this.#underWay.set(same, session);
    try {
      return await session;
    } finally {
      this.#underWay.delete(same);
    }
  }

  async #startOnce(
    job: CopyJob,
    overrides: StartOverrides,
    key: string,
    startedBy: string,
  ): Promise<string> {
    const query = `${IDEMPOTENCY_KEY.name} = ${quoted(key)}`;
    const { executions } = await listExecutions(this.#client, query, { pageSize: 1 });
    const [first] = executions;
    return first === undefined
      ? this.#startNew(job, overrides, key, startedBy)
      : sessionIdOfWorkflow(first.workflowId);
  }

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
        return sessionIdOfWorkflow(workflowId);
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

  #forgetOldKeys(): void {
    const oldestMs = this.#now() - REMEMBERED_KEYS_MS;
    for (const [key, { startedMs }] of this.#starts) {
      if (startedMs < oldestMs) this.#starts.delete(key);
    }
  }
}
