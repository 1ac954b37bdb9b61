import { hash } from 'node:crypto';
import { digestEntryOffset } from '../../chain/digest-table.js';
import type { DiskWork } from '../../domain/disk-work.js';
import { DIGEST_BYTES, WINDOW_BLOCKS } from '../../domain/digest.js';
import type {
  BackupRepository,
  ReadableFile,
  WritableFile,
} from '../../repository/backup-repository.js';
import { withOpenFiles } from '../task/open-files.js';
import { stagedPath, windowCountOf, type DiskPlan } from './copy-plan.js';

/** The durable cursor of a copy: for each window a seal, the SHA-256 of the window's entries in the digest table. It is written after the
 *  window's data were synced, and counts only while the entries are there to match it. So one sync for each window is enough: after a
 *  power cut that took entries away, or tore the seal, the window is copied again. */
const SEAL_BYTES = 32;

/** @param entries the window's digests, without what lies behind the disk's last slot */
export function sealOf(entries: Uint8Array): Buffer {
  return hash('sha256', entries, 'buffer');
}

export async function writeSeal(cursor: WritableFile, window: number, seal: Buffer): Promise<void> {
  await cursor.write(seal, window * SEAL_BYTES);
}

/** What is left of the copy of a disk. */
export async function copyWork(
  target: BackupRepository,
  staging: string,
  { disk, slotCount }: Pick<DiskPlan, 'disk' | 'slotCount'>,
): Promise<DiskWork> {
  const windowCount = windowCountOf(slotCount);
  const open = (await openCopyWindows(target, staging, { disk, slotCount }, 0, windowCount))[0];
  return { disk, blockCount: slotCount, windowCount, firstOpenWindow: open ?? windowCount };
}

/** Numbers of the windows in `first … first + count - 1` that are not copied: none once the file is composed, whose parts may have their
 *  final names by then. */
export async function openCopyWindows(
  target: BackupRepository,
  staging: string,
  { disk, slotCount }: Pick<DiskPlan, 'disk' | 'slotCount'>,
  first: number,
  count: number,
): Promise<number[]> {
  if ((await target.stat(stagedPath.composed(staging))) !== null) return [];
  const windows = Array.from({ length: count }, (_, i) => first + i);
  const paths = [stagedPath.cursor(staging, disk), stagedPath.digests(staging, disk)] as const;
  for (const path of paths) if ((await target.stat(path)) === null) return windows;
  return withOpenFiles(async (files) => {
    const cursor = files.add(await target.openRead(paths[0]));
    const table = files.add(await target.openRead(paths[1]));
    const open: number[] = [];
    for (const window of windows)
      if (!(await isSealed(cursor, table, window, slotCount))) open.push(window);
    return open;
  });
}

async function isSealed(
  cursor: ReadableFile,
  table: ReadableFile,
  window: number,
  slotCount: number,
): Promise<boolean> {
  const seal = Buffer.alloc(SEAL_BYTES);
  if ((await cursor.read(seal, window * SEAL_BYTES)) < SEAL_BYTES) return false;
  const firstSlot = window * WINDOW_BLOCKS;
  const entries = Buffer.alloc(Math.min(WINDOW_BLOCKS, slotCount - firstSlot) * DIGEST_BYTES);
  await table.read(entries, digestEntryOffset(1 + firstSlot));
  return sealOf(entries).equals(seal);
}
