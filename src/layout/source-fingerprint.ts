import { createHash } from 'node:crypto';
import type { SourceDisk, SourceFingerprint } from '../domain/restore-point.js';

/** Names the files of a restore point as they lie there, on top of what its parent's name covers: so the name of a point covers its whole
 *  chain at the price of its own files.
 *  @param disks sorted by disk
 *  @param parent null: the point builds on nothing */
export function sourceFingerprint(
  disks: readonly SourceDisk[],
  parent: SourceFingerprint | null,
): SourceFingerprint {
  return {
    byPath: digestOf([parent?.byPath ?? null, disks.map((file) => [...facts(file), file.path])]),
    byFile: digestOf([
      parent?.byFile ?? null,
      disks.map((file) => [...facts(file), file.stamp.inode]),
    ]),
  };
}

/** What changes with every write; the time of change cannot be set by anybody. */
function facts({ disk, stamp }: SourceDisk): unknown[] {
  return [disk, stamp.sizeBytes, stamp.modifiedAtNs, stamp.changedAtNs];
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
