import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeTemporal } from '../../support/temporal/server.js';
import { startApiServer, type ApiServer, type Reply } from './support/api-server.js';

const NIGHTLY = {
  name: 'Nightly',
  mode: 'periodic',
  sources: { include: [{ repositoryId: 'primary' }] },
  target: { repositoryId: 'offsite' },
};

describeTemporal('commands that come several times', () => {
  let api: ApiServer;
  beforeAll(async () => {
    api = await startApiServer();
    await api.startWorker();
  });
  afterAll(() => api.close());

  function atOnce(count: number, call: () => Promise<Reply>): Promise<Reply[]> {
    return Promise.all(Array.from({ length: count }, call));
  }

  async function jobIds(): Promise<string[]> {
    const { body } = await api.request('GET', '/jobs');
    return (body.items as { id: string }[]).map(({ id }) => id);
  }

  /** A job whose session has just ended, as a follower of that session learns it. */
  async function needsReplacement(id: string): Promise<void> {
    await api.request('POST', '/jobs', { ...NIGHTLY, id, description: 'actionRequired' });
    const { body } = await api.request('POST', `/jobs/${id}/start`, {});
    const sessionId = String(body.sessionId);
    await expect
      .poll(async () => (await api.request('GET', `/sessions/${sessionId}`)).body.state, {
        timeout: 60_000,
        interval: 20,
      })
      .toBe('ended');
  }

  it('make one replacement of eight calls at once, and of one more afterwards', async () => {
    await needsReplacement('renewed');
    const answers = await atOnce(8, () => api.request('POST', '/jobs/renewed/replacement'));
    answers.push(await api.request('POST', '/jobs/renewed/replacement'));
    expect(answers.map(({ status, body }) => [status, body.id])).toEqual(
      answers.map(() => [201, 'renewed-2']),
    );
    await expect.poll(jobIds).toContain('renewed-2');
    expect((await jobIds()).filter((id) => id.startsWith('renewed'))).toEqual([
      'renewed',
      'renewed-2',
    ]);
    const { body: old } = await api.request('GET', '/jobs/renewed');
    expect(old.state).toBe('disabled');
  });

  it('find a job that waits for its replacement as soon as its session has ended', async () => {
    for (const id of ['soon-a', 'soon-b', 'soon-c']) {
      await needsReplacement(id);
      const { body } = await api.request('GET', `/jobs/${id}`);
      expect(body.state).toBe('actionRequired');
    }
  });

  it('refuse a replacement of a job that was disabled for another reason', async () => {
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'resting' });
    await api.request('POST', '/jobs/resting/disable');
    const { status, body } = await api.request('POST', '/jobs/resting/replacement');
    expect([status, body.code]).toEqual([409, 'JOB_NOT_REPLACEABLE']);
  });

  it('start sessions of forty calls at once without an error', async () => {
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'eager', description: 'wait' });
    const answers = await atOnce(40, () => api.request('POST', '/jobs/eager/start', {}));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    const sessions = new Set(answers.map(({ body }) => body.sessionId));
    for (const id of sessions) await api.request('POST', `/sessions/${String(id)}/stop`);
  });

  it('leave one watcher after an immediate job was enabled twice and disabled', async () => {
    await api.request('POST', '/jobs', { ...NIGHTLY, id: 'watched', mode: 'immediate' });
    await atOnce(2, () => api.request('POST', '/jobs/watched/enable'));
    await api.request('POST', '/jobs/watched/disable');
    const running = async () =>
      (
        await api.client.workflow.count(
          "WorkflowType = 'watchSources' AND ExecutionStatus = 'Running' AND LonghaulJobId = 'watched'",
        )
      ).count;
    await expect.poll(running).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await running()).toBe(0);
  });
});
