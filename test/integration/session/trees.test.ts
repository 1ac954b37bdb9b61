import { afterAll, beforeAll, expect, it } from 'vitest';
import { readFile, rm } from 'node:fs/promises';
import type { RestorePointView, WorkloadSummary } from '../../../src/domain/repository-view.js';
import { makeDatastore } from '../../support/tree/datastore.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const JOB = testJob({ retention: { type: 'days', value: 14 }, compact: null });

describeTemporal('a store of a backup tool', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let truth: ReadonlyMap<string, Buffer>;
  beforeAll(async () => {
    site = await TestSite.create(null);
    truth = await makeDatastore(site.path('primary'));
    workers = await TestWorkers.start(site);
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  async function browse<Item>(what: string): Promise<Item[]> {
    const { items } = await workers.client.workflow.execute<
      (input: unknown) => Promise<{ items: Item[] }>
    >('browseRepository', {
      workflowId: `browse/offsite/${what}`,
      taskQueue: 'control',
      args: [{ repositoryId: 'offsite', what }],
    });
    return items;
  }

  it('is copied as it lies, with its snapshots as restore points, and not read again', async () => {
    const { result, tasks } = await workers.runSession(JOB);
    expect({ result, tasks }).toMatchObject({
      result: 'success',
      tasks: [{ committed: ['2026-11-24T220000Z'] }],
    });
    for (const [path, bytes] of truth)
      expect(
        (await readFile(site.path('offsite', 'nightly', 'pbs-%2E', 'files', path))).equals(bytes),
      ).toBe(true);
    const again = await workers.runSession(JOB);
    expect(again).toMatchObject({
      result: 'nothingToCopy',
      tasks: [{ progress: { readBytes: 0 } }],
    });
  });

  it('shows its copy in lists of workloads, restore points and facts', async () => {
    expect(await browse<WorkloadSummary>('workloads')).toMatchObject([
      {
        id: 'pbs-.',
        type: 'proxmox-backup-server',
        jobId: 'nightly',
        restorePointCount: 1,
        newestAt: '2026-11-24T22:00:00.000Z',
      },
    ]);
    expect(await browse<RestorePointView>('restorePoints')).toMatchObject([
      {
        kind: 'snapshot',
        complete: true,
        keptBecause: ['the source shows it'],
        files: [{ path: 'nightly/pbs-%2E/files' }],
      },
    ]);
    const storedBytes = [...truth.values()].reduce((sum, { length }) => sum + length, 0);
    expect(await browse('facts')).toMatchObject([
      { is: 'chain', storedBytes, restorePointCount: 1 },
    ]);
    expect(await browse('jobs')).toMatchObject([
      { id: 'nightly', workloadCount: 1, restorePointCount: 1 },
    ]);
  });

  it('that was wiped changes nothing at its copy', async () => {
    await rm(site.path('primary', '.chunks', '0000'), { recursive: true });
    const { result, tasks } = await workers.runSession(JOB);
    expect({ result, tasks }).toMatchObject({
      result: 'actionRequired',
      tasks: [{ code: 'SOURCE_SUSPICIOUS', result: 'actionRequired' }],
    });
  });
});
