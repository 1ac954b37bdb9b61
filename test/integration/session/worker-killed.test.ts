import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { qemuReadsTheSame } from '../../support/image/qemu.js';
import { makeLargeChain, type LargeChain } from '../../support/session/large-chain.js';
import { LonghaulProcess, writeConfig } from '../../support/session/longhaul-process.js';
import {
  copiedTwiceBytes,
  stagedDisk,
  waitForWindows,
  WINDOW_BYTES,
} from '../../support/session/staged-disk.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const MIB = 1024 * 1024;

/** Path, size and time of the last write of every file, to the nanosecond. */
async function filesIn(folder: string): Promise<Record<string, [bigint, bigint]>> {
  const files: Record<string, [bigint, bigint]> = {};
  for (const path of await readdir(folder, { recursive: true })) {
    const { size, mtimeNs } = await stat(join(folder, path), { bigint: true });
    files[path] = [size, mtimeNs];
  }
  return files;
}

/** Paths of files whose time alone is another. Any other difference fails. */
function changedIn(
  before: Record<string, [bigint, bigint]>,
  after: Record<string, [bigint, bigint]>,
): string[] {
  const sizes = (files: typeof before) =>
    Object.fromEntries(Object.entries(files).map(([path, [size]]) => [path, size]));
  expect(sizes(after)).toEqual(sizes(before));
  return Object.keys(after).filter((path) => after[path]![1] !== before[path]![1]);
}

describeTemporal('a copy whose worker is killed', () => {
  let site: TestSite;
  let chain: LargeChain;
  let workers: TestWorkers;
  let config: string;
  const processes: LonghaulProcess[] = [];
  beforeAll(async () => {
    site = await TestSite.create(null);
    await mkdir(site.path('primary', 'db01'));
    chain = await makeLargeChain(site.path('primary', 'db01'), {
      sizeMiB: 640,
      seed: 'db01',
    });
    workers = await TestWorkers.start(site, {}, []);
    config = await writeConfig(site, workers.temporal);
  });
  afterEach(async () => {
    for (const process of processes.splice(0)) await process.kill();
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  async function startWorker(): Promise<LonghaulProcess> {
    const worker = await LonghaulProcess.worker(config);
    processes.push(worker);
    return worker;
  }

  it('goes on in the next worker from the durable position, copies at most 64 MiB twice, and every byte is right', async () => {
    const job = testJob({ id: 'killed' });
    let worker = await startWorker();
    const session = await workers.startSession(job);
    const resumedFrom: number[] = [];
    for (const doneWindows of [5, 14, 24]) {
      await waitForWindows(site, job.id, doneWindows);
      await worker.kill();
      const staged = (await stagedDisk(site, job.id))!;
      expect(staged.doneWindows).toBeLessThan(40);
      expect(copiedTwiceBytes(staged)).toBeLessThanOrEqual(64 * MIB);
      resumedFrom.push(staged.doneWindows * WINDOW_BYTES);
      worker = await startWorker();
    }

    const { result, tasks } = await session.result();
    expect(result).toBe('success');
    // A busy machine may add an attempt of its own, which begins further on.
    const { attempt, resumedFromBytes, notes } = tasks[0]!;
    expect(attempt).toBeGreaterThanOrEqual(4);
    expect(resumedFromBytes).toBeGreaterThanOrEqual(resumedFrom.at(-1)!);
    expect(notes.join()).toContain(`taken up again at byte ${resumedFromBytes}`);
    expect(await site.readBack(job.id, 'db01')).toEqual(chain.truth);
    await expectSameAsSource(job.id);
  });

  it('writes nothing when it was only frozen and its task is done elsewhere', async () => {
    const job = testJob({ id: 'frozen' });
    const frozen = await startWorker();
    const session = await workers.startSession(job);
    await waitForWindows(site, job.id, 5);
    frozen.freeze();
    expect((await stagedDisk(site, job.id))!.doneWindows).toBeLessThan(40);
    await startWorker();
    expect((await session.result()).result).toBe('success');
    // What a session says of itself lies beside the chain, and is the same whoever writes it.
    const { id } = await site.workload('db01');
    const folder = site.path('offsite', chainFolder(job.id, id));
    const before = await filesIn(folder);

    frozen.unfreeze();
    await frozen.says('LEASE_EXPIRED');
    // What the server gave to it while it stood still has reached it by then.
    await sleep(2_000);
    // A write that it had begun when it froze ends when it goes on: the same bytes once more, as the copies show below.
    expect(changedIn(before, await filesIn(folder)).length).toBeLessThan(2);
    expect(await site.readBack(job.id, 'db01')).toEqual(chain.truth);
  });

  async function expectSameAsSource(jobId: string): Promise<void> {
    const workload = await site.workload('db01');
    const { points } = (await site.chain(jobId, 'db01'))!;
    for (const [index, file] of chain.files.entries()) {
      const copy = join(
        site.path('offsite', chainFolder(jobId, workload.id)),
        points[index]!.disks[0]!.path,
      );
      expect(await qemuReadsTheSame(file, copy)).toBe(true);
    }
  }
});
