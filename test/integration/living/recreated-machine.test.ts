import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { LivingSite } from '../../support/living/living-site.js';
import { definitionOf, runOverApi } from '../../support/living/session-over-api.js';
import { testJob } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';
import { startApiServer, type ApiServer } from '../api/support/api-server.js';

/** All its backups are gone, and under its name there is another machine with backups of its own. */
describeTemporal('a machine that was made anew', () => {
  let living: LivingSite;
  let workers: TestWorkers;
  let api: ApiServer;
  beforeEach(async () => {
    living = await LivingSite.create();
    workers = await TestWorkers.start(living.site);
    api = await startApiServer({ client: workers.client });
  });
  afterEach(async () => {
    await api.close();
    await workers.stop();
    await living.site.remove();
  });

  async function makeAnew(): Promise<void> {
    const before = living.machine();
    await before.removeAll();
    await living.addMachine('mail01', 7);
    // Both machines' truth: their days do not overlap.
    living.machine().days.push(...before.days);
    await living.backUp('mail01', 5, 'full');
  }

  /** Another machine, of whose copies the record cannot be read. */
  async function addFailing(name: string): Promise<void> {
    await living.addMachine(name, 9);
    await living.backUp(name, 5, 'full');
    const { id } = await living.site.workload(name);
    const chain = chainFolder('nightly', id);
    await living.site.makeFolder('offsite', chain);
    for (const file of ['chain.json', 'chain.json.copy'])
      await writeFile(living.site.path('offsite', chain, file), '{');
  }

  /** Digests of all files of the points with these ids. */
  async function filesOf(jobId: string, pointIds: readonly string[]): Promise<string[]> {
    const { id } = await living.site.workload('mail01');
    const chain = living.site.path('offsite', chainFolder(jobId, id));
    const files: string[] = [];
    for (const pointId of pointIds)
      for (const name of (await readdir(join(chain, pointId))).sort()) {
        const bytes = await readFile(join(chain, pointId, name));
        files.push(`${pointId}/${name} ${createHash('sha256').update(bytes).digest('hex')}`);
      }
    return files;
  }

  it('gets a new job with a new chain over the API, also where the copy of another one has failed, and the old job is disabled and keeps its own', async () => {
    await api.request('POST', '/jobs', definitionOf(testJob()));
    expect((await runOverApi(api, 'nightly')).result).toBe('success');
    const old = await living.record();
    const oldIds = old.points.map(({ id }) => id);
    const oldFiles = await filesOf('nightly', oldIds);
    const early = await api.request('POST', '/jobs/nightly/replacement');
    expect([early.status, early.body.code]).toEqual([409, 'JOB_NOT_REPLACEABLE']);

    await makeAnew();
    await addFailing('db01');
    const { result, tasks } = await runOverApi(api, 'nightly');
    expect(result).toBe('failed');
    expect(tasks.find(({ workload }) => workload === 'db01')).toMatchObject({ result: 'failed' });
    expect(tasks.find(({ workload }) => workload === 'mail01')).toMatchObject({
      ...{ result: 'actionRequired', code: 'SOURCE_CHAIN_RECREATED', committed: [] },
    });
    expect(tasks).toHaveLength(2);
    await expect
      .poll(async () => (await api.request('GET', '/jobs/nightly')).body.state)
      .toBe('actionRequired');

    const replaced = await api.request('POST', '/jobs/nightly/replacement');
    expect(replaced.status).toBe(201);
    expect(replaced.body).toMatchObject({ id: 'nightly-2', replaces: 'nightly', state: 'enabled' });
    expect((await api.request('GET', '/jobs/nightly')).body.state).toBe('disabled');
    const workloads = ['mail01'];
    expect(await runOverApi(api, 'nightly-2', { workloads })).toMatchObject({
      result: 'success',
      tasks: [{ algorithm: 'full', committed: ['2026-11-05T220000Z'] }],
    });
    await living.backUp('mail01', 6);
    expect(await runOverApi(api, 'nightly-2', { workloads })).toMatchObject({
      result: 'success',
      tasks: [{ algorithm: 'increment' }],
    });
    expect(await living.wrongPoints('nightly-2')).toEqual([]);
    expect((await living.record()).points).toEqual(old.points);
    expect(await filesOf('nightly', oldIds)).toEqual(oldFiles);
    expect(await living.wrongPoints('nightly')).toEqual([]);
  });

  it('goes on in a new chain of the same job when the job says so, and the old chain stays as it was', async () => {
    const job = testJob({
      onSourceChainRecreated: 'startNewChain',
      retention: { type: 'restorePoints', value: 3 },
    });
    await workers.runSession(job);
    const old = await living.points();
    const oldIds = old.map(({ id }) => id);
    const oldFiles = await filesOf('nightly', oldIds);
    await makeAnew();
    const { tasks } = await workers.runSession(job);
    expect(tasks).toMatchObject([{ result: 'success', algorithm: 'full' }]);
    await living.backUp('mail01', 6);
    expect((await workers.runSession(job)).tasks).toMatchObject([
      { result: 'success', algorithm: 'increment' },
    ]);
    const points = await living.points();
    expect(points.slice(0, 2)).toEqual(old);
    expect(points.map(({ kind }) => kind)).toEqual(['full', 'increment', 'full', 'increment']);
    expect(await filesOf('nightly', oldIds)).toEqual(oldFiles);
    expect(await living.wrongPoints()).toEqual([]);

    // The old chain goes as a whole once three points of the new one are there.
    await living.backUp('mail01', 7);
    await workers.runSession(job);
    expect((await living.points()).map(({ createdAt }) => createdAt.slice(8, 10))).toEqual([
      ...['05', '06', '07'],
    ]);
    expect(await living.wrongPoints()).toEqual([]);
  });
});
