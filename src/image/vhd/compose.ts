import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import type { RestorePointKind } from '../../domain/sources/source-workload.js';
import { slotOffset, type SlotPlacement } from '../../domain/targets/slot-placement.js';
import type { ByteSink } from '../byte-source.js';
import { MAP_BLOCKS, type Dialect } from '../disk-image.js';
import { seededGuid } from '../guid.js';
import { refuseStraySlots } from '../stray-slots.js';
import {
  FIRST_SLOT,
  NOT_STORED,
  type ComposerTraits,
  type FileShape,
  type PlannedContent,
} from '../image-format.js';
import { composedFooter, composedStart, type HeaderShape } from './compose-head.js';
import {
  BAT_ENTRY_BYTES,
  FOOTER_BYTES,
  MAX_COMPOSED_DISK_BYTES,
  MAX_FIXED_DISK_BYTES,
  SECTOR_BYTES,
  TYPE_DIFFERENCING,
  TYPE_DYNAMIC,
  TYPE_FIXED,
  bitmapBytes,
  viewOf,
} from './numbers.js';
import { isFixedDialect } from './vhd-head.js';

/** As Windows and QEMU make them. */
const VHD_BLOCK_BYTES = 2 * 1024 * 1024;
const GRANULE_BLOCKS = VHD_BLOCK_BYTES / BLOCK_BYTES;
const BITMAP_BYTES = bitmapBytes(VHD_BLOCK_BYTES);
/** Before each block: a hole, then its bitmap. Data so start on a page, as Windows has it on disks with sectors of 4 KiB. */
const PREFIX_BYTES = 4_096;
/** Copy of the footer, header, and the name of the parent. */
const STRUCTURE_BYTES = 8_192;
const BITMAP_BYTES_OF_GUEST_BLOCK = BLOCK_BYTES / SECTOR_BYTES / 8;

/** An increment of a fixed disk is a differencing file, so one of more than 2040 GiB has none; only its fulls are fixed. */
export function vhdTraits(dialect: Dialect, kind: RestorePointKind): ComposerTraits {
  const isFixed = isFixedDialect(dialect) && kind === 'full';
  return {
    kinds: ['full', 'increment'],
    parents: ['vhd'],
    parentSize: 'same',
    slotOrder: isFixed ? 'guest' : 'any',
    granuleBlocks: isFixed ? 1 : GRANULE_BLOCKS,
    zeros: 'stored',
    maxDiskBytes: isFixed ? MAX_FIXED_DISK_BYTES : MAX_COMPOSED_DISK_BYTES,
  };
}

/** A granule of slots is a block, with its bitmap before it. Of a fixed disk: the disk. */
export function placeVhdSlots(shape: FileShape): SlotPlacement {
  if (isFixedFull(shape)) return { headBytes: 0, groupSlots: 0, prefixBytes: 0 };
  return {
    headBytes: headBytes(shape),
    groupSlots: GRANULE_BLOCKS,
    prefixBytes: PREFIX_BYTES,
  };
}

function isFixedFull({ dialect, parent }: FileShape): boolean {
  return isFixedDialect(dialect) && parent === null;
}

function headBytes({ virtualSizeBytes }: FileShape): number {
  const tableBytes = tableEntries(virtualSizeBytes) * BAT_ENTRY_BYTES;
  return Math.ceil((STRUCTURE_BYTES + tableBytes) / BLOCK_BYTES) * BLOCK_BYTES;
}

function tableEntries(virtualSizeBytes: number): number {
  return Math.ceil(virtualSizeBytes / VHD_BLOCK_BYTES);
}

/** Writes all but the data of a VHD file: a dynamic one, a differencing one with a parent, or a fixed one where the dialect says so.
 *
 *  Layout of the first two: copy of the footer, header, name of the parent, table of blocks, blocks with their bitmaps, footer; of a fixed one:
 *  the disk, footer. A sector of a differencing file that the plan does not want has the bit 0, any other the bit 1, and every sector of a
 *  dynamic one. Every file is one of `win `, for which all readers take the size from the footer, not from its geometry.
 *  Write order: bitmaps and table, footer, sync, copy of the footer with the header, sync; so a file that was not finished has no magic at its
 *  start. A fixed one has it at its end alone, and a file without it is none.
 *  Memory: the table of blocks (4 MiB at most) and 64 KiB of the plan.
 *  @throws DISK_TOO_LARGE, IMAGE_LIMIT_EXCEEDED when the name of the parent is too long */
