import { cp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { qemuImg, qemuIo } from '../../support/image/qemu.js';
import { rawDigest } from '../../support/image/qemu-oracle.js';
import { OVIRT_FIXTURE, testJob, TestSite, truthOf } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const DISK = '05b7e4c1-93d2-4e68-a70f-4c1d8b2e9f44';
const BLOCK_BYTES = 65_536;

describeTemporal('a session whose source is a chain of fulls', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let truth: Record<string, string>[];
  beforeAll(async () => {
    truth = Object.values((await truthOf(OVIRT_FIXTURE))['dns01']!);
    site = await TestSite.create(null);
    workers = await TestWorkers.start(site);
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  /** A workload of its own, a copy of the fixture's dns01: one disk of 16 MiB, a full on 1 November (128 KiB of data) and one on the
   *  2nd with 64 KiB more. */
  async function newWorkload(name: string, changes: Partial<CopyJob> = {}): Promise<CopyJob> {
    await cp(join(OVIRT_FIXTURE, 'dns01'), site.path('primary', name), { recursive: true });
    const include = [{ repositoryId: 'primary', workloads: [name] }];
    return testJob({ id: name, sources: { include, exclude: [] }, ...changes });
  }

  async function filesOf(name: string): Promise<string[]> {
    const names = (await readdir(site.path('primary', name))).sort();
    return names.map((file) => site.path('primary', name, file));
  }

  /** A full with other data than those of the fixture. @returns the digest of its raw disk */
  async function addFull(name: string, day: string): Promise<Record<string, string>> {
    const file = site.path('primary', name, `${day}020000.None.${DISK}.full.qcow2`);
    await qemuImg('create', '-q', '-f', 'qcow2', file, '16M');
    await qemuIo(file, 'qcow2', ['write -P 0x77 2M 192k']);
    return { [DISK]: await rawDigest(file) };
  }

  it('copies only the newest restore point at first when the job asks for the latest', async () => {
    const job = await newWorkload('latest', { restorePoints: 'latest' });
    const { tasks } = await workers.runSession(job);
    expect(tasks).toMatchObject([
      { result: 'success', algorithm: 'full', committed: ['2026-11-02T020000Z'] },
    ]);
    expect(await site.readBack(job.id, 'latest')).toEqual([truth[1]]);
  });

  it('makes an increment of a full after a full, of the blocks that differ', async () => {
    const job = await newWorkload('full-after-full');
    const { result, tasks } = await workers.runSession(job);
    expect(result).toBe('success');
    expect(tasks[0]).toMatchObject({ progress: { transferredBytes: 3 * BLOCK_BYTES } });
    const { points } = (await site.chain(job.id, 'full-after-full'))!;
    expect(points.map(({ kind }) => kind)).toEqual(['full', 'increment']);
    expect(await site.readBack(job.id, 'full-after-full')).toEqual(truth);
  });

  it('asks for a decision when the source chain was recreated, and copies nothing', async () => {
    const job = await newWorkload('recreated');
    await workers.runSession(job);
    const { points } = (await site.chain(job.id, 'recreated'))!;
    for (const file of await filesOf('recreated')) await rm(file);
    await addFull('recreated', '20261105');

    const { result, tasks } = await workers.runSession(job);
    expect(result).toBe('actionRequired');
    expect(tasks).toMatchObject([
      {
        result: 'actionRequired',
        code: 'SOURCE_CHAIN_RECREATED',
        reason: expect.stringContaining('`longhaul job replace recreated`'),
        committed: [],
      },
    ]);
    expect((await site.chain(job.id, 'recreated'))!.points).toEqual(points);
    expect(await site.readBack(job.id, 'recreated')).toEqual(truth);
  });

  it('starts a new chain for a recreated one when the job says so, and leaves the old one', async () => {
    const job = await newWorkload('restarted', { onSourceChainRecreated: 'startNewChain' });
    await workers.runSession(job);
    const { points } = (await site.chain(job.id, 'restarted'))!;
    for (const file of await filesOf('restarted')) await rm(file);
    const added = await addFull('restarted', '20261105');

    const { result, tasks } = await workers.runSession(job);
    expect(result).toBe('success');
    expect(tasks).toMatchObject([{ algorithm: 'full', committed: ['2026-11-05T020000Z'] }]);
    const now = (await site.chain(job.id, 'restarted'))!.points;
    expect(now.slice(0, -1)).toEqual(points);
    expect(now.at(-1)).toMatchObject({ kind: 'full', parentId: null, chainId: now.at(-1)!.id });
    expect(await site.readBack(job.id, 'restarted')).toEqual([...truth, added]);
  });

  it('takes a trimmed source for the same chain', async () => {
    const job = await newWorkload('trimmed');
    await workers.runSession(job);
    await rm((await filesOf('trimmed'))[0]!);

    const { result, reason } = await workers.runSession(job);
    expect([result, reason]).toEqual(['nothingToCopy', expect.stringContaining('copied already')]);
    expect(await site.readBack(job.id, 'trimmed')).toEqual(truth);
  });

  it('takes a source whose files all have other names and dates for another chain', async () => {
    const job = await newWorkload('renamed');
    await workers.runSession(job);
    for (const file of await filesOf('renamed'))
      await rename(file, file.replace('020000', '020001'));
    expect((await workers.runSession(job)).result).toBe('actionRequired');
  });

  it('takes an extended source for the same chain', async () => {
    const job = await newWorkload('extended');
    await workers.runSession(job);
    const added = await addFull('extended', '20261103');

    const { result, tasks } = await workers.runSession(job);
    expect(result).toBe('success');
    expect(tasks).toMatchObject([{ algorithm: 'increment', committed: ['2026-11-03T020000Z'] }]);
    expect(await site.readBack(job.id, 'extended')).toEqual([...truth, added]);
  });
});
