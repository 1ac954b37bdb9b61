import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import { openImage } from '../../../src/image/formats.js';
import { MemoryBytes } from '../image/byte-files.js';

const run = promisify(execFile);

/** How qemu-img calls a format, and whether it has a check for it. */
const QEMU: Readonly<Record<FormatId, { readonly driver: string; readonly hasCheck: boolean }>> = {
  qcow2: { driver: 'qcow2', hasCheck: true },
  vmdk: { driver: 'vmdk', hasCheck: true },
  vhd: { driver: 'vpc', hasCheck: false },
  vhdx: { driver: 'vhdx', hasCheck: true },
};

export const COMPARED_FORMATS = Object.keys(QEMU);

/** What is read whole. */
const MOST_BYTES = 64 * 1024 * 1024;

/** `same`: qemu-img reads the same; `refused`: it does not read the file, finds faults in it, or is known to read such
 *  files wrongly; `large`: the disk was not read whole; else what differs, in words. */
type Opinion = 'same' | 'refused' | 'large' | { readonly differs: string };

/** Asks qemu-img about a file that our reader takes. What lies below is zeros for both: its parent is never opened. */
export async function qemuOpinion(id: FormatId, bytes: Uint8Array): Promise<Opinion> {
  const image = await openImage(new MemoryBytes(bytes), id);
  if (image.virtualSizeBytes > MOST_BYTES) return 'large';
  const { driver, hasCheck } = QEMU[id]!;
  const hasBacking = driver === 'qcow2' || driver === 'vmdk';
  // Of a VHD or VHDX on a parent QEMU looks at no sector bitmap.
  if (image.parent !== null && !hasBacking) return 'refused';
  const ours = Buffer.alloc(image.virtualSizeBytes);
  await image.read(ours, 0, null);
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-opinion-'));
  try {
    const [path, raw] = [join(folder, 'changed.img'), join(folder, 'raw')];
    await writeFile(path, bytes);
    const file = { driver: 'file', filename: path };
    const source = JSON.stringify({ driver, ...(hasBacking ? { backing: null } : {}), file });
    const limits = { timeout: 60_000 };
    try {
      if (hasCheck) await run('qemu-img', ['check', `json:${source}`], limits);
      await run('qemu-img', ['convert', '-O', 'raw', `json:${source}`, raw], limits);
    } catch {
      return 'refused';
    }
    const theirs = await readFile(raw);
    if (theirs.length !== ours.length)
      return { differs: `a disk of ${ours.length} bytes; qemu-img reads ${theirs.length}` };
    const at = ours.findIndex((byte, index) => byte !== theirs[index]);
    return ours.equals(theirs) ? 'same' : { differs: `other bytes from ${at} on` };
  } finally {
    await rm(folder, { recursive: true });
  }
}
