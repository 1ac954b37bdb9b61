import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { guestDisk } from '../image/guest-disk.js';
import { qemuBytes, qemuImg, qemuIo } from '../image/qemu.js';
import { streamFile } from '../image/stream-file.js';
import { streamFixture } from '../image/stream-fixture.js';
import { checkpointOf, dateOf, domainOf, framesOf, ovfOf, write, writeDisk } from './type-files.js';
import type { TypeUnderTest } from './types-under-test.js';

const run = promisify(execFile);
const CHECKPOINT = '49C4BAF3-4B25-4406-8C4B-D39E65C32387';
const VOLUME = '9b9cfbc3-369e-11e9-a17c-806e6f6e6964';

/** Machines of types that `TYPES_UNDER_TEST` has, in other kinds of files. */
export const MACHINE_VARIANTS: readonly TypeUnderTest[] = [
  {
    // The folder of a machine that is off, and the next day has a snapshot.
    type: 'vmware-vsphere',
    name: 'vmx01',
    async write(root, day) {
      const folder = join(root, `machines/${dateOf(day)}/vmx01`);
      const base = join(folder, 'vmx01.vmdk');
      const delta = join(folder, 'vmx01-000001.vmdk');
      const disk = guestDisk(35, day);
      await writeDisk(base, guestDisk(35, 1), 'vmdk', '-o', 'subformat=monolithicFlat');
      if (day > 1) {
        await qemuImg('create', '-q', '-f', 'vmdk', '-F', 'vmdk', '-b', 'vmx01.vmdk', delta);
        await writeOver(delta, disk, guestDisk(35, 1));
        await write(join(folder, 'vmx01.vmsd'), 'snapshot0.disk0.fileName = "vmx01.vmdk"');
      }
      const image = day > 1 ? 'vmx01-000001.vmdk' : 'vmx01.vmdk';
      await write(
        join(folder, 'vmx01.vmx'),
        `displayName = "vmx01"\nscsi0:0.fileName = "${image}"\nscsi0:0.present = "TRUE"\n`,
      );
      return { 'scsi0-0': disk };
    },
  },
  {
    // A disk, and the next day what its checkpoint keeps, as diskpart of Windows wrote both.
    type: 'vhd-image',
    name: 'fat-parent.vhd',
    async write(root, day) {
      const folder = join(root, 'avhd');
      const base = join(folder, 'fat-parent.vhd');
      if (day === 1) {
        await write(base, await windowsFixture('fat-parent.vhd'));
        return { image: await qemuBytes(base, 'vpc') };
      }
      const child = await windowsFixture('fat-differential.vhd');
      await write(join(folder, `fat-parent_${CHECKPOINT}.avhd`), child);
      return { image: shownOver(child, await qemuBytes(base, 'vpc')) };
    },
  },
  {
    // Since Windows Server 2012.
    type: 'windows-agent',
    name: 'WIN02',
    async write(root, day) {
      const host = join(root, 'wb2/WindowsImageBackup/WIN02');
      const backup = join(host, `Backup ${dateOf(day)} 010000`);
      const disk = guestDisk(36, day);
      await writeDisk(join(backup, `${VOLUME}.vhdx`), disk, 'vhdx');
      const volume = String.raw`<Volume Name="\\?\Volume{${VOLUME}}\"/>`;
      await write(
        join(backup, 'BackupSpecs.xml'),
        `<BackupSpecs><FileSpecs>${volume}</FileSpecs></BackupSpecs>`,
      );
      for (const file of ['MediaId', 'Catalog/GlobalCatalog', 'Catalog/BackupGlobalCatalog'])
        await write(join(host, file), file);
      return { [VOLUME]: disk };
    },
  },
  virtnbdRuns('kvm03', 37, (day) => (day === 1 ? 'vda.full.data' : 'vda.inc.virtnbdbackup.1.data')),
  // A differential run has no checkpoint of its own.
  virtnbdRuns('kvm04', 38, (day) => (day === 1 ? 'vda.full.data' : 'vda.diff.1795586400.data')),
  virtnbdRuns('kvm05', 39, (day) => (day === 1 ? 'vda.copy.data' : null)),
  {
    // As Nutanix exports a machine: qcow2 in a package; another one the next day.
    type: 'vmware-vsphere',
    name: 'ahv03.ova',
    async write(root, day) {
      const stage = join(root, '..', `ahv03-${day}`);
      await writeDisk(join(stage, 'disk1.qcow2'), guestDisk(40, day), 'qcow2');
      await write(join(stage, 'ahv03.ovf'), ovfOf('ahv03', 'disk1.qcow2'));
      const file = join(root, `ova/ahv03-${dateOf(day)}.ova`);
      await mkdir(dirname(file), { recursive: true });
      await run('tar', ['--format=ustar', '-C', stage, '-cf', file, 'ahv03.ovf', 'disk1.qcow2']);
      await rm(stage, { recursive: true });
      return { image: await readFile(file) };
    },
  },
  {
    type: 'solaris-stream',
    name: 'root.ufsdump',
    async write(root, day) {
      if (day > 1) return null; // under a date it would be a tree
      const bytes = streamFixture('one.dump');
      await write(join(root, 'sun/root.ufsdump'), bytes);
      return { image: bytes };
    },
  },
];

