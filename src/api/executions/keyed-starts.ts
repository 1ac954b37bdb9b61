/** Starts that name a key: a repeat gets the answer of the first, also from another process. */

import { createHash } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { IDEMPOTENCY_KEY } from '../../../workflows/messages.js';
import { listExecutions } from './execution-list.js';
import { quoted } from './visibility-query.js';

/** Visibility lags by milliseconds on a development server and by seconds on a cluster; this process remembers for much longer. */
const REMEMBERED_KEYS_MS = 10 * 60_000;

export class KeyedStarts {
  readonly #starts = new Map<string, { workflowId: Promise<string>; startedMs: number }>();

  constructor(
    private readonly client: Client,
    private readonly now: () => number,
  ) {}

  /** @param what is started: the same key for something else is another one
   *  @param start gets what the workflow has to carry as its `IDEMPOTENCY_KEY`
   *  @returns the workflow's id */
  once(
    what: string,
    idempotencyKey: string,
    start: (key: string) => Promise<string>,
  ): Promise<string> {
    this.#forgetOldKeys();
    const key = createHash('sha256').update(`${what}\n${idempotencyKey}`).digest('hex');
    const known = this.#starts.get(key);
    if (known !== undefined) return known.workflowId;
    const workflowId = this.#first(key).then((first) => first ?? start(key));
    this.#starts.set(key, { workflowId, startedMs: this.now() });
    // A start that failed may be repeated.
    workflowId.catch(() => this.#starts.delete(key));
    return workflowId;
  }

  async #first(key: string): Promise<string | null> {
    const query = `${IDEMPOTENCY_KEY.name} = ${quoted(key)}`;
    const { executions } = await listExecutions(this.client, query, { pageSize: 1 });
    return executions[0]?.workflowId ?? null;
  }

  #forgetOldKeys(): void {
    const oldestMs = this.now() - REMEMBERED_KEYS_MS;
    for (const [key, { startedMs }] of this.#starts)
      if (startedMs < oldestMs) this.#starts.delete(key);
  }
}
