import type { FormatId, RestorePointKind } from '../domain/restore-point.js';
import type { SlotPlacement } from '../domain/slot-placement.js';
import type { ByteSink, ByteSource } from './byte-source.js';
import type { DiskImage, ParentLink } from './disk-image.js';

/** All that the rest of Longhaul knows of a format of disk images: a row of `formats.ts`. */
export interface ImageFormat {
  /** Stands in commit records and plans, so it never changes its meaning. */
  readonly id: FormatId;
  /** Of file names, without the dot. */
  readonly extension: string;
  /** What a look at a source must know of a file: a small part of it is read, whatever its size.
   *  @throws IMAGE_TRUNCATED when the file is still being written or was cut off, as far as its head and tables tell; and as `open` */
  readHead(source: ByteSource): Promise<ImageHead>;
  /** @throws IMAGE_… when the file is not of this format, or is broken */
  open(source: ByteSource): Promise<DiskImage>;
  /** null: Longhaul writes no files of this format. */
  readonly composer: ImageComposer | null;
  /** null: a full of this format cannot take up an increment in place; a synthetic full does it. */
  readonly merger: ImageMerger | null;
}

export interface ImageHead {
  readonly virtualSizeBytes: number;
  readonly parent: ParentLink | null;
}

/** Writes files of a format around blocks that were copied into their slots. */
export interface ImageComposer {
  /** With `increment` goes `full`: a synthetic full takes the place of an increment under its name. */
  readonly kinds: readonly RestorePointKind[];
  /** Formats that the parent of an increment may have. */
  readonly parents: readonly FormatId[];
  /** `any`: a slot holds whatever block the plan gives it. `guest`: slot k holds guest block k, and every block of the disk has one. */
  readonly slotOrder: 'any' | 'guest';
  /** Largest disk that a file can hold. */
  readonly maxDiskBytes: number;
  /** Where the slots of such a file lie. Pure, and the same for the whole life of a plan. */
  place(shape: FileShape): SlotPlacement;
  /** Writes all but the slots, the start of the file last, and cuts off what lies behind its end; durable when it returns. From the start
   *  again at any time: the result follows from the arguments alone, and a file that was not finished is none of this format, where the
   *  format has anything to tell it by (raw has not).
   *  @throws DISK_TOO_LARGE, IMAGE_LIMIT_EXCEEDED */
  compose(
    sink: ByteSink,
    shape: FileShape,
    content: PlannedContent,
  ): Promise<{ readonly sizeBytes: number }>;
}

export interface FileShape {
  /** Of a disk a multiple of 512; of a file that is copied as it is, any. */
  readonly virtualSizeBytes: number;
  readonly slotCount: number;
  /** `link`: relative path as it goes into the file. null: a full. */
  readonly parent: { readonly link: string; readonly format: FormatId } | null;
}

/** Which slot holds which guest block of 64 KiB. */
export interface PlannedContent {
  /** First guest block from `block` on that may be stored or zero; behind the disk when there is none. Asked in ascending order. */
  nextMapped(block: number): Promise<number>;
  /** Fills `out` for the guest blocks from `firstBlock`: 0 not stored, 1 explicit zeros, 2 + slot. Asked in ascending order, each at most
   *  once; those that `nextMapped` passes over are not asked for. */
  mapBlocks(firstBlock: number, out: Float64Array): Promise<void>;
  /** Fills `out` for the slots from `firstSlot`: 1 holds data, 0 is a hole. Asked in ascending order, each once. Exactly the slots that
   *  guest blocks refer to hold data. */
  slotsInUse(firstSlot: number, out: Uint8Array): Promise<void>;
}

/** Values of `PlannedContent.mapBlocks`. */
export const NOT_STORED = 0;
export const STORED_ZEROS = 1;
export const FIRST_SLOT = 2;

/** Takes an increment up into the full below it, in the full's own file. */
export interface ImageMerger {
  /** Why this pair cannot be merged, in plain words; null: it can.
   *  @param look called often; what it throws ends the walk */
  refusal(full: ByteSource, increment: ByteSource, look: () => void): Promise<string | null>;
  /** Durable when it returns. Again at any time, with the same result: until the full takes the increment's place, the increment hides
   *  every block that is overwritten. */
  merge(full: ByteSource & ByteSink, increment: ByteSource, look: () => void): Promise<void>;
}
