import type { FileStamp } from '../file-stamp.js';
import type { SourceDisk } from './source-workload.js';

/** A file, and what it looked like. */
export interface StampedFile {
  readonly path: string;
  readonly stamp: FileStamp;
}

/** All files that show a disk at its restore point and belong to that point: its image first, its extents, then what lies below it there. */
export function filesOfDisk(disk: SourceDisk): StampedFile[] {
  return [disk, ...(disk.below ?? [])].flatMap((image) => [image, ...(image.extents ?? [])]);
}
