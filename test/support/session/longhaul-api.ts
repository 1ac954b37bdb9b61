import { setTimeout as sleep } from 'node:timers/promises';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import type { CopySession } from '../../../src/domain/sessions/copy-session.js';

/** The HTTP API of a Longhaul server in another process, as far as a test of sessions needs it. */
export class LonghaulApi {
  constructor(private readonly port: number) {}

  async createJob({ revision: _, replaces: __, ...definition }: CopyJob): Promise<void> {
    await this.call('POST', '/jobs', definition);
  }

  /** @returns the session's id */
  async startJob(jobId: string): Promise<string> {
    const { sessionId } = (await this.call('POST', `/jobs/${jobId}/start`, {})) as {
      sessionId: string;
    };
    return sessionId;
  }

  /** Asks until the session has ended, whatever happens to the server meanwhile. */
  async waitForEnd(sessionId: string): Promise<CopySession> {
    const deadline = Date.now() + SESSION_TIMEOUT_MS;
    let last: unknown = 'no answer yet';
    while (Date.now() < deadline) {
      try {
        const session = (await this.call('GET', `/sessions/${sessionId}`)) as CopySession;
        if (session.state === 'ended') return session;
        last = session;
      } catch (error) {
        last = error;
      }
      await sleep(200);
    }
    throw new Error(`session ${sessionId} did not end: ${JSON.stringify(last)}`);
  }

  /** @throws the answer, when it is no success */
  async call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.port}/api/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }
}

const SESSION_TIMEOUT_MS = 170_000;
