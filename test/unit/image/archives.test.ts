import { compress as compressZstd } from '@bokuweb/zstd-wasm';
import { compressFrameSync } from 'lz4-napi';
import { constants, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { imageFormat } from '../../../src/image/formats.js';
import { prepareCodec } from '../../../src/image/qcow2/cluster-codec.js';
import { endsAsGzip } from '../../../src/image/archive/gzip-end.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { SeededRandom } from '../../support/fuzz/seeded-random.js';

const random = new SeededRandom(11);
const noise = (bytes: number) =>
  Buffer.from(Uint8Array.from({ length: bytes }, () => random.below(256)));
const WORDS = ['backup ', 'of ', 'a ', 'machine ', '\0\0\0\0', 'web01 '];
/** Words and noise in turn, so that packers make blocks of every kind. */
const CONTENT = Buffer.concat(
  Array.from({ length: 24 }, (_, part) =>
    part % 3 === 0
      ? noise(60_000)
      : Buffer.from(
          Array.from(
            { length: 20_000 },
            () => random.oneOf(WORDS) + noise(2).toString('latin1'),
          ).join(''),
          'latin1',
        ),
  ),
);
const NOISE = noise(700_000);

const isWhole = async (format: string, bytes: Buffer): Promise<boolean> =>
  imageFormat(format)
    .readHead(new MemoryBytes(bytes))
    .then(
      () => true,
      (error: unknown) => {
        expect(error).toMatchObject({ code: 'IMAGE_TRUNCATED' });
        return false;
      },
    );

const members = Buffer.concat(
  Array.from({ length: 20 }, (_, part) =>
    gzipSync(CONTENT.subarray(part * 60_000, (part + 1) * 60_000)),
  ),
);

describe('a gzip file', () => {
  const files: Record<string, Buffer> = {
    'packed as usual': gzipSync(CONTENT),
    'packed fast, in small blocks': gzipSync(CONTENT, { level: 1, memLevel: 1 }),
    'of what cannot be packed': gzipSync(NOISE),
    'not packed at all': gzipSync(CONTENT, { level: 0 }),
    'of several members': members,
    'with a name and a comment': named(gzipSync(CONTENT)),
    'of few bytes': gzipSync('web01'),
    'of nothing': gzipSync(''),
  };

  it.each(Object.keys(files))('is whole with its end, and cut off without (%s)', async (name) => {
    const bytes = files[name]!;
    expect(await isWhole('gzip', bytes)).toBe(true);
    const middle = Math.max(4, Math.floor(bytes.length * 0.9) - 17);
    for (const end of [bytes.length - 1, middle])
      expect(await isWhole('gzip', bytes.subarray(0, end))).toBe(false);
  });

  it('is whole with zeros behind its end, as tapes leave them', async () => {
    expect(await isWhole('gzip', Buffer.concat([gzipSync(CONTENT), Buffer.alloc(10_240)]))).toBe(
      true,
    );
  });

  it('is taken when its blocks are larger than any packer makes them', async () => {
    const fixed = gzipSync(CONTENT, { strategy: constants.Z_FIXED });
    const cut = fixed.subarray(0, fixed.length - 100_000);
    expect(
      await endsAsGzip(new MemoryBytes(Buffer.concat([cut.subarray(0, 10), noise(600_000)]))),
    ).toBeNull();
    expect(await isWhole('gzip', fixed)).toBe(true);
  });

  it('is taken when what it holds was made to look like blocks', async () => {
    const heads = blockHeads(600_000);
    expect(
      await endsAsGzip(new MemoryBytes(Buffer.concat([gzipSync('x').subarray(0, 10), heads]))),
    ).toBeNull();
  });

  it('costs one read of its end, whatever its size', async () => {
    const bytes = new MemoryBytes(gzipSync(CONTENT));
    let readBytes = 0;
    const source = {
      ...{ label: 'x', sizeBytes: bytes.sizeBytes },
      read: (target: Uint8Array, offset: number) => {
        readBytes += target.length;
        return bytes.read(target, offset);
      },
    };
    expect(await endsAsGzip(source)).toBe(true);
    expect(readBytes).toBe(512 * 1024);
  });
});

/** Heads of a block with codes of its own, one behind the other: each is followed by what it takes for symbols, to the end. */
function blockHeads(bytes: number): Buffer {
  const packed = gzipSync(CONTENT.subarray(60_000, 90_000));
  return Buffer.alloc(bytes, packed.subarray(10, 110));
}

/** With the optional fields of RFC 1952, 2.3. */
function named(bytes: Buffer): Buffer {
  const head = Buffer.from(bytes.subarray(0, 10));
  head[3] = 4 | 8 | 16 | 2;
  const fields = Buffer.from('\x03\x00abcdisk.raw\0of web01\0\x12\x34', 'latin1');
  return Buffer.concat([head, fields, bytes.subarray(10)]);
}

describe('a zstd file', () => {
  // Of this process once: a second start of it takes its memory away from whoever has begun.
  beforeAll(() => prepareCodec('zstd'));

  const pack = (bytes: Buffer) => Buffer.from(compressZstd(bytes, 3));
  const skippable = Buffer.from('5e2a4d1803000000616263', 'hex');

  it.each([
    ['packed', () => pack(CONTENT)],
    ['of noise', () => pack(NOISE)],
    ['of several frames', () => Buffer.concat([pack(CONTENT), pack(CONTENT.subarray(0, 90_000))])],
    ['with a frame of no data behind', () => Buffer.concat([pack(CONTENT), skippable])],
    ['of few bytes', () => pack(Buffer.from('web01 web01 web01'))],
    [
      'with a digest (zstd 1.5)',
      () =>
        base64(
          'KLUv/QRY9QEAgoUNEbA1HcBwDwNATUTIFoE5mtMBihLNM80sk8wxa24+xUR71mxZsmNrt69Y5NFYJA7LucCQUiAEAQCZSxEwEjlb',
        ),
    ],
  ])('is whole with its end, and cut off without (%s)', async (_, make) => {
    const bytes = make();
    expect(await isWhole('zstd', bytes)).toBe(true);
    for (const back of [1, 2, 3, 5, Math.floor(bytes.length / 3)])
      expect(await isWhole('zstd', bytes.subarray(0, bytes.length - back))).toBe(false);
  });
});

const base64 = (text: string) => Buffer.from(text, 'base64');

describe('an archive', () => {
  const SMALL: Record<string, [string, Buffer]> = {
    'xz 5.4': [
      'xz',
      base64(
        '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AAXAAxdADQZSe6N6VYKwSGwAABsFO0bO2i7kQABKBjXg7duH7bzfQEAAAAABFla',
      ),
    ],
    'xz 5.4 with padding': [
      'xz',
      Buffer.concat([
        base64(
          '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AAXAAxdADQZSe6N6VYKwSGwAABsFO0bO2i7kQABKBjXg7duH7bzfQEAAAAABFla',
        ),
        Buffer.alloc(8),
      ]),
    ],
    'lzop 1.04': [
      'lzop',
      base64(
        'iUxaTwANChoKEEAgoAlAAQUDAAANAAAAAGsIkicAAAAAAChHApwAAABpAAAAYfu2FB8DaGVsbG8gLxQAAEAKMQoyCjMKNAo1CjYKNwo4CjkKMTAKMTEKMTIKMTMKMTQKMTUKMTYKMTcKMTgKMTkKMjAKMjEKMjIKMjMKMjQKMjUKMjYKMjcKMjgKMjkKMzAKEQAAAAAAAA==',
      ),
    ],
    'bzip2 1.0.8': [
      'bzip2',
      base64(
        'QlpoOTFBWSZTWUu6UrAAACnJAAAQf+ACRKAASIT1Jnp6pqNCI/1UTIZo7efNbdHLYIAA2NttgUrziJhJTMJKAABBNp5HRdyRThQkEu6UrAA=',
      ),
    ],
    'lz4 frame': ['lz4', compressFrameSync(CONTENT)],
  };

  it.each(Object.keys(SMALL))('is whole with its end, and cut off without (%s)', async (name) => {
    const [format, bytes] = SMALL[name]!;
    expect(await isWhole(format, bytes)).toBe(true);
    const padding = name.endsWith('padding') ? 8 : 0;
    for (const back of [1, 3, 5, 12])
      expect(await isWhole(format, bytes.subarray(0, bytes.length - padding - back))).toBe(false);
  });

  it('of packed zeros is not taken for whole because it was cut in zeros', async () => {
    const [format, bytes] = SMALL['lzop 1.04']!;
    const cut = Buffer.concat([bytes.subarray(0, bytes.length - 30), Buffer.alloc(9)]);
    expect(await isWhole(format, cut)).toBe(false);
  });

  it.each(['gzip', 'zstd', 'lz4', 'xz', 'lzop', 'bzip2'])(
    'of another kind under its name is not there yet (%s)',
    async (format) => {
      const foreign = new MemoryBytes(Buffer.alloc(100, 0x55));
      await expect(imageFormat(format).readHead(foreign)).rejects.toMatchObject({
        code: 'IMAGE_MAGIC_MISSING',
      });
    },
  );
});
