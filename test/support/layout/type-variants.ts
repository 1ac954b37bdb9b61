import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { guestDisk } from '../image/guest-disk.js';
import { libvhdiBytes } from '../image/libvhdi.js';
import { lzopFile } from '../image/lzop-file.js';
import { qemuImg } from '../image/qemu.js';
import { vmaFile } from '../image/vma-file.js';
import type { TypeUnderTest } from './types-under-test.js';

const run = promisify(execFile);

const DISK = '5b3c1d3e-58b4-4d1b-9a52-0c6f7b3d9e02';
const MACHINE = 'ec04f346-db96-4700-af5b-77b3c56c38be';
const EXPORTED = 'EC04F346-DB96-4700-AF5B-77B3C56C38C0';
const CHECKPOINT = '49C4BAF3-4B25-4406-8C4B-D39E65C32386';

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

/** Archives of vzdump, of a machine or a container, that a packer has packed: copied as they are. */
function packedByVzdump(of: 'qemu' | 'lxc', vmid: number, ending: string, name: string) {
  const pack = ending.endsWith('.lzo') ? lzopFile : gzipSync;
  return {
    type: 'proxmox-ve',
    name: `${name} (${of === 'lxc' ? 'CT' : 'VM'} ${vmid})`,
    async write(root: string, day: number) {
      const base = join(root, `dump/vzdump-${of}-${vmid}-2026_11_2${day}-01_00_00`);
      const disk = guestDisk(vmid % 50, day);
      const devices = [{ name: 'drive-scsi0', disk }];
      const config = `name: ${name}\n`;
      const { bytes } = vmaFile({ devices, config, uuid: Buffer.alloc(16, day) });
      const packed = pack(of === 'lxc' ? disk : bytes);
      await write(`${base}.${ending}`, packed);
      const said = of === 'lxc' ? 'CT Name' : 'VM Name';
      await write(`${base}.log`, `2026-11-2${day} 01:00:00 INFO: ${said}: ${name}\n`);
      return { archive: packed };
    },
  } satisfies TypeUnderTest;
}

/** What a run of ghettoVCB leaves in its folder.
 *  @returns the disk */
async function writeGhettoRun(folder: string, name: string, seed: number, day: number) {
  const disk = guestDisk(seed, day);
  const raw = `${folder}.tmp`;
  await write(raw, disk);
  await write(
    join(folder, `${name}.vmx`),
    `displayName = "${name}"\nscsi0:0.fileName = "${name}.vmdk"\n`,
  );
  const flat = ['-O', 'vmdk', '-o', 'subformat=monolithicFlat'];
  await qemuImg('convert', '-f', 'raw', ...flat, raw, join(folder, `${name}.vmdk`));
  await rm(raw);
  return disk;
}

/** A disk and its checkpoint, as diskpart of Windows wrote them; libvhdi tells what a machine reads. */
async function windowsFixture(name: string): Promise<Buffer> {
  return gunzipSync(await readFile(new URL(`../../fixtures/hyperv/${name}.gz`, import.meta.url)));
}

/** Other forms of types that `TYPES_UNDER_TEST` has. */
export const TYPE_VARIANTS: readonly TypeUnderTest[] = [
  packedByVzdump('qemu', 104, 'vma.gz', 'pve04'),
  packedByVzdump('lxc', 105, 'tar.gz', 'pve05'),
  packedByVzdump('qemu', 106, 'vma.lzo', 'pve06'),
  packedByVzdump('lxc', 107, 'tar.lzo', 'pve07'),
  {
    // `ENABLE_COMPRESSION=1`: the folder of the run is packed and goes.
    type: 'vmware-vsphere',
    name: 'esx03',
    async write(root, day) {
      const machine = join(root, 'ghetto/esx03');
      const name = `esx03-2026-11-2${day}_03-00-00`;
      await writeGhettoRun(join(machine, name), 'esx03', 32, day);
      const archive = join(machine, `${name}.gz`);
      await run('tar', ['-C', machine, '-czf', archive, name]);
      await rm(join(machine, name), { recursive: true });
      return { archive: await readFile(archive) };
    },
  },
  {
    // `VM_BACKUP_DIR_NAMING_CONVENTION=0`: each run moves those before it on.
    type: 'vmware-vsphere',
    name: 'esx04',
    async write(root, day) {
      const machine = join(root, 'ghetto/esx04');
      const newest = join(machine, 'esx04-0');
      if (day > 1) await rename(newest, join(machine, 'esx04-1'));
      const disk = await writeGhettoRun(newest, 'esx04', 33, day);
      await write(join(newest, 'STATUS.ok'), 'Successfully completed backup\n');
      const date = new Date(`2026-11-2${day}T04:00:00Z`);
      await utimes(join(newest, 'STATUS.ok'), date, date);
      return { 'scsi0-0': disk };
    },
  },
  {
    // `Export-VM` of a machine that has a checkpoint.
    type: 'hyper-v',
    name: 'hv02',
    async write(root, day) {
      const folder = join(root, `exports/2026-11-2${day}/hv02`);
      const disk = join(folder, 'Virtual Hard Disks/ntfs-parent.vhdx');
      const checkpoint = join(folder, `Virtual Hard Disks/ntfs-parent_${CHECKPOINT}.avhdx`);
      const parent = await windowsFixture('ntfs-parent.vhdx');
      // What is not in the checkpoint's own blocks.
      if (day > 1) parent.fill(0x5a, parent.length - 8_192, parent.length - 4_096);
      await write(disk, parent);
      await write(checkpoint, await windowsFixture('ntfs-differential.vhdx'));
      for (const [within, text] of [
        [`Virtual Machines/${EXPORTED}.vmcx`, 'the machine'],
        [`Snapshots/${CHECKPOINT}.vmcx`, 'its checkpoint'],
      ] as const) {
        await write(join(folder, within), `${text} on day ${day}`);
        const date = new Date(`2026-11-2${day}T01:00:00Z`);
        await utimes(join(folder, within), date, date);
      }
      return { 'ntfs-parent': await libvhdiBytes(checkpoint, disk) };
    },
  },
  {
    // `file_name` of vm_export.
    type: 'scale-hypercore',
    name: 'scale02',
    async write(root, day) {
      const folder = join(root, `scale/2026-11-2${day}/demo-vm-exported-v0`);
      const disk = guestDisk(31, day);
      const raw = `${folder}.tmp`;
      await write(raw, disk);
      await mkdir(folder);
      const image = join(folder, `${DISK}.qcow2`);
      await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', raw, image);
      await rm(raw);
      const source = `<source protocol="scribe" name="scribe/${DISK}"/><target dev="vda"/>`;
      await write(
        join(folder, 'my_file.xml'),
        `<domain type="kvm"><name>scale02</name><uuid>${MACHINE}</uuid><scale:os/><devices><disk type="network" device="disk">${source}</disk></devices></domain>`,
      );
      return { [DISK]: disk };
    },
  },
];
