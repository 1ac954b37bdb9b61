import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readJobDefinition } from '../../../src/chain/sessions/session-record.js';
import { LivingSite } from '../../support/living/living-site.js';
import { definitionOf, runOverApi } from '../../support/living/session-over-api.js';
import { testJob } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';
import { startApiServer } from '../api/support/api-server.js';

const THIRD_DAY = '2026-11-03T220000Z';

/** Server, sessions and Schedules are gone with the Temporal namespace; all that is left are the repositories. */
describeTemporal('a target repository that has lost its server', () => {
  const job = testJob({
    description: 'every night',
    retention: { type: 'restorePoints', value: 5 },
  });
  let living: LivingSite;
  let workers: TestWorkers;
  beforeEach(async () => {
    living = await LivingSite.create();
    const lost = await TestWorkers.start(living.site);
    await lost.runSession(job);
    await lost.stop();
    await living.backUp('mail01', 3);
    workers = await TestWorkers.start(living.site);
  }, 60_000);
  afterEach(async () => {
    await workers.stop();
    await living.site.remove();
  });

  async function expectContinuedChain(): Promise<void> {
    const points = await living.points();
    expect(points.map(({ kind }) => kind)).toEqual(['full', 'increment', 'increment']);
    expect(new Set(points.map(({ chainId }) => chainId)).size).toBe(1);
    expect(await living.wrongPoints()).toEqual([]);
  }

  it('gives its job back, and a session of it goes on with an increment', async () => {
    const found = await readJobDefinition(await living.site.openTarget(), 'nightly');
    expect(found).toEqual(job);
    const { tasks } = await workers.runSession(found!);
    expect(tasks).toMatchObject([
      { result: 'success', algorithm: 'increment', committed: [THIRD_DAY] },
    ]);
    await expectContinuedChain();
  });

  it('is taken over through the API, and the imported job goes on with an increment', async () => {
    const api = await startApiServer({ client: workers.client });
    try {
      const source = { repositoryId: 'offsite', jobId: 'nightly' };
      const imported = await api.request('POST', '/jobs/import', source);
      expect(imported.status).toBe(201);
      expect(imported.body).toMatchObject({ id: 'nightly', description: 'every night' });
      const { result, tasks } = await runOverApi(api, 'nightly');
      expect(result).toBe('success');
      expect(tasks).toMatchObject([{ algorithm: 'increment', committed: [THIRD_DAY] }]);
    } finally {
      await api.close();
    }
    await expectContinuedChain();
  });

  it('keeps its copies from a new job of the same id, until somebody says that they are its own', async () => {
    const api = await startApiServer({ client: workers.client });
    try {
      await living.addMachine('web02', 2);
      await living.backUp('web02', 3, 'full');
      const before = await storedFiles();
      const wanted = { ...definitionOf(job), retention: { type: 'restorePoints', value: 2 } };
      const made = await api.request('POST', '/jobs', { ...wanted, removedWorkloadsAfterDays: 1 });
      expect(made.status).toBe(201);
      for (let n = 0; n < 2; n += 1) {
        const refused = await runOverApi(api, 'nightly');
        expect(refused).toMatchObject({ result: 'actionRequired', nextTryAt: null });
        expect(refused.tasks.map(({ workload, code }) => `${workload}: ${code}`).sort()).toEqual([
          'mail01: COPIES_OF_OTHER_JOB',
          // What is kept of machines that are gone, too.
          'repository offsite: null',
          'web02: COPIES_OF_OTHER_JOB',
        ]);
      }
      expect(await storedFiles()).toEqual(before);
      const taken = await runOverApi(api, 'nightly', { takeOver: true });
      expect(taken).toMatchObject({ result: 'success' });
      expect(await living.points()).toHaveLength(2);
      expect(await living.wrongPoints()).toEqual([]);
      expect(await runOverApi(api, 'nightly')).toMatchObject({ result: 'nothingToCopy' });
    } finally {
      await api.close();
    }
  });

  /** All but the records of sessions and requests. */
  async function storedFiles(): Promise<string[]> {
    const root = living.site.path('offsite');
    const names = await readdir(root, { recursive: true });
    return names.filter((name) => !/sessions|\.longhaul|\.audit/.test(name)).sort();
  }
});
