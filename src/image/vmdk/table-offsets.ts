import type { ByteSource } from '../byte-source.js';
import { checkInside, imageFault } from '../image-fault.js';
import { PointerCollector, type PointerTable } from '../pointer-table.js';
import { lastNonZero } from '../zero-bytes.js';
import type { FileArea } from './grain-tables.js';
import { viewOf } from './vmdk-bytes.js';

const READ_BYTES = 1024 * 1024;

/** Byte offset of each grain table that a directory names; 0: none.
 *  @param decode byte offset of the table that an entry names; 0 for one of zeros; null: it breaks the rules of the format
 *  @throws IMAGE_CORRUPT, IMAGE_TRUNCATED */
export async function readTableOffsets(
  source: ByteSource,
  directory: Omit<FileArea, 'name'>,
  { entryBytes, tableBytes }: { readonly entryBytes: number; readonly tableBytes: number },
  decode: (view: DataView, at: number) => number | null,
): Promise<PointerTable> {
  const found = new PointerCollector();
  const buffer = new Uint8Array(Math.min(READ_BYTES, directory.bytes));
  const view = viewOf(buffer);
  for (let done = 0; done < directory.bytes; done += READ_BYTES) {
    const bytes = Math.min(READ_BYTES, directory.bytes - done);
    await source.read(buffer.subarray(0, bytes), directory.offset + done);
    const last = lastNonZero(buffer.subarray(0, bytes));
    for (let at = 0; at <= last; at += entryBytes) {
      const offset = decode(view, at);
      if (offset === 0) continue;
      const place = directory.offset + done + at;
      if (offset === null)
        throw imageFault(
          source,
          'IMAGE_CORRUPT',
          `directory entry at offset ${place} breaks the rules of the format`,
          { offset: place },
        );
      checkInside(source, 'a grain table', offset, tableBytes);
      found.add((done + at) / entryBytes, offset);
    }
  }
  return found.table(directory.bytes / entryBytes);
}
