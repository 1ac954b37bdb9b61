import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { limitStore } from '../../../src/api/limits/limit-store.js';
import { NO_LIMIT } from '../../../src/domain/rate-limits.js';
import { sessionQuery } from '../../../workflows/messages.js';
import { makeLargeChain } from '../../support/session/large-chain.js';
import { TestSite, testJob } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

/** A worker looks for new limits every three seconds. */
const SEEN_MS = 3_500;

describeTemporal('limits that are changed while a copy runs', () => {
  let site: TestSite;
  let workers: TestWorkers;
  beforeAll(async () => {
    site = await TestSite.create(null);
    await mkdir(site.path('primary', 'db01'));
    await makeLargeChain(site.path('primary', 'db01'), { sizeMiB: 16, seed: 'db01' });
    workers = await TestWorkers.start(site);
  });
  afterAll(async () => {
    await workers?.stop();
    await site?.remove();
  });

  it('hold it back in the threads of the worker, and let it go at once', async () => {
    const limits = limitStore(workers.client, 'UTC');
    expect(await limits.read()).toEqual({ timeZone: 'UTC', service: NO_LIMIT, repositories: [] });
    const slow = { ...NO_LIMIT, repositoryId: 'offsite', writeBytesPerSecond: 64 * 1024 };
    const wanted = { timeZone: 'UTC', service: NO_LIMIT, repositories: [slow] };
    await limits.write(() => wanted);
    expect(await limits.read()).toEqual(wanted);
    await sleep(SEEN_MS);
    const session = await workers.startSession(testJob());
    await sleep(SEEN_MS);
    // 16 MiB at 64 KiB a second are four minutes.
    expect((await session.query(sessionQuery)).state).toBe('running');

    await limits.write((present) => ({ ...present, repositories: [] }));
    const beganAtMs = Date.now();
    expect((await session.result()).result).toBe('success');
    expect(Date.now() - beganAtMs).toBeLessThan(60_000);
  });
});
