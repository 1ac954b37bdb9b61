import { describe, expect, it } from 'vitest';
import { digestEntryOf, HOLE } from '../../../../src/chain/digests/digest-table.js';
import { isZeroUnit, unitDigest } from '../../../../src/chain/digests/digest.js';

const UNIT = 65_536;
const ABC = Buffer.from('abc');
/** FIPS 180-4, its example of `abc`; the other by the reference implementation of BLAKE3 (`b3sum`). */
const SHA256_OF_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const BLAKE3_OF_ABC = '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85';

it.each([
  ['sha256', SHA256_OF_ABC],
  ['blake3', BLAKE3_OF_ABC],
] as const)('the digest of a unit by %s is that of its bytes', (algorithm, hex) => {
  expect(unitDigest(algorithm)(ABC).toString('hex')).toBe(hex);
});

describe('a unit of zeros', () => {
  it.each([0, 1, 7, 8, 9, 512, UNIT - 1, UNIT])('of %d bytes is one', (length) => {
    expect(isZeroUnit(Buffer.alloc(length))).toBe(true);
  });

  it.each([
    [1, 0],
    [7, 6],
    [8, 0],
    [8, 7],
    [9, 8],
    [512, 511],
    [UNIT, 0],
    [UNIT, 4],
    [UNIT, 8],
    [UNIT, UNIT - 1],
  ])('of %d bytes is none where byte %d is another', (length, at) => {
    const unit = Buffer.alloc(length);
    unit[at] = 1;
    expect(isZeroUnit(unit)).toBe(false);
  });

  // docs/FORMAT.md, Digest table: an entry of zeros alone means that the unit reads as zeros.
  it('has an entry of zeros, and any other its digest', () => {
    const digest = unitDigest('sha256');
    expect(digestEntryOf(Buffer.alloc(UNIT), digest)).toEqual(Buffer.alloc(32));
    expect(HOLE).toEqual(Buffer.alloc(32));
    expect(digestEntryOf(ABC, digest).toString('hex')).toBe(SHA256_OF_ABC);
  });
});
