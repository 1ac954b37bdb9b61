import { ApplicationFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import type { Activities } from '../../../activities/activities.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { testJob } from '../../support/session/test-site.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { LocalServer } from '../../support/workflows/local-server.js';
import { InProcessWorker } from '../../support/workflows/local-worker.js';

const STARTED_AT_MS = Date.parse('2026-11-26T22:00:00Z');
/** Source: Temporal, historyCountSuggestContinueAsNew. */
const SUGGESTED_EVENTS = 4_096;

it('a watch that waits for a session of many hours goes on in new runs', async () => {
  const endMs = STARTED_AT_MS + 20 * 3_600_000;
  const readWatchedJob = () =>
    Promise.resolve({ isEnabled: server.nowMs < endMs, hasSession: server.nowMs < endMs });
  const activities = { readWatchedJob } as unknown as Activities;
  const server = new LocalServer({ activities, activity: '', isDead: () => false }, STARTED_AT_MS);
  server.longAtEvents = SUGGESTED_EVENTS;
  server.begin('watchSources', 'watch/nightly', { job: testJob({ mode: 'immediate' }) });
  await server.end('watch/nightly');
  const lengths = server.runLengths('watch/nightly');
  expect(lengths.length).toBeGreaterThan(1);
  expect(Math.max(...lengths)).toBeLessThan(SUGGESTED_EVENTS + 100);
});

it('a machine that cannot be read for a day does not hold up the others of its job', async () => {
  const source = new SimulatedRepository('primary');
  const target = new SimulatedRepository('offsite');
  const write = async (name: string) => {
    const file = await source.openWrite(`${name}.img`, 'new');
    await file.write(Buffer.alloc(1_048_576, name), 0);
    await file.close();
  };
  await write('web01');
  const DB07 = 'raw-.:db07.img';
  const hours: number[] = [];
  const worker = new InProcessWorker([source, target]);
  const { copyBlocks } = worker.activities;
  Object.assign(worker.activities, {
    copyBlocks: (input: { readonly workloadId: string }) => {
      if (!input.workloadId.includes('web01')) return copyBlocks(input as never);
      throw ApplicationFailure.retryable('EIO', 'REPOSITORY_IO_ERROR');
    },
    readWatchedJob: () => Promise.resolve({ isEnabled: true, hasSession: false }),
    waitForRestorePoints: async () => {
      hours.push((server.nowMs - STARTED_AT_MS) / 3_600_000);
      if (hours.length === 1) return { seen: '1', workloads: null };
      if (hours.length === 2) {
        await write('db07');
        return { seen: '2', workloads: [{ id: DB07, name: 'db07' }] };
      }
      throw ApplicationFailure.nonRetryable('enough seen', 'BUG');
    },
  });
  const server: LocalServer = new LocalServer(worker, STARTED_AT_MS);
  const job = testJob({ id: 'now', mode: 'immediate', restorePoints: 'latest' });
  server.begin('watchSources', 'watch/now', { job });
  await expect(server.end('watch/now')).rejects.toThrow();
  expect(hours.map((hour) => Math.round(hour * 60))).toEqual([0, 10, 10]);
  const record = await readChainRecord(target, chainFolder('now', DB07));
  expect(record?.points).toHaveLength(1);
});
