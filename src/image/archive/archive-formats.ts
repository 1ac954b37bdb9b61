import { crc32 } from 'node:zlib';
import type { ByteSource } from '../byte-source.js';
import { opaqueFormat } from '../file/opaque-format.js';
import { imageFault } from '../image-fault.js';
import { gzipStart, lz4Start, zstdStart } from '../stream/packed-start.js';
import { packedStreamLinks } from '../stream/stream-links.js';
import { endsAsGzip } from './gzip-end.js';
import { endsAsLzop } from './lzop-end.js';
import { endsAsZstd } from './zstd-end.js';

/** Archives that travel as they are: nothing of one is used again for the next. Whether one is whole is told by its end. */

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
  assertWhole: async (source) => {
    await assertMagic(source, 'gzip', '1f8b08');
    if ((await endsAsGzip(source)) === false) throw unfinished(source, 'gzip');
  },
  links: packedStreamLinks(gzipStart),
});

export const ZSTD = opaqueFormat({
  id: 'zstd',
  extension: 'zst',
  assertWhole: async (source) => {
    await assertMagic(source, 'zstd', '28b52ffd', '502a4d18');
    if (!(await endsAsZstd(source))) throw unfinished(source, 'zstd');
  },
  links: packedStreamLinks(zstdStart),
});

/** A frame ends with a block of no bytes, and perhaps with a digest of 4. What the Linux kernel and `lz4 -l` write has no end to tell it by.
 *  Source: lz4 doc/lz4_Frame_format.md 1.6.4. */
export const LZ4 = opaqueFormat({
  id: 'lz4',
  extension: 'lz4',
  assertWhole: async (source) => {
    await assertMagic(source, 'lz4', '04224d18', '02214c18');
    const start = Buffer.alloc(Math.min(5, source.sizeBytes));
    await source.read(start, 0);
    if (start[0] === 0x02) return;
    const hasDigest = ((start[4] ?? 0) & 4) !== 0;
    const end = await lastBytes(source, hasDigest ? 8 : 4);
    if (end.readUInt32LE(0) !== 0) throw unfinished(source, 'lz4');
  },
  links: packedStreamLinks(lz4Start),
});

/** Ends with a footer that its own digest proves; zeros may follow, four by four. Source: The .xz File Format 1.2.1, 2.1.2 and 2.2. */
export const XZ = opaqueFormat({
  id: 'xz',
  extension: 'xz',
  assertWhole: async (source) => {
    await assertMagic(source, 'xz', 'fd377a585a00');
    const tail = await lastBytes(source, Math.min(source.sizeBytes, 4_096));
    let end = tail.length;
    while (end >= 16 && tail.readUInt32LE(end - 4) === 0) end -= 4;
    const footer = tail.subarray(Math.max(0, end - 12), end);
    const isFooter =
      footer.length === 12 &&
      footer.toString('latin1', 10) === 'YZ' &&
      crc32(footer.subarray(4, 10)) === footer.readUInt32LE(0);
    if (!isFooter) throw unfinished(source, 'xz');
  },
});

export const LZOP = opaqueFormat({
  id: 'lzop',
  extension: 'lzo',
  assertWhole: async (source) => {
    await assertMagic(source, 'lzop', '894c5a4f000d0a1a0a');
    if (!(await endsAsLzop(source))) throw unfinished(source, 'lzop');
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

/** @param hexes one of them */
async function assertMagic(source: ByteSource, name: string, ...hexes: string[]): Promise<void> {
  const start = Buffer.alloc(Math.min(9, source.sizeBytes));
  await source.read(start, 0);
  const text = start.toString('hex');
  if (hexes.some((hex) => text.startsWith(hex))) return;
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
