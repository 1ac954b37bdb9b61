import { execFile } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { OperationStatus } from '../../../src/domain/sessions/operation.js';
import { CONTROL_TASK_QUEUE, type VerifyInput } from '../../../workflows/messages.js';
import { LivingSite } from '../../support/living/living-site.js';
import { testJob } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const BLOCK_BYTES = 65_536;
const run = promisify(execFile);

/** The first copies travel on a disk: copied with `cp -r`, with new inodes and new times, to where the target repository will be. */
describeTemporal('a target repository that was seeded', () => {
  const job = testJob();
  let living: LivingSite;
  let workers: TestWorkers;
  beforeEach(async () => {
    living = await LivingSite.create();
    const first = await TestWorkers.start(living.site);
    await first.runSession(job);
    await first.stop();
  });
  afterEach(async () => {
    await workers.stop();
    await living.site.remove();
  });

  /** Puts a copy of a repository in its place. */
  async function travel(repository: 'primary' | 'offsite'): Promise<void> {
    const place = living.site.path(repository);
    await rename(place, `${place}-before`);
    await run('cp', ['-r', `${place}-before`, place]);
    await rm(`${place}-before`, { recursive: true });
  }

  async function expectOnlyTheDifferenceIsSent(): Promise<void> {
    workers = await TestWorkers.start(living.site);
    const input: VerifyInput = { repositoryId: 'offsite', restorePointId: null };
    const verified = await workers.client.workflow.execute<() => Promise<OperationStatus>>(
      'verifyBackups',
      { workflowId: 'verify/offsite/all', taskQueue: CONTROL_TASK_QUEUE, args: [input] as never },
    );
    expect(verified).toMatchObject({
      result: 'success',
      reason: '2 restore points are as they were written',
    });
    expect((await workers.runSession(job)).result).toBe('nothingToCopy');

    await living.backUp('mail01', 3); // on this day the machine writes three blocks
    const { result, tasks } = await workers.runSession(job);
    expect(result).toBe('success');
    expect(tasks).toMatchObject([
      { algorithm: 'increment', progress: { transferredBytes: 3 * BLOCK_BYTES } },
    ]);
    expect(await living.wrongPoints()).toEqual([]);
  }

  it('is found whole by a verification, and the next session sends only the difference', async () => {
    await travel('offsite');
    await expectOnlyTheDifferenceIsSent();
  });

  it('is gone on with also when the source has moved to other storage', async () => {
    await travel('offsite');
    await travel('primary');
    await living.remountPrimary();
    await expectOnlyTheDifferenceIsSent();
  });
});
