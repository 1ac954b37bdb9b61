/** Where the lines of a window stand in its list. */
export interface WindowPlace {
  /** Of the first line, in bytes. */
  readonly offset: number;
  /** Of all its lines together. */
  readonly length: number;
  /** Of small files: how many. Of a large file: which of its parts of 8 MiB. */
  readonly part: number;
}

export const PLACE_BYTES = 20;

export function placeBytes({ offset, length, part }: WindowPlace): Buffer {
  const bytes = Buffer.alloc(PLACE_BYTES);
  bytes.writeDoubleLE(offset, 0);
  bytes.writeUInt32LE(length, 8);
  bytes.writeDoubleLE(part, 12);
  return bytes;
}

export function placeAt(bytes: Buffer, index: number): WindowPlace {
  const at = index * PLACE_BYTES;
  return {
    offset: bytes.readDoubleLE(at),
    length: bytes.readUInt32LE(at + 8),
    part: bytes.readDoubleLE(at + 12),
  };
}
