import type { ByteSource } from '../byte-source.js';
import { BLOCK_DIRECT, BLOCK_ZERO } from '../disk-image.js';

/** A piece of an extent that has one state (BLOCK_*); of DIRECT data one piece of its file, of ENCODED data one grain. */
export interface ExtentRun {
  readonly state: number;
  readonly bytes: number;
  /** Offset in the extent's file of DIRECT and ENCODED data; 0 elsewhere. */
  readonly host: number;
}

/** One part of a disk, in one file. Offsets count from the start of the part. */
export interface VmdkExtent {
  readonly source: ByteSource;
  readonly sizeBytes: number;
  /** The longest run from `from` that one step can answer, no longer than up to `to`.
   *  @throws IMAGE_CORRUPT, IMAGE_TRUNCATED */
  runAt(from: number, to: number): Promise<ExtentRun>;
  /** First offset from `from` on at which it may hold something, as far as can be told without reading; its size when there is none. */
  nextHeld(from: number): number;
  /** Fills `target` from ENCODED data: `offset` lies in the grain at `host`. */
  readEncoded(target: Uint8Array, offset: number, host: number): Promise<void>;
  /** Reads the last tables.
   *  @throws IMAGE_TRUNCATED when they name something behind the end of the file */
  checkEnd(): Promise<void>;
  /** See `DiskImage.tableBytes`. Absent: it has none. */
  readonly tableBytes?: number;
  /** See `DiskImage.keepTables`. Absent: it has none. */
  keepTables?(maxBytes: number): void;
}

const encodesNothing = (): Promise<never> =>
  Promise.reject(new Error('an extent without compressed grains'));

/** A part whose bytes lie one after the other in a file, from `start` on. */
export function flatExtent(source: ByteSource, start: number, sizeBytes: number): VmdkExtent {
  return {
    source,
    sizeBytes,
    runAt: (from, to) =>
      Promise.resolve({ state: BLOCK_DIRECT, bytes: to - from, host: start + from }),
    nextHeld: (from) => from,
    readEncoded: encodesNothing,
    checkEnd: () => Promise.resolve(),
  };
}

/** A part that reads as zeros, whatever lies below it. */
export function zeroExtent(source: ByteSource, sizeBytes: number): VmdkExtent {
  return {
    source,
    sizeBytes,
    runAt: (from, to) => Promise.resolve({ state: BLOCK_ZERO, bytes: to - from, host: 0 }),
    nextHeld: (from) => from,
    readEncoded: encodesNothing,
    checkEnd: () => Promise.resolve(),
  };
}
