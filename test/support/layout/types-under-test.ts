import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCodec } from '../../../src/image/zstd-codec.js';
import { aixBackupFile } from '../image/aix-backup-file.js';
import { qemuImg } from '../image/qemu.js';
import { streamFile } from '../image/stream-file.js';
import { streamFixture } from '../image/stream-fixture.js';
import { vmaFile } from '../image/vma-file.js';
import { guestDisk } from '../image/guest-disk.js';
import { checkpointOf, dateOf, domainOf, framesOf, ovfOf, write, writeDisk } from './type-files.js';

const run = promisify(execFile);

/** What a point must read as: by the name of the disk, the guest's bytes, or the file's where the file is copied as it is. */
export type ExpectedPoint = Readonly<Record<string, Buffer>>;

/** Backups of one type as its tool leaves them on two days. */
export interface TypeUnderTest {
  readonly type: string;
  /** Of the workload. */
  readonly name: string;
  /** Writes what the tool writes on this day (1, 2). @returns what its new point holds; null: there is none */
  write(root: string, day: number): Promise<ExpectedPoint | null>;
}

const MACHINE = 'ec04f346-db96-4700-af5b-77b3c56c38bd';
const DISK = '2f9c1d3e-58b4-4d1b-9a52-0c6f7b3d9e01';
const VOLUME = '9b9cfbc3-369e-11e9-a17c-806e6f6e6963';

/** One file a day, copied as it is. */
function fileOfADay(type: string, name: string, pathOf: (day: number) => string): TypeUnderTest {
  return {
    type,
    name,
    async write(root, day) {
      const bytes = Buffer.concat([guestDisk(type.length, day), Buffer.from(name)]);
      await write(join(root, pathOf(day)), bytes);
      return { image: bytes };
    },
  };
}

/** @param path of the file, without its ending */
async function writeOva(root: string, path: string, seed: number): Promise<ExpectedPoint> {
  const stage = join(root, '..', `ova-${seed}`);
  const stream = ['-o', 'subformat=streamOptimized'];
  await writeDisk(join(stage, 'disk1.vmdk'), guestDisk(seed, 1), 'vmdk', ...stream);
  await write(join(stage, 'machine.ovf'), ovfOf('machine', 'disk1.vmdk'));
  const file = join(root, `${path}.ova`);
  await mkdir(dirname(file), { recursive: true });
  await run('tar', ['--format=ustar', '-C', stage, '-cf', file, 'machine.ovf', 'disk1.vmdk']);
  return { image: await readFile(file) };
}

