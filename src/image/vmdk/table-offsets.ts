import type { ByteSource } from '../byte-source.js';
import { checkInside, imageFault } from '../image-fault.js';
import type { FileArea } from './grain-tables.js';
import { viewOf } from './vmdk-bytes.js';

const READ_BYTES = 1024 * 1024;

/** Byte offset of each grain table that a directory names; 0: none.
 *  @param decode byte offset of the table that an entry names; null: it breaks the rules of the format
 *  @throws IMAGE_CORRUPT, IMAGE_TRUNCATED */
export async function readTableOffsets(
  source: ByteSource,
  directory: Omit<FileArea, 'name'>,
  { entryBytes, tableBytes }: { readonly entryBytes: number; readonly tableBytes: number },
  decode: (view: DataView, at: number) => number | null,
): Promise<Float64Array> {
  const tables = new Float64Array(directory.bytes / entryBytes);
  const buffer = new Uint8Array(Math.min(READ_BYTES, directory.bytes));
  const view = viewOf(buffer);
  for (let done = 0; done < directory.bytes; done += READ_BYTES) {
    const bytes = Math.min(READ_BYTES, directory.bytes - done);
    await source.read(buffer.subarray(0, bytes), directory.offset + done);
    for (let at = 0; at < bytes; at += entryBytes) {
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
      tables[(done + at) / entryBytes] = offset;
    }
  }
  return tables;
}
