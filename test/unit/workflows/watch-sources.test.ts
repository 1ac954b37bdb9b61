import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { Activities } from '../../../activities/activities.js';
import { DEFAULT_COPY_SETTINGS } from '../../../src/domain/jobs/copy-settings.js';
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

/** When a watch that was begun anew looks for the first time, in minutes.
 *  @param sessionsAt what runs of the watch before at a minute: so many minutes ago each of them began
 *  @param isOld a worker of an earlier build answers */
async function firstLookOf(
  sessionsAt: (minute: number) => readonly number[],
  isOld = false,
): Promise<number> {
  let lookedAt = NaN;
  const minutes = () => (server.nowMs - STARTED_AT_MS) / 60_000;
  const activities = {
    readCopySettings: () => Promise.resolve(DEFAULT_COPY_SETTINGS),
    readWatchedJob: () => {
      const begunAtMs = sessionsAt(minutes()).map((ago) => server.nowMs - ago * 60_000);
      const answer = { isEnabled: true, hasSession: begunAtMs.length > 0 };
      return Promise.resolve(isOld ? answer : { ...answer, begunAtMs });
    },
    waitForRestorePoints: () => {
      lookedAt = minutes();
      throw ApplicationFailure.nonRetryable('enough seen', 'BUG');
    },
  } as unknown as Activities;
  const server = new LocalServer({ activities, activity: '', isDead: () => false }, STARTED_AT_MS);
  server.begin('watchSources', 'watch/nightly', { job: testJob({ mode: 'immediate' }) });
  await expect(server.end('watch/nightly')).rejects.toThrow();
  return lookedAt;
}

describe('a watch that is begun anew, because its job was changed,', () => {
  it('looks at once beside a session of the watch before that takes hours', async () => {
    expect(await firstLookOf((minute) => [60 + minute])).toBe(0);
  });

  it('waits for one that may soon be over, for ten minutes at most', async () => {
    expect(await firstLookOf((minute) => (minute < 3 ? [1 + minute] : []))).toBeLessThan(5);
    const minutes = await firstLookOf((minute) => [60, 4 + minute]);
    expect([minutes >= 6, minutes <= 7]).toEqual([true, true]);
  });

  it('does not add a session to four that take long', async () => {
    const minutes = await firstLookOf((minute) => (minute < 90 ? [60, 70, 80, 90] : [60, 70, 80]));
    expect([minutes >= 90, minutes <= 91]).toEqual([true, true]);
  });

  it('waits for what a worker of an earlier build tells it of', async () => {
    const minutes = await firstLookOf((minute) => (minute < 90 ? [60] : []), true);
    expect([minutes >= 90, minutes <= 91]).toEqual([true, true]);
  });
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
