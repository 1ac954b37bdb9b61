import { createHash } from 'node:crypto';
import type { ReadableFile } from '../../repository/backup-repository.js';

/** SHA-256 of a whole file, as lower-case hex. */
export async function hashFile(file: ReadableFile): Promise<string> {
  const hash = createHash('sha256');
  const part = Buffer.alloc(1024 * 1024);
  for (let offset = 0; ;) {
    const count = await file.read(part, offset);
    hash.update(part.subarray(0, count));
    offset += count;
    if (count < part.length) return hash.digest('hex');
  }
}
