import { rename, rm } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import type { UnrecognisedFiles } from '../../../../src/domain/sources/unrecognised.js';
import { rawImageLayout } from '../../../../src/layout/agent-images/agent-images.js';
import {
  diskImageLayout,
  vhdImageLayout,
} from '../../../../src/layout/cloud-exports/cloud-exports.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { qemuImg, requireTool } from '../../../support/image/qemu.js';
import { aixBackupFile } from '../../../support/image/aix-backup-file.js';
import { vmaFile } from '../../../support/image/vma-file.js';
import { scanWith } from '../../../support/layout/scan-with.js';
import type { RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { makeDisk, shown, treeOf } from '../../../support/layout/tree.js';

const WRITTEN = '2026-11-24T22:00:00.000Z';

describe('backups that are one file each', () => {
  it('are points of one workload where their names differ in a date, and else stand alone', async () => {
    const { repository } = await treeOf({
      'a/web01-2026-11-24.img': 1_024,
      'a/web01-2026-11-25.img': 1_024,
      'a/web01-2026-11-25.raw': 512,
      'a/db01.IMG': 512,
      'a/.img': 512,
    });
    expect(shown(await scanWith(rawImageLayout, repository))).toEqual([
      {
        ...{ id: 'raw-a:db01.img', name: 'db01.img', type: 'raw-image' },
        points: [['undated', WRITTEN, 'complete', 'image raw a/db01.IMG']],
      },
      {
        ...{ id: 'raw-a:web01.img', name: 'web01.img', type: 'raw-image' },
        points: [
          [
            ...['2026-11-24', '2026-11-24T00:00:00.000Z', 'complete'],
            'image raw a/web01-2026-11-24.img',
          ],
          [
            ...['2026-11-25', '2026-11-25T00:00:00.000Z', 'complete'],
            'image raw a/web01-2026-11-25.img',
          ],
        ],
      },
      {
        ...{ id: 'raw-a:web01.raw', name: 'web01.raw', type: 'raw-image' },
        points: [
          [
            ...['2026-11-25', '2026-11-25T00:00:00.000Z', 'complete'],
            'image raw a/web01-2026-11-25.raw',
          ],
        ],
      },
    ]);
  });

  it.each<[string, (name: string) => Promise<RepositoryCopy>, string]>([
    ['raw', (day) => treeOf({ [`a/${day}/web01.img`]: 512 }), 'raw-a:web01.img'],
    ['packed', (day) => treeOf({ [`${day}/vms/web.img.gz`]: 'x' }), 'raw-vms:web.img.gz'],
    ['AIX', (day) => treeOf({ [`n/${day}/aix01.mksysb`]: 'x' }), 'aix-n:aix01.mksysb'],
    ['a name with the day', (day) => treeOf({ [`a/${day}/w-${day}.img`]: 512 }), 'raw-a:w.img'],
  ])('are points of one workload in folders for each day (%s)', async (_, write, id) => {
    const found = [];
    for (const day of ['2026-11-24', '20261125']) {
      const { repository } = await write(day);
      for (const { id: own, restorePoints } of await scanRepository(repository))
        found.push([own, ...restorePoints.map((point) => [point.id, point.createdAtMs])]);
    }
    expect(found).toEqual([
      [id, ['2026-11-24', Date.UTC(2026, 10, 24)]],
      [id, ['20261125', Date.UTC(2026, 10, 25)]],
    ]);
  });

  it('are one workload with the points of all folders for each day', async () => {
    const { repository } = await treeOf({
      ...{ '2026-11-24/web01.img': 512, '2026-11-25/web01.img': 512, '2026-11-25/db.img': 512 },
    });
    expect(
      (await scanRepository(repository)).map(({ id, conflict, folders, restorePoints }) => [
        ...[id, conflict, folders, restorePoints.map((point) => `${point.id} ${point.state}`)],
      ]),
    ).toEqual([
      ['raw-.:db.img', undefined, ['2026-11-25'], ['2026-11-25 complete']],
      [
        ...['raw-.:web01.img', undefined, ['2026-11-24', '2026-11-25']],
        ['2026-11-24 complete', '2026-11-25 complete'],
      ],
    ]);
  });

  it('have one id of the layout beside theirs for all folders for each day', async () => {
    const { repository } = await treeOf({
      ...{ '2026-11-23/web.qcow2': 512, '2026-11-24/web.qcow2': 512, '2026-11-25/web.qcow2': 512 },
    });
    const found = await scanRepository(repository);
    expect(found.map(({ id, otherIds }) => [id, otherIds])).toEqual([
      ['disk-.:web.qcow2', ['raw-.:web.qcow2']],
    ]);
  });

  it('are files under names of raw disks where another program wrote them, or nobody knows them', async () => {
    const { repository } = await treeOf({
      'a/sda1.img': Buffer.from('partclone-image\0' + 'x'.repeat(94)),
      'a/sda2.img': Buffer.from(`\0ntfsclone-image${'x'.repeat(496)}`),
      'a/odd.img': 1_000,
      'a/empty.img': 0,
    });
    const found = (await scanWith(rawImageLayout, repository)).flatMap(({ name, restorePoints }) =>
      restorePoints.map(({ state, disks, leftOut, evidence }) => [
        ...[name, state, disks[0]?.format, leftOut, evidence?.closing],
      ]),
    );
    const reason = 'a/odd.img has 1000 bytes, which is no whole number of sectors';
    expect(found).toEqual([
      ['empty.img', 'incomplete', 'raw', undefined, 'silent'],
      [
        ...['odd.img', 'complete', 'file'],
        `${reason}: it is no disk as it is, or the end of one is missing`,
        // It is given more time than others.
        'awaited',
      ],
      ['sda1.img', 'complete', 'file', undefined, 'silent'],
      ['sda2.img', 'complete', 'file', undefined, 'silent'],
    ]);
  });

  it('keep ids of their own when one date is written in two ways', async () => {
    const { repository } = await treeOf({ 'web-2026-11-24.img': 512, 'web_2026-11-24.img': 512 });
    const [web] = await scanWith(rawImageLayout, repository);
    expect(web!.restorePoints.map(({ id }) => id)).toEqual([
      'web-2026-11-24.img',
      'web_2026-11-24.img',
    ]);
  });

  it('are backups of AIX under the names that people give them, by their first bytes', async () => {
    const backup = aixBackupFile({ './etc/hosts': Buffer.alloc(512, 'x') });
    const { repository } = await treeOf({
      ...{ 'a/mksysb.aix01.20261124': backup, 'a/mksysb.aix01.20261125': backup },
      ...{ 'a/aix02_mksysb': backup, 'a/mksysb_2026-11-24.bff': backup },
      ...{ 'a/aix03-savevg-20261124.gz': gzipSync(backup), 'a/mksysb_exclude': '/tmp\n' },
      ...{ 'a/mksysb.sh': '#!/bin/ksh\n', 'a/aix02_mksysb.log': 'x', 'a/bos.rte.bff': backup },
      ...{ 'a/mksysb-boot.img': 512, 'a/xmksysb': backup },
    });
    const unrecognised: UnrecognisedFiles[] = [];
    const workloads = await scanRepository(repository, {
      onUnrecognised: (files) => unrecognised.push(files),
    });
    expect(
      workloads.map(({ id, restorePoints }) => [
        id,
        ...restorePoints.map((point) =>
          [point.id, point.state, ...point.companions.map(({ as }) => as)].join(' '),
        ),
      ]),
    ).toEqual([
      ['aix-a:aix02_mksysb', 'undated complete'],
      ['aix-a:aix03-savevg.gz', '20261124 complete'],
      ['aix-a:mksysb.aix01', '20261124 complete', '20261125 complete'],
      ['aix-a:mksysb.bff', '2026-11-24 complete'],
      ['raw-a:mksysb-boot.img', 'undated complete'],
    ]);
    expect(unrecognised).toEqual([
      { folder: 'a', fileCount: 2, examples: ['bos.rte.bff', 'xmksysb'] },
      { folder: 'a', fileCount: 3, examples: ['aix02_mksysb.log', 'mksysb.sh', 'mksysb_exclude'] },
    ]);
  });

  it('take along what lies beside them under their names, and nothing else', async () => {
    const { repository } = await treeOf({
      ...{ 'a/web-2026-11-24.img': 512, 'a/web-2026-11-24.img.sha256': 'x' },
      ...{ 'a/web-2026-11-24.bmap': 'x', 'a/web-2026-11-24.xml': 'x', 'a/web.xml': 'x' },
      ...{ 'a/db.tar.gz': 'x', 'a/db.tar.gz.MD5': 'x', 'a/db.log': 'x', 'a/SHA256SUMS': 'x' },
      'a/db.tar.gz.sha256sums.gpg': 'x',
    });
    const unrecognised: UnrecognisedFiles[] = [];
    const workloads = await scanRepository(repository, {
      onUnrecognised: (files) => unrecognised.push(files),
    });
    expect(
      workloads.map(({ name, restorePoints }) => [
        name,
        ...restorePoints.flatMap(({ companions }) =>
          companions.map(({ path, as }) => [path.slice('a/'.length), as].join(' = ')),
        ),
      ]),
    ).toEqual([
      [
        'db.tar.gz',
        'db.tar.gz.MD5 = db.tar.gz.MD5',
        'db.tar.gz.sha256sums.gpg = db.tar.gz.sha256sums.gpg',
      ],
      [
        'web.img',
        'web-2026-11-24.img.sha256 = web-2026-11-24.img.sha256',
        'web-2026-11-24.bmap = web-2026-11-24.bmap',
        'web-2026-11-24.xml = web-2026-11-24.xml',
      ],
    ]);
    expect(unrecognised).toEqual([
      { folder: 'a', fileCount: 3, examples: ['SHA256SUMS', 'db.log', 'web.xml'] },
    ]);
  });

  it('wait for what goes with them, and do without what of it cannot be read', async () => {
    const { repository } = await treeOf({
      'a/web.img': 512,
      'a/web.img.md5': 'x',
      'a/web.xml': 'x',
    });
    const { openRead } = repository;
    repository.openRead = (path) =>
      path === 'a/web.xml'
        ? Promise.reject(new BackupError('REPOSITORY_ACCESS_DENIED', 'may not be read'))
        : openRead.call(repository, path);
    const unrecognised: UnrecognisedFiles[] = [];
    const [web] = await scanRepository(repository, {
      onUnrecognised: (files) => unrecognised.push(files),
    });
    const [point] = web!.restorePoints;
    expect([point?.state, point?.companions.map(({ as }) => as)]).toEqual([
      ...['complete', ['web.img.md5']],
    ]);
    const awaited = point?.evidence?.files.split('/').map((file) => file.split(':')[0]);
    expect(awaited?.sort()).toEqual(['web.img', 'web.img.md5']);
    expect(unrecognised).toEqual([{ folder: 'a', fileCount: 1, examples: ['web.xml'] }]);
  });

  it('are archives of Proxmox VE under whatever name, and one that was cut off is told', async () => {
    const { bytes } = vmaFile({
      devices: [{ name: 'drive-scsi0', disk: Buffer.alloc(65_536, 7) }],
      config: 'name: web01\n',
    });
    const { repository } = await treeOf({
      'pve/vzdump-qemu-100-2026_11_24-01_00_00.vma': bytes,
      'pve/before-upgrade.vma': bytes,
      'pve/cut.VMA': bytes.subarray(0, bytes.length - 4_096),
      'pve/packed.vma.gz': gzipSync(bytes),
    });
    const found = await scanRepository(repository);
    const said = found.map(({ id, type, restorePoints: [point] }) => [id, type, point?.state]);
    expect(said.sort()).toEqual([
      ['proxmox-qemu-100-pve', 'proxmox-ve', 'complete'],
      ['vma-pve:before-upgrade.vma', 'proxmox-ve', 'complete'],
      ['vma-pve:cut.vma', 'proxmox-ve', 'incomplete'],
      ['vma-pve:packed.vma.gz', 'proxmox-ve', 'complete'],
    ]);
  });

  it('are taken by the first row that knows the name', async () => {
    const { repository } = await treeOf({
      'c/export-i-1234567890abcdef0.raw': 512,
      'c/vms-export-i-1234567890abcdef1.raw': 512,
      'c/EXPORT-I-1234567890ABCDEF2.RAW': 512,
      'c/export-x-1234567890abcdef0.raw': 512,
      'c/vda.raw': 512,
      'c/README': 'x',
    });
    const unrecognised: UnrecognisedFiles[] = [];
    const workloads = await scanRepository(repository, {
      onUnrecognised: (files) => unrecognised.push(files),
    });
    expect(workloads[0]!.otherIds).toEqual(['raw-c:EXPORT-I-1234567890ABCDEF2.raw']);
    expect(workloads.map(({ id, type }) => [id, type])).toEqual([
      ['ec2-c:EXPORT-I-1234567890ABCDEF2.raw', 'amazon-ec2'],
      ['ec2-c:export-i-1234567890abcdef0.raw', 'amazon-ec2'],
      ['ec2-c:vms-export-i-1234567890abcdef1.raw', 'amazon-ec2'],
      ['raw-c:export-x-1234567890abcdef0.raw', 'raw-image'],
      ['raw-c:vda.raw', 'raw-image'],
    ]);
    expect(unrecognised).toEqual([{ folder: 'c', fileCount: 1, examples: ['README'] }]);
  });
});

describe.skipIf(!requireTool('qemu-img'))('disks that lie alone', () => {
  it.each([
    ['Bu\u0308ro', 'B\u00fcro-flat.vmdk', 'Bu\u0308ro-flat.vmdk', 'complete'],
    ['web', 'WEB-Flat.vmdk', 'web-flat.vmdk', 'complete'],
    ['web', 'other-flat.vmdk', 'web-flat.vmdk', 'incomplete'],
  ])(
    'of the name %s find the extent %s in the file %s or not: %s',
    async (stem, name, file, state) => {
      const descriptor = [
        ...['# Disk DescriptorFile', 'version=1', 'CID=fffffffe', 'parentCID=ffffffff'],
        ...['createType="monolithicFlat"', `RW 8 FLAT "${name}" 0`],
      ].join('\n');
      const { repository } = await treeOf({ [`${stem}.vmdk`]: descriptor, [file]: 4_096 });
      const [disk] = await scanWith(diskImageLayout, repository);
      expect(disk?.restorePoints.map((point) => point.state)).toEqual([state]);
    },
  );

  it('are known by their ending, in whatever case, as a whole or in parts', async () => {
    const copy = await treeOf({ 'd/web.vmx': 'x', 'd/web-ctk.vmdk': 'x', 'd/box.vdi': 'x' });
    await makeDisk(copy, 'd/web.vmdk', '-o', 'subformat=monolithicFlat');
    await makeDisk(copy, 'd/split.vmdk', '-o', 'subformat=twoGbMaxExtentSparse');
    await makeDisk(copy, 'd/export.vmdk', '-o', 'subformat=streamOptimized');
    await makeDisk(copy, 'd/ubuntu.qcow2');
    await qemuImg('create', '-q', '-f', 'vhdx', copy.at('d/HOST-C.VHDX'), '8M');
    const backing = ['-F', 'qcow2', '-b', 'ubuntu.qcow2'];
    await qemuImg('create', '-q', '-f', 'qcow2', ...backing, copy.at('d/ubuntu.snap.qcow2'));
    const below = ['-F', 'vmdk', '-b', 'base.vmdk'];
    await makeDisk(copy, 'd/base.vmdk');
    await qemuImg('create', '-q', '-f', 'vmdk', ...below, copy.at('d/base-000001.vmdk'));
    const unrecognised: UnrecognisedFiles[] = [];
    const workloads = await scanRepository(copy.repository, {
      onUnrecognised: (files) => unrecognised.push(files),
    });
    expect(
      workloads.flatMap(({ id, type, restorePoints }) =>
        restorePoints.map(({ state, disks }) => [
          ...[id, type, state],
          ...disks.flatMap(({ format, extents = [] }) => [format, ...extents.map((e) => e.name)]),
        ]),
      ),
    ).toEqual([
      ['disk-d:base.vmdk', 'disk-image', 'complete', 'vmdk'],
      ['disk-d:base.vmdk', 'disk-image', 'complete', 'vmdk'],
      ['disk-d:export.vmdk', 'disk-image', 'complete', 'vmdk-stream'],
      ['disk-d:split.vmdk', 'disk-image', 'complete', 'vmdk', 'split-s001.vmdk'],
      ['disk-d:ubuntu.qcow2', 'disk-image', 'complete', 'qcow2'],
      ['disk-d:ubuntu.qcow2', 'disk-image', 'complete', 'qcow2'],
      ['disk-d:web.vmdk', 'disk-image', 'complete', 'vmdk', 'web-flat.vmdk'],
      ['vhd-d:HOST-C.vhdx', 'vhd-image', 'complete', 'vhdx'],
    ]);
    expect(unrecognised).toEqual([
      {
        ...{ folder: 'd', fileCount: 3, examples: ['box.vdi', 'web-ctk.vmdk', 'web.vmx'] },
        tool: 'VirtualBox (VDI)',
      },
    ]);
  });

  it('keep their parts when their descriptor was renamed', async () => {
    const copy = await treeOf({});
    await makeDisk(copy, 'd/web.vmdk', '-o', 'subformat=twoGbMaxExtentSparse');
    await rename(copy.at('d/web.vmdk'), copy.at('d/web-2026-11-24.vmdk'));
    const workloads = await scanWith(diskImageLayout, copy.repository);
    expect(
      workloads.map(({ name, restorePoints }) => [
        name,
        ...restorePoints.flatMap(({ state, disks }) => [
          state,
          ...disks.flatMap(({ format, extents = [] }) => [format, ...extents.map((e) => e.path)]),
        ]),
      ]),
    ).toEqual([['web.vmdk', 'complete', 'vmdk', 'd/web-s001.vmdk']]);
  });

  it('are not whole without all of their parts, and a part alone is named', async () => {
    const copy = await treeOf({ 'd/lost-flat.vmdk': 65_536 });
    await makeDisk(copy, 'd/web.vmdk', '-o', 'subformat=monolithicFlat');
    await rm(copy.at('d/web-flat.vmdk'));
    const workloads = await scanWith(diskImageLayout, copy.repository);
    expect(
      workloads.map(({ name, restorePoints }) => [name, restorePoints.map(({ state }) => state)]),
    ).toEqual([
      ['lost-flat.vmdk', ['incomplete']],
      ['web.vmdk', ['incomplete']],
    ]);
  });

  it('are dated by the seconds in the names that libvirt gives to its push backups', async () => {
    const copy = await treeOf({ 'd/web01.raw.1795500000': 512, 'd/web01.qcow2.cp1': 512 });
    for (const seconds of [1_795_500_000, 1_795_586_400]) {
      await makeDisk(copy, 'd/full.qcow2');
      await rename(copy.at('d/full.qcow2'), copy.at(`d/web01.qcow2.${seconds}`));
    }
    const unrecognised: UnrecognisedFiles[] = [];
    const [web, ...others] = await scanRepository(copy.repository, {
      onUnrecognised: (files) => unrecognised.push(files),
    });
    expect(others).toEqual([]);
    expect(shown([web!])).toEqual([
      {
        ...{ id: 'libvirt-disk-d:web01.qcow2', name: 'web01.qcow2', type: 'libvirt-kvm' },
        points: [
          // `date -u -d @1795500000`.
          [
            '1795500000',
            '2026-11-24T06:00:00.000Z',
            'complete',
            'image qcow2 d/web01.qcow2.1795500000',
          ],
          [
            '1795586400',
            '2026-11-25T06:00:00.000Z',
            'complete',
            'image qcow2 d/web01.qcow2.1795586400',
          ],
        ],
      },
    ]);
    expect(unrecognised.flatMap(({ examples }) => examples).sort()).toEqual([
      'web01.qcow2.cp1',
      'web01.raw.1795500000',
    ]);
  });

  it('of VHD and VHDX are one type, and a date makes points of one workload', async () => {
    const copy = await treeOf({});
    await makeDisk(copy, 'd/azure-2026-11-24.vhdx');
    await makeDisk(copy, 'd/azure-2026-11-25.vhdx');
    const [azure, ...others] = await scanWith(vhdImageLayout, copy.repository);
    expect(azure?.restorePoints.map(({ id, state }) => [id, state])).toEqual([
      ['2026-11-24', 'complete'],
      ['2026-11-25', 'complete'],
    ]);
    expect(others).toEqual([]);
  });
});
