import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { guestDisk } from '../image/guest-disk.js';
import { qemuImg } from '../image/qemu.js';
import { vmaFile } from '../image/vma-file.js';
import type { TypeUnderTest } from './types-under-test.js';

const DISK = '5b3c1d3e-58b4-4d1b-9a52-0c6f7b3d9e02';
const MACHINE = 'ec04f346-db96-4700-af5b-77b3c56c38be';

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

/** Archives of vzdump, of a machine or a container, that gzip has packed: copied as they are. */
function packedByVzdump(of: 'qemu' | 'lxc', vmid: number, ending: string, name: string) {
  return {
    type: 'proxmox-ve',
    name: `${name} (${of === 'lxc' ? 'CT' : 'VM'} ${vmid})`,
    async write(root: string, day: number) {
      const base = join(root, `dump/vzdump-${of}-${vmid}-2026_11_2${day}-01_00_00`);
      const disk = guestDisk(vmid % 50, day);
      const devices = [{ name: 'drive-scsi0', disk }];
      const config = `name: ${name}\n`;
      const { bytes } = vmaFile({ devices, config, uuid: Buffer.alloc(16, day) });
      const packed = gzipSync(of === 'lxc' ? disk : bytes);
      await write(`${base}.${ending}`, packed);
      const said = of === 'lxc' ? 'CT Name' : 'VM Name';
      await write(`${base}.log`, `2026-11-2${day} 01:00:00 INFO: ${said}: ${name}\n`);
      return { archive: packed };
    },
  } satisfies TypeUnderTest;
}

/** Other forms of types that `TYPES_UNDER_TEST` has. */
export const TYPE_VARIANTS: readonly TypeUnderTest[] = [
  packedByVzdump('qemu', 104, 'vma.gz', 'pve04'),
  packedByVzdump('lxc', 105, 'tar.gz', 'pve05'),
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
