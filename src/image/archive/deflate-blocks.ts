/** Blocks of a deflate stream, gone over without what they unpack to: where one ends, and whether it is the last. Memory: two code tables.
 *  Source: RFC 1951, 3.2. */

type BlockKind = 'stored' | 'fixed' | 'dynamic';

type BlockEnd =
  | { readonly kind: BlockKind; readonly endBit: number; readonly isLast: boolean }
  /** The bytes end within it. */
  | 'cut'
  /** No block begins here. */
  | 'none'
  /** It looked like one, and holds what none does. */
  | 'spoilt';

const END_OF_BLOCK = 256;
const MAX_CODE_BITS = 15;
/** In which the lengths of the code of lengths are kept. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const MAX_LITERAL_CODES = 286;
const MAX_DISTANCE_CODES = 30;
/** Bits behind the symbol of a length (257 on), and of a distance. */
const LENGTH_EXTRA = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];

/** @param bit position from the first bit of `bytes` */
export function deflateBlockEnd(bytes: Uint8Array, bit: number): BlockEnd {
  const bits = new Bits(bytes, bit);
  let hasCodes = false;
  try {
    const isLast = bits.take(1) === 1;
    const kind = bits.take(2);
    if (kind === 0) return { kind: 'stored', endBit: storedEnd(bits), isLast };
    if (kind === 3) return 'none';
    const codes = kind === 1 ? FIXED : dynamicCodes(bits);
    hasCodes = true;
    passSymbols(bits, codes);
    return { kind: kind === 1 ? 'fixed' : 'dynamic', endBit: bits.position, isLast };
  } catch (error) {
    if (error === CUT) return 'cut';
    if (error === NONE) return hasCodes ? 'spoilt' : 'none';
    throw error;
  }
}

/** First bit from `from` on at which a block may begin, as its first bits tell; few others look like it. One with codes of its own begins anywhere, a
 *  stored one behind another with a byte. Behind the last bit when there is none. */
export function nextBlockStart(bytes: Uint8Array, from: number): number {
  let bit = from & 7;
  for (let at = from >> 3; at < bytes.length; at++, bit = 0) {
    if (bit === 0 && isStoredHead(bytes, at)) return at * 8;
    const word = peek(bytes, at * 8, 24);
    for (; bit < 8; bit++)
      if (isDynamicHead(word >> bit) && isDynamicBlock(bytes, at * 8 + bit)) return at * 8 + bit;
  }
  return bytes.length * 8;
}

/** Kind, and that neither code has more symbols than there are. */
function isDynamicHead(head: number): boolean {
  return (head & 6) === 4 && (head & 0xf0) !== 0xf0 && (head & 0x1e00) !== 0x1e00;
}

/** Its length stands there twice. */
function isStoredHead(bytes: Uint8Array, at: number): boolean {
  if (bytes[at]! > 1 || bytes.length < at + 5) return false;
  return (bytes[at + 1]! ^ bytes[at + 3]!) === 0xff && (bytes[at + 2]! ^ bytes[at + 4]!) === 0xff;
}

/** Whether a block with codes of its own may begin here: the code of its lengths leaves no bits over. */
export function isDynamicBlock(bytes: Uint8Array, bit: number): boolean {
  const head = peek(bytes, bit, 17);
  if (!isDynamicHead(head)) return false;
  let room = 128;
  for (let left = ((head >> 13) & 15) + 4, at = bit + 17; left > 0; left--, at += 3) {
    const length = peek(bytes, at, 3);
    if (length > 0) room -= 128 >> length;
    if (room < 0) return false;
  }
  return room === 0;
}

/** Thrown inside this module alone: a stream is asked at millions of places where none begins. */
const CUT = new Error('cut');
const NONE = new Error('none');

interface Codes {
  readonly literals: Code;
  readonly distances: Code;
}

/** A canonical code: how many codes there are of each length, and their symbols in order. */
interface Code {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
  /** No bits are left over, or there is one code alone. */
  readonly isComplete: boolean;
}

class Bits {
  constructor(
    private readonly bytes: Uint8Array,
    public position: number,
  ) {}

  take(count: number): number {
    const from = this.position;
    this.pass(count);
    return peek(this.bytes, from, count);
  }

