import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeLargeChain, type LargeChain } from '../../support/session/large-chain.js';
import { runLengths } from '../../support/session/run-lengths.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const MIB = 1024 * 1024;
const SIZE_MIB = 320;
const TOTAL_BYTES = (SIZE_MIB + 3) * MIB;
const MAX_HISTORY_EVENTS = 60;
/** Behind the last look at the length of the history: one batch, compose, commit, another look at the source, retention. */
const EVENTS_BEHIND = 45;

describeTemporal('a task with more batches than one history may hold', () => {
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
  }, 60_000);
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  it('goes on in new runs, each short, with the same result and every byte counted once', async () => {
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
    const lengths = await runLengths(workers.client, `chain/offsite/${job.id}/ovirt-db06`);
    expect(lengths.length).toBeGreaterThan(2);
    expect(Math.max(...lengths)).toBeLessThan(MAX_HISTORY_EVENTS + EVENTS_BEHIND);
  }, 60_000);
});
