import { describe, expect, it } from 'vitest';
import { isXpressTable, unpackXpress } from '../../../../src/layout/mssql/xpress.js';

/** A table with some of its bytes, and what follows it. */
function packed(table: Record<number, string>, data: string): Uint8Array {
  const bytes = Buffer.alloc(256 + data.length / 2);
  for (const [at, hex] of Object.entries(table)) Buffer.from(hex, 'hex').copy(bytes, Number(at));
  Buffer.from(data, 'hex').copy(bytes, 256);
  return bytes;
}

/** The examples of [MS-XCA] 3.2. */
const ALPHABET = packed(
  { 0x30: '5055555555555555555555454404', 0x80: '04' },
  'd8523ed794115be9195ff9d67cdf8d0400000000',
);
const ABC = packed({ 0x30: '3023', 0x80: '02', 0x8f: '20' }, 'a8dc0000ff2601');

const textOf = (bytes: Uint8Array, size: number): string =>
  Buffer.from(unpackXpress(bytes, size) ?? []).toString('latin1');

describe('Xpress with Huffman codes', () => {
  it('is unpacked as the specification shows', () => {
    expect(textOf(ALPHABET, 26)).toBe('abcdefghijklmnopqrstuvwxyz');
    expect(textOf(ABC, 300)).toBe('abc'.repeat(100));
  });

  it('ends with its data where nothing else says how much it holds', () => {
    expect(textOf(ALPHABET, 65_536).slice(0, 26)).toBe('abcdefghijklmnopqrstuvwxyz');
    expect(textOf(ALPHABET, 65_536).length).toBeLessThan(40);
  });

  it.each<[string, (bytes: Buffer) => void]>([
    ['lacks a code', (bytes) => bytes.fill(0, 0x80, 0x81)],
    ['has a code too many', (bytes) => bytes.fill(0x11, 0, 1)],
    ['is all zeros', (bytes) => bytes.fill(0, 0, 256)],
  ])('is nothing whose table %s', (_, change) => {
    const bytes = Buffer.from(ALPHABET);
    change(bytes);
    expect(isXpressTable(bytes, 0)).toBe(false);
    expect(unpackXpress(bytes, 26)).toBeNull();
  });

  it('is nothing where a match begins before the data', () => {
    // 10 is the code of a match, and the third of two bits.
    expect(
      unpackXpress(packed({ 0x30: '3023', 0x80: '02', 0x8f: '20' }, 'aaaaaaaaaaaaaaaaaaaa'), 300),
    ).toBeNull();
  });
});