  pass(count: number): void {
    if (this.position + count > this.bytes.length * 8) throw CUT;
    this.position += count;
  }

  symbol({ counts, symbols }: Code): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      code |= this.take(1);
      const count = counts[length]!;
      if (code - count < first) return symbols[index + (code - first)]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw NONE;
  }
}

/** At most 17 bits, 24 from the start of a byte; those behind the end are 0. */
function peek(bytes: Uint8Array, bit: number, count: number): number {
  const at = bit >> 3;
  const three = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
  return (three >> (bit & 7)) & ((1 << count) - 1);
}

function storedEnd(bits: Bits): number {
  bits.position = Math.ceil(bits.position / 8) * 8;
  const length = bits.take(16);
  if (bits.take(16) !== (length ^ 0xffff)) throw NONE;
  bits.pass(length * 8);
  return bits.position;
}

function passSymbols(bits: Bits, { literals, distances }: Codes): void {
  for (;;) {
    const symbol = bits.symbol(literals);
    if (symbol < END_OF_BLOCK) continue;
    if (symbol === END_OF_BLOCK) return;
    const extra = LENGTH_EXTRA[symbol - END_OF_BLOCK - 1];
    if (extra === undefined) throw NONE;
    bits.take(extra);
    const distance = bits.symbol(distances);
    if (distance >= MAX_DISTANCE_CODES) throw NONE;
    bits.take(Math.max(0, (distance >> 1) - 1));
  }
}

function dynamicCodes(bits: Bits): Codes {
  const literalCount = bits.take(5) + 257;
  const distanceCount = bits.take(5) + 1;
  const lengthCount = bits.take(4) + 4;
  if (literalCount > MAX_LITERAL_CODES || distanceCount > MAX_DISTANCE_CODES) throw NONE;
  const own = new Uint8Array(LENGTH_ORDER.length);
  for (let i = 0; i < lengthCount; i++) own[LENGTH_ORDER[i]!] = bits.take(3);
  const lengths = codeOf(own);
  if (!lengths.isComplete) throw NONE;
  const all = readLengths(bits, lengths, literalCount + distanceCount);
  if (all[END_OF_BLOCK] === 0) throw NONE;
  const literals = codeOf(all.subarray(0, literalCount));
  const distances = codeOf(all.subarray(literalCount));
  if (!literals.isComplete || !distances.isComplete) throw NONE;
  return { literals, distances };
}

function readLengths(bits: Bits, code: Code, count: number): Uint8Array {
  const lengths = new Uint8Array(count);
  for (let at = 0; at < count;) {
    const symbol = bits.symbol(code);
    if (symbol < 16) {
      lengths[at++] = symbol;
      continue;
    }
    if (symbol === 16 && at === 0) throw NONE;
    const value = symbol === 16 ? lengths[at - 1]! : 0;
    const times =
      symbol === 16 ? 3 + bits.take(2) : symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7);
    if (at + times > count) throw NONE;
    lengths.fill(value, at, at + times);
    at += times;
  }
  return lengths;
}

/** @throws NONE when there are more codes than bits for them */
function codeOf(lengths: Uint8Array): Code {
  const counts = new Uint16Array(MAX_CODE_BITS + 1);
  for (const length of lengths) counts[length]!++;
  const codeCount = lengths.length - counts[0]!;
  counts[0] = 0;
  let room = 1;
  const starts = new Uint16Array(MAX_CODE_BITS + 2);
  for (let length = 1; length <= MAX_CODE_BITS; length++) {
    room = room * 2 - counts[length]!;
    if (room < 0) throw NONE;
    starts[length + 1] = starts[length]! + counts[length]!;
  }
  const symbols = new Uint16Array(codeCount);
  for (const [symbol, length] of lengths.entries())
    if (length > 0) symbols[starts[length]!++] = symbol;
  const isAlone = codeCount === 0 || (codeCount === 1 && counts[1] === 1);
  return { counts, symbols, isComplete: room === 0 || isAlone };
}

const FIXED: Codes = {
  literals: codeOf(
    Uint8Array.from({ length: 288 }, (_, symbol) =>
      symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
    ),
  ),
  distances: codeOf(new Uint8Array(32).fill(5)),
};
