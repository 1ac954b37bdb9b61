import type { ReadableFile, WritableFile } from '../../repository/backup-repository.js';

/** The durable cursor of work done in windows: a file with one byte a window, 1 = its data are durable. Windows finish in any order;
 *  each byte is written only after the data it vouches for were synced, so it can be behind, never ahead. */
export async function readCursor(
  file: ReadableFile,
  first: number,
  count: number,
): Promise<Uint8Array> {
  const done = new Uint8Array(count);
  await file.read(done, first);
  return done;
}

export async function markDone(file: WritableFile, window: number): Promise<void> {
  await file.write(DONE, window);
}

const DONE = Uint8Array.of(1);
