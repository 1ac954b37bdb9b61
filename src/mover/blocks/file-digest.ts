import { createHash } from 'node:crypto';
import { withRunBuffer } from '../../image/run-buffer.js';
import type { ReadableFile } from '../../repository/backup-repository.js';
import type { TaskControl } from '../task/task-control.js';

/** SHA-256 of a whole file, as lower-case hex. A digest table has half a gigabyte for each terabyte of its file: the task can be stopped
 *  between its megabytes. */
export async function hashFile(file: ReadableFile, control: TaskControl): Promise<string> {
  const hash = createHash('sha256');
  return withRunBuffer(async (part) => {
    for (let offset = 0; ;) {
      control.throwIfStopped();
      const count = await file.read(part, offset);
      hash.update(part.subarray(0, count));
      offset += count;
      if (count < part.length) return hash.digest('hex');
    }
  });
}
