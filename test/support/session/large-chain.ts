import { createCipheriv, createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { qemuImg, qemuIo } from '../image/qemu.js';

export const LARGE_DISK = '3d5c0f8e-2b71-4c9d-8e46-a1f7b2d39c11';
const MIB = 1024 * 1024;

/** A backup chain as oVirt's backup_vm.py leaves it (names and links: formats W6), in a folder named as its machine. */
export interface LargeChain {
  /** Image files, the full first. */
  readonly files: readonly string[];
  /** SHA-256 of the raw disk at each point, taken from the data that went into it and not from any image. */
  readonly truth: readonly Record<string, string>[];
}

/** Makes a full of pseudo-random data and one increment that changes 3 MiB of it.
 *  @param folder exists; becomes the machine's folder
 *  @param options.seed other data for another seed
 *  @param options.day day of the full; the increment is of the next one */
export async function makeLargeChain(
  folder: string,
  { sizeMiB, seed, day = 1 }: { sizeMiB: number; seed: string; day?: number },
): Promise<LargeChain> {
  const raw = join(folder, 'disk.raw');
  const names = [`${nameOf(day)}.full.qcow2`, `${nameOf(day + 1)}.incremental.qcow2`] as const;
  const [full, increment] = [join(folder, names[0]), join(folder, names[1])];
  const before = await writeNoise(raw, sizeMiB, seed);
  await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', raw, full);
  await qemuImg('create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', names[0], increment);
  const changes = [1, Math.floor(sizeMiB / 2), sizeMiB - 2];
  const commands = changes.map((mib) => `write -P ${PATTERN} ${mib}M 1M`);
  await qemuIo(increment, 'qcow2', commands);
  const after = await overwrite(raw, changes, Buffer.alloc(MIB, PATTERN));
  await rm(raw);
  return { files: [full, increment], truth: [{ [LARGE_DISK]: before }, { [LARGE_DISK]: after }] };
}

const PATTERN = 0x5a;

/** `<time>.<checkpoint>.<disk>` of the n-th day. */
function nameOf(day: number): string {
  return `2026110${day}010002.00000000-0000-4000-8000-00000000000${day}.${LARGE_DISK}`;
}

/** Of the first day. */
export const LARGE_FULL_NAME = `${nameOf(1)}.full.qcow2`;

/** @returns SHA-256 of what was written */
async function writeNoise(path: string, sizeMiB: number, seed: string): Promise<string> {
  const key = createHash('md5').update(seed).digest();
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(MIB);
  const hash = createHash('sha256');
  const file = await open(path, 'w');
  try {
    for (let i = 0; i < sizeMiB; i++) {
      const part = cipher.update(zeros);
      hash.update(part);
      await file.write(part);
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/** @returns SHA-256 of the file afterwards */
async function overwrite(path: string, atMiB: number[], bytes: Buffer): Promise<string> {
  const file = await open(path, 'r+');
  try {
    for (const mib of atMiB) await file.write(bytes, 0, bytes.length, mib * MIB);
    const hash = createHash('sha256');
    for await (const part of file.createReadStream({ start: 0, autoClose: false }))
      hash.update(part as Buffer);
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}
