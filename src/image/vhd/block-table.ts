import type { ByteSource } from '../byte-source.js';
import { checkInside, imageFault } from '../image-fault.js';
import { PointerCollector, type PointerTable } from '../pointer-table.js';
import {
  BAT_ENTRY_BYTES,
  BAT_FREE,
  FOOTER_BYTES,
  HEADER_BYTES,
  SECTOR_BYTES,
  bitmapBytes,
  viewOf,
} from './numbers.js';
import type { VhdFooter } from './footer.js';
import type { VhdHeader } from './header.js';

const READ_BYTES = 1024 * 1024;
/** Compared at once: most of the table of an increment is free. */
const FREE_PIECE = Buffer.alloc(4_096, 0xff);

/** First sector of each block, its bitmap; 0: the block is not in this file. At most 32 MiB.
 *  @throws IMAGE_CORRUPT when blocks overlap each other or the structures of the file; IMAGE_TRUNCATED */
export async function readBlockTable(
  source: ByteSource,
  footer: VhdFooter,
  header: VhdHeader,
): Promise<PointerTable> {
  const { entries, tableOffset } = header;
  const found = new PointerCollector('sectors');
  const checkPlace = placeCheck(source, footer, header);
  const tableBytes = entries * BAT_ENTRY_BYTES;
  const buffer = new Uint8Array(Math.min(READ_BYTES, tableBytes));
  for (let done = 0; done < tableBytes; done += READ_BYTES) {
    const part = buffer.subarray(0, Math.min(READ_BYTES, tableBytes - done));
    await source.read(part, tableOffset + done);
    const view = viewOf(part);
    for (let at = 0; (at = behindFreePieces(part, at)) < part.length; at += BAT_ENTRY_BYTES) {
      const sector = view.getUint32(at);
      if (sector === BAT_FREE) continue;
      const block = (done + at) / BAT_ENTRY_BYTES;
      checkPlace(block, sector); // refuses sector 0, too: there is the copy of the footer
      found.add(block, sector);
    }
  }
  const table = found.table(entries);
  checkApart(source, header, table);
  return table;
}

/** From `at` on, as far as whole pieces of the part are free. */
function behindFreePieces(part: Uint8Array, at: number): number {
  const { length } = FREE_PIECE;
  let next = at;
  while (next % length === 0 && FREE_PIECE.equals(part.subarray(next, next + length)))
    next += length;
  return next;
}

/** Refuses a block that lies where the file has something else, or nothing. */
function placeCheck(
  source: ByteSource,
  footer: VhdFooter,
  { blockBytes, tableOffset, entries }: VhdHeader,
): (block: number, sector: number) => void {
  const headBytes = bitmapBytes(blockBytes);
  const areas = [
    [0, FOOTER_BYTES],
    [footer.dataOffset, HEADER_BYTES],
    [tableOffset, entries * BAT_ENTRY_BYTES],
  ] as const;
  return (block, sector) => {
    const offset = sector * SECTOR_BYTES;
    const diskBytes = footer.virtualSizeBytes - block * blockBytes;
    const usedBytes = headBytes + Math.min(blockBytes, diskBytes);
    checkInside(source, `block ${block}`, offset, usedBytes);
    if (offset + usedBytes > footer.contentBytes)
      throw overlap(source, block, tableOffset, 'the footer');
    for (const [from, bytes] of areas)
      if (offset < from + bytes && offset + usedBytes > from)
        throw overlap(source, block, tableOffset, 'a structure of the file');
  };
}

function checkApart(
  source: ByteSource,
  { blockBytes, tableOffset }: VhdHeader,
  table: PointerTable,
): void {
  const sorted = table.sortedOffsets();
  const blockSectors = (bitmapBytes(blockBytes) + blockBytes) / SECTOR_BYTES;
  for (const [place, sector] of sorted.entries()) {
    if (place === 0 || sector >= (sorted[place - 1] ?? 0) + blockSectors) continue;
    for (const [block, other] of table.entries())
      if (other === sector) throw overlap(source, block, tableOffset, 'another block');
  }
}

function overlap(source: ByteSource, block: number, tableOffset: number, what: string): Error {
  return imageFault(source, 'IMAGE_CORRUPT', `block ${block} overlaps ${what}`, {
    offset: tableOffset + block * BAT_ENTRY_BYTES,
  });
}
