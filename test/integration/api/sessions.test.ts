import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeTemporal } from '../../support/temporal/server.js';
import { startApiServer, type ApiServer } from './support/api-server.js';

const JOB = {
  mode: 'periodic',
  sources: { include: [{ repositoryId: 'primary' }] },
  target: { repositoryId: 'offsite' },
};

describeTemporal('sessions over the API', () => {
  let api: ApiServer;
  beforeAll(async () => {
    api = await startApiServer();
    await api.startWorker();
  });
  afterAll(() => api.close());

  /** `behaviour` is what the stand-in workflow does. */
  async function startJob(id: string, behaviour: string, body: object = {}): Promise<string> {
    await api.request('POST', '/jobs', { ...JOB, id, name: id, description: behaviour });
    const { body: answer } = await api.request('POST', `/jobs/${id}/start`, body);
    return String(answer.sessionId);
  }

  async function session(id: string): Promise<Record<string, unknown>> {
    return (await api.request('GET', `/sessions/${id}`)).body;
  }

  it('starts a session under the id of its job and second', async () => {
    const id = await startJob('starts', 'success');
    expect(id).toMatch(/^starts-\d{8}T\d{6}Z$/);
    await expect
      .poll(() => session(id))
      .toMatchObject({
        id,
        jobId: 'starts',
        trigger: 'api',
        state: 'ended',
        result: 'success',
        progress: { transferredBytes: 60, percent: 50 },
        tasks: [{ workload: 'web01', result: 'success' }],
      });
  });

  it('gives two starts in the same second sessions of their own', async () => {
    const first = await startJob('doubled', 'wait');
    const { body } = await api.request('POST', '/jobs/doubled/start');
    expect(body.sessionId).not.toBe(first);
    expect(String(body.sessionId)).toMatch(/^doubled-\d{8}T\d{6}Z$/);
  });

  it('passes the overrides of the start on', async () => {
    const id = await startJob('overridden', 'wait', { workloads: ['db02'] });
    await expect.poll(() => session(id)).toMatchObject({ tasks: [{ workload: 'db02' }] });
  });

  it('answers a repeated Idempotency-Key with the first session, also from another process', async () => {
    await api.request('POST', '/jobs', { ...JOB, id: 'once', name: 'once', description: 'wait' });
    const start = (server: ApiServer) =>
      server.request('POST', '/jobs/once/start', {}, { 'Idempotency-Key': 'k1' });
    const answers = await Promise.all([start(api), start(api)]);
    const ids = new Set(answers.map(({ body }) => body.sessionId));
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    expect(ids.size).toBe(1);
    const { body: list } = await poll(() => api.request('GET', '/sessions?jobId=once'), 1);
    expect(list.items).toHaveLength(1);
    const other = await startApiServer({ client: api.client });
    expect([...ids]).toEqual([(await start(other)).body.sessionId]);
    await other.close();
  });

  it('lists sessions by job and state, with how they ended', async () => {
    const ended = await startJob('listed', 'fail');
    const { body: second } = await api.request('POST', '/jobs/listed/start');
    await poll(() => api.request('GET', '/sessions?jobId=listed&state=ended'), 2);
    const { body } = await api.request('GET', '/sessions?jobId=listed&state=ended');
    const items = body.items as Record<string, unknown>[];
    expect(items.map(({ id }) => id).sort()).toEqual([ended, second.sessionId].sort());
    expect(items.map(({ result, state }) => [result, state])).toEqual([
      ['failed', 'ended'],
      ['failed', 'ended'],
    ]);
    const running = await api.request('GET', '/sessions?jobId=listed&state=running');
    expect(running.body.items).toEqual([]);
  });

  it('says why a session failed', async () => {
    const id = await startJob('failing', 'fail');
    await expect
      .poll(() => session(id))
      .toMatchObject({ result: 'failed', reason: 'disk is gone' });
  });

  it('stops a running session and refuses to stop it again', async () => {
    const id = await startJob('stopped', 'wait');
    expect((await api.request('POST', `/sessions/${id}/stop`)).status).toBe(202);
    await expect
      .poll(() => session(id))
      .toMatchObject({ state: 'ended', result: 'stopped', tasks: [{ workload: 'web01' }] });
    const again = await api.request('POST', `/sessions/${id}/stop`);
    expect([again.status, again.body.code]).toEqual([409, 'SESSION_ENDED']);
    const paused = await api.request('POST', `/sessions/${id}/pause`);
    expect([paused.status, paused.body.code]).toEqual([409, 'SESSION_ENDED']);
  });

  it('shows a session that is still tidying up after a stop as stopping', async () => {
    const id = await startJob('tidying', 'slow stop');
    await expect.poll(() => session(id)).toMatchObject({ state: 'running', live: true });
    const { body } = await api.request('POST', `/sessions/${id}/stop`);
    expect(body).toMatchObject({ state: 'stopping', result: null });
  });

  it('adds what a running batch reports to the progress of its task and session', async () => {
    const id = await startJob('beating', 'child');
    // The task itself has 100 of 200 bytes, the batch 50 more at 25 bytes a second.
    const progress = {
      percent: 75,
      processedBytes: 150,
      totalBytes: 200,
      readBytes: 40,
      transferredBytes: 90,
      bytesPerSecond: 25,
      etaSeconds: 2,
    };
    await expect
      .poll(() => session(id))
      .toMatchObject({ progress, tasks: [{ workload: 'web01', attempt: 2, progress }] });
    await api.request('POST', `/sessions/${id}/stop`);
  });

  it('tells of a task that is tried again which try it is, why, and when the next one is', async () => {
    const id = await startJob('retrying', 'retrying');
    await expect
      .poll(() => session(id))
      .toMatchObject({
        tasks: [
          {
            workload: 'web01',
            retry: {
              // The second try came after 100 ms; the third waits for a thousand times as long.
              attempt: 3,
              code: 'REPOSITORY_UNREACHABLE',
              reason: 'Repository "offsite" does not answer. Check the mount.',
              nextTryAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
            },
          },
        ],
      });
    const { tasks } = (await session(id)) as { tasks: { retry: { nextTryAt: string } }[] };
    const waitMs = Date.parse(tasks[0]!.retry.nextTryAt) - Date.now();
    expect(waitMs).toBeGreaterThan(60_000);
    expect(waitMs).toBeLessThan(110_000);
    await api.request('POST', `/sessions/${id}/stop`);
  });

  it('says why a session that the server refuses again and again does nothing, and stops it', async () => {
    const id = await startJob('refused', 'refused');
    await expect
      .poll(() => session(id))
      .toMatchObject({
        state: 'running',
        retry: {
          code: null,
          reason: expect.stringMatching(/workflow itself cannot go on.*WorkflowId/i) as string,
        },
      });
    await api.request('POST', `/sessions/${id}/stop`);
    await expect.poll(() => session(id)).toMatchObject({ state: 'ended' });
  });

  it('shows and stops a session whose answer is too large to be given', async () => {
    const id = await startJob('unanswerable', 'unanswerable');
    const shown = await api.request('GET', `/sessions/${id}`);
    expect([shown.status, shown.body]).toMatchObject([200, { state: 'running', live: false }]);
    const stopped = await api.request('POST', `/sessions/${id}/stop`);
    expect(stopped.status).toBe(202);
    await expect.poll(() => session(id)).toMatchObject({ state: 'ended', result: 'stopped' });
  });

  it('shows the last that it knew of a running session when its workers are gone', async () => {
    const id = await startJob('left', 'wait');
    await expect.poll(() => session(id)).toMatchObject({ live: true });
    await api.stopWorker();
    try {
      expect(await session(id)).toMatchObject({
        state: 'running',
        live: false,
        taskCounts: { running: 1 },
        tasks: [{ workload: 'web01', state: 'copying' }],
      });
    } finally {
      await api.startWorker();
    }
  });

  it('lists the tasks that a session shows itself, and refuses a cursor of another list', async () => {
    const id = await startJob('tasked', 'success');
    await expect.poll(() => session(id)).toMatchObject({ state: 'ended' });
    const { body } = await api.request('GET', `/sessions/${id}/tasks`);
    expect(body).toEqual({
      items: [expect.objectContaining({ workload: 'web01', result: 'success' })],
      unreadable: [],
    });
    const answer = await api.request('GET', `/sessions/${id}/tasks?cursor=bm9uZQ`);
    expect([answer.status, answer.body.code]).toEqual([400, 'REQUEST_INVALID']);
  });

  it('pauses and resumes a running session, and lists it as paused', async () => {
    const id = await startJob('pausing', 'wait');
    const paused = await api.request('POST', `/sessions/${id}/pause`);
    expect(paused.body).toMatchObject({ state: 'paused', live: true });
    await poll(() => api.request('GET', '/sessions?jobId=pausing&state=paused'), 1);
    const resumed = await api.request('POST', `/sessions/${id}/resume`);
    expect(resumed.body).toMatchObject({ state: 'running' });
  });

  it.each([
    'none',
    'none-20261124T220000Z',
    `${'x'.repeat(3_000)}-20261124T220000Z`,
    '..%2F..%2F-20261124T220000Z',
  ])('answers SESSION_MISSING for %s', async (id) => {
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/events'],
      ['POST', '/stop'],
      ['POST', '/pause'],
      ['POST', '/resume'],
    ]) {
      const answer = await api.request(method ?? '', `/sessions/${id}${path}`);
      expect([answer.status, answer.body.code]).toEqual([404, 'SESSION_MISSING']);
    }
  });

  it('refuses a cursor that is none', async () => {
    const answer = await api.request('GET', '/sessions?cursor=bm9uZQ');
    expect([answer.status, answer.body.code]).toEqual([400, 'REQUEST_INVALID']);
  });

  it('shows the last session with its job', async () => {
    const id = await startJob('remembered', 'success');
    await expect
      .poll(async () => (await api.request('GET', '/jobs/remembered')).body.lastSession)
      .toMatchObject({ id, result: 'success' });
  });

  it('replaces a job that waits for it, and only such a job', async () => {
    const id = await startJob('recreated', 'actionRequired');
    await expect.poll(() => session(id)).toMatchObject({ result: 'actionRequired' });
    await expect
      .poll(async () => (await api.request('GET', '/jobs/recreated')).body)
      .toMatchObject({ state: 'actionRequired', undecidedSessionId: id });
    const replacement = await api.request('POST', '/jobs/recreated/replacement');
    expect(replacement.status).toBe(201);
    expect(replacement.body).toMatchObject({
      id: 'recreated-2',
      name: 'recreated (2)',
      replaces: 'recreated',
      revision: 1,
      state: 'enabled',
      description: 'actionRequired',
    });
    const { body: old } = await api.request('GET', '/jobs/recreated');
    expect(old.state).toBe('disabled');
    await startJob('untouched', 'success');
    const refused = await api.request('POST', '/jobs/untouched/replacement');
    expect([refused.status, refused.body.code]).toEqual([409, 'JOB_NOT_REPLACEABLE']);
  });

  it('replaces a job of which one workload was recreated although another one failed', async () => {
    const id = await startJob('mixed', 'one failed, one recreated');
    await expect.poll(() => session(id)).toMatchObject({ result: 'failed' });
    await expect
      .poll(async () => (await api.request('GET', '/jobs/mixed')).body)
      .toMatchObject({ state: 'actionRequired', lastSession: { result: 'failed' } });
    const { body: list } = await api.request('GET', '/jobs');
    expect(
      (list.items as { id: string; state: string }[]).find((job) => job.id === 'mixed'),
    ).toMatchObject({ state: 'actionRequired' });
    expect((await api.request('POST', '/jobs/mixed/replacement')).status).toBe(201);
  });

  describe('events', () => {
    it('sends progress and tasks while the session runs, and ends with it', async () => {
      const id = await startJob('followed', 'wait');
      const response = await fetch(`${api.url}/api/v1/sessions/${id}/events`);
      expect(response.headers.get('Content-Type')).toBe('text/event-stream; charset=utf-8');
      const events = readEvents(response);
      const first = await events.next();
      expect(first.value).toMatchObject({ event: 'progress', data: { id, state: 'running' } });
      const second = await events.next();
      expect(second.value).toMatchObject({ event: 'task', data: { workload: 'web01' } });
      await api.request('POST', `/sessions/${id}/stop`);
      const rest: { event: string; data: unknown }[] = [];
      for await (const event of events) rest.push(event);
      expect(rest.at(-1)).toMatchObject({ event: 'end', data: { id, result: 'stopped' } });
    });

    it('of the site tell of a new job, and that its session began, halted and ended', async () => {
      const gone = new AbortController();
      const response = await fetch(`${api.url}/api/v1/events`, { signal: gone.signal });
      const events = readEvents(response);
      const told: string[] = [];
      const until = async (word: string): Promise<void> => {
        while (!told.includes(word)) {
          const { value } = await events.next();
          const { reason, job, session } = value?.data as SiteEventWords;
          const isOwn = job?.id === 'told' || session?.jobId === 'told' || reason !== undefined;
          if (isOwn) told.push(`${value?.event} ${reason ?? session?.result ?? ''}`.trim());
        }
      };
      await until('reset begun');
      const id = await startJob('told', 'wait');
      await until('sessionBegan');
      await api.request('POST', `/sessions/${id}/pause`);
      await until('sessionChanged');
      await api.request('POST', `/sessions/${id}/stop`);
      await until('sessionEnded stopped');
      // The list of jobs is read on its own: it may come behind what the sessions tell.
      await until('jobMade');
      gone.abort();
      expect(told.filter((word) => word !== 'jobMade')).toEqual([
        'reset begun',
        'sessionBegan',
        'sessionChanged',
        'sessionEnded stopped',
      ]);
    });
  });

  describe('without a worker', () => {
    let lonely: ApiServer;
    beforeEach(async () => {
      lonely = await startApiServer();
      return () => lonely.close();
    });

    it('shows what is known of a running session, marked as not live', async () => {
      await lonely.request('POST', '/jobs', { ...JOB, name: 'lonely' });
      const { body } = await lonely.request('POST', '/jobs/lonely/start');
      const answer = await lonely.request('GET', `/sessions/${String(body.sessionId)}`);
      expect(answer.body).toMatchObject({ state: 'running', live: false, tasks: [] });
      const ready = await fetch(`${lonely.url}/readyz`);
      expect(ready.status).toBe(503);
      expect(((await ready.json()) as { missing: string[] }).missing).toContain(
        'no worker polls control',
      );
    });
  });

  it('counts ended sessions and their bytes in the metrics', async () => {
    const metered = await startApiServer();
    await metered.startWorker();
    await metered.request('POST', '/jobs', { ...JOB, name: 'metered' });
    await metered.request('POST', '/jobs/metered/start');
    const scrape = async () => (await fetch(`${metered.url}/metrics`)).text();
    await expect.poll(scrape).toContain('longhaul_sessions_total{result="success"} 1');
    const text = await scrape();
    expect(text).toContain('longhaul_transferred_bytes_total 60');
    expect(text).toContain('longhaul_sessions_total{result="success"} 1');
    expect(text).toContain('longhaul_sessions_running 0');
    expect(text).toContain('route="/api/v1/jobs/:id/start"');
    await metered.close();
  });
});

async function poll<T extends { body: Record<string, unknown> }>(
  read: () => Promise<T>,
  count: number,
): Promise<T> {
  await expect.poll(async () => (await read()).body.items).toHaveLength(count);
  return read();
}

interface SiteEventWords {
  readonly reason?: string;
  readonly job?: { readonly id: string };
  readonly session?: { readonly jobId: string; readonly result: string | null };
}

async function* readEvents(
  response: Response,
): AsyncGenerator<{ event: string; data: unknown }, void> {
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString('utf8');
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, event, data] = /^(?:id: .*\n)?event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
      if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) };
    }
  }
}
