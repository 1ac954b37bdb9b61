import { expect, it } from 'vitest';
import type {
  SourceDisk,
  SourceRestorePoint,
  SourceWorkload,
} from '../../../../src/domain/sources/source-workload.js';
import { joinFolders } from '../../../../src/layout/walk/join-folders.js';
import { treeOf } from '../../../support/layout/tree.js';

const DATE_MS = Date.UTC(2026, 10, 24);
const FLAT = Buffer.alloc(100_000, 1);

/** A disk whose image is a text, with its data in an extent, and an image below it. */
async function conflictOf(change: Record<string, Buffer>): Promise<string | undefined> {
  const files = Object.fromEntries(
    ['monday', 'moved'].flatMap((folder) => [
      [`${folder}/web.vmdk`, Buffer.from('descriptor')],
      [`${folder}/web-flat.vmdk`, FLAT],
      [`${folder}/base.vmdk`, FLAT],
    ]),
  );
  const { repository } = await treeOf({ ...files, ...change });
  const share = async (folder: string): Promise<SourceWorkload> => {
    const file = async (name: string) => {
      const { path, stamp } = (await repository.stat(`${folder}/${name}`))!;
      return { name, path, stamp, format: 'vmdk' };
    };
    const disk: SourceDisk = {
      ...(await file('web.vmdk')),
      ...{ disk: 'scsi0-0', kind: 'full', parentRestorePointId: null },
      extents: [await file('web-flat.vmdk')],
      below: [await file('base.vmdk')],
    };
    const point: SourceRestorePoint = {
      ...{ id: 'day', workloadId: 'web', createdAtMs: DATE_MS, kind: 'full', parentId: null },
      ...{ disks: [disk], companions: [], state: 'complete', reason: null, fingerprint: null },
    };
    return { id: 'web', name: 'web', type: 'vm', folders: [folder], restorePoints: [point] };
  };
  return (await joinFolders(repository, [await share('monday'), await share('moved')])).conflict;
}

it('joins two folders that show one restore point with the same bytes', async () => {
  expect(await conflictOf({})).toBeUndefined();
  // A copy that is still being made.
  expect(await conflictOf({ 'moved/web-flat.vmdk': FLAT.subarray(0, 5_000) })).toBeUndefined();
});

it.each(['web.vmdk', 'web-flat.vmdk', 'base.vmdk'])(
  'takes two folders for two machines when their %s differs',
  async (name) => {
    expect(await conflictOf({ [`moved/${name}`]: Buffer.alloc(100_000, 2) })).toContain(
      `monday/${name} and moved/${name} hold different bytes`,
    );
  },
);
