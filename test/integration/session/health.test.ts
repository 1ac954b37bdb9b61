import { open, readdir, rename, stat } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { availablePoints } from '../../../src/chain/chain-record.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { OperationStatus } from '../../../src/domain/sessions/operation.js';
import type { verifyBackups } from '../../../workflows/operations/verify-backups.js';
import { CONTROL_TASK_QUEUE, type VerifyInput } from '../../../workflows/messages.js';
import { libvirtTruth, testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

describeTemporal('health check', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let folder: string;
  beforeEach(async () => {
    site = await TestSite.create();
    workers = await TestWorkers.start(site);
    await workers.runSession(testJob());
    const workload = await site.workload('files01');
    folder = site.path('offsite', chainFolder('nightly', workload.id));
  });
  afterEach(async () => {
    await workers.stop();
    await site.remove();
  });

  async function verify(): Promise<OperationStatus> {
    const input: VerifyInput = { repositoryId: 'offsite', restorePointId: null };
    return workers.client.workflow.execute<typeof verifyBackups>('verifyBackups', {
      workflowId: `verify/offsite/all-${Date.now()}`,
      taskQueue: CONTROL_TASK_QUEUE,
      args: [input],
    });
  }

  async function flipBit(path: string, offset: number): Promise<void> {
    const file = await open(path, 'r+');
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte[0]! ^= 0x10;
    await file.write(byte, 0, 1, offset);
    await file.close();
  }

  async function points() {
    const chain = folder.slice(site.path('offsite').length + 1);
    return availablePoints((await readChainRecord(await site.openTarget(), chain))!);
  }

  it('finds nothing in copies that nobody touched', async () => {
    const startedAt = new Date().toISOString();
    for (const { verifiedAt, copiedAt } of await points()) expect(verifiedAt).toBe(copiedAt);
    expect(await verify()).toMatchObject({ result: 'success', notes: [] });
    for (const { verifiedAt } of await points()) expect(verifiedAt! > startedAt).toBe(true);
  });

  it('names and heals a flipped bit in the data, the tables and the digest table', async () => {
    const [full, increment, newest] = await points();
    const image = `${folder}/${full!.disks[0]!.path}`;
    await flipBit(image, 65_536 + 4_711); // first data cluster
    await flipBit(`${folder}/${increment!.disks[0]!.path}`, 24); // virtual size in the header
    const last = `${folder}/${newest!.disks[1]!.path}`;
    await flipBit(last, (await stat(last)).size - 65_536 + 1); // reference count table
    await flipBit(`${folder}/${full!.disks[1]!.digests.path}`, 64 + 5);
    const copied = (await points()).map(({ verifiedAt }) => verifiedAt);
    const status = await verify();
    expect(status.result).toBe('warning');
    const notes = status.notes.join('\n');
    expect(notes).toContain('healed from the source');
    expect(notes).toContain('healed from the copy of the tables');
    expect(notes).toContain('the digest table was damaged and was made anew');
    // Something was wrong in each of them: the next check dates them anew.
    expect((await points()).map(({ verifiedAt }) => verifiedAt)).toEqual(copied);
    expect(await verify()).toMatchObject({ result: 'success' });
    const truth = await libvirtTruth();
    expect(await site.readBack('nightly', 'files01')).toEqual(Object.values(truth['files01']!));
  });

  it('names and sets aside what nothing can heal, and copies it anew when the source is back', async () => {
    const before = await points();
    const newest = before.at(-1)!;
    await flipBit(`${folder}/${newest.disks[0]!.path}`, 65_536 + 99);
    await rename(site.path('primary', 'files01'), site.path('away'));
    const status = await verify();
    expect(status.result).toBe('failed');
    expect(status.notes.join('\n')).toContain(`set aside in quarantine: ${newest.id}`);
    expect((await points()).map(({ id }) => id)).toEqual(before.slice(0, -1).map(({ id }) => id));
    expect(await readdir(`${folder}/.quarantine`)).toHaveLength(1);

    await rename(site.path('away'), site.path('primary', 'files01'));
    await workers.runSession(testJob());
    const truth = await libvirtTruth();
    expect(await site.readBack('nightly', 'files01')).toEqual(Object.values(truth['files01']!));
  });
});
