import type { WritableFile, ReadableFile } from '../../repository/backup-repository.js';

/** One bit a guest block, 1 = differs from what the target holds. A window's bits are whole bytes, so windows can be written in any order. */
export class ChangeMap {
  constructor(private readonly file: ReadableFile) {}

  /** Bits of `count` blocks from `firstBlock` (a multiple of 8) as one byte a block. */
  async read(firstBlock: number, count: number): Promise<Uint8Array> {
    const bits = new Uint8Array(Math.ceil(count / 8));
    await this.file.read(bits, firstBlock / 8);
    const changed = new Uint8Array(count);
    for (let i = 0; i < count; i++) changed[i] = (bits[i >> 3]! >> (i & 7)) & 1;
    return changed;
  }
}

export async function writeChangeBits(
  file: WritableFile,
  firstBlock: number,
  changed: Uint8Array,
): Promise<void> {
  const bits = new Uint8Array(Math.ceil(changed.length / 8));
  for (let i = 0; i < changed.length; i++) bits[i >> 3]! |= changed[i]! << (i & 7);
  await file.write(bits, firstBlock / 8);
}
