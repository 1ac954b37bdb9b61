/** Xpress with Huffman codes, as `BACKUP … WITH COMPRESSION` uses it. Source: [MS-XCA] 2.2.4 (LZ77+Huffman decompression). */

export const TABLE_BYTES = 256;
const SYMBOLS = 512;
const MAX_CODE_BITS = 15;

/** Whether code lengths of 512 symbols, two in each byte, fill the space of codes: what is no table does not by chance. */
export function isXpressTable(bytes: Uint8Array, at: number): boolean {
  if (at + TABLE_BYTES > bytes.length) return false;
  const full = 1 << MAX_CODE_BITS;
  let sum = 0;
  for (let index = 0; index < TABLE_BYTES && sum <= full; index++) {
    const pair = bytes[at + index]!;
    if ((pair & 15) > 0) sum += full >> (pair & 15);
    if (pair >> 4 > 0) sum += full >> (pair >> 4);
  }
  return sum === full;
}

/** What a table and the bits behind it hold, as far as they go.
 *  @returns null: nothing that could have been packed so */
export function unpackXpress(bytes: Uint8Array, maxBytes: number): Uint8Array | null {
  if (!isXpressTable(bytes, 0)) return null;
  const symbols = symbolsByCode(bytes);
  const bits = new BitReader(bytes, TABLE_BYTES);
  const out = new Uint8Array(maxBytes);
  let size = 0;
  while (size < maxBytes && !bits.isAtEnd) {
    const symbol = symbols[bits.peek(MAX_CODE_BITS)]!;
    bits.skip(lengthOf(bytes, symbol));
    if (symbol < 256) {
      out[size++] = symbol;
      continue;
    }
    // The first symbol of all matches also ends the data.
    if (symbol === 256 && bits.isAtEnd) break;
    const length = matchLength(bits, (symbol - 256) & 15);
    const offsetBits = (symbol - 256) >> 4;
    const offset = (1 << offsetBits) + bits.peek(offsetBits);
    bits.skip(offsetBits);
    if (offset > size) return bits.isAtEnd ? out.subarray(0, size) : null;
    for (let left = Math.min(length, maxBytes - size); left > 0; left--, size++)
      out[size] = out[size - offset]!;
  }
  return out.subarray(0, size);
}

function matchLength(bits: BitReader, short: number): number {
  if (short < 15) return short + 3;
  const byte = bits.byte();
  if (byte < 255) return byte + 15 + 3;
  const word = bits.byte() | (bits.byte() << 8);
  if (word > 0) return word + 3;
  return ((bits.byte() | (bits.byte() << 8) | (bits.byte() << 16) | (bits.byte() << 24)) >>> 0) + 3;
}

function lengthOf(table: Uint8Array, symbol: number): number {
  const pair = table[symbol >> 1]!;
  return symbol % 2 === 0 ? pair & 15 : pair >> 4;
}

/** Codes are given out by length, and among one length by symbol. */
function symbolsByCode(table: Uint8Array): Uint16Array {
  const symbols = new Uint16Array(1 << MAX_CODE_BITS);
  let next = 0;
  for (let length = 1; length <= MAX_CODE_BITS; length++)
    for (let symbol = 0; symbol < SYMBOLS; symbol++) {
      if (lengthOf(table, symbol) !== length) continue;
      const end = next + (1 << (MAX_CODE_BITS - length));
      symbols.fill(symbol, next, end);
      next = end;
    }
  return symbols;
}

/** Bits come from words of 16, the highest first, of which two are read ahead; bytes of long matches stand between them. */
class BitReader {
  private next = 0;
  private extra = 16;
  private past = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
  ) {
    this.next = ((this.word() << 16) | this.word()) >>> 0;
  }

  /** All bits that are left were made up behind the end. */
  get isAtEnd(): boolean {
    return this.past >= 2;
  }

  peek(count: number): number {
    return count === 0 ? 0 : this.next >>> (32 - count);
  }

  skip(count: number): void {
    this.next = (this.next << count) >>> 0;
    this.extra -= count;
    if (this.extra >= 0) return;
    this.next = (this.next | (this.word() << -this.extra)) >>> 0;
    this.extra += 16;
  }

  byte(): number {
    return this.bytes[this.at++] ?? 0;
  }

  private word(): number {
    if (this.at + 1 >= this.bytes.length) this.past++;
    return this.byte() | (this.byte() << 8);
  }
}
