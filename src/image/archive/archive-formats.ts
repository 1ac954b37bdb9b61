import type { ByteSource } from '../byte-source.js';
import { opaqueFormat } from '../file/opaque-format.js';
import { imageFault } from '../image-fault.js';

/** Archives that travel as they are: nothing inside them is looked at, so nothing of one is used again for the next. Whether one is whole is told
 *  by its end where that is cheap; where it is not (gzip, zstd: their ends look like any other bytes), by its not having changed for a while. */

const ZEROS = Buffer.alloc(1_024);

/** A tar ends with two blocks of zeros. */
export const TAR = opaqueFormat({
  id: 'tar',
  extension: 'tar',
  assertWhole: async (source) => {
    const end = await lastBytes(source, ZEROS.length);
    if (source.sizeBytes % 512 !== 0 || !end.equals(ZEROS)) throw unfinished(source, 'tar');
  },
});

export const GZIP = opaqueFormat({
  id: 'gzip',
  extension: 'gz',
  assertWhole: (source) => assertMagic(source, 'gzip', '1f8b08'),
});

export const ZSTD = opaqueFormat({
  id: 'zstd',
  extension: 'zst',
  assertWhole: (source) => assertMagic(source, 'zstd', '28b52ffd'),
});

/** Behind the last block stands one of no bytes. Source: lzop 1.04 src/lzop.c */
export const LZOP = opaqueFormat({
  id: 'lzop',
  extension: 'lzo',
  assertWhole: async (source) => {
    await assertMagic(source, 'lzop', '894c5a4f000d0a1a0a');
    const end = await lastBytes(source, 4);
    if (!end.equals(ZEROS.subarray(0, 4))) throw unfinished(source, 'lzop');
  },
});

/** Ends with 48 bits of a magic and 32 of a checksum, at any bit, filled up to a byte. */
export const BZIP2 = opaqueFormat({
  id: 'bzip2',
  extension: 'bz2',
  assertWhole: async (source) => {
    await assertMagic(source, 'bzip2', '425a68');
    const end = BigInt(`0x${(await lastBytes(source, 11)).toString('hex')}`);
    const isEnd = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n].some(
      (fill) => ((end >> (32n + fill)) & 0xffff_ffff_ffffn) === 0x1772_4538_5090n,
    );
    if (!isEnd) throw unfinished(source, 'bzip2');
  },
});

async function assertMagic(source: ByteSource, name: string, hex: string): Promise<void> {
  const magic = Buffer.from(hex, 'hex');
  const start = Buffer.alloc(Math.min(magic.length, source.sizeBytes));
  await source.read(start, 0);
  if (!start.equals(magic))
    throw imageFault(source, 'IMAGE_MAGIC_MISSING', `is no ${name} file`, { offset: 0 });
}

/** @throws IMAGE_TRUNCATED when the file has fewer */
async function lastBytes(source: ByteSource, count: number): Promise<Buffer> {
  if (source.sizeBytes < count) throw unfinished(source, 'archive');
  const end = Buffer.alloc(count);
  await source.read(end, source.sizeBytes - count);
  return end;
}

function unfinished(source: ByteSource, name: string) {
  const words = `does not end as a ${name} file does: it was cut off, or is being written`;
  return imageFault(source, 'IMAGE_TRUNCATED', words, { offset: source.sizeBytes });
}
