import { readdir, rename } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { ChainRecord } from '../../../src/chain/chain-record.js';
import { readChainRecord, writeChainRecord } from '../../../src/chain/chain-store.js';
import { readJobDefinition } from '../../../src/chain/sessions/session-record.js';
import { LivingSite } from '../../support/living/living-site.js';
import { definitionOf, runOverApi } from '../../support/living/session-over-api.js';
import { testJob } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';
import { startApiServer } from '../api/support/api-server.js';

const THIRD_DAY = '2026-11-03T220000Z';
const DAY_MS = 86_400_000;
const OLD02 = chainFolder('nightly', 'ovirt-old02');

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
  });
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
      await missOld02();
      const before = await storedFiles();
      const wanted = { ...definitionOf(job), retention: { type: 'restorePoints', value: 2 } };
      const made = await api.request('POST', '/jobs', { ...wanted, removedWorkloadsAfterDays: 9 });
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
      // What the other job had counted and announced is not its own.
      const { presence, points } = await old02();
      expect(points).toHaveLength(1);
      expect(presence.absence).toMatchObject({ missedDays: 1, provenMs: 0, announcedAt: null });
      expect(await runOverApi(api, 'nightly')).toMatchObject({ result: 'nothingToCopy' });
    } finally {
      await api.close();
    }
  });

  /** Its machine went a month ago, and the sessions of the other job were about to delete its copies. */
  async function missOld02(): Promise<void> {
    await living.addMachine('old02', 2);
    await living.backUp('old02', 1, 'full');
    await living.copyAt(
      new Date(Date.now() - 40 * DAY_MS).toISOString(),
      { jobId: job.id },
      'old02',
    );
    await rename(living.site.path('primary', 'old02'), living.site.path('gone-old02'));
    const record = await old02();
    const ago = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();
    const absence = {
      ...{ firstMissedAt: ago(31), lastMissedAt: ago(1), announcedAt: ago(8) },
      ...{ missedDays: 31, provenMs: 30 * DAY_MS, lastSpanMs: DAY_MS },
    };
    const presence = { lastSeenAt: ago(32), absence };
    await writeChainRecord(await living.site.openTarget(), OLD02, { ...record, presence });
  }

  async function old02(): Promise<ChainRecord> {
    return (await readChainRecord(await living.site.openTarget(), OLD02))!;
  }

  /** All but the records of sessions and requests. */
  async function storedFiles(): Promise<string[]> {
    const root = living.site.path('offsite');
    const names = await readdir(root, { recursive: true });
    return names.filter((name) => !/sessions|\.longhaul|\.audit/.test(name)).sort();
  }
});
