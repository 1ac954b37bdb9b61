import { BackupError } from '../domain/errors.js';
import type { FormatId, RestorePointKind } from '../domain/sources/source-workload.js';
import type { PlacedSlots } from '../domain/targets/file-units.js';
import type { SlotPlacement } from '../domain/targets/slot-placement.js';
import type { ByteSink, ByteSource } from './byte-source.js';
import type { Dialect, DiskImage, ImageHead } from './disk-image.js';

/** All that the rest of Longhaul knows of a format of disk images: a row of `formats.ts`. */
export interface ImageFormat {
  /** Stands in commit records and plans, so it never changes its meaning. */
  readonly id: FormatId;
  /** Of file names, without the dot. */
  readonly extension: string;
  /** Its files are kept as they are, whatever is in them, so their bytes are no disk's. Absent: they are images of disks. */
  readonly isOpaque?: true;
  /** Disks that lie in a file that is kept as it is, for a restore that takes them out. Absent: it holds none, or they cannot be told. */
  readonly heldDisks?: HeldDisks;
  /** Of files that are kept as they are and may build on others of their kind: what each says of that, from its first records. Absent: none does, or none says so.
   *  null: this one says nothing */
  readonly links?: (source: ByteSource) => Promise<StreamLinks | null>;
  /** What a look at a source must know of a file: a small part of it is read, whatever its size.
   *  @param extents absent: there are none
   *  @throws IMAGE_TRUNCATED when the file is still being written or was cut off, as far as its head and tables tell; and as `open` */
  readHead(source: ByteSource, extents?: ImageExtents): Promise<ImageHead>;
  /** What tools change in a file whenever they open it to write, before they write anything: where it is the same as before nobody has written between, whatever
   *  the times of the file say, which Windows leaves alone until it is closed. Some KiB are read. Absent: the format has nothing of the kind.
   *  @throws IMAGE_… */
  readonly writeMark?: (source: ByteSource) => Promise<string>;
  /** @throws IMAGE_… when the file is not of this format, or is broken; IMAGE_EXTENT_MISSING */
  open(source: ByteSource, extents?: ImageExtents): Promise<DiskImage>;
  /** null: Longhaul writes no files of this format. */
  readonly composer: ImageComposer | null;
  /** null: a full of this format cannot take up an increment in place; a synthetic full does it. */
  readonly merger: ImageMerger | null;
}

/** What a stream must find where it is received, and what it leaves there: states of a file system, each by a name that no other has. */
export interface StreamLinks {
  /** null: it stands for itself. */
  readonly from: string | null;
  /** Also those that it lists without bringing them: the oldest stream that holds a state brings it. */
  readonly holds: readonly string[];
  /** Not all of what it holds was looked at. */
  readonly isCutShort?: true;
  /** It goes on where another was broken off, which is no whole file. */
  readonly isRest?: true;
}

export interface HeldDisks {
  /** Their names, each once; null: the file is one disk, and has the name that its owner gives it.
   *  @throws IMAGE_… */
  list(source: ByteSource): Promise<readonly (string | null)[]>;
  /** Names of what may be disks of the machine, too, and cannot be read where it lies. Absent: there is nothing of the kind.
   *  @throws IMAGE_… */
  readonly unread?: (source: ByteSource) => Promise<readonly string[]>;
  /** @throws IMAGE_… */
  open(source: ByteSource, name: string | null): Promise<DiskImage>;
}

/** Further files of an image. A format opens them by the names that stand in the image; which file a name stands for was settled by the layout. */
export interface ImageExtents {
  /** @throws IMAGE_EXTENT_MISSING when the layout has listed no file under this name */
  open(name: string): Promise<ByteSource>;
}

/** @param path of the image */
export function extentMissing(path: string, name: string): BackupError {
  return new BackupError(
    'IMAGE_EXTENT_MISSING',
    `${path} keeps a part of its data in ${JSON.stringify(name)}, which is not there`,
    { details: { path, name } },
  );
}

