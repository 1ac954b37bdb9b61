import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Overview, WorkloadView } from '../../../src/api/safety/overview-schemas.js';
import { startApiServer, type ApiServer } from '../api/support/api-server.js';
import { definitionOf } from '../../support/living/session-over-api.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const HOUR_MS = 3_600_000;
/** The newest restore points of the fixtures' machines. */
const FIXTURE_AT = Date.parse('2026-11-24T22:53:22Z');
/** The same, moved to an hour ago: the clock of the workers is that of the machine, and one that is days ahead of the service would be told. */
const BACKED_UP_AT = FIXTURE_AT + Math.floor((Date.now() - HOUR_MS - FIXTURE_AT) / 1_000) * 1_000;

async function moveDates(primary: string): Promise<void> {
  for (const machine of ['files01', 'web01'])
    for (const number of [1, 2, 3]) {
      const path = join(primary, machine, `checkpoint.cp${number}.xml`);
      const text = (await readFile(path, 'utf8')).replace(
        /(?<=<creationTime>)\d+/,
        (seconds) => `${Number(seconds) + (BACKED_UP_AT - FIXTURE_AT) / 1_000}`,
      );
      await writeFile(path, text);
    }
}

describeTemporal('the overview', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let api: ApiServer;
  let nowMs: number;
  beforeEach(async () => {
    site = await TestSite.create();
    // Of the fixture, and no backup: it would be told beside every count.
    await rm(site.path('primary', 'truth.json'));
    await moveDates(site.path('primary'));
    workers = await TestWorkers.start(site);
    nowMs = BACKED_UP_AT + HOUR_MS;
    const { repositories } = site;
    api = await startApiServer({ client: workers.client, repositories, now: () => nowMs });
  });
  afterEach(async () => {
    await api.close();
    await workers.stop();
    await site.remove();
  });

  /** Asks again, as a page does, until it is that: an answer does not wait for a look of more than five seconds. */
  async function overview(state: Overview['verdict']['state']): Promise<Overview> {
    return vi.waitFor(
      async () => {
        const { status, body } = await api.request('GET', '/overview');
        expect(status).toBe(200);
        const told = body as unknown as Overview;
        expect(told.verdict.state).toBe(state);
        return told;
      },
      { timeout: 120_000, interval: 500 },
    );
  }

  async function workloads(query = ''): Promise<WorkloadView[]> {
    const { status, body } = await api.request('GET', `/workloads${query}`);
    expect(status).toBe(200);
    return body.items as WorkloadView[];
  }

  const limit = { maxCopyAgeHours: 26, maxLagHours: null, workloads: [] };

  /** Its sessions are those of the job that the service knows: by its origin, too. */
  async function copyBoth(): Promise<void> {
    const job = testJob({ rpo: limit });
    const { status, body } = await api.request('POST', '/jobs', definitionOf(job));
    expect(status).toBe(201);
    await workers.runSession({ ...job, origin: String(body.origin) });
  }

  it('calls machines in no job unprotected', async () => {
    const { verdict, problems, counts } = await overview('unsafe');
    expect(verdict.sentence).toBe(
      '0 of 2 workloads have a copy as new as its job wants; files01 and web01 are in no job',
    );
    expect(problems).toMatchObject([{ code: 'WORKLOAD_IN_NO_JOB', workloadCount: 2 }]);
    expect(counts).toMatchObject({ workloads: 2, unprotected: 2 });
    expect(await workloads('?state=unprotected')).toMatchObject([
      { name: 'files01', copies: [] },
      { name: 'web01', copies: [] },
    ]);
  });

  it('is safe once both are copied, and late 26 hours after their moment', async () => {
    await copyBoth();
    const { verdict, problems, repositories } = await overview('safe');
    expect(verdict.since).toBeNull();
    expect(verdict.sentence).toMatch(
      /^2 of 2 workloads have a copy younger than 26 h; nothing is damaged; oldest check 0 s$/,
    );
    expect(problems).toEqual([]);
    expect(repositories).toMatchObject([{ id: 'primary' }, { id: 'offsite', reachable: true }]);
    nowMs = BACKED_UP_AT + 35 * HOUR_MS + 30_000;
    const late = await overview('unsafe');
    expect(late.verdict.sentence).toMatch(
      /^0 of 2 workloads have a copy younger than 26 h; files01 and web01 are late, by up to 9 h;/,
    );
    expect(late.problems).toMatchObject([
      { code: 'SOURCE_STOPPED', repositoryId: 'primary', workloadCount: 2 },
    ]);
    expect(await workloads('?state=late&search=WEB')).toMatchObject([
      {
        name: 'web01',
        since: new Date(BACKED_UP_AT + 26 * HOUR_MS).toISOString(),
        restorePointCount: 3,
      },
    ]);
  });

  it('is not sure of a target that is away, and says since when', async () => {
    await copyBoth();
    await overview('safe');
    const seenMs = nowMs;
    await rename(site.path('offsite'), site.path('unplugged'));
    nowMs += 2 * HOUR_MS;
    const { verdict, problems } = await overview('unsafe');
    expect(verdict.sentence).toContain('offsite has not been reached for 2 h');
    expect(problems).toMatchObject([
      {
        code: 'REPOSITORY_AWAY',
        repositoryId: 'offsite',
        since: new Date(seenMs).toISOString(),
        workloadCount: 2,
      },
    ]);
    expect((await workloads()).map(({ state }) => state)).toEqual(['unknown', 'unknown']);
    await rename(site.path('unplugged'), site.path('offsite'));
    nowMs += HOUR_MS;
    await overview('safe');
  });
});
