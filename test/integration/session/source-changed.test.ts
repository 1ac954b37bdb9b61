import { mkdir, readdir, rename, rm, truncate } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { rawDigest } from '../../support/image/qemu-oracle.js';
import { poke } from '../../support/layout/repository-copy.js';
import { LARGE_DISK, makeLargeChain, type LargeChain } from '../../support/session/large-chain.js';
import { waitForWindows } from '../../support/session/staged-disk.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const MIB = 1024 * 1024;
const SIZE_MIB = 320;

describeTemporal('a source that changes in the middle of its copy', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let chain: LargeChain;
  beforeAll(async () => {
    site = await TestSite.create(null);
    workers = await TestWorkers.start(site);
    // A thread of the data mover that starts late would notice a change as it opens the file: let all run before.
    await mkdir(site.path('primary', 'warm-up'));
    await makeLargeChain(site.path('primary', 'warm-up'), { sizeMiB: 64, seed: 'warm-up' });
    expect((await workers.runSession(testJob({ id: 'warm-up' }))).result).toBe('success');
    await rm(site.path('primary', 'warm-up'), { recursive: true });
  });
  beforeEach(async () => {
    await rm(site.path('primary', 'db03'), { recursive: true, force: true });
    await mkdir(site.path('primary', 'db03'));
    chain = await makeLargeChain(site.path('primary', 'db03'), { sizeMiB: SIZE_MIB, seed: 'a' });
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  /** Starts a session and changes the source when some windows are done, others not. */
  async function changeDuringCopy(jobId: string, change: () => Promise<void>) {
    const session = await workers.startSession(testJob({ id: jobId }));
    await waitForWindows(site, jobId, 2);
    await change();
    return session.result();
  }

  it('is planned again when its file is replaced: every point is wholly of the new file', async () => {
    await mkdir(site.path('elsewhere'));
    const other = await makeLargeChain(site.path('elsewhere'), { sizeMiB: SIZE_MIB, seed: 'b' });
    const { result, tasks } = await changeDuringCopy('replaced', () =>
      rename(other.files[0]!, chain.files[0]!),
    );

    expect(result).toBe('success');
    expect(tasks[0]!.notes.join()).toContain('planned again');
    expect(await site.readBack('replaced', 'db03')).toEqual(other.truth);
  });

  it('is planned again when its file is written in place: no point mixes what was with what is', async () => {
    const bytes = Buffer.alloc(MIB, 0x33);
    const { result, tasks } = await changeDuringCopy('written', async () => {
      // Data that were copied already, and data that were not.
      await poke(chain.files[0]!, 2 * MIB, bytes);
      await poke(chain.files[0]!, (SIZE_MIB - 20) * MIB, bytes);
    });

    expect(result).toBe('success');
    expect(tasks[0]!.notes.join()).toContain('planned again');
    const now = await Promise.all(chain.files.map(rawDigest));
    expect(now[0]).not.toBe(chain.truth[0]![LARGE_DISK]);
    expect(await site.readBack('written', 'db03')).toEqual(
      now.map((digest) => ({ [LARGE_DISK]: digest })),
    );
  });

  it('takes a file that is cut off for a backup that is not finished, says so, and commits nothing', async () => {
    const { result, tasks } = await changeDuringCopy('cut', () =>
      truncate(chain.files[0]!, (SIZE_MIB / 2) * MIB),
    );

    expect(result).toBe('nothingToCopy');
    expect(tasks[0]!.reason).toContain('incomplete');
    expect(await committedFiles('cut')).toEqual([]);
  });

  it('fails with the reason when its files are removed, and commits nothing', async () => {
    const { result, reason } = await changeDuringCopy('removed', async () => {
      for (const file of chain.files) await rm(file);
    });

    expect(result).toBe('failed');
    expect(reason).toContain('holds no workload');
    expect(await committedFiles('removed')).toEqual([]);
  });

  async function committedFiles(jobId: string): Promise<string[]> {
    const entries = await readdir(site.path('offsite', jobId), { recursive: true });
    return entries.filter((path) => path.endsWith('.qcow2') && !path.includes('.staging'));
  }
});