/** Writes what is another than before into a disk that builds on that. */
async function writeOver(path: string, disk: Buffer, before: Buffer): Promise<void> {
  const part = `${path}.part`;
  for (const { start, data } of framesOf(disk, before)) {
    await writeFile(part, data as Buffer);
    await qemuIo(path, 'vmdk', [`write -s ${part} ${start} 64k`]);
  }
  await rm(part);
}

/** @param nameOf the stream of a day; null: there is none */
function virtnbdRuns(
  name: string,
  machine: number,
  nameOf: (day: number) => string | null,
): TypeUnderTest {
  return {
    ...{ type: 'linux-agent', name },
    async write(root, day) {
      const stream = nameOf(day);
      if (stream === null) return null;
      const [, level = '', ident = level] = /^vda\.(\w+)(?:\.(.+))?\.data$/.exec(stream)!;
      const folder = join(root, 'virtnbd', name);
      const disk = guestDisk(machine, day);
      const before = day === 1 ? null : guestDisk(machine, day - 1);
      const checkpoint = day === 1 ? 'virtnbdbackup.0' : 'virtnbdbackup.1';
      const bytes = streamFile({
        ...{ virtualSize: disk.length, frames: framesOf(disk, before), checkpoint },
        ...(before === null ? {} : { parent: 'virtnbdbackup.0' }),
        date: `${dateOf(day)}T01:00:00.000001`,
      });
      await write(join(folder, stream), bytes);
      if (level !== 'copy' && level !== 'diff')
        await write(
          join(folder, `checkpoints/${checkpoint}.xml`),
          checkpointOf('virtnbdbackup.', day - 1, name, 'vda'),
        );
      const of = level === 'full' || level === 'inc' ? checkpoint : ident;
      await write(join(folder, `vmconfig.${of}.xml`), domainOf(name));
      return { vda: disk };
    },
  };
}

async function windowsFixture(name: string): Promise<Buffer> {
  return gunzipSync(await readFile(new URL(`../../fixtures/hyperv/${name}.gz`, import.meta.url)));
}

/** What a machine reads through a differencing VHD, by the format's specification alone (sector bitmaps, most significant bit first): libvhdi reads this one wrongly. The
 *  digest of the result was found before by two other readers (README of the collection of real files). */
function shownOver(child: Buffer, below: Buffer): Buffer {
  const disk = Buffer.from(below);
  const header = Number(child.readBigUInt64BE(16));
  const table = Number(child.readBigUInt64BE(header + 16));
  const blockBytes = child.readUInt32BE(header + 32);
  const bitmapBytes = Math.ceil(blockBytes / 512 / 8 / 512) * 512;
  for (let block = 0; block * blockBytes < disk.length; block++) {
    const sector = child.readUInt32BE(table + block * 4);
    if (sector === 0xffff_ffff) continue;
    const bitmap = child.subarray(sector * 512, sector * 512 + bitmapBytes);
    for (let at = 0; at < blockBytes / 512; at++)
      if ((bitmap[at >> 3]! & (0x80 >> (at & 7))) !== 0)
        child.copy(
          disk,
          block * blockBytes + at * 512,
          sector * 512 + bitmapBytes + at * 512,
          sector * 512 + bitmapBytes + (at + 1) * 512,
        );
  }
  const digest = createHash('sha256').update(disk).digest('hex');
  if (!digest.startsWith('f4b61a33')) throw new Error(`the disk has the digest ${digest}`);
  return disk;
}
