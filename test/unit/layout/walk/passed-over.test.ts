import { mkdir, rename, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  isFilePassedOver,
  isFolderPassedOver,
  nameAfterTransfer,
} from '../../../../src/domain/sources/passed-over.js';
import {
  unrecognisedReason,
  type UnrecognisedFiles,
} from '../../../../src/domain/sources/unrecognised.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { copyToRepository } from '../../../support/layout/repository-copy.js';

const FILES01 = 'libvirt-4d2a9f61-8c35-4e70-b1d8-0f6e3a7c5b92';

describe('what a NAS or a desktop leaves in a source', () => {
  it.each([
    '.snapshot',
    '.zfs',
    '.Trash-1000',
    '.trash',
    '.stversions',
    '#recycle',
    '@eaDir',
    '@tmp',
    '@Recycle',
    '@Recently-Snapshot',
    '$RECYCLE.BIN',
    '$Recycle.Bin',
    'System Volume Information',
    'lost+found',
    'found.000',
    '.~tmp~',
    '.rsync-partial',
    // pve-manager PVE/VZDump.pm: `<dumpdir>/<basename>.tmp`, or `vzdumptmp<pid>_<vmid>/` where a tmpdir is set
    'vzdump-lxc-101-2026_11_24-01_00_00.tmp',
    'vzdump-qemu-100-2026_11_24-01_00_00.tmp',
    'vzdumptmp4711_101',
  ])('makes no workload of a machine in the folder %s', async (name) => {
    const { repository, at } = await copyToRepository('libvirt-push');
    await mkdir(at(name));
    await rename(at('web01'), at(`${name}/web01`));
    expect((await scanRepository(repository)).map(({ id }) => id)).toEqual([FILES01]);
  });

  it('is named with its files when it is hidden and of no known kind, and only then', async () => {
    const { repository, at } = await copyToRepository('libvirt-push');
    for (const name of ['.vms/web01', '.snapshot/web01']) {
      await mkdir(at(name), { recursive: true });
      await writeFile(at(`${name}/vda.cp1.qcow2`), 'x');
    }
    await mkdir(at('.empty'));
    const named: UnrecognisedFiles[] = [];
    await scanRepository(repository, { onUnrecognised: (files) => named.push(files) });
    const hidden = named.filter(({ folder }) => folder !== '.');
    expect(hidden.map((files) => [files.folder, unrecognisedReason(files)])).toEqual([
      [
        '.vms/web01',
        '"vda.cp1.qcow2" lies in a hidden folder, where no backups are looked for, so it is not copied',
      ],
    ]);
  });

  it('changes nothing of a machine beside whose files it lies', async () => {
    const { repository, at } = await copyToRepository('ovirt');
    const id = '0f1e2d3c-4b5a-4697-8877-665544332211';
    await writeFile(at(`mail01/mail01-${id}.ovf`), '3d5c0f8e-2b71-4c9d-8e46-a1f7b2d39c11');
    const before = await scanRepository(repository);
    expect(before.map(({ name }) => name)).toContain('mail01');
    const backup =
      '20261101010002.1f0a6e2c-58b4-4d1b-9a52-0c6f7b3d9e01.3d5c0f8e-2b71-4c9d-8e46-a1f7b2d39c11.full.qcow2';
    for (const name of [
      `._mail01-${id}.ovf`,
      `._${backup}`,
      `${backup}~`,
      'Thumbs.db',
      '.DS_Store',
      '.nfs000000000c0ffee000000001',
    ])
      await writeFile(at(`mail01/${name}`), 'x');
    expect(await scanRepository(repository)).toEqual(before);
  });

  it.each([
    ['rsync', '.web.vmdk.Xy12Ab', 'web.vmdk'],
    ['rclone', 'web.vmdk.0f1e2d3c.partial', 'web.vmdk'],
    ['a browser', 'web.vmdk.part', 'web.vmdk'],
    ['WinSCP', 'web.vmdk.filepart', 'web.vmdk'],
    ['many tools', 'web.vmdk.tmp', 'web.vmdk'],
    ['a Mac', '._web.config', null],
    ['a desktop', '.DS_Store', null],
    ['an editor', 'web.vmdk~', null],
    ['NFS', '.nfs000000000c0ffee000000001', null],
  ])('tells what a file will be called that %s leaves (%s)', (_, name, then) => {
    expect(isFilePassedOver(name)).toBe(true);
    expect(nameAfterTransfer(name)).toBe(then);
  });

  it('is told from machines whose names only resemble it', () => {
    for (const name of [
      'recycle',
      '#1',
      '@home',
      'snapshot',
      'lost-and-found',
      'tmp',
      'web01.',
      'web.tmp',
    ])
      expect(isFolderPassedOver(name)).toBe(false);
    for (const name of ['vda.cp1.qcow2', 'a.tmp.qcow2', 'partial', 'Thumbs.db.qcow2'])
      expect(isFilePassedOver(name)).toBe(false);
  });
});