export const TYPES_UNDER_TEST: readonly TypeUnderTest[] = [
  {
    type: 'vmware-vsphere',
    name: 'esx01',
    async write(root, day) {
      const folder = join(root, 'ghetto/esx01', `esx01-${dateOf(day)}_01-00-00`);
      const disk = guestDisk(1, day);
      await write(
        join(folder, 'esx01.vmx'),
        'displayName = "esx01"\nscsi0:0.fileName = "esx01.vmdk"\n',
      );
      await writeDisk(join(folder, 'esx01.vmdk'), disk, 'vmdk', '-o', 'subformat=monolithicFlat');
      await write(join(folder, 'STATUS.ok'), 'Successfully completed backup\n');
      return { 'scsi0-0': disk };
    },
  },
  {
    type: 'vmware-vsphere',
    name: 'esx02',
    async write(root, day) {
      const folder = join(root, 'ghetto/esx02', `esx02-${dateOf(day)}_02-00-00`);
      const disk = guestDisk(17, day);
      const sparse = 'subformat=twoGbMaxExtentSparse';
      await write(
        join(folder, 'esx02.vmx'),
        'displayName = "esx02"\nscsi0:0.fileName = "esx02.vmdk"\n',
      );
      await writeDisk(join(folder, 'esx02.vmdk'), disk, 'vmdk', '-o', sparse);
      await write(join(folder, day === 1 ? 'STATUS.ok' : 'STATUS.warn'), 'Warning\n');
      return { 'scsi0-0': disk };
    },
  },
  {
    type: 'hyper-v',
    name: 'hv01',
    async write(root, day) {
      const folder = join(root, `exports/${dateOf(day)}/hv01`);
      const disk = guestDisk(2, day);
      await writeDisk(join(folder, 'Virtual Hard Disks/hv01.vhdx'), disk, 'vhdx');
      await write(join(folder, `Virtual Machines/${MACHINE}.vmcx`), `day ${day}`);
      const date = new Date(`${dateOf(day)}T01:00:00Z`);
      await utimes(join(folder, `Virtual Machines/${MACHINE}.vmcx`), date, date);
      return { hv01: disk };
    },
  },
  {
    type: 'windows-agent',
    name: 'WIN01',
    async write(root, day) {
      const host = join(root, 'wb/WindowsImageBackup/WIN01');
      const backup = join(host, `Backup ${dateOf(day)} 010000`);
      const disk = guestDisk(3, day);
      await writeDisk(join(backup, `${VOLUME}.vhd`), disk, 'vpc', '-o', 'force_size=on');
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
  {
    type: 'nutanix-ahv',
    name: 'ahv01',
    async write(root, day) {
      const disk = guestDisk(4, day);
      await write(join(root, `ahv/ahv01-${DISK}-2026112${day}`), disk);
      return { [DISK]: disk };
    },
  },
  {
    type: 'nutanix-ahv',
    name: 'ahv02',
    async write(root, day) {
      const disk = guestDisk(18, day);
      await writeDisk(
        join(root, `ahv/${dateOf(day)}/ahv02-${DISK}-2026112${day}.qcow2`),
        disk,
        'qcow2',
      );
      return { [DISK]: disk };
    },
  },
  {
    type: 'scale-hypercore',
    name: 'scale01',
    async write(root, day) {
      const folder = join(root, `scale/${dateOf(day)}/scale01`);
      const disk = guestDisk(5, day);
      await writeDisk(join(folder, `${DISK}.qcow2`), disk, 'qcow2');
      await write(
        join(folder, 'scale01.xml'),
        `<domain type="kvm"><name>scale01</name><uuid>${MACHINE}</uuid><scale:os/><devices><disk type="network" device="disk"><source protocol="scribe" name="scribe/${DISK}"/><target dev="vda"/></disk></devices></domain>`,
      );
      return { [DISK]: disk };
    },
  },
  {
    type: 'proxmox-ve',
    name: 'pve01 (VM 100)',
    async write(root, day) {
      const name = `vzdump-qemu-100-2026_11_2${day}-01_00_00`;
      const devices = [{ name: 'drive-scsi0', disk: guestDisk(6, day) }];
      const { bytes } = vmaFile({ devices, config: 'name: pve01\n', uuid: Buffer.alloc(16, day) });
      await write(join(root, `dump/${name}.vma`), bytes);
      await write(join(root, `dump/${name}.log`), 'INFO: Finished Backup of VM 100\n');
      return { archive: bytes };
    },
  },
  {
    type: 'proxmox-ve',
    name: 'pve02 (VM 102)',
    async write(root, day) {
      const name = `vzdump-qemu-102-2026_11_2${day}-01_00_00`;
      const devices = [{ name: 'drive-scsi0', disk: guestDisk(19, day) }];
      const { bytes } = vmaFile({ devices, config: 'name: pve02\n', uuid: Buffer.alloc(16, day) });
      const packed = Buffer.from((await zstdCodec()).compress(bytes, 1));
      await write(join(root, `dump/${name}.vma.zst`), packed);
      await write(join(root, `dump/${name}.vma.zst.notes`), 'before the upgrade\n');
      await write(join(root, `dump/${name}.vma.zst.protected`), '');
      await write(join(root, `dump/${name}.log`), `${dateOf(day)} 01:00:00 INFO: VM Name: pve02\n`);
      return { archive: packed };
    },
  },
  {
    type: 'proxmox-ve',
    name: 'pve03.vma',
    async write(root, day) {
      const devices = [{ name: 'drive-scsi0', disk: guestDisk(20, day) }];
      const { bytes } = vmaFile({ devices, config: 'name: pve03\n', uuid: Buffer.alloc(16, day) });
      const file = join(root, `pve/${dateOf(day)}/pve03.vma`);
      await write(file, bytes);
      // Written long after the day of its folder it would be one that is written over there.
      const writtenAt = new Date(`${dateOf(day)}T02:00:00Z`);
      await utimes(file, writtenAt, writtenAt);
      return { image: bytes };
    },
  },
  {
    type: 'vmware-vsphere',
    name: 'appliance.ova',
    write: (root, day) => (day > 1 ? Promise.resolve(null) : writeOva(root, 'ova/appliance', 7)),
  },
  {
    type: 'vmware-vsphere',
    name: 'vcd01',
    async write(root, day) {
      const folder = join(root, `vcd/vcd01-${dateOf(day)}`);
      const disk = join(folder, 'vcd01-disk1.vmdk');
      await writeDisk(disk, guestDisk(11, day), 'vmdk', '-o', 'subformat=streamOptimized');
      await write(join(folder, 'vcd01.ovf'), ovfOf('vcd01', 'vcd01-disk1.vmdk'));
      const bytes = await readFile(disk);
      const sum = createHash('sha256').update(bytes).digest('hex');
      await write(join(folder, 'vcd01.mf'), `SHA256(vcd01-disk1.vmdk)= ${sum}\n`);
      return { 'vcd01-disk1.vmdk': bytes };
    },
  },
  {
    type: 'olvm-rhv',
    name: 'olvm01',
    async write(root, day) {
      const folder = join(root, 'olvm');
      const [first, second] = [MACHINE, VOLUME];
      const fileOf = (on: number) =>
        `2026112${on}010000.${on === 1 ? first : second}.${DISK}.${on === 1 ? 'full' : 'incremental'}.qcow2`;
      const path = join(folder, fileOf(day));
      const disk = guestDisk(12, day);
      if (day === 1) {
        await writeDisk(path, disk, 'qcow2');
        await write(join(folder, `olvm01-${MACHINE}.ovf`), '<Envelope/>');
        return { [DISK]: disk };
      }
      const raw = join(root, '..', 'olvm.raw');
      await write(raw, disk);
      const base = join(folder, fileOf(1));
      await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', '-B', base, '-F', 'qcow2', raw, path);
      await qemuImg('rebase', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', fileOf(1), path);
      return { [DISK]: disk };
    },
  },
  {
    type: 'libvirt-kvm',
    name: 'kvm01',
    async write(root, day) {
      const folder = join(root, 'libvirt/kvm01');
      const disk = guestDisk(14, day);
      const fileOf = (on: number) => join(folder, `vda.cp${on}.qcow2`);
      if (day === 1) await writeDisk(fileOf(1), disk, 'qcow2');
      else {
        const raw = join(root, '..', 'libvirt.raw');
        await write(raw, disk);
        const over = ['-B', fileOf(1), '-F', 'qcow2'];
        await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', ...over, raw, fileOf(2));
        // An increment names the disk that the machine runs on.
        const live = ['-F', 'qcow2', '-b', '/var/lib/libvirt/images/kvm01.qcow2'];
        await qemuImg('rebase', '-u', '-f', 'qcow2', ...live, fileOf(2));
      }
      await write(join(folder, `checkpoint.cp${day}.xml`), checkpointOf('cp', day, 'kvm01', 'vda'));
      return { vda: disk };
    },
  },
  {
    type: 'linux-agent',
    name: 'kvm02',
    async write(root, day) {
      const folder = join(root, 'virtnbd/kvm02');
      const disk = guestDisk(15, day);
      const before = day === 1 ? null : guestDisk(15, day - 1);
      const checkpoint = `virtnbdbackup.${day - 1}`;
      const stream = streamFile({
        ...{ virtualSize: disk.length, frames: framesOf(disk, before), checkpoint },
        ...(before === null ? {} : { parent: 'virtnbdbackup.0' }),
        ...{ compressedBy: 1024 * 1024, date: `${dateOf(day)}T01:00:00.000001` },
      });
      const name = before === null ? 'vda.full.data' : `vda.inc.${checkpoint}.data`;
      await write(join(folder, name), stream);
      const record = checkpointOf('virtnbdbackup.', day - 1, 'kvm02', 'vda');
      await write(join(folder, `checkpoints/${checkpoint}.xml`), record);
      await write(join(folder, `vmconfig.${checkpoint}.xml`), domainOf('kvm02'));
      return { vda: disk };
    },
  },
  {
    type: 'disk-image',
    name: 'export01.vmdk',
    async write(root, day) {
      const path = join(root, `disks/export01-${dateOf(day)}.vmdk`);
      await writeDisk(path, guestDisk(13, day), 'vmdk', '-o', 'subformat=streamOptimized');
      return { image: await readFile(path) };
    },
  },
  {
    type: 'vhd-image',
    name: 'azure01.vhd',
    async write(root, day) {
      const disk = guestDisk(8, day);
      const path = join(root, `azure/azure01-${dateOf(day)}.vhd`);
      await writeDisk(path, disk, 'vpc', '-o', 'subformat=fixed,force_size=on');
      return { image: disk };
    },
  },
  {
    type: 'amazon-ec2',
    name: 'export-i-0fedcba9876543210.ova',
    write: (root, day) =>
      day > 1 ? Promise.resolve(null) : writeOva(root, 'ec2/export-i-0fedcba9876543210', 24),
  },
  {
    type: 'amazon-ec2',
    name: 'export-i-0123456789abcdef0.raw',
    async write(root, day) {
      if (day > 1) return null;
      const disk = guestDisk(9, day);
      await write(join(root, 'ec2/export-i-0123456789abcdef0.raw'), disk);
      return { image: disk };
    },
  },
  ...['vmdk', 'vhd'].map((ending): TypeUnderTest => {
    const name = `export-ami-0fedcba987654321${ending.length}.${ending}`;
    return {
      type: 'amazon-ec2',
      name,
      async write(root, day) {
        if (day > 1) return null;
        const path = join(root, 'ec2', name);
        const disk = guestDisk(20 + ending.length, day);
        if (ending === 'vhd')
          await writeDisk(path, disk, 'vpc', '-o', 'subformat=dynamic,force_size=on');
        else await writeDisk(path, disk, 'vmdk', '-o', 'subformat=streamOptimized');
        return { image: ending === 'vhd' ? disk : await readFile(path) };
      },
    };
  }),
  {
    type: 'google-cloud',
    name: 'gcp01.tar.gz',
    async write(root, day) {
      // `gcloud compute images export`: a sparse file of that name in the old form of GNU, packed.
      const stage = join(root, '..', 'gcp01');
      await write(join(stage, 'disk.raw'), guestDisk(12, day));
      const file = join(root, `gcp/gcp01-${dateOf(day)}.tar.gz`);
      await mkdir(dirname(file), { recursive: true });
      await run('fallocate', ['--dig-holes', join(stage, 'disk.raw')]);
      await run('tar', ['--format=oldgnu', '-C', stage, '-Sczf', file, 'disk.raw']);
      return { image: await readFile(file) };
    },
  },
  fileOfADay('mac-image', 'mac01.dmg', (day) => `mac/mac01-${dateOf(day)}.dmg`),
  {
    type: 'solaris-stream',
    name: 'tank.zfs',
    async write(root, day) {
      if (day > 1) return null; // under a date it would be a tree
      const bytes = streamFixture('replicated.zfs');
      await write(join(root, 'sun/tank.zfs'), bytes);
      return { image: bytes };
    },
  },
  {
    type: 'aix-mksysb',
    name: 'aix01.mksysb',
    async write(root, day) {
      const bytes = aixBackupFile({ './usr/data': guestDisk(16, day) });
      await write(join(root, `aix/aix01-${dateOf(day)}.mksysb`), bytes);
      return { image: bytes };
    },
  },
  {
    type: 'raw-image',
    name: 'linux01.img',
    async write(root, day) {
      const disk = guestDisk(10, day);
      await write(join(root, `raw/linux01-${dateOf(day)}.img`), disk);
      return { image: disk };
    },
  },
];
