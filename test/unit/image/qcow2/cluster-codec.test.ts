import { deflateRawSync, deflateSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { decompressCluster, prepareCodec } from '../../../../src/image/qcow2/cluster-codec.js';

const CLUSTER = 65_536;
/** What lies behind the data of a cluster, up to the end of its sector. */
const GARBAGE = Buffer.alloc(300, 0xa5);

const cluster = (bytes = CLUSTER): Buffer => {
  const content = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) content.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  return content;
};

describe('a cluster that zlib made smaller', () => {
  const content = cluster();
  it('is what it was, whatever lies behind it', () => {
    for (const stored of [
      deflateRawSync(content),
      Buffer.concat([deflateRawSync(content), GARBAGE]),
    ])
      expect(Buffer.from(decompressCluster('zlib', stored, CLUSTER)).equals(content)).toBe(true);
  });

  it.each<[string, Buffer]>([
    ['shorter', deflateRawSync(content.subarray(1))],
    ['longer', deflateRawSync(Buffer.concat([content, GARBAGE]))],
    ['cut', deflateRawSync(content).subarray(0, -9)],
    ['with the head of a file', deflateSync(content)],
    ['empty', Buffer.alloc(0)],
  ])('is refused when it is %s', (_, stored) => {
    expect(() => decompressCluster('zlib', stored, CLUSTER)).toThrow();
  });
});

interface Frame {
  /** Of the content size: 0, 1, 2, 4 or 8 bytes. */
  readonly sizeBytes: 0 | 1 | 2 | 4 | 8;
  /** null: the frame is one segment, and has no window. */
  readonly windowLog: number | null;
  readonly declared?: number;
  readonly dictionaryBytes?: 0 | 1 | 2 | 4;
}

type Block = { readonly raw: Buffer } | { readonly repeated: number; readonly count: number };

/** By hand from RFC 8878, 3.1.1: blocks that are stored as they are, or one byte so many times. */
function zstdFrame(
  { sizeBytes, windowLog, declared, dictionaryBytes = 0 }: Frame,
  blocks: readonly Block[],
): Buffer {
  const length = blocks.reduce((sum, one) => sum + ('raw' in one ? one.raw.length : one.count), 0);
  const sizeFlag = { 0: 0, 1: 0, 2: 1, 4: 2, 8: 3 }[sizeBytes];
  const dictionaryFlag = { 0: 0, 1: 1, 2: 2, 4: 3 }[dictionaryBytes];
  const descriptor = (sizeFlag << 6) | (windowLog === null ? 0x20 : 0) | dictionaryFlag;
  const size = Buffer.alloc(8);
  // The size of two bytes begins to count at 256.
  size.writeBigUInt64LE(BigInt((declared ?? length) - (sizeBytes === 2 ? 256 : 0)));
  const parts = blocks.map((block, i) => {
    const isLast = i === blocks.length - 1 ? 1 : 0;
    const [type, count, bytes] =
      'raw' in block
        ? [0, block.raw.length, block.raw]
        : [1, block.count, Buffer.of(block.repeated)];
    const header = Buffer.alloc(3);
    header.writeUIntLE(isLast | (type << 1) | (count << 3), 0, 3);
    return Buffer.concat([header, bytes]);
  });
  return Buffer.concat([
    Buffer.from('28b52ffd', 'hex'),
    Buffer.of(descriptor),
    Buffer.from(windowLog === null ? [] : [(windowLog - 10) << 3]),
    Buffer.alloc(dictionaryBytes),
    size.subarray(0, sizeBytes),
    ...parts,
  ]);
}

