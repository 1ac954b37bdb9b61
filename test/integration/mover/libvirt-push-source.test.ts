import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { qemuBytes, qemuImg, requireTool } from '../../support/image/qemu.js';
import { putFixture } from '../../support/layout/repository-copy.js';
import { restoreInto } from '../../support/mover/restore-into.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.UTC(2026, 10, 30, 20);
const TRUTH = new URL('../../fixtures/packed/truth.json', import.meta.url);
const CHECKPOINTS = ['cpA', 'cpB', 'cpC'];
const DISKS = ['vdb', 'vdc'];

describe.skipIf(!requireTool('qemu-img'))(
  'push backups of libvirt without one of the disks',
  () => {
    let folder: string;
    let offsite: BackupRepository;
    let chain: string;
    let points: readonly TargetRestorePoint[];
    beforeAll(async () => {
      const site = await sourceAndTarget('push', ['restored']);
      ({ folder, offsite } = site);
      await putFixture('packed/libvirt-push-vm1.tar.gz', join(folder, 'primary'));
      const retention = { type: 'restorePoints', value: 99 } as const;
      const job = testJob({ restorePoints: 'all', retention });
      const outcome = await new LocalSessions([site.primary, offsite]).copy(job, NOW_MS);
      // Of vda, which has no checkpoint, a copy is none.
      expect(outcome).toMatchObject({ result: 'warning', reason: expect.stringContaining('vda') });
      const [workload] = await listSourceWorkloads(site.primary);
      chain = chainFolder('nightly', workload!.id);
      points = (await readChainRecord(offsite, chain))!.points;
    });
    afterAll(() => rm(folder, { recursive: true }));

    async function truth(checkpoint: string, disk: string): Promise<string> {
      const known = JSON.parse(await readFile(TRUTH, 'utf8')) as {
        readonly 'libvirt-push-vm1': Readonly<Record<string, Readonly<Record<string, string>>>>;
      };
      return known['libvirt-push-vm1'][checkpoint]![disk]!;
    }

    const digestOf = async (path: string) =>
      createHash('sha256')
        .update(await qemuBytes(path, 'qcow2'))
        .digest('hex');

    it('are copied as a chain that QEMU reads, point by point', async () => {
      expect(points.map(({ kind }) => kind)).toEqual(['full', 'increment', 'increment']);
      for (const [index, { disks }] of points.entries())
        for (const { disk, path } of disks)
          expect(await digestOf(join(folder, 'offsite', chain, path)), `${disk} ${index}`).toBe(
            await truth(CHECKPOINTS[index]!, disk),
          );
    });

    it('come back in the layout of their tool as fulls, with the documents of the checkpoint', async () => {
      const rootPath = join(folder, 'restored');
      const into = await openDirectoryRepository({
        ...{ id: folderRepositoryId(rootPath), rootPath, readOnly: false },
      });
      const order = { chain, pointId: points[1]!.id, intoExisting: true } as const;
      const files = await restoreInto(into, offsite, { ...order, format: 'same', layout: true });
      expect(files.map((path) => relative(rootPath, path)).sort()).toEqual([
        'checkpoint.cpB.xml',
        'domain.cpB.xml',
        'vdb.cpB.qcow2',
        'vdc.cpB.qcow2',
      ]);
      for (const name of ['checkpoint.cpB.xml', 'domain.cpB.xml'])
        expect(await readFile(join(rootPath, name))).toEqual(
          await readFile(join(folder, 'primary', 'vm1', name)),
        );
      for (const disk of DISKS) {
        const path = join(rootPath, `${disk}.cpB.qcow2`);
        expect(await qemuImg('info', '--output=json', path)).not.toContain('backing-filename');
        expect(await digestOf(path)).toBe(await truth('cpB', disk));
      }
    });
  },
);
