import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { availablePoints } from '../../../src/chain/chain-record.js';
import type { OperationStatus } from '../../../src/domain/sessions/operation.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import type { restorePoint } from '../../../workflows/operations/restore-point.js';
import { CONTROL_TASK_QUEUE, type RestoreInput } from '../../../workflows/messages.js';
import { checkImage, rawDigest } from '../../support/image/qemu-oracle.js';
import { libvirtTruth, testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

describeTemporal('restore', () => {
  let site: TestSite;
  let workers: TestWorkers;
  beforeAll(async () => {
    site = await TestSite.create();
    workers = await TestWorkers.start(site);
    await workers.runSession(testJob());
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  async function restore(
    index: number,
    changes: Pick<RestoreInput, 'destinationPath' | 'format' | 'intoExisting'>,
  ): Promise<OperationStatus> {
    const workload = await site.workload('files01');
    const point = availablePoints((await site.chain('nightly', 'files01'))!)[index]!;
    const restorePointId = restorePointKey(['nightly', workload.id, point.id]);
    return workers.client.workflow.execute<typeof restorePoint>('restorePoint', {
      workflowId: `restore/offsite/${restorePointId}-${changes.format}-${index}-${changes.intoExisting}`,
      taskQueue: CONTROL_TASK_QUEUE,
      args: [{ repositoryId: 'offsite', restorePointId, ...changes } satisfies RestoreInput],
    });
  }

  it('refuses a folder that is not empty, unless it is allowed, and overwrites nothing', async () => {
    const destinationPath = site.path('not-empty');
    await mkdir(destinationPath);
    await writeFile(site.path('not-empty', 'letters.txt'), 'mine');
    expect(await restore(0, { destinationPath, format: 'raw' })).toMatchObject({
      result: 'failed',
      code: 'RESTORE_DESTINATION_INVALID',
      reason: expect.stringMatching(/is not empty: it holds "letters.txt".*--into-existing/),
    });
    expect(await readdir(destinationPath)).toEqual(['letters.txt']);

    const intoExisting = true;
    const status = await restore(0, { destinationPath, format: 'raw', intoExisting });
    expect(status).toMatchObject({ result: 'success' });
    expect(await readFile(site.path('not-empty', 'letters.txt'), 'utf8')).toBe('mine');

    const again = await restore(0, { destinationPath, format: 'raw', intoExisting });
    expect(again).toMatchObject({
      result: 'failed',
      code: 'RESTORE_DESTINATION_INVALID',
      reason: expect.stringMatching(/holds ".*" already/),
    });
  });

  it.each([0, 1, 2])(
    'writes raw disks that are what the machine held (point %i)',
    async (index) => {
      const destinationPath = site.path(`raw-${index}`);
      await mkdir(destinationPath);
      const status = await restore(index, { destinationPath, format: 'raw' });
      expect(status).toMatchObject({ result: 'success', reason: null });
      const truth = (await libvirtTruth())['files01']!;
      const expected = Object.values(truth)[index]!;
      for (const [disk, digest] of Object.entries(expected)) {
        const bytes = await readFile(`${destinationPath}/${disk}.raw`);
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest);
      }
    },
  );

  it('writes one qcow2 file without a parent for each disk, and the machine description', async () => {
    const destinationPath = site.path('qcow2');
    await mkdir(destinationPath);
    const status = await restore(2, { destinationPath, format: 'same' });
    expect(status.result).toBe('success');
    expect(status.notes).toContain(`restored ${destinationPath}/domain.cp3.xml`);
    const expected = (await libvirtTruth())['files01']!['cp3']!;
    for (const [disk, digest] of Object.entries(expected)) {
      await checkImage(`${destinationPath}/${disk}.qcow2`);
      expect(await rawDigest(`${destinationPath}/${disk}.qcow2`)).toBe(digest);
    }
  });

  it('refuses a destination that cannot be made, or that lies in a repository', async () => {
    const missing = await restore(0, {
      destinationPath: site.path('nowhere', 'deep'),
      format: 'raw',
    });
    expect(missing).toMatchObject({ result: 'failed', code: 'RESTORE_DESTINATION_INVALID' });
    const inside = await restore(1, { destinationPath: site.path('offsite'), format: 'raw' });
    expect(inside).toMatchObject({ result: 'failed', code: 'RESTORE_DESTINATION_INVALID' });
  });
});
