import type { SeededRandom } from './seeded-random.js';

/** Numbers that sizes, offsets and counts break at. */
const EDGES = [0n, 1n, 2n, 511n, 512n, 65_535n, 65_536n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n];
const WIDE_EDGES = [...EDGES, 2n ** 32n, 2n ** 53n, 2n ** 62n, 2n ** 63n, 2n ** 64n - 1n];
/** Heads and tails of files hold their tables. */
const TABLE_BYTES = 8_192;
const MOST_CHANGES = 6;

/** A copy of a file with one to six changes: bytes, bits, numbers in both byte orders, ranges that are zero or moved, and a new end. */
export function mutateBytes(sample: Uint8Array, random: SeededRandom): Buffer {
  let bytes = Buffer.from(sample);
  for (let left = 1 + random.below(MOST_CHANGES); left > 0 && bytes.length > 8; left--) {
    const at = placeIn(bytes, random);
    switch (random.below(8)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes[at] = bytes[at]! ^ (1 << random.below(8));
        break;
      case 2:
      case 3:
        writeNumber(bytes, at, random);
        break;
      case 4:
        writeWideNumber(bytes, at, random);
        break;
      case 5:
        bytes.fill(0, at, Math.min(bytes.length, at + 1 + random.below(512)));
        break;
      case 6:
        bytes.copy(bytes, at, placeIn(bytes, random), bytes.length);
        break;
      default:
        bytes = bytes.subarray(
          0,
          random.below(4) === 0 ? random.below(bytes.length) : bytes.length,
        );
    }
  }
  return bytes;
}

function placeIn(bytes: Buffer, random: SeededRandom): number {
  const last = bytes.length - 1;
  const near = Math.min(TABLE_BYTES, last);
  switch (random.below(4)) {
    case 0:
      return random.below(last);
    case 1:
      return last - random.below(near);
    case 2:
      return random.below(Math.min(512, last));
    default:
      return random.below(near);
  }
}

function writeNumber(bytes: Buffer, at: number, random: SeededRandom): void {
  const place = Math.min(at & ~3, bytes.length - 4);
  const value = Number(random.oneOf(EDGES));
  if (random.below(2) === 0) bytes.writeUInt32BE(value, place);
  else bytes.writeUInt32LE(value, place);
}

function writeWideNumber(bytes: Buffer, at: number, random: SeededRandom): void {
  const place = Math.min(at & ~7, bytes.length - 8);
  const value = random.oneOf(WIDE_EDGES);
  if (random.below(2) === 0) bytes.writeBigUInt64BE(value, place);
  else bytes.writeBigUInt64LE(value, place);
}