describe('a cluster that zstd made smaller', () => {
  beforeAll(() => prepareCodec('zstd'));
  const decompress = (stored: Uint8Array, bytes = CLUSTER) =>
    Buffer.from(decompressCluster('zstd', stored, bytes));

  it.each<[string, Frame, number]>([
    ['one segment, its size in 1 byte', { sizeBytes: 1, windowLog: null }, 200],
    ['one segment, its size in 2 bytes', { sizeBytes: 2, windowLog: null }, 512],
    ['one segment, its size in 2 bytes, the most', { sizeBytes: 2, windowLog: null }, 65_536],
    ['one segment, its size in 4 bytes', { sizeBytes: 4, windowLog: null }, 2 ** 17],
    ['one segment, its size in 8 bytes', { sizeBytes: 8, windowLog: null }, CLUSTER],
    ['a window, and no size', { sizeBytes: 0, windowLog: 17 }, CLUSTER],
    ['a window, and its size', { sizeBytes: 4, windowLog: 18 }, 2 ** 18],
    ['the largest window', { sizeBytes: 4, windowLog: 27 }, CLUSTER],
    [
      'a field for no dictionary of 1 byte',
      { sizeBytes: 4, windowLog: 17, dictionaryBytes: 1 },
      CLUSTER,
    ],
    ['one of 2 bytes', { sizeBytes: 4, windowLog: 17, dictionaryBytes: 2 }, CLUSTER],
    ['one of 4 bytes', { sizeBytes: 4, windowLog: null, dictionaryBytes: 4 }, CLUSTER],
  ])('is what it was, whatever lies behind it: %s', (_, frame, bytes) => {
    const content = cluster(bytes);
    // As a block of one byte many times, too, of which the length says nothing about the file.
    content.fill(0x77, 0, bytes >> 2);
    const rest = content.subarray(bytes >> 2);
    const raw: Block[] = [];
    for (let at = 0; at < rest.length; at += 60_000)
      raw.push({ raw: rest.subarray(at, at + 60_000) });
    const stored = zstdFrame(frame, [{ repeated: 0x77, count: bytes >> 2 }, ...raw]);
    expect(decompress(stored, bytes).equals(content)).toBe(true);
    expect(decompress(Buffer.concat([stored, GARBAGE]), bytes).equals(content)).toBe(true);
  });

  // `zstd --check` 1.5.4 of 'abcd' 128 times, and of the same that it did not know the size of.
  it.each([
    '28b52ffd6400015d000020616263640100f9ab8e089caef6c1',
    '28b52ffd04585d000020616263640100f9ab8e089caef6c1',
  ])('is what it was with a checksum behind it: %s', (hex) => {
    const content = Buffer.from('abcd'.repeat(128));
    const stored = Buffer.from(hex, 'hex');
    expect(decompress(stored, 512).equals(content)).toBe(true);
    expect(decompress(Buffer.concat([stored, GARBAGE]), 512).equals(content)).toBe(true);
    stored[stored.length - 1]! ^= 1;
    expect(() => decompress(stored, 512)).toThrow();
  });

  const frame: Frame = { sizeBytes: 4, windowLog: 17 };
  const half: Block = { raw: cluster(CLUSTER / 2) };
  const whole = zstdFrame(frame, [half, half]);
  const patched = (at: number, value: number) => {
    const bytes = Buffer.from(whole);
    bytes[at] = value;
    return bytes;
  };
  /** Behind magic, descriptor, window and size. */
  const FIRST_BLOCK = 4 + 1 + 1 + 4;

  it.each<[string, () => Buffer, RegExp]>([
    ['of another magic', () => patched(0, 0x29), /no zstd frame/],
    [
      'with too large a window',
      () => zstdFrame({ ...frame, windowLog: 28 }, [half, half]),
      /2\^28 bytes, 2\^27/,
    ],
    [
      'that declares more',
      () => zstdFrame({ ...frame, declared: CLUSTER + 1 }, [half, half]),
      /declares 65537/,
    ],
    [
      'that declares less',
      () => zstdFrame({ ...frame, declared: 9 }, [half, half]),
      /declares 9 bytes/,
    ],
    ['that is shorter', () => zstdFrame({ sizeBytes: 0, windowLog: 17 }, [half]), /./],
    ['with a block of the reserved type', () => patched(FIRST_BLOCK, 6), /reserved type/],
    ['cut in a block', () => whole.subarray(0, -1), /./],
    ['cut before its last block', () => whole.subarray(0, FIRST_BLOCK + 3 + CLUSTER / 2), /./],
  ])('is refused when it is one %s', (_, stored, reason) => {
    expect(() => decompress(stored())).toThrow(reason);
  });
});
