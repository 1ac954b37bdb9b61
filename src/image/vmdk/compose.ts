import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import type { SlotPlacement } from '../../domain/targets/slot-placement.js';
import type { ByteSink } from '../byte-source.js';
import {
  FIRST_SLOT,
  NOT_STORED,
  STORED_ZEROS,
  type FileShape,
  type PlannedContent,
} from '../image-format.js';
import { refuseStraySlots } from '../stray-slots.js';
import { writeDescriptor } from './write-descriptor.js';
import { ENTRIES_PER_TABLE, FLAG_NEWLINES, FLAG_SPARE_TABLES, NEWLINES } from './sparse-header.js';
import { SECTOR_BYTES, setU64, SPARSE_MAGIC, viewOf } from './vmdk-bytes.js';

const GRAIN_BYTES = BLOCK_BYTES;
const GRAIN_SECTORS = GRAIN_BYTES / SECTOR_BYTES;
const ENTRY_BYTES = 4;
const TABLE_BYTES = ENTRIES_PER_TABLE * ENTRY_BYTES;
const TABLE_SECTORS = TABLE_BYTES / SECTOR_BYTES;
const TABLE_SPAN_BYTES = ENTRIES_PER_TABLE * GRAIN_BYTES;
/** As every tool leaves for it. */
const DESCRIPTOR_SECTORS = 20;
/** Header and descriptor, up to the first grain. */
const HEAD_BYTES = GRAIN_BYTES;
/** Tables name sectors with 32 bits: 2 TiB of a file. */
const MAX_FILE_SECTORS = 2 ** 32;
/** Largest disk that a composed file describes, the largest that vSphere knows: 62 TiB. */
export const MAX_COMPOSED_DISK_BYTES = 62 * 2 ** 40;

/** Header and descriptor, then the slots.
 *  @throws IMAGE_LIMIT_EXCEEDED when so many slots are beyond what the format can address */
export function placeVmdkSlots({ virtualSizeBytes, slotCount }: FileShape): SlotPlacement {
  const tailSectors =
    2 * (tableCount(virtualSizeBytes) * TABLE_SECTORS + directorySectors(virtualSizeBytes));
  const sectors = (1 + slotCount) * GRAIN_SECTORS + tailSectors;
  if (sectors > MAX_FILE_SECTORS)
    throw new BackupError(
      'IMAGE_LIMIT_EXCEEDED',
      `${slotCount * BLOCK_BYTES} bytes of data are beyond what a sparse VMDK can address (2 TiB)`,
      { details: { virtualSizeBytes, slotCount } },
    );
  return { headBytes: HEAD_BYTES, groupSlots: 0, prefixBytes: 0 };
}

/** Writes tables, descriptor and header of a monolithicSparse disk around grains that are in the file already.
 *
 *  Layout: header sector, 20 sectors of descriptor, data slots from 64 KiB on, grain tables (only those with an entry, each with its second copy
 *  behind it), grain directory, second grain directory. Zeros of a full have no grain; those of an increment have one, a hole in the file: version 2
 *  could mark them, but libvmdk (20200926) then shows the descriptor in their place.
 *  Write order: everything behind the slots, end of the file, sync, head, sync; so a file that was not finished has no magic. The result depends
 *  on the arguments alone. Memory: both directories (4 bytes per 32 MiB of disk each) and a table.
 *  @throws DISK_TOO_LARGE, IMAGE_LIMIT_EXCEEDED */