/** Writes files of a format around blocks that were copied into their slots. */
export interface ImageComposer {
  /** What such files of this kind are like (an increment of a fixed disk is none). Pure, and the same for the whole life of a plan. A dialect comes from a file: whatever is in it, also when it is
   *  empty, there is an answer. */
  traits(dialect: Dialect, kind: RestorePointKind): ComposerTraits;
  /** Where the slots of such a file lie. Pure, and the same for the whole life of a plan.
   *  @throws IMAGE_LIMIT_EXCEEDED when so many are beyond what a file can address */
  place(shape: FileShape): SlotPlacement;
  /** Of a format with a prefix before each slot that follows from its guest block alone: what stands there. It is written with the slot then, so that it
   *  takes no write, no sync and no page of its own; `compose` writes it all the same. Absent: there is none, or it takes more to tell. */
  prefixes?(shape: FileShape): (block: number) => Buffer;
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

export interface ComposerTraits {
  /** With `increment` goes `full`: a synthetic full takes the place of an increment under its name. */
  readonly kinds: readonly RestorePointKind[];
  /** Formats that the parent of an increment may have. */
  readonly parents: readonly FormatId[];
  /** Which size of its disk the parent of an increment may have. `same`: tools of the format refuse or misread others, so a disk that was resized
   *  begins anew as a full. */
  readonly parentSize: 'any' | 'same';
  /** `any`: a slot holds whatever block the plan gives it. `ascending`: the same in the order of the disk, for a format whose file grows with each
   *  piece that lies elsewhere. `guest`: slot k holds guest block k, and every block of the disk has one. */
  readonly slotOrder: 'any' | 'ascending' | 'guest';
  /** A power of two up to 8,192; 1 for most formats. Blocks of one aligned group of so many guest blocks, its granule, have as many slots side
   *  by side: the slot of a block is that of its granule + block % `granuleBlocks`. The first slot of a granule is a multiple of
   *  `granuleBlocks`. Slots of blocks that the plan does not want are holes, also behind the end of the disk. */
  readonly granuleBlocks: number;
  /** How blocks of zeros are held in a file of this format. `marked`: its tables say so, and `mapBlocks` gives `STORED_ZEROS`. `stored`: like
   *  any other block, so each has a slot, which is a hole. */
  readonly zeros: 'marked' | 'stored';
  /** Largest disk that a file can hold. */
  readonly maxDiskBytes: number;
}

export interface FileShape {
  /** Of a disk a multiple of 512; of a file that is copied as it is, any. */
  readonly virtualSizeBytes: number;
  readonly slotCount: number;
  /** Name that the file will have, without its folder: some formats repeat it inside. */
  readonly fileName: string;
  /** null: a full. */
  readonly parent: FileParent | null;
  readonly dialect: Dialect;
  /** 32 hexadecimal digits, another for each file that is planned, and the same each time that it is composed: what ids are made from. */
  readonly seed: string;
  /** `ImageHead.linkId` that the file must have, because it takes the place of one that others name by it; null: one made from the seed. */
  readonly linkId: string | null;
}

export interface FileParent {
  /** Relative path as it goes into the file. */
  readonly link: string;
  readonly format: FormatId;
  /** `ImageHead.linkId` of the parent. */
  readonly linkId: string | null;
  readonly virtualSizeBytes: number;
}

/** Which slot holds which guest block of 64 KiB. */
export interface PlannedContent {
  /** First guest block from `block` on that may be stored or zero; behind the disk when there is none. Asked in ascending order. */
  nextMapped(block: number): Promise<number>;
  /** Fills `out` for the guest blocks from `firstBlock`: 0 not stored, 1 explicit zeros, 2 + slot. Asked in ascending order, each at most
   *  once; those that `nextMapped` passes over are not asked for. Where zeros are `stored` a slot that is told may be a hole. */
  mapBlocks(firstBlock: number, out: Float64Array): Promise<void>;
  /** Fills `out` for the slots from `firstSlot`: 1 holds data, 0 is a hole. Asked in ascending order, each once. Exactly the slots that
   *  guest blocks refer to hold data; where zeros are `stored`, only such slots. */
  slotsInUse(firstSlot: number, out: Uint8Array): Promise<void>;
}

/** Values of `PlannedContent.mapBlocks`. */
export const NOT_STORED = 0;
export const STORED_ZEROS = 1;
export const FIRST_SLOT = 2;

/** Takes an increment up into the full below it, in the full's own file, which then gets the increment's name: for formats whose files name their parent by
 *  its name alone. */
interface ImageMerger {
  /** Why this pair cannot be merged, in plain words; null: it can.
   *  @param look called often; what it throws ends the walk */
  refusal(full: ByteSource, increment: ByteSource, look: () => void): Promise<string | null>;
  /** Durable when it returns. Again at any time, with the same result: until the full takes the increment's place, the increment hides
   *  every block that is overwritten. Blocks that the full had stay where they are.
   *  @returns where slots lie in the full now: as before, and perhaps more of them; any when they lie on multiples of 64 KiB (`isPlain`) */
  merge(full: ByteSource & ByteSink, increment: ByteSource, look: () => void): Promise<PlacedSlots>;
}
