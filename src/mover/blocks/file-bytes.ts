import { readFully, type ByteSink, type ByteSource } from '../../image/byte-source.js';
import { withRunBuffer } from '../../image/run-buffer.js';
import type { ReadableFile, WritableFile } from '../../repository/backup-repository.js';

/** A repository file as an image composer or merger reads and writes it. Its size follows the writes.
 *  @param afterSync what it throws ends the work: nothing is written that builds on what was synced */
export async function fileBytes(
  file: WritableFile,
  afterSync: () => Promise<void> = () => Promise.resolve(),
): Promise<ByteSource & ByteSink> {
  let { sizeBytes } = await file.stamp();
  return {
    label: file.path,
    get sizeBytes() {
      return sizeBytes;
    },
    read: (target, offset) => readFully(file, target, offset),
    async write(source, offset) {
      await file.write(source, offset);
      sizeBytes = Math.max(sizeBytes, offset + source.length);
    },
    async truncate(newSizeBytes) {
      await file.truncate(newSizeBytes);
      sizeBytes = newSizeBytes;
    },
    sync: () => file.sync().then(afterSync),
  };
}

/** Copies a file from its start to its end, over what `to` holds there.
 *  @param onPart gets what was read, part by part
 *  @returns its bytes */
export async function copyWhole(
  from: ReadableFile,
  to: WritableFile,
  onPart?: (part: Uint8Array) => void,
): Promise<number> {
  return withRunBuffer(async (part) => {
    for (let offset = 0; ;) {
      const count = await from.read(part, offset);
      onPart?.(part.subarray(0, count));
      await to.write(part.subarray(0, count), offset);
      offset += count;
      if (count < part.length) return offset;
    }
  });
}
