import type { FormatId } from '../../domain/sources/source-workload.js';
import type { ImageHead } from '../../image/disk-image.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { FolderFacts } from '../file-facts.js';
import { readImageHead, type FoundHead } from './image-head.js';
import { broken, incomplete, type Finding, type PointFault } from '../point-fault.js';

const SECTOR_BYTES = 512;

/** Why an image is no full that stands for itself; null: it is one, as far as its size, its head and its tables tell.
 *  @param beside as `readImageHead` takes it
 *  @param isDelta it lies in a package that says what it builds on, and has that, too */
export async function wholeImageFault(
  facts: FolderFacts,
  entry: RepositoryEntry,
  format: FormatId,
  beside: readonly RepositoryEntry[] = [],
  isDelta = false,
): Promise<PointFault | null> {
  if (entry.stamp.sizeBytes === 0) return incomplete(`${entry.path} is empty`).fault;
  if (format === 'raw') return rawFault(entry);
  return faultOfHead(entry, await readImageHead(facts, entry, format, beside), isDelta);
}

/** What `wholeImageFault` says of an image by its head. */
export function faultOfHead(
  entry: RepositoryEntry,
  head: Finding<FoundHead>,
  isDelta = false,
): PointFault | null {
  if ('fault' in head) return head.fault;
  const open = openFault(entry, head.value);
  if (open !== null) return open;
  if (head.value.parent === null || isDelta) return null;
  const parent = JSON.stringify(head.value.parent.name);
  return broken(
    `${entry.path} builds on ${parent}, and disks like this one are copied only when they stand for themselves; make one of both (qemu-img convert, Convert-VHD)`,
  ).fault;
}

/** Of an image that its tool has open, or that was open when its host stopped, by what stands in it: its time tells nothing, as Windows leaves that alone until a
 *  disk is closed. null: it is closed, or its format does not say.
 *  @param hasChildren images build on it by its id, which changes when it is mounted itself */
export function openFault(
  { path }: RepositoryEntry,
  { isOpen }: Pick<ImageHead, 'isOpen'>,
  hasChildren = false,
): PointFault | null {
  if (isOpen !== true) return null;
  const which = hasChildren
    ? '; mount the newest checkpoint that builds on it, never this disk itself: what builds on it would not fit any more'
    : '';
  return incomplete(
    `${path} is open, or was when its host stopped: its log is not empty; it is copied once it is closed, and if nothing has it open, Mount-VHD and Dismount-VHD write the log back${which}`,
  ).fault;
}

/** Where `rawFault` says that a file is cut off, and it may be something else. */
export const NO_WHOLE_DISK = 'it is no disk as it is, or the end of one is missing';

/** A disk is a whole number of sectors: any other file was cut off, or is still being written. */
export function rawFault({ path, stamp: { sizeBytes } }: RepositoryEntry): PointFault | null {
  if (sizeBytes % SECTOR_BYTES === 0) return null;
  return incomplete(`${path} has ${sizeBytes} bytes, which is no whole number of sectors`).fault;
}
