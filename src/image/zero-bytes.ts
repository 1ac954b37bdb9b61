/** Compared at once: most of a table that was made for a larger disk is zeros. */
const PIECE_BYTES = 4_096;
const ZEROS = Buffer.alloc(PIECE_BYTES);

/** Index of the last byte that is not 0; -1: all are. */
export function lastNonZero(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end >= PIECE_BYTES && ZEROS.equals(bytes.subarray(end - PIECE_BYTES, end)))
    end -= PIECE_BYTES;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end - 1;
}
