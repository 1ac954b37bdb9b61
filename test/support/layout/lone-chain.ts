import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { qemuImg } from '../image/qemu.js';
import { guestDisk } from '../image/guest-disk.js';
import type { TypeUnderTest } from './types-under-test.js';

/** A disk that lies alone on the first day, and then what changed as a file that builds on it. */
export const LONE_CHAIN: TypeUnderTest = {
  type: 'disk-image',
  name: 'chain01.qcow2',
  async write(root, day) {
    const disk = guestDisk(31, day);
    const [raw, base] = [join(root, 'chain/disk.tmp'), join(root, 'chain/chain01.qcow2')];
    await mkdir(join(root, 'chain'), { recursive: true });
    await writeFile(raw, disk);
    const overlay = [
      ...['-F', 'qcow2', '-B', base, raw],
      join(root, `chain/chain01.snap-${day}.qcow2`),
    ];
    await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', ...(day === 1 ? [raw, base] : overlay));
    await rm(raw);
    return { image: disk };
  },
};
