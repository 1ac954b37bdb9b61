import { createCipheriv, createHash } from 'node:crypto';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

export const BLOCK_BYTES = 64 * 1024;
const MIB = 1024 * 1024;

/** A sequence that is the same on every machine. */
export class SeededNumbers {
  private drawn = 0;

  constructor(private readonly seed: string) {}

  /** 0 … below - 1 */
  next(below: number): number {
    const bytes = createHash('sha256').update(`${this.seed}/${this.drawn++}`).digest();
    return Number(bytes.readBigUInt64LE(0) % BigInt(below));
  }
}

/** Bytes that do not compress and occur nowhere else. */
export function noise(seed: string, sizeBytes: number): Buffer {
  const key = createHash('md5').update(seed).digest();
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}

/** Writes a raw disk: extents of 1 to 16 MiB of file content with holes between them, as far as the last one fits.
 *  @returns guest blocks that hold data, in order */
export async function writeRawDisk(
  path: string,
  { diskMiB, dataMiB }: { diskMiB: number; dataMiB: number },
): Promise<number[]> {
  const numbers = new SeededNumbers('extents');
  const content = fileContent(contentFolders());
  const disk = await open(path, 'w');
  const blocks: number[] = [];
  try {
    await disk.truncate(diskMiB * MIB);
    const spread = diskMiB / dataMiB;
    for (let at = 0, written = 0; written < dataMiB;) {
      const length = Math.min(1 + numbers.next(16), dataMiB - written);
      for (let i = 0; i < length; i++) {
        const { value } = await content.next();
        if (value === undefined) throw new Error('no readable files to make test data from');
        await disk.write(value, 0, MIB, (at + i) * MIB);
      }
      for (let block = 0; block < length * 16; block++) blocks.push(at * 16 + block);
      written += length;
      const hole = Math.floor(length * (spread - 1) * (numbers.next(100) / 100));
      at += length + Math.min(hole, diskMiB - at - length - (dataMiB - written));
    }
  } finally {
    await content.return(undefined);
    await disk.close();
  }
  return blocks;
}

/** Programs, libraries and texts that every machine that can run this has. */
function contentFolders(): string[] {
  return [join(import.meta.dirname, '..', '..', 'node_modules'), '/usr/bin', '/usr/lib'];
}

/** The files one after the other, in pieces of 1 MiB; from the start again at the end. */
async function* fileContent(folders: readonly string[]): AsyncGenerator<Buffer, undefined> {
  const piece = Buffer.alloc(MIB);
  let used = 0;
  let total = 0;
  for (;;) {
    const before = total;
    for (const folder of folders)
      for await (const file of filesIn(folder))
        for (;;) {
          const { bytesRead } = await file.read(piece, used, MIB - used);
          if (bytesRead === 0) break;
          used += bytesRead;
          total += bytesRead;
          if (used < MIB) continue;
          yield piece;
          used = 0;
        }
    if (total === before) return undefined;
  }
}

/** Regular files below a folder, by name; what cannot be read is left out. */
async function* filesIn(folder: string): AsyncGenerator<FileHandle> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    if (!entry.isFile()) continue;
    const file = await open(path).catch(() => null);
    if (file === null) continue;
    try {
      yield file;
    } finally {
      await file.close();
    }
  }
}
