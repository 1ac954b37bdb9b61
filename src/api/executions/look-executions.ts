/** Looks as workflows that go when they have answered: nobody asks for an answer twice, and it may have a megabyte. The server takes half a minute or
 *  more for it (1.32). */

import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import {
  CONTROL_TASK_QUEUE,
  WORKFLOW_BROWSE_REPOSITORY,
  WORKFLOW_PLAN_JOB,
  WORKFLOW_READ_JOB_DEFINITION,
} from '../../../workflows/messages.js';
import { quoted } from './visibility-query.js';

const LOOKS = [
  WORKFLOW_BROWSE_REPOSITORY,
  WORKFLOW_PLAN_JOB,
  WORKFLOW_READ_JOB_DEFINITION,
] as const;

/** Longer than any of them may take: its answer may still be on its way to another process. */
const LEFT_AFTER_MS = 10 * 60_000;

export class LookExecutions {
  readonly #client: Client;
  readonly #now: () => number;
  #isSwept = false;

  constructor(client: Client, now: () => number) {
    this.#client = client;
    this.#now = now;
  }

  /** @param name what it looks at; each look has an id of its own */
  async run<Result>(
    workflowType: (typeof LOOKS)[number],
    name: string,
    input: object,
    workflowExecutionTimeout: '30s' | '5m',
  ): Promise<Result> {
    if (!this.#isSwept) {
      this.#isSwept = true;
      void this.#removeLeftOnes();
    }
    const workflowId = `${name}/${randomUUID()}`;
    try {
      return await this.#client.workflow.execute<(input: object) => Promise<Result>>(workflowType, {
        workflowId,
        taskQueue: CONTROL_TASK_QUEUE,
        args: [input],
        workflowExecutionTimeout,
      });
    } finally {
      void this.#remove(workflowId);
    }
  }

  /** What cannot be removed goes with the retention of the namespace. */
  async #remove(workflowId: string): Promise<void> {
    const { namespace } = this.#client.options;
    await this.#client.workflowService
      .deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } })
      .catch(() => undefined);
  }

  /** Those of a process that died before it could do so. */
  async #removeLeftOnes(): Promise<void> {
    const types = LOOKS.map(quoted).join(', ');
    const before = new Date(this.#now() - LEFT_AFTER_MS).toISOString();
    const query = `WorkflowType IN (${types}) AND ExecutionStatus != 'Running' AND CloseTime < ${quoted(before)}`;
    try {
      for await (const { workflowId } of this.#client.workflow.list({ query }))
        await this.#remove(workflowId);
    } catch {
      // The next process tries again.
    }
  }
}
