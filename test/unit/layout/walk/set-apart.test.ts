import { symlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  unrecognisedReason,
  type UnrecognisedFiles,
} from '../../../../src/domain/sources/unrecognised.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import type { BackupRepository } from '../../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../../src/repository/directory/directory-repository.js';
import { treeOf } from '../../../support/layout/tree.js';

const A = '2f9c1d3e-58b4-4d1b-9a52-0c6f7b3d9e01';
const B = '7c1e2f3a-1111-4222-8333-944455556666';
const C = '9b9cfbc3-369e-11e9-a17c-806e6f6e6963';

/** Ids of workloads, and what is said of files that are none: folder, reason. */
async function foundIn(paths: readonly string[]) {
  const { repository } = await treeOf(Object.fromEntries(paths.map((path) => [path, 512])));
  return lookAt(repository);
}

async function lookAt(repository: BackupRepository) {
  const named: UnrecognisedFiles[] = [];
  const workloads = await scanRepository(repository, {
    onUnrecognised: (files) => named.push(files),
  });
  return {
    workloads: workloads.map(({ id }) => id),
    named: named.map((files) => [files.folder, unrecognisedReason(files)]),
  };
}

const where = (platform: string) =>
  `where machines of ${platform} run on their disks, which are no backups`;

describe('disks that machines run on', () => {
  it('are named, and no backups, in a directory storage of Proxmox VE', async () => {
    const dump = 'pve/dump/vzdump-qemu-100-2026_11_24-06_30_00.vma';
    expect(
      await foundIn([
        ...[dump, 'pve/images/100/vm-100-disk-0.qcow2', 'pve/images/100/vm-100-disk-1.raw'],
        ...['images/9000/base-9000-disk-0.vmdk', 'images/101/subvol-101-disk-0.subvol/etc/x.img'],
        ...['images/101/notes.txt', 'images/102/snap-s1-vm-102-disk-0.qcow2'],
      ]),
    ).toEqual({
      // Each disk counts as seen: another release may have copied it.
      workloads: [
        ...[
          'disk-images:102:snap-s1-vm-102-disk-0.qcow2',
          'disk-images:9000:base-9000-disk-0.vmdk',
        ],
        ...['disk-pve:images:100:vm-100-disk-0.qcow2', 'proxmox-qemu-100-pve:dump'],
        'raw-pve:images:100:vm-100-disk-1.raw',
      ],
      named: [
        [
          'images/101',
          `"subvol-101-disk-0.subvol", "notes.txt" lie ${where('Proxmox VE')}, so they are not copied`,
        ],
        [
          'images/102',
          `"snap-s1-vm-102-disk-0.qcow2" lies ${where('Proxmox VE')}, so it is not copied`,
        ],
        ['images/9000', `"base-9000-disk-0.vmdk" lies ${where('Proxmox VE')}, so it is not copied`],
        [
          'pve/images/100',
          `"vm-100-disk-0.qcow2", "vm-100-disk-1.raw" lie ${where('Proxmox VE')}, so they are not copied`,
        ],
      ],
    });
  });

  it.each([
    ['libvirt', 'var/lib/libvirt/images', ['web01.qcow2', 'db01.img']],
    ['VMware', 'datastore1/web', ['web.vmdk', 'web-flat.vmdk', 'web.vmx', 'web-2a3b4c5d.vswp']],
    ['VMware', 'datastore1/db', ['data.vmdk', 'data-flat.vmdk', 'db.vmx', 'db.vmx.lck/M1.lck']],
    ['VMware', 'machines/web', ['web.vmdk', 'web.vmx', 'web.vmx.lck/M10000.lck']],
    ['XenServer or XCP-ng', C, [`${A}.vhd`, `${B}.vhd`]],
    ['Nutanix AHV', 'ctr/.acropolis/vmdisk', [A, B]],
  ])('of %s are none in %s (%#)', async (platform, folder, names) => {
    const { workloads, named } = await foundIn(names.map((name) => `${folder}/${name}`));
    // A machine of VMware counts as seen.
    const machine = `vmware-${folder.replace('/', ':')}:${folder.slice(folder.indexOf('/') + 1)}`;
    const disk = (name: string) => {
      const prefix = /\.vhd$/.test(name) ? 'vhd' : /\.img$/.test(name) ? 'raw' : 'disk';
      return `${prefix}-${folder.replaceAll('/', ':')}:${name}`;
    };
    const seen = platform === 'Nutanix AHV' ? [] : names.map(disk).sort();
    expect(workloads).toEqual(platform === 'VMware' ? [machine] : seen);
    expect(named).toEqual([[folder, expect.stringContaining(where(platform))]]);
  });

  it.each([
    ['libvirt', 'libvirt/images', 'web01.qcow2'],
    ['Proxmox VE', 'images/100', 'vm-100-disk-0.qcow2'],
    ['XenServer or XCP-ng', C, `${A}.vhd`],
    ['Nutanix AHV', '.acropolis/vmdisk', A],
  ])(
    'of %s are none where the source is their folder itself, also by a link',
    async (platform, folder, name) => {
      const { at } = await treeOf({ [`${folder}/${name}`]: 512 });
      await symlink(at(folder), at('pool'));
      for (const rootPath of [at(folder), at('pool')]) {
        const source = await openDirectoryRepository({ id: 'primary', rootPath, readOnly: true });
        const prefix = /\.vhd$/.test(name) ? 'vhd' : 'disk';
        expect(await lookAt(source)).toEqual({
          workloads: name === A ? [] : [`${prefix}-.:${name}`],
          named: [['.', expect.stringContaining(where(platform))]],
        });
      }
    },
  );

  it('are told by the pushes that libvirt has left beside them, which are backups', async () => {
    const pushed = 'vms/web01.qcow2.1764201234';
    const others = ['vms/db01.qcow2', 'vms/web01-2026-11-24.qcow2', 'vms/web01.img'];
    const files = ['vms/web01.qcow2', ...others].map((path) => [path, 512] as const);
    const head = Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(508)]);
    const { repository } = await treeOf({ ...Object.fromEntries(files), [pushed]: head });
    expect(await lookAt(repository)).toEqual({
      workloads: [
        ...['disk-vms:db01.qcow2', 'disk-vms:web01.qcow2', 'libvirt-disk-vms:web01.qcow2'],
        'raw-vms:web01.img',
      ],
      named: [['vms', `"web01.qcow2" lies ${where('libvirt')}, so it is not copied`]],
    });
  });

  it.each(['web01.qcow2', 'web01.img'])(
    'count as seen by the pushes of libvirt (%s)',
    async (disk) => {
      const { repository, at } = await treeOf({ [`vms/${disk}`]: 512 });
      const [before] = await scanRepository(repository);
      const head = Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(508)]);
      await writeFile(at(`vms/${disk}.1764201234`), head);
      const [push, ...others] = await scanRepository(repository);
      expect([push?.id, others]).toEqual([`libvirt-disk-vms:${disk}`, []]);
      expect(push!.otherIds).toContain(before!.id);
    },
  );

  it.each([
    ['images/100', 'vm-100-disk-0.qcow2'],
    ['images/100', 'vm-100-disk-1.raw'],
    ['var/lib/libvirt/images', 'web01.img'],
    ['var/lib/libvirt/images', 'web01.vmdk'],
    [C, `${A}.vhd`],
  ])(
    'count as seen under the id that they had before their place was known (%s/%s)',
    async (folder, name) => {
      // What a release that does not know the place found: the file in a folder of another name, with that of this one put in its id.
      const { repository: before } = await treeOf({ [`x/${name}`]: 512 });
      const [listed] = await scanRepository(before);
      const { repository } = await treeOf({ [`${folder}/${name}`]: 512 });
      const [seen, ...others] = await scanRepository(repository);
      expect(others).toEqual([]);
      expect(seen).toMatchObject({
        id: listed!.id.replace('-x:', `-${folder.replaceAll('/', ':')}:`),
        ...{ type: listed!.type, isOnlySeen: true, restorePoints: [] },
      });
    },
  );

  it('hide no backups that lie beside a machine that is on', async () => {
    const { workloads, named } = await foundIn([
      ...['flat/web.vmx', 'flat/web.vmdk', 'flat/web_1.vmdk', 'flat/web-flat.vmdk'],
      ...['flat/web-000001.vmdk', 'flat/web.vmx.lck/M1.lck', 'flat/web_1.vmdk.lck/M1.lck'],
      ...['flat/web-db.vmdk', 'flat/db.vmx', 'flat/db.vmdk', 'flat/web-2026-11-24.vmdk'],
      ...['other/web.vmx', 'other/web.vmdk', 'other/backup.lck', 'other/db-1a2b3c4d.vswp'],
    ]);
    expect(workloads).toEqual([
      ...['disk-flat:db.vmdk', 'disk-flat:web-db.vmdk', 'disk-flat:web.vmdk'],
      ...['disk-other:web.vmdk', 'vmware-flat:web'],
    ]);
    expect(named.map(([folder, reason]) => [folder, reason?.includes(where('VMware'))])).toEqual([
      ['flat', true],
      ['flat', false], // the definition of a machine that is not on
      ['other', false],
    ]);
  });

  it.each([
    ['libvirt/images', 'web01-2026-11-24.qcow2', 'disk-libvirt:images:web01.qcow2'],
    ['images/100', 'vm-100-disk-0-20261124.raw', 'raw-images:100:vm-100-disk-0.raw'],
  ])(
    'are told by their places, but not where a name holds a date (%s)',
    async (folder, name, id) => {
      expect((await foundIn([`${folder}/${name}`])).workloads).toEqual([id]);
    },
  );

  it('are told from copies of them', async () => {
    const paths = [
      ...['2026-11-24/var/lib/libvirt/images/web01.qcow2', 'images/web/vm-100-disk-0.raw'],
      ...['vm/100/vm-100-disk-0.raw', 'vms/web/web.vmx', 'vms/web/web.vmdk', `vhd/${A}.vhd`],
      ...['esx/web/web-2026-11-24_01-00-00/web.vmx', 'esx/web/web-2026-11-24_01-00-00/web.vswp'],
      'esx/web/web-2026-11-24_01-00-00/STATUS.ok',
    ];
    expect((await foundIn(paths)).workloads).toEqual([
      'disk-var:lib:libvirt:images:web01.qcow2',
      'disk-vms:web:web.vmdk',
      'ghettovcb-esx:web',
      'raw-images:web:vm-100-disk-0.raw',
      'raw-vm:100:vm-100-disk-0.raw',
      `vhd-vhd:${A}.vhd`,
    ]);
  });
});

