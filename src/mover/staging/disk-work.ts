import type { DiskWork } from '../../domain/disk-work.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { windowCountOf } from './copy-plan.js';
import { readCursor } from '../task/window-cursor.js';

export async function diskWork(
  target: BackupRepository,
  cursorPath: string,
  disk: string,
  blockCount: number,
): Promise<DiskWork> {
  const windowCount = windowCountOf(blockCount);
  const open = (await openWindows(target, cursorPath, 0, windowCount))[0];
  return { disk, blockCount, windowCount, firstOpenWindow: open ?? windowCount };
}

/** Numbers of the windows in `first … first + count - 1` that are not done. */
export async function openWindows(
  target: BackupRepository,
  cursorPath: string,
  first: number,
  count: number,
): Promise<number[]> {
  const windows = Array.from({ length: count }, (_, i) => first + i);
  if ((await target.stat(cursorPath)) === null) return windows;
  const cursor = await target.openRead(cursorPath);
  try {
    const done = await readCursor(cursor, first, count);
    return windows.filter((window) => done[window - first] === 0);
  } finally {
    await cursor.close();
  }
}
