import type { ByteSource } from './byte-source.js';
import { KeptTables } from './kept-tables.js';

const PIECE_BYTES = 65_536;
/** The bits of 16 GiB of a disk with sectors of 512 bytes. */
const CACHE_BYTES = 4 * 1024 * 1024;

/** Which bit of a byte tells of the first of its eight sectors. */
type BitOrder = 'leastFirst' | 'mostFirst';

/** A bitmap in a file. */
interface BitmapPlace {
  readonly offset: number;
  readonly bytes: number;
}

/** Sector bitmaps of a differencing file: a bit that is set says that the sector lies in this file. Memory: 4 MiB. */
export class SectorBitmaps {
  readonly #source: ByteSource;
  readonly #order: BitOrder;
  readonly #pieces = new KeptTables<Uint8Array>({
    mostBytes: CACHE_BYTES,
    bytesOf: ({ length }) => length,
  });

  constructor(source: ByteSource, order: BitOrder) {
    this.#source = source;
    this.#order = order;
  }

  /** How many bits from `bit` on are like it, `most` at most. */
  async runOf(
    bitmap: BitmapPlace,
    bit: number,
    most: number,
  ): Promise<{ readonly isSet: boolean; readonly count: number }> {
    const end = bit + most;
    const first = await this.#byte(bitmap, bit);
    const isSet = this.#isSet(first, bit);
    let at = bit + 1;
    while (at < end) {
      const byte = await this.#byte(bitmap, at);
      if (at % 8 === 0 && byte === (isSet ? 0xff : 0)) at += 8;
      else if (this.#isSet(byte, at) === isSet) at += 1;
      else break;
    }
    return { isSet, count: Math.min(at - bit, most) };
  }

  #isSet(byte: number, bit: number): boolean {
    const shift = this.#order === 'leastFirst' ? bit % 8 : 7 - (bit % 8);
    return ((byte >>> shift) & 1) !== 0;
  }

  #byte(bitmap: BitmapPlace, bit: number): number | Promise<number> {
    const at = Math.floor(bit / 8);
    const inPiece = at % PIECE_BYTES;
    const offset = bitmap.offset + at - inPiece;
    const known = this.#pieces.peek(offset);
    if (known !== undefined) return known[inPiece] ?? 0;
    return this.#load(offset, Math.min(PIECE_BYTES, bitmap.bytes - at + inPiece)).then(
      (piece) => piece[inPiece] ?? 0,
    );
  }

  async #load(offset: number, bytes: number): Promise<Uint8Array> {
    const piece = new Uint8Array(bytes);
    await this.#source.read(piece, offset);
    this.#pieces.add(offset, piece);
    return piece;
  }

  get memoryBytes(): number {
    return this.#pieces.memoryBytes;
  }

  /** See `DiskImage.keepTables`. */
  keep(maxBytes: number): void {
    this.#pieces.keep(maxBytes);
  }
}
