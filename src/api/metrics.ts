/** Prometheus metrics. Each scrape asks Temporal which sessions have ended since the last one; the counters start at 0 with the process. What is known of
 *  the copies comes from the same facts as the overview. */

import type { Client } from '@temporalio/client';
import type { RequestHandler } from 'express';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { WORKFLOW_COPY_SESSION } from '../../workflows/messages.js';
import { listExecutions } from './executions/execution-list.js';
import { quoted } from './executions/visibility-query.js';
import type { SessionStore } from './sessions/session-store.js';
import { sessionIdOfWorkflow } from '../domain/sessions/copy-session.js';
import type { SafetyFacts } from '../domain/safety/safety-facts.js';
import { SafetyMetrics } from './safety/safety-metrics.js';

/** Visibility may show an end this much later than it happened. */
const LAG_MS = 60_000;
const PAGE_SIZE = 200;

export class ApiMetrics {
  readonly #registry = new Registry();
  readonly #sessions = new Counter({
    name: 'longhaul_sessions_total',
    help: 'Copy sessions that ended, by result.',
    labelNames: ['result'],
    registers: [this.#registry],
  });
  readonly #bytes = new Counter({
    name: 'longhaul_transferred_bytes_total',
    help: 'Bytes of ended sessions that their targets did not have.',
    registers: [this.#registry],
  });
  readonly #running = new Gauge({
    name: 'longhaul_sessions_running',
    help: 'Copy sessions that run now.',
    registers: [this.#registry],
  });
  readonly #requests = new Histogram({
    name: 'longhaul_http_request_duration_seconds',
    help: 'Time to answer an HTTP request.',
    labelNames: ['method', 'route', 'status'],
    registers: [this.#registry],
  });
  readonly #safety = new SafetyMetrics(this.#registry);
  readonly #facts: { readonly read: () => Promise<SafetyFacts> };
  readonly #client: Client;
  readonly #store: SessionStore;
  readonly #startedMs: number;
  /** Ended runs that are counted already, with their end, until they are older than the lag. */
  readonly #counted = new Map<string, number>();
  #seenUntilMs: number;

  constructor(
    client: Client,
    store: SessionStore,
    facts: { readonly read: () => Promise<SafetyFacts> },
    nowMs: number,
  ) {
    this.#facts = facts;
    this.#client = client;
    this.#store = store;
    this.#startedMs = nowMs;
    this.#seenUntilMs = nowMs;
  }

  /** Text of the exposition format, with what has happened since the last scrape. */
  async scrape(nowMs: number): Promise<{ contentType: string; text: string }> {
    const running = await this.#client.workflow.count(
      `WorkflowType = ${quoted(WORKFLOW_COPY_SESSION)} AND ExecutionStatus = 'Running'`,
    );
    this.#running.set(running.count);
    await this.#countEnded(nowMs);
    this.#safety.set(await this.#facts.read(), nowMs);
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  /** Times each request under its route's pattern, not its address: addresses are without number. */
  timeRequests(): RequestHandler {
    return (request, response, next) => {
      const end = this.#requests.startTimer({ method: request.method });
      response.on('finish', () => {
        const matched: unknown = request.route;
        const isMatched = typeof matched === 'object' && matched !== null && 'path' in matched;
        const route = isMatched ? `${request.baseUrl}${String(matched.path)}` : 'none';
        end({ route, status: response.statusCode });
      });
      next();
    };
  }

  async #countEnded(nowMs: number): Promise<void> {
    const fromMs = Math.max(this.#startedMs, this.#seenUntilMs - LAG_MS);
    const query = `WorkflowType = ${quoted(WORKFLOW_COPY_SESSION)} AND CloseTime >= ${quoted(new Date(fromMs).toISOString())} AND ExecutionStatus != 'ContinuedAsNew'`;
    let cursor: string | null = null;
    do {
      const page = await listExecutions(this.#client, query, {
        pageSize: PAGE_SIZE,
        ...(cursor === null ? {} : { cursor }),
      });
      for (const { workflowId, runId, closeTime } of page.executions) {
        if (this.#counted.has(runId)) continue;
        // Before it is asked for: another scrape may run beside this one.
        this.#counted.set(runId, closeTime?.getTime() ?? nowMs);
        try {
          const session = await this.#store.get(sessionIdOfWorkflow(workflowId));
          this.#sessions.inc({ result: session.result ?? 'failed' });
          this.#bytes.inc(session.progress.transferredBytes);
        } catch (error) {
          this.#counted.delete(runId);
          throw error;
        }
      }
      cursor = page.nextCursor;
    } while (cursor !== null);
    this.#seenUntilMs = nowMs;
    for (const [runId, endedMs] of this.#counted) {
      if (endedMs < nowMs - 2 * LAG_MS) this.#counted.delete(runId);
    }
  }
}
