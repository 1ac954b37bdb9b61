/** Payload blocks that a file says something of, a bit for each. An increment of a large disk has few of them: pieces without one take nothing. */
export class HeldBlocks {
  readonly #pieces = new Map<number, Uint8Array>();

  get memoryBytes(): number {
    return this.#pieces.size * PIECE_BYTES;
  }

  add(block: number): void {
    const index = Math.floor(block / PIECE_BLOCKS);
    let piece = this.#pieces.get(index);
    if (piece === undefined) {
      piece = new Uint8Array(PIECE_BYTES);
      this.#pieces.set(index, piece);
    }
    const at = block % PIECE_BLOCKS;
    piece[at >>> 3] = (piece[at >>> 3] ?? 0) | (1 << (at & 7));
  }

  has(block: number): boolean {
    const at = block % PIECE_BLOCKS;
    const byte = this.#pieces.get(Math.floor(block / PIECE_BLOCKS))?.[at >>> 3] ?? 0;
    return ((byte >>> (at & 7)) & 1) !== 0;
  }

  /** First one from `block` on; `end` when there is none before. */
  next(block: number, end: number): number {
    let next = block;
    while (next < end) {
      const index = Math.floor(next / PIECE_BLOCKS);
      const piece = this.#pieces.get(index);
      if (piece === undefined) {
        next = (index + 1) * PIECE_BLOCKS;
        continue;
      }
      const bits = (piece[(next % PIECE_BLOCKS) >>> 3] ?? 0) >>> (next & 7);
      if ((bits & 1) !== 0) return next;
      next += bits === 0 ? 8 - (next & 7) : 1;
    }
    return end;
  }
}

const PIECE_BYTES = 4_096;
const PIECE_BLOCKS = PIECE_BYTES * 8;
