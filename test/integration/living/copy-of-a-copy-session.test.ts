import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { jobFaults } from '../../../src/domain/jobs/job-rules.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { checkImage, rawDigest } from '../../support/image/qemu-oracle.js';
import { LivingSite } from '../../support/living/living-site.js';
import { pointsOf } from '../../support/living/read-chain.js';
import { testJob } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';
import { createHash } from 'node:crypto';
import { directory } from '../../support/repository/directory-storage.js';

const NIGHTLY = testJob({ retention: { type: 'restorePoints', value: 2 } });
const ONWARD = testJob({
  id: 'onward',
  sources: { include: [{ repositoryId: 'offsite' }], exclude: [] },
  target: { repositoryId: 'vault' },
});

describeTemporal('a session that copies from a target repository to another one', () => {
  let living: LivingSite;
  let workers: TestWorkers;
  beforeAll(async () => {
    living = await LivingSite.create();
    const vault = living.site.path('vault');
    await mkdir(vault);
    living.site.otherSources = [
      {
        id: 'vault',
        ...directory(vault),
        role: 'target',
        taskLimit: 4,
        workloadLimit: 10,
        settleSeconds: 0,
        immutableForDays: 0,
        contents: 'backups',
      },
    ];
    workers = await TestWorkers.start(living.site);
  });
  afterAll(async () => {
    await workers.stop();
    await living.site.remove();
  });

  /** Kinds of the vault's points; each file was checked and read by qemu-img. */
  async function readVault(): Promise<string[]> {
    const rootPath = living.site.path('vault');
    const repository = await openDirectoryRepository({ id: 'vault', rootPath, readOnly: true });
    const [workload] = await listSourceWorkloads(await living.site.openTarget());
    const workloadId = workload!.id;
    const kinds: string[] = [];
    for (const point of await pointsOf({ repository, jobId: 'onward', workloadId })) {
      const file = living.site.path(
        'vault',
        chainFolder('onward', workloadId),
        point.disks[0]!.path,
      );
      await checkImage(file);
      const expected = living.machine().diskAt(point.createdAt);
      expect(await rawDigest(file)).toBe(createHash('sha256').update(expected).digest('hex'));
      kinds.push(point.kind);
    }
    return kinds;
  }

  it('is allowed by the rules of jobs', () => {
    expect(jobFaults(ONWARD, living.site.repositories)).toEqual([]);
  });

  it('copies a full and increments, and after a merge at the first copy an increment', async () => {
    expect((await workers.runSession(NIGHTLY)).result).toBe('success');
    expect((await workers.runSession(ONWARD)).result).toBe('success');
    expect(await readVault()).toEqual(['full', 'increment']);
    for (const day of [3, 4]) {
      await living.backUp('mail01', day);
      await workers.runSession(NIGHTLY);
    }
    expect((await living.points()).map(({ kind }) => kind)).toEqual(['full', 'increment']);
    const { result, tasks } = await workers.runSession(ONWARD);
    expect([result, tasks[0]?.algorithm]).toEqual(['success', 'increment']);
    expect(tasks[0]?.committed).toEqual(['2026-11-03T220000Z', '2026-11-04T220000Z']);
    expect(await readVault()).toEqual(['full', 'increment', 'increment', 'increment']);
  });
});