export async function composeVhd(
  sink: ByteSink,
  shape: FileShape,
  content: PlannedContent,
): Promise<{ sizeBytes: number }> {
  checkShape(shape);
  const { virtualSizeBytes } = shape;
  const uuid = shape.linkId ?? seededGuid(shape.seed, 'disk');
  if (isFixedFull(shape)) {
    await sink.truncate(virtualSizeBytes);
    await sink.write(
      composedFooter({ virtualSizeBytes, uuid, isOfFixed: false, type: TYPE_FIXED }),
      virtualSizeBytes,
    );
    await sink.sync();
    return { sizeBytes: virtualSizeBytes + FOOTER_BYTES };
  }
  const type = shape.parent === null ? TYPE_DYNAMIC : TYPE_DIFFERENCING;
  const footer = composedFooter({
    ...{ virtualSizeBytes, uuid, type },
    isOfFixed: isFixedDialect(shape.dialect),
  });
  const start = composedStart(footer, headerShape(shape), STRUCTURE_BYTES);
  const end = endOfSlots(shape);
  await sink.truncate(end);
  const { table, referred } = await writeBlocks(sink, shape, content);
  await refuseStraySlots(shape, content, referred);
  await sink.write(table, STRUCTURE_BYTES);
  await sink.write(footer, end);
  await sink.sync();
  await sink.write(start, 0);
  await sink.sync();
  return { sizeBytes: end + FOOTER_BYTES };
}

function headerShape({ parent, virtualSizeBytes }: FileShape): HeaderShape {
  const entries = tableEntries(virtualSizeBytes);
  return { parent, blockBytes: VHD_BLOCK_BYTES, entries, tableOffset: STRUCTURE_BYTES };
}

function checkShape(shape: FileShape): void {
  const { virtualSizeBytes } = shape;
  const isFixed = isFixedFull(shape);
  if (virtualSizeBytes % SECTOR_BYTES !== 0)
    throw new Error(`plan: disk of ${virtualSizeBytes} bytes, no multiple of ${SECTOR_BYTES}`);
  if (virtualSizeBytes > (isFixed ? MAX_FIXED_DISK_BYTES : MAX_COMPOSED_DISK_BYTES))
    throw new BackupError(
      'DISK_TOO_LARGE',
      `a disk of ${virtualSizeBytes} bytes is too large for a VHD (${isFixed ? 'fixed: 64 TiB' : '2040 GiB'})`,
      { details: { virtualSizeBytes } },
    );
}

function endOfSlots(shape: FileShape): number {
  const granules = Math.ceil(shape.slotCount / GRANULE_BLOCKS);
  return headBytes(shape) + granules * (PREFIX_BYTES + VHD_BLOCK_BYTES);
}

/** Writes the bitmap of every block that holds something.
 *  @returns the table of blocks, and how many slots they are made of */
async function writeBlocks(
  sink: ByteSink,
  shape: FileShape,
  content: PlannedContent,
): Promise<{ readonly table: Uint8Array; readonly referred: number }> {
  const placement = placeVhdSlots(shape);
  const table = new Uint8Array(tableEntries(shape.virtualSizeBytes) * BAT_ENTRY_BYTES).fill(0xff);
  const blocks = Math.ceil(shape.virtualSizeBytes / BLOCK_BYTES);
  const values = new Float64Array(MAP_BLOCKS);
  let referred = 0;
  const nextWindow = async (block: number): Promise<number> =>
    Math.floor((await content.nextMapped(block)) / MAP_BLOCKS) * MAP_BLOCKS;
  for (
    let first = await nextWindow(0);
    first < blocks;
    first = first + MAP_BLOCKS < blocks ? await nextWindow(first + MAP_BLOCKS) : blocks
  ) {
    const window = values.subarray(0, Math.min(MAP_BLOCKS, blocks - first));
    await content.mapBlocks(first, window);
    for (let at = 0; at < window.length; at += GRANULE_BLOCKS) {
      const granule = window.subarray(at, at + GRANULE_BLOCKS);
      const held = granule.findIndex((value) => value >= FIRST_SLOT);
      if (held < 0) continue;
      for (const value of granule) if (value >= FIRST_SLOT) referred++;
      const base = (granule[held] ?? NOT_STORED) - FIRST_SLOT - held;
      const bitmapAt = slotOffset(placement, base) - BITMAP_BYTES;
      await sink.write(bitmapOf(shape, granule), bitmapAt);
      const entry = ((first + at) / GRANULE_BLOCKS) * BAT_ENTRY_BYTES;
      viewOf(table).setUint32(entry, bitmapAt / SECTOR_BYTES);
    }
  }
  return { table, referred };
}

function bitmapOf({ parent }: FileShape, granule: Float64Array): Uint8Array {
  const bitmap = new Uint8Array(BITMAP_BYTES);
  if (parent === null) return bitmap.fill(0xff);
  for (const [index, value] of granule.entries())
    if (value >= FIRST_SLOT)
      bitmap.fill(
        0xff,
        index * BITMAP_BYTES_OF_GUEST_BLOCK,
        (index + 1) * BITMAP_BYTES_OF_GUEST_BLOCK,
      );
  return bitmap;
}
