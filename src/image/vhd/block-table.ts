import type { ByteSource } from '../byte-source.js';
import { checkInside, imageFault } from '../image-fault.js';
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

/** First sector of each block, its bitmap; BAT_FREE: the block is not in this file. At most 32 MiB.
 *  @throws IMAGE_CORRUPT when blocks overlap each other or the structures of the file; IMAGE_TRUNCATED */
export async function readBlockTable(
  source: ByteSource,
  footer: VhdFooter,
  header: VhdHeader,
): Promise<Uint32Array> {
  const { entries, tableOffset } = header;
  const table = new Uint32Array(entries);
  const tableBytes = entries * BAT_ENTRY_BYTES;
  const buffer = new Uint8Array(Math.min(READ_BYTES, tableBytes));
  for (let done = 0; done < tableBytes; done += READ_BYTES) {
    const part = buffer.subarray(0, Math.min(READ_BYTES, tableBytes - done));
    await source.read(part, tableOffset + done);
    const view = viewOf(part);
    for (let at = 0; at < part.length; at += BAT_ENTRY_BYTES)
      table[(done + at) / BAT_ENTRY_BYTES] = view.getUint32(at);
  }
  checkPlaces(source, footer, header, table);
  return table;
}

function checkPlaces(
  source: ByteSource,
  footer: VhdFooter,
  header: VhdHeader,
  table: Uint32Array,
): void {
  const { blockBytes, tableOffset, entries } = header;
  const headBytes = bitmapBytes(blockBytes);
  const areas = [
    [0, FOOTER_BYTES],
    [footer.dataOffset, HEADER_BYTES],
    [tableOffset, entries * BAT_ENTRY_BYTES],
  ] as const;
  for (const [block, sector] of table.entries()) {
    if (sector === BAT_FREE) continue;
    const offset = sector * SECTOR_BYTES;
    const diskBytes = footer.virtualSizeBytes - block * blockBytes;
    const usedBytes = headBytes + Math.min(blockBytes, diskBytes);
    checkInside(source, `block ${block}`, offset, usedBytes);
    if (offset + usedBytes > footer.contentBytes)
      throw overlap(source, block, tableOffset, 'the footer');
    for (const [from, bytes] of areas)
      if (offset < from + bytes && offset + usedBytes > from)
        throw overlap(source, block, tableOffset, 'a structure of the file');
  }
  const sorted = Uint32Array.from(table).sort();
  const blockSectors = (headBytes + blockBytes) / SECTOR_BYTES;
  for (let index = 1; index < sorted.length; index++) {
    const sector = sorted[index] ?? BAT_FREE;
    if (sector !== BAT_FREE && sector < (sorted[index - 1] ?? 0) + blockSectors)
      throw overlap(source, table.indexOf(sector), tableOffset, 'another block');
  }
}

function overlap(source: ByteSource, block: number, tableOffset: number, what: string): Error {
  return imageFault(source, 'IMAGE_CORRUPT', `block ${block} overlaps ${what}`, {
    offset: tableOffset + block * BAT_ENTRY_BYTES,
  });
}
