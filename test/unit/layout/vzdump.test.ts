import { mkdir, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { SourceRestorePoint } from '../../../src/domain/sources/source-workload.js';
import { vzdumpLayout } from '../../../src/layout/vzdump/vzdump.js';
import { vmaFile } from '../../support/image/vma-file.js';
import { copyToRepository, type RepositoryCopy } from '../../support/layout/repository-copy.js';
import { scanWith } from '../../support/layout/scan-with.js';

const BASE = 'vzdump-qemu-100-2026_11_24-06_30_00';
const vma = vmaFile({
  devices: [{ name: 'drive-scsi0', disk: Buffer.alloc(61 * 65_536, 3) }],
  config: 'name: web01\n',
});
const tar = Buffer.concat([Buffer.alloc(512, 1), Buffer.alloc(1024)]);

async function dump(files: Readonly<Record<string, Buffer | string>>): Promise<RepositoryCopy> {
  const copy = await copyToRepository(null);
  await mkdir(copy.at('dump'));
  for (const [name, content] of Object.entries(files))
    await writeFile(copy.at(`dump/${name}`), content);
  return copy;
}

const scan = ({ repository }: RepositoryCopy) => scanWith(vzdumpLayout, repository);

async function onlyPoint(
  files: Readonly<Record<string, Buffer | string>>,
): Promise<SourceRestorePoint> {
  const workloads = await scan(await dump(files));
  const points = workloads.flatMap(({ restorePoints }) => restorePoints);
  expect(points).toHaveLength(1);
  return points[0]!;
}

describe('vzdumpLayout', () => {
  it('finds machines and containers with their archives, each a full', async () => {
    const copy = await dump({
      [`${BASE}.vma`]: vma.bytes,
      [`${BASE}.log`]: 'INFO: VM Name: old\n',
      [`${BASE}.vma.notes`]: 'web',
      [`${BASE}.vma.protected`]: '',
      'vzdump-qemu-100-2026_11_25-06_30_00.vma.gz': gzipSync(vma.bytes),
      'vzdump-lxc-101-2026_11_24-06_31_00.tar': tar,
      'vzdump-lxc-101-2026_11_24-06_31_00.log': '2026-11-24 06:31:00 INFO: CT Name: dns\n',
    });
    const workloads = await scan(copy);
    expect(workloads).toMatchObject([
      {
        id: 'proxmox-lxc-101-dump',
        name: 'dns (CT 101)',
        type: 'proxmox-ve',
        restorePoints: [{ id: '2026_11_24-06_31_00', state: 'complete' }],
      },
      { id: 'proxmox-qemu-100-dump', name: 'web01 (VM 100)' },
    ]);
    const [first, second] = workloads[1]!.restorePoints;
    expect(first).toMatchObject({
      id: '2026_11_24-06_30_00',
      createdAtMs: Date.UTC(2026, 10, 24, 6, 30),
      kind: 'full',
      state: 'complete',
      disks: [{ disk: 'archive', path: `dump/${BASE}.vma`, format: 'vma', as: `${BASE}.vma` }],
      companions: [
        { path: `dump/${BASE}.log`, as: `${BASE}.log` },
        { path: `dump/${BASE}.vma.notes`, as: `${BASE}.vma.notes` },
        { path: `dump/${BASE}.vma.protected`, as: `${BASE}.vma.protected` },
      ],
      evidence: { closing: 'closed' },
    });
    expect(second).toMatchObject({
      kind: 'full',
      state: 'complete',
      evidence: { closing: 'silent' },
    });
    expect(second!.disks[0]!.format).toBe('gzip');
  });

  it.each<[string, Buffer, string]>([
    ['vma', vma.bytes, 'vma'],
    ['tar', tar, 'tar'],
    ['tgz', gzipSync(tar), 'gzip'],
    ['tar.gz', gzipSync(tar), 'gzip'],
    ['vma.zst', Buffer.from('28b52ffd2000010000', 'hex'), 'zstd'],
    ['vma.lzo', Buffer.from('894c5a4f000d0a1a0a001122330000000000', 'hex'), 'lzop'],
    ['tar.bz2', emptyBzip2(), 'bzip2'],
  ])('takes an archive that ends in .%s as it is', async (ending, bytes, format) => {
    const point = await onlyPoint({ [`${BASE}.${ending}`]: bytes });
    expect(point).toMatchObject({ state: 'complete', reason: null, disks: [{ format }] });
  });

  it.each<[string, Readonly<Record<string, Buffer | string>>, RegExp]>([
    [
      'a cut archive',
      { [`${BASE}.vma`]: vma.bytes.subarray(0, vma.extents[1]) },
      /59 of 61 clusters/,
    ],
    ['a cut tar', { [`${BASE}.tar`]: tar.subarray(0, 1024) }, /does not end as a tar/],
    [
      'a cut lzop',
      { [`${BASE}.vma.lzo`]: Buffer.from('894c5a4f000d0a1a0a00112233', 'hex') },
      /lzop/,
    ],
    ['a cut bzip2', { [`${BASE}.tar.bz2`]: emptyBzip2().subarray(0, -1) }, /bzip2/],
    ['an empty zstd', { [`${BASE}.vma.zst`]: '' }, /is no zstd file/],
    ['an archive in the making', { [`${BASE}.vma.dat`]: vma.bytes }, /is still being written/],
    ['one without compression', { [`${BASE}.dat`]: vma.bytes }, /is still being written/],
  ])('holds %s to be incomplete', async (_, files, reason) => {
    const point = await onlyPoint(files);
    expect(point.state).toBe('incomplete');
    expect(point.reason).toMatch(reason);
  });

  it('takes machines of one number in two folders for two', async () => {
    const copy = await dump({ [`${BASE}.vma`]: vma.bytes });
    await mkdir(copy.at('other'));
    await writeFile(copy.at(`other/${BASE}.vma`), vma.bytes);
    const ids = (await scan(copy)).map(({ id }) => id);
    expect(ids).toEqual(['proxmox-qemu-100-dump', 'proxmox-qemu-100-other']);
  });

  // Lines as PVE/VZDump/QemuServer.pm and PVE/VZDump/LXC.pm write them.
  it.each([
    [
      'a disk without backup',
      [
        "INFO: include disk 'scsi0' 'local-lvm:vm-100-disk-0' 32G",
        "INFO: exclude disk 'scsi1' 'local-lvm:vm-100-disk-1' (backup=no)",
        "INFO: exclude disk 'efidisk0' 'local-lvm:vm-100-disk-2' (efidisk but no OVMF BIOS)",
      ],
      'vzdump has left out the disk scsi1 (local-lvm:vm-100-disk-1: backup=no)',
    ],
    [
      'mount points of a container',
      [
        "INFO: including mount point rootfs ('/') in backup",
        "INFO: excluding bind mount point mp0 ('/srv/data') from backup (not a volume)",
        "INFO: excluding volume mount point mp1 ('/var/lib') from backup (disabled)",
      ],
      'vzdump has left out the bind mount point mp0 ("/srv/data"), the volume mount point mp1 ("/var/lib")',
    ],
    ['nothing', ["INFO: include disk 'scsi0' 'local:100/vm-100-disk-0.qcow2' 32G"], undefined],
  ])('says what its log names as left out (%s)', async (_, lines, leftOut) => {
    const log = lines.map((line) => `2026-11-24 06:30:01 ${line}\n`).join('');
    const point = await onlyPoint({ [`${BASE}.vma`]: vma.bytes, [`${BASE}.log`]: log });
    expect([point.state, point.leftOut]).toEqual(['complete', leftOut]);
  });

  it('names the first eight of many that are left out, and counts the others', async () => {
    const lines = Array.from(
      { length: 30 },
      (_, index) => `INFO: exclude disk 'scsi${index}' 'lvm:${index}' (backup=no)\n`,
    );
    const files = { [`${BASE}.vma`]: vma.bytes, [`${BASE}.log`]: lines.join('') };
    expect((await onlyPoint(files)).leftOut).toMatch(/the disk scsi7 [^,]+ and 22 more$/);
  });

  it('does not choose between two archives of one time', async () => {
    const files = { [`${BASE}.vma`]: vma.bytes, [`${BASE}.vma.gz`]: gzipSync(vma.bytes) };
    expect((await onlyPoint(files)).state).toBe('broken');
  });

  it('leaves what is named otherwise to others', async () => {
    const copy = await dump({
      'vzdump-qemu-100-2026_11_24.vma': 'x',
      'vzdump-qemu-99-2026_11_24-06_30_00.vma': 'x',
      [`${BASE}.iso`]: 'x',
    });
    expect(await scan(copy)).toEqual([]);
  });
});

/** What `bzip2` makes of no bytes. */
function emptyBzip2(): Buffer {
  return Buffer.from('425a683917724538509000000000', 'hex');
}
