import type { SeededRandom } from './seeded-random.js';
import type { Place } from './table-places.js';

/** Numbers that sizes, offsets and counts break at. */
const EDGES = [0n, 1n, 2n, 511n, 512n, 65_535n, 65_536n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n];
const WIDE_EDGES = [...EDGES, 2n ** 32n, 2n ** 53n, 2n ** 62n, 2n ** 63n, 2n ** 64n - 1n];
/** Heads and tails of files hold their tables. */
const TABLE_BYTES = 8_192;
const MOST_CHANGES = 6;

/** A copy of a file with one to six changes: bytes, bits, numbers in both byte orders, ranges that are zero or moved, and a new end.
 *  @param places of the sample's tables, which get most of the changes */
export function mutateBytes(
  sample: Uint8Array,
  random: SeededRandom,
  places: readonly Place[] = [],
): Buffer {
  let bytes = Buffer.from(sample);
  for (let left = 1 + random.below(MOST_CHANGES); left > 0 && bytes.length > 8; left--) {
    const at = placeIn(bytes, random, places);
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
        copyWithin(bytes, at, placeIn(bytes, random, places), random);
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

function placeIn(bytes: Buffer, random: SeededRandom, places: readonly Place[]): number {
  const last = bytes.length - 1;
  if (places.length > 0 && random.below(4) > 0) {
    const [start, length] = random.oneOf(places);
    return Math.min(last, start + random.below(length));
  }
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

/** An entry of a table in the place of another one, or all that follows. */
function copyWithin(bytes: Buffer, to: number, from: number, random: SeededRandom): void {
  const length = random.oneOf([4, 8, 16, 512, bytes.length]);
  bytes.copy(bytes, to, from, Math.min(from + length, bytes.length));
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
