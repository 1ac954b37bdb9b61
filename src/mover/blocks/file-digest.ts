import { createHash } from 'node:crypto';
import { withRunBuffer } from '../../image/run-buffer.js';
import type { ReadableFile, SourceRepository } from '../../repository/backup-repository.js';
import { withOpenFiles } from '../task/open-files.js';
import type { TaskControl } from '../task/task-control.js';

/** SHA-256 of a whole file, or of as much of it, as lower-case hex. A digest table has half a gigabyte for each terabyte of its file: the task can be stopped
 *  between its megabytes. */
export async function hashFile(
  file: ReadableFile,
  control: TaskControl,
  sizeBytes = Infinity,
): Promise<string> {
  const hash = createHash('sha256');
  return withRunBuffer(async (part) => {
    for (let offset = 0; offset < sizeBytes;) {
      control.throwIfStopped();
      const wanted = part.subarray(0, sizeBytes - offset);
      const count = await file.read(wanted, offset);
      hash.update(wanted.subarray(0, count));
      offset += count;
      if (count < wanted.length) break;
    }
    return hash.digest('hex');
  });
}

/** The same of a file that is not open. */
export async function contentDigest(
  control: TaskControl,
  repository: SourceRepository,
  path: string,
  sizeBytes = Infinity,
): Promise<string> {
  return withOpenFiles(async (files) =>
    hashFile(files.add(await repository.openRead(path)), control, sizeBytes),
  );
}