export async function composeVmdk(
  sink: ByteSink,
  shape: FileShape,
  content: PlannedContent,
): Promise<{ sizeBytes: number }> {
  const { virtualSizeBytes } = shape;
  if (virtualSizeBytes > MAX_COMPOSED_DISK_BYTES)
    throw new BackupError(
      'DISK_TOO_LARGE',
      `a disk of ${virtualSizeBytes} bytes is too large for VMDK (62 TiB)`,
      { details: { virtualSizeBytes } },
    );
  placeVmdkSlots(shape);
  const descriptor = writeDescriptor(shape, DESCRIPTOR_SECTORS * SECTOR_BYTES);
  const directoryBytes = directorySectors(virtualSizeBytes) * SECTOR_BYTES;
  const directory = new Uint8Array(directoryBytes);
  const spare = new Uint8Array(directoryBytes);
  const { tablesEnd, referred } = await writeTables(
    sink,
    shape,
    content,
    viewOf(directory),
    viewOf(spare),
  );
  await refuseStraySlots(shape, content, referred);
  await sink.write(directory, tablesEnd);
  await sink.write(spare, tablesEnd + directoryBytes);
  const sizeBytes = tablesEnd + 2 * directoryBytes;
  await sink.truncate(sizeBytes);
  await sink.sync();
  const head = new Uint8Array(HEAD_BYTES);
  head.set(headerSector(shape, tablesEnd, tablesEnd + directoryBytes));
  head.set(descriptor, SECTOR_BYTES);
  await sink.write(head, 0);
  await sink.sync();
  return { sizeBytes };
}

/** @returns where they end in the file, and how many slots they name */
async function writeTables(
  sink: ByteSink,
  { virtualSizeBytes, slotCount, parent }: FileShape,
  content: PlannedContent,
  directory: DataView,
  spare: DataView,
): Promise<{ readonly tablesEnd: number; readonly referred: number }> {
  const blocks = new Float64Array(ENTRIES_PER_TABLE);
  const pair = new Uint8Array(2 * TABLE_BYTES);
  const view = viewOf(pair);
  const endBlock = Math.ceil(virtualSizeBytes / BLOCK_BYTES);
  const nextTable = async (block: number): Promise<number> =>
    Math.floor((await content.nextMapped(block)) / ENTRIES_PER_TABLE) * ENTRIES_PER_TABLE;
  let offset = (1 + slotCount) * GRAIN_BYTES;
  let referred = 0;
  for (
    let first = await nextTable(0);
    first < endBlock;
    first = await nextTable(first + ENTRIES_PER_TABLE)
  ) {
    const window = blocks.subarray(0, endBlock - first);
    await content.mapBlocks(first, window);
    pair.fill(0);
    let entries = 0;
    for (const [index, value] of window.entries()) {
      if (value === STORED_ZEROS && parent !== null)
        throw new Error(`plan: zeros without a slot at block ${first + index} of an increment`);
      if (value === NOT_STORED || value === STORED_ZEROS) continue; // a full has nothing below
      entries += 1;
      view.setUint32(index * ENTRY_BYTES, (1 + value - FIRST_SLOT) * GRAIN_SECTORS, true);
    }
    if (entries === 0) continue;
    referred += entries;
    pair.copyWithin(TABLE_BYTES, 0, TABLE_BYTES);
    await sink.write(pair, offset);
    const at = (first / ENTRIES_PER_TABLE) * ENTRY_BYTES;
    directory.setUint32(at, offset / SECTOR_BYTES, true);
    spare.setUint32(at, offset / SECTOR_BYTES + TABLE_SECTORS, true);
    offset += pair.length;
  }
  return { tablesEnd: offset, referred };
}

function headerSector(shape: FileShape, directory: number, spare: number): Uint8Array {
  const sector = new Uint8Array(SECTOR_BYTES);
  const view = viewOf(sector);
  view.setUint32(0, SPARSE_MAGIC, true);
  view.setUint32(4, 1, true);
  view.setUint32(8, FLAG_NEWLINES | FLAG_SPARE_TABLES, true);
  setU64(view, 12, shape.virtualSizeBytes / SECTOR_BYTES);
  setU64(view, 20, GRAIN_SECTORS);
  setU64(view, 28, 1);
  setU64(view, 36, DESCRIPTOR_SECTORS);
  view.setUint32(44, ENTRIES_PER_TABLE, true);
  setU64(view, 48, spare / SECTOR_BYTES);
  setU64(view, 56, directory / SECTOR_BYTES);
  setU64(view, 64, HEAD_BYTES / SECTOR_BYTES);
  sector.set(NEWLINES, 73);
  return sector;
}

function tableCount(virtualSizeBytes: number): number {
  return Math.ceil(virtualSizeBytes / TABLE_SPAN_BYTES);
}

function directorySectors(virtualSizeBytes: number): number {
  return Math.ceil((tableCount(virtualSizeBytes) * ENTRY_BYTES) / SECTOR_BYTES);
}