describe('backups of other tools under names of images', () => {
  it.each([
    ['Xen Orchestra', `xo-vm-backups/${A}/vdis/${B}/${C}`, '20261124T013000Z.vhd'],
    ['Xen Orchestra', `${A}/vdis/${B}/${C}`, '20261124T013000Z.alias.vhd'],
    ['a storage domain of oVirt', `${C}/master/vms/${A}`, `${A}.ovf`],
    ['a storage domain of oVirt', `${C}/images/${A}`, B],
    ['WAL-G', 's3/basebackups_005/base_000000010000000000000003/tar_partitions', 'part_1.tar.lz4'],
    ['Barman', 'barman/main/base/20261128T095526', 'data.tar.gz'],
    ['Barman', 'barman/main/base/20261128T095526', '16390_0001.tar.bz2'],
    ['Veritas NetBackup', 'nb', 'web01_1764200000_C1_F1.1764200000.img'],
  ])('are told to be of %s (%s)', async (tool, folder, name) => {
    expect(await foundIn([`${folder}/${name}`])).toEqual({
      workloads: [],
      named: [
        [
          folder,
          `"${name}" is of no backup layout that this release knows (as it seems, a backup of ${tool}), so it is not copied`,
        ],
      ],
    });
  });

  it.each(['influx', 'influx/2026-11-24', ''])(
    'are one place where they are a portable backup of InfluxDB, whose shards were listed as archives: %j',
    async (folder) => {
      const files = ['manifest', 'meta', 's1.tar.gz', 's2.tar.gz'].map((end) =>
        [folder, `20261124T010000Z.${end}`].filter((part) => part !== '').join('/'),
      );
      const { named } = await foundIn(files);
      expect(named.map(([place]) => place)).toEqual([folder === '' ? '.' : folder]);
      expect(named[0]![1]).toContain('a backup of InfluxDB');
      const listed = async (paths: readonly string[]) =>
        scanRepository(
          (await treeOf(Object.fromEntries(paths.map((path) => [path, 512])))).repository,
        );
      // Copies of what was listed then are no copies of what is gone.
      const before = await listed(files.slice(2));
      const seen = await listed(files);
      expect(before).toHaveLength(2);
      expect(seen).toMatchObject(
        before.map(({ type }) => ({ type, isOnlySeen: true, restorePoints: [] })),
      );
      const ids = seen.flatMap(({ id, otherIds = [] }) => [id, ...otherIds]);
      expect(ids).toEqual(expect.arrayContaining(before.map(({ id }) => id)));
    },
  );

  it('are told from those of a machine whose name is that of their folder', async () => {
    const { workloads, named } = await foundIn([
      ...['vms/base/20261124T220000/base.qcow2', 'vms/base/20261124T220000/base.tar.gz'],
      'barman/main/base/20261124T220000/backup.info',
    ]);
    expect(workloads).toContain('disk-vms:base:base.qcow2');
    expect(named.map(([folder]) => folder)).toEqual(['barman/main/base/20261124T220000']);
  });
});
