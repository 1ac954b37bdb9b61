import { afterEach, beforeEach, expect, it } from 'vitest';
import { mkdir, stat } from 'node:fs/promises';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import { checkImage } from '../../support/image/qemu-oracle.js';
import { makeLargeChain } from '../../support/session/large-chain.js';
import { LivingSite } from '../../support/living/living-site.js';
import { testJob } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const DAY_MS = 86_400_000;
const EVERY_WEEK = { every: 'week', day: 'sunday', time: '00:00', timeZone: 'UTC' } as const;

describeTemporal('the compact of a full', () => {
  let living: LivingSite;
  let workers: TestWorkers;
  beforeEach(async () => {
    living = await LivingSite.create();
    // Days 5 and 11 write zeros over blocks: what a merge leaves unused.
    for (let day = 3; day <= 12; day++) await living.backUp('mail01', day);
    workers = await TestWorkers.start(living.site);
  });
  afterEach(async () => {
    await workers.stop();
    await living.site.remove();
  });

  async function fullFile(): Promise<string> {
    const [full] = await living.points();
    const { id } = await living.site.workload('mail01');
    return living.site.path('offsite', chainFolder('nightly', id), full!.disks[0]!.path);
  }

  it('is made when its day has come round since the full was copied, once, and shows the same in less room', async () => {
    await living.copyAt(new Date(Date.now() - 9 * DAY_MS).toISOString());
    const retention = { type: 'restorePoints', value: 2 } as const;
    await workers.runSession(testJob({ retention }));
    const before = await stat(await fullFile());

    const job = testJob({ retention, compact: EVERY_WEEK });
    const { tasks } = await workers.runSession(job);
    expect(tasks[0]?.notes).toContainEqual(expect.stringContaining('what merges left unused'));
    const after = await stat(await fullFile());
    expect(after.ino).not.toBe(before.ino);
    expect(after.size).toBeLessThan(before.size);
    expect((await living.points()).map(({ kind }) => kind)).toEqual(['full', 'increment']);
    expect(await living.wrongPoints()).toEqual([]);
    await checkImage(await fullFile());
    const { compactedAt } = await living.record();
    expect(Date.now() - Date.parse(compactedAt!)).toBeLessThan(DAY_MS);

    await workers.runSession(job);
    expect((await stat(await fullFile())).ino).toBe(after.ino);
    expect((await living.record()).compactedAt).toBe(compactedAt);
    await living.backUp('mail01', 13);
    expect((await workers.runSession(job)).result).toBe('success');
    expect(await living.wrongPoints()).toEqual([]);
  });

  it('is not made of a full that was copied after its last day', async () => {
    const { tasks } = await workers.runSession(testJob({ compact: EVERY_WEEK }));
    expect(tasks).toMatchObject([{ result: 'success' }]);
    const [full] = await living.points();
    const { compactedAt } = await living.record();
    // Set when the first full was copied; merges have handed it on since. A compact comes last.
    expect(Date.parse(compactedAt!)).toBeLessThanOrEqual(Date.parse(full!.copiedAt));
  });

  it('is not made of an active full that was copied after its last day, when the full before it was made compact long ago', async () => {
    const weeksAgo = (count: number) => new Date(Date.now() - count * 7 * DAY_MS).toISOString();
    await living.copyAt(weeksAgo(3));
    const { id } = await living.site.workload('mail01');
    const compactedAt = weeksAgo(2);
    await writeChainRecord(await living.site.openTarget(), chainFolder('nightly', id), {
      ...(await living.record()),
      compactedAt,
    });
    await living.backUp('mail01', 13);
    const job = testJob({ compact: EVERY_WEEK });
    const { tasks } = await workers.runSession(job, { activeFull: true });
    expect(tasks).toMatchObject([{ result: 'success' }]);
    const newest = (await living.points()).at(-1);
    expect(newest?.kind).toBe('full');
    expect((await living.record()).compactedAt).toBe(newest?.copiedAt);
  });
});

describeTemporal('the compact of a full with more batches than one history may hold', () => {
  const NAME = 'db06';
  let living: LivingSite;
  let workers: TestWorkers;
  beforeEach(async () => {
    living = await LivingSite.create([]);
    await mkdir(living.site.path('primary', NAME));
    await makeLargeChain(living.site.path('primary', NAME), { sizeMiB: 96, seed: NAME });
    const nineDaysAgo = new Date(Date.now() - 9 * DAY_MS).toISOString();
    await living.copyAt(nineDaysAgo, { jobId: 'nightly' }, NAME);
    workers = await TestWorkers.start(living.site, { batchWindows: 1, maxHistoryEvents: 60 });
  });
  afterEach(async () => {
    await workers.stop();
    await living.site.remove();
  });

  it('goes on in new runs and gets to its end', async () => {
    const session = await workers.startSession(testJob({ compact: EVERY_WEEK }));
    const { tasks } = await session.result();
    expect(tasks[0]?.notes).toContainEqual(expect.stringContaining('what merges left unused'));
    const { id } = await living.site.workload(NAME);
    const task = workers.client.workflow.getHandle(`chain/offsite/nightly/${id}`);
    const { raw, runId } = await task.describe();
    expect(raw.workflowExecutionInfo?.firstRunId).not.toBe(runId);
  });
});
