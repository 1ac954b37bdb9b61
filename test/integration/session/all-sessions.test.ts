import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { workflowIdOfSession } from '../../../src/domain/sessions/copy-session.js';
import { startApiServer, type ApiServer } from '../api/support/api-server.js';
import { definitionOf, runOverApi } from '../../support/living/session-over-api.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { until } from '../../support/session/until.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly result: string;
  readonly startedAt: string;
}

describeTemporal('sessions that Temporal has forgotten', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let api: ApiServer;
  /** The first has copied, the second found nothing new; Temporal remembers only the third. */
  const ids: string[] = [];

  beforeAll(async () => {
    site = await TestSite.create();
    workers = await TestWorkers.start(site);
    api = await startApiServer({ client: workers.client, repositories: site.repositories });
    expect((await api.request('POST', '/jobs', definitionOf(testJob()))).status).toBe(201);
    for (let run = 0; run < 3; run += 1) {
      ids.push((await runOverApi(api, 'nightly')).id);
      await sleep(1_100); // a session is named by the second of its start
    }
    // A session that Temporal lists as running would be listed again by its end, after it was deleted.
    await until(async () => {
      const listed = await page('');
      return listed.items.length === 3 && listed.items.every(({ state }) => state === 'ended');
    });
    for (const id of ids.slice(0, 2)) {
      const { namespace } = workers.client.options;
      const workflowExecution = { workflowId: workflowIdOfSession(id)! };
      await workers.client.workflowService.deleteWorkflowExecution({
        namespace,
        workflowExecution,
      });
    }
    await until(async () => (await page('')).items.length === 1);
  });
  afterAll(async () => {
    await api.close();
    await workers.stop();
    await site.remove();
  });

  async function page(query: string) {
    const { status, body } = await api.request('GET', `/sessions?${query}`);
    expect(status).toBe(200);
    return body as unknown as { items: Listed[]; nextCursor?: string; unreadable?: object[] };
  }

  async function all(query = ''): Promise<Listed[]> {
    const items: Listed[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const more = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const next = await page(`${query}${more}`);
      items.push(...next.items);
      cursor = next.nextCursor;
    }
    return items;
  }

  const idsOf = (sessions: readonly Listed[]) => sessions.map(({ id }) => id);

  it('are listed behind those that it knows, each once', async () => {
    const listed = await all();
    expect(idsOf(listed)).toEqual([ids[2], ids[1], ids[0]]);
    expect(listed[2]).toMatchObject({
      jobId: 'nightly',
      trigger: 'api',
      state: 'ended',
      result: 'success',
      nextTryAt: null,
    });
  });

  it('are shown whole', async () => {
    const { status, body } = await api.request('GET', `/sessions/${ids[0]}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: ids[0], result: 'success', live: true, retry: null });
    expect((body.tasks as { workload: string }[]).map(({ workload }) => workload).sort()).toEqual([
      'files01',
      'web01',
    ]);
    const tasks = await api.request('GET', `/sessions/${ids[0]}/tasks`);
    expect((tasks.body.items as object[]).length).toBe(2);
  });

  it('are found by result, job and time, as the others are', async () => {
    const listed = await all();
    const [third, second, first] = listed.map(({ startedAt }) => startedAt);
    expect(idsOf(await all('result=success'))).toEqual([ids[0]]);
    expect(idsOf(await all('result=nothingToCopy'))).toEqual([ids[2], ids[1]]);
    expect(idsOf(await all('result=failed'))).toEqual([]);
    expect(idsOf(await all('jobId=other'))).toEqual([]);
    expect(idsOf(await all(`from=${third}`))).toEqual([ids[2]]);
    expect(idsOf(await all(`to=${third}`))).toEqual([ids[1], ids[0]]);
    expect(idsOf(await all(`to=${second}&from=${first?.slice(0, 19)}Z`))).toEqual([ids[0]]);
    expect(idsOf(await all('state=running'))).toEqual([]);
  });

  it('answer 404 when no record tells of them either', async () => {
    const { status, body } = await api.request('GET', '/sessions/nightly-20200101T000000Z');
    expect([status, body.code]).toEqual([404, 'SESSION_MISSING']);
  });

  it('do not hide each other when one record is damaged', async () => {
    const year = ids[0]!.slice(-16, -12);
    const record = `nightly/sessions/${year}/${ids[0]}.json`;
    await writeFile(site.path('offsite', record), '{');
    const first = await page('');
    const stored = await page(`cursor=${encodeURIComponent(first.nextCursor!)}`);
    expect(idsOf(stored.items)).toEqual([ids[1]]);
    expect(stored.unreadable).toMatchObject([{ path: record, code: 'METADATA_CORRUPT' }]);
  });
});
