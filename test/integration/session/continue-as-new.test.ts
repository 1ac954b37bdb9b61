import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { OperationStore } from '../../../src/api/operations/operation-store.js';
import type { OperationView } from '../../../src/api/repositories/repository-schemas.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import { LARGE_DISK, makeLargeChain, type LargeChain } from '../../support/session/large-chain.js';
import { runLengths } from '../../support/session/run-lengths.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { until } from '../../support/session/until.js';
import { describeTemporal } from '../../support/temporal/server.js';

const MIB = 1024 * 1024;
const SIZE_MIB = 320;
const TOTAL_BYTES = (SIZE_MIB + 3) * MIB;
const MAX_HISTORY_EVENTS = 60;
/** Behind the last look at the length of the history: one batch, compose, commit, another look at the source, retention. */
const EVENTS_BEHIND = 45;

describeTemporal('work with more batches than one history may hold', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let chain: LargeChain;
  beforeAll(async () => {
    site = await TestSite.create(null);
    await mkdir(site.path('primary', 'db06'));
    const seed = 'db06';
    chain = await makeLargeChain(site.path('primary', 'db06'), { sizeMiB: SIZE_MIB, seed });
    workers = await TestWorkers.start(site, {
      batchWindows: 1,
      maxHistoryEvents: MAX_HISTORY_EVENTS,
    });
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  it('copies in runs that are each short, with the same result and every byte counted once', async () => {
    const job = testJob();
    const { result, tasks } = await workers.runSession(job);

    expect(result).toBe('success');
    expect(tasks[0]!.progress).toMatchObject({
      percent: 100,
      processedBytes: TOTAL_BYTES,
      totalBytes: TOTAL_BYTES,
      readBytes: TOTAL_BYTES,
      transferredBytes: TOTAL_BYTES,
    });
    expect(tasks[0]!.committed).toEqual(['2026-11-01T010002Z', '2026-11-02T010002Z']);
    expect(await site.readBack(job.id, 'db06')).toEqual(chain.truth);
    await expectShortRuns(`chain/offsite/${job.id}/ovirt-db06`);
  });

  async function expectShortRuns(workflowId: string): Promise<void> {
    const lengths = await runLengths(workers.client, workflowId);
    expect(lengths.length).toBeGreaterThan(2);
    expect(Math.max(...lengths)).toBeLessThan(MAX_HISTORY_EVENTS + EVENTS_BEHIND);
  }

  it('verifies and restores so, too, shown as one operation with one start', async () => {
    const operations = new OperationStore(workers.client, Date.now);
    const startedAtMs = Date.now();
    const verification = await operations.verify({
      repositoryId: 'offsite',
      restorePointId: null,
    });
    const files = (await site.chain('nightly', 'db06'))!.points.flatMap(({ disks }) => disks);
    const units = files.map(({ sizeBytes }) => Math.ceil(sizeBytes / 65_536));
    const totalBytes = units.reduce((sum, count) => sum + count, 0) * 65_536;
    const verified = await ended(operations, verification);
    const reason = '2 restore points are as they were written';
    expect(verified).toMatchObject({ result: 'success', reason, totalBytes });
    expect(verified.processedBytes).toBe(totalBytes);
    expect(Math.abs(Date.parse(verified.startedAt) - startedAtMs)).toBeLessThan(2_000);
    await expectShortRuns('verify/offsite/all');

    const restorePointId = restorePointKey(['nightly', 'ovirt-db06', '2026-11-02T010002Z']);
    const order = { repositoryId: 'offsite', restorePointId, format: 'raw' } as const;
    const destinationPath = site.path('restored');
    const restoration = await operations.restore({ ...order, destinationPath });
    const restored = await ended(operations, restoration);
    const diskBytes = SIZE_MIB * MIB;
    expect(restored).toMatchObject({ result: 'success', totalBytes: diskBytes });
    expect(restored.processedBytes).toBe(diskBytes);
    const raw = await readFile(site.path('restored', `${LARGE_DISK}.raw`));
    expect(createHash('sha256').update(raw).digest('hex')).toBe(chain.truth[1]![LARGE_DISK]);
    await expectShortRuns(restoration.replace('.', '/').replace('.', '/'));
  });

  it('stops a verification in whichever run it is', async () => {
    const operations = new OperationStore(workers.client, Date.now);
    const id = await operations.verify({ repositoryId: 'offsite', restorePointId: null });
    const verification = workers.client.workflow.getHandle('verify/offsite/all');
    await until(async () => {
      const { runId, raw } = await verification.describe();
      return runId !== raw.workflowExecutionInfo?.firstRunId;
    });
    expect((await operations.get(id)).processedBytes).toBeGreaterThan(0);
    await operations.stop(id, { by: 'anna', reason: null });
    expect(await ended(operations, id)).toMatchObject({
      ...{ result: 'stopped', reason: 'it was stopped by anna' },
    });
    const again = operations.stop(id, { by: 'anna', reason: null });
    await expect(again).rejects.toMatchObject({ code: 'OPERATION_ENDED' });
    // Nobody waits for its lease: ordered again it goes on at once.
    await operations.verify({ repositoryId: 'offsite', restorePointId: null });
    expect(await ended(operations, id)).toMatchObject({ result: 'success' });
  });

  it('stops a restore, which goes on in the same folder when it is ordered again', async () => {
    const operations = new OperationStore(workers.client, Date.now);
    const restorePointId = restorePointKey(['nightly', 'ovirt-db06', '2026-11-02T010002Z']);
    const destinationPath = site.path('stopped');
    const order = { repositoryId: 'offsite', restorePointId, format: 'raw', destinationPath };
    const restore = () => operations.restore({ ...order, format: 'raw' });
    const id = await restore();
    await until(async () => (await operations.get(id)).processedBytes > 0);
    await operations.stop(id, { by: 'anna', reason: 'the wrong folder' });
    const reason = 'it was stopped by anna: the wrong folder';
    expect(await ended(operations, id)).toMatchObject({ result: 'stopped', reason });
    expect(await ended(operations, await restore())).toMatchObject({ result: 'success' });
    const raw = await readFile(site.path('stopped', `${LARGE_DISK}.raw`));
    expect(createHash('sha256').update(raw).digest('hex')).toBe(chain.truth[1]![LARGE_DISK]);
  });
});

async function ended(operations: OperationStore, id: string): Promise<OperationView> {
  await until(async () => (await operations.get(id)).state === 'ended');
  return operations.get(id);
}
