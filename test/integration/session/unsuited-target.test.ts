import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type {
  BrowsePage,
  RepositoryDescription,
} from '../../../src/domain/targets/repository-view.js';
import { CONTROL_TASK_QUEUE } from '../../../workflows/messages.js';
import type { browseRepository } from '../../../workflows/watch/browse-repository.js';
import { requireTool } from '../../support/image/qemu.js';
import { LonghaulProcess, writeConfig } from '../../support/session/longhaul-process.js';
import { libvirtTruth, testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

/** As CIFS before Linux 4.17, DrvFs and some FUSE file systems answer: fsync(2), EINVAL. */
const NO_FOLDER_SYNC = [{ call: 'fsync', errno: 'EINVAL' }] as const;

describe.skipIf(!requireTool('strace'))('with strace', () => {
  describeTemporal('a target that cannot sync folders', () => {
    let site: TestSite;
    let workers: TestWorkers;
    let worker: LonghaulProcess;
    beforeAll(async () => {
      site = await TestSite.create();
      workers = await TestWorkers.start(site, {}, []);
    });
    afterEach(() => worker.kill());
    afterAll(async () => {
      await workers.stop();
      await site.remove();
    });

    async function describeTarget(what: 'describe' | 'check'): Promise<RepositoryDescription> {
      const { items } = (await workers.client.workflow.execute<typeof browseRepository>(
        'browseRepository',
        {
          workflowId: `browse/offsite/${what}`,
          taskQueue: CONTROL_TASK_QUEUE,
          args: [{ repositoryId: 'offsite', what }],
        },
      )) as BrowsePage<RepositoryDescription>;
      return items[0]!;
    }

    it('is refused at once, with code, reason and what to do, and copies nothing', async () => {
      worker = await LonghaulProcess.worker(
        await writeConfig(site, workers.temporal),
        NO_FOLDER_SYNC,
      );
      const { storage } = await describeTarget('describe');
      expect(storage?.abilities).toMatchObject({
        readAfterWrite: true,
        renameOver: true,
        fileSync: true,
        folderSync: false,
      });
      expect(storage?.faults).toEqual([
        expect.stringMatching(/^Folders cannot be synced.*folderSync/),
      ]);

      const started = Date.now();
      const { result, tasks } = await workers.runSession(testJob({ id: 'refused' }));
      expect(result).toBe('failed');
      expect(tasks.map(({ code }) => code)).toEqual(['REPOSITORY_UNSUITED', 'REPOSITORY_UNSUITED']);
      expect(tasks[0]!.reason).toMatch(/does not support that \(EINVAL\)\. [^.]/);
      expect(Date.now() - started).toBeLessThan(45_000);
      expect(await site.chain('refused', 'web01')).toBeNull();
    });

    it('is accepted when its setting says so, with a warning, and copies every byte', async () => {
      const config = await writeConfig(site, workers.temporal, {}, { folderSync: 'unavailable' });
      worker = await LonghaulProcess.worker(config, NO_FOLDER_SYNC);
      await worker.says('the storage lacks something');
      const { storage } = await describeTarget('check');
      expect(storage?.faults).toEqual([]);
      expect(storage?.warnings).toEqual([expect.stringMatching(/^Folders cannot be synced/)]);

      const { result } = await workers.runSession(testJob({ id: 'accepted' }));
      expect(result).toBe('success');
      const truth = Object.values((await libvirtTruth())['web01']!);
      expect(await site.readBack('accepted', 'web01')).toEqual(truth);
    });
  });
});
