import type { FormatId } from '../domain/sources/source-workload.js';

/** Guest blocks that are looked at together, 512 MiB of disk: a whole number of granules of any format (`ComposerTraits.granuleBlocks`), and one L2
 *  table of a qcow2 file with clusters of 64 KiB. */
export const MAP_BLOCKS = 8_192;

/** How one layer (one image file, without its parents) holds a block of 64 KiB (`BLOCK_BYTES`) of the guest disk. */
export const BLOCK_UNALLOCATED = 0; // the parent decides; zeros without a parent
export const BLOCK_ZERO = 1; // reads as zeros, hides the parent
export const BLOCK_DIRECT = 2; // 64 KiB as they are, at hostOffsets[i] in the image's own file
export const BLOCK_ENCODED = 3; // compressed, in an extent, or put together from parts, some perhaps unallocated: only `read` can tell

/** Answer for the guest blocks `firstBlock … firstBlock + states.length - 1`. The last block of a disk may be short; it is
 *  DIRECT only when the whole 64 KiB lie inside the file, or up to the end of the guest disk does. */
export interface BlockMap {
  readonly states: Uint8Array;
  /** File offset where the state is DIRECT; 0 elsewhere. */
  readonly hostOffsets: Float64Array;
}

/** All UNALLOCATED, in the memory of `reuse` when that has the same length. Walking a large disk, new memory for each part would pile up
 *  until the collector runs. */
export function emptyBlockMap(count: number, reuse?: BlockMap): BlockMap {
  if (reuse?.states.length !== count)
    return { states: new Uint8Array(count), hostOffsets: new Float64Array(count) };
  reuse.states.fill(0);
  reuse.hostOffsets.fill(0);
  return reuse;
}

/** Reads what the layer below shows: fills all of `target` from guest offset `offset` (zeros beyond its end). */
export type ReadBelow = (target: Uint8Array, offset: number) => Promise<void>;

/** Parent as an image names it: data, never opened. */
export interface ParentLink {
  readonly name: string;
  /** What `ImageHead.linkId` of the parent was when the image was made on it; null: the name alone links them. */
  readonly linkId: string | null;
  /** A second one, of which either may be the parent's. Absent: there is none. */
  readonly otherLinkId?: string;
  /** Of the parent, where the image says that it is another than its own. Absent: its own, or it says nothing. */
  readonly format?: FormatId;
  /** It names no format of the parent although its own could. Absent: it does, or has no place for it. */
  readonly isFormatUnsaid?: true;
  /** As the image names it: a format in which no parent of such images is read. Absent: it says none, or another. */
  readonly unreadFormat?: string;
}

/** What a composed file must keep of the one that it is a copy of, and only its format knows: sizes of blocks and sectors, ids of the disk,
 *  lines of a descriptor. Plain JSON; it stands in plans. */
export interface Dialect {
  readonly [name: string]: Json;
}

type Json = string | number | boolean | null | readonly Json[] | Dialect;

/** Of a format that has only one way to write a disk. */
export const PLAIN_DIALECT: Dialect = {};

/** What an image file says of itself. */
export interface ImageHead {
  readonly virtualSizeBytes: number;
  /** null: a full. */
  readonly parent: ParentLink | null;
  /** What the link of an image that builds on this one must carry (VMDK: the CID, VHD: the uuid, VHDX: the DataWriteGuid); null: names alone link
   *  images of this format. */
  readonly linkId: string | null;
  /** Its tool has it open, or was stopped: what it wrote last is in a log beside the data. Absent: no, or the format has no such state. */
  readonly isOpen?: true;
  readonly dialect: Dialect;
}

/** Nothing but the head of an image. */
export function headOfImage(image: ImageHead): ImageHead {
  const { virtualSizeBytes, parent, linkId, isOpen, dialect } = image;
  return { virtualSizeBytes, parent, linkId, dialect, ...(isOpen === undefined ? {} : { isOpen }) };
}

/** An image, opened. Memory stays bounded whatever its size says: tables are read in parts and cached to a limit. */
export interface DiskImage extends ImageHead {
  readonly format: FormatId;
  readonly label: string;
  /** `ImageFormat.writeMark`, as it was when the image was opened. Absent: its format has none. */
  readonly writeMark?: string;
  /** Allocation of guest blocks in this layer, `count` blocks from `firstBlock`; blocks beyond the disk are UNALLOCATED.
   *  @param reuse an earlier answer that is not needed any more: its memory is taken when it has the same length */
  mapBlocks(firstBlock: number, count: number, reuse?: BlockMap): Promise<BlockMap>;
  /** First block from `block` on that this layer may hold, as far as can be told without reading; behind the disk when it holds none. */
  nextHeldBlock(block: number): number;
  /** Fills `target` from guest offset `offset`: own data, zeros where the layer says so, `below` for what it does not hold
   *  (zeros when `below` is null). The range may pass the end of the disk: zeros there. */
  read(target: Uint8Array, offset: number, below: ReadBelow | null): Promise<void>;
  /** What its tables take just now: those that stay for as long as it is open, and those that `keepTables` lets go. Absent: little, whatever its file says. */
  readonly tableBytes?: number;
  /** How many bytes of its tables it may keep from now on, beside the one that it needs just now; by itself it decides alone. Absent: it keeps no
   *  more as it is read. */
  keepTables?(maxBytes: number): void;
}
