import { createHash } from 'node:crypto';
import type { SourceDisk, SourceFingerprint } from '../../domain/sources/source-workload.js';
import { filesOfDisk, type StampedFile } from '../../domain/sources/source-files.js';

/** Names the files of a restore point as they lie there, on top of what its parent's name covers: so the name of a point covers its whole
 *  chain at the price of its own files.
 *  @param disks sorted by disk
 *  @param parent null: the point builds on nothing */
export function sourceFingerprint(
  disks: readonly SourceDisk[],
  parent: SourceFingerprint | null,
): SourceFingerprint {
  return {
    byPath: digestOf([parent?.byPath ?? null, facts(disks, ({ path }) => path)]),
    byFile: digestOf([parent?.byFile ?? null, facts(disks, ({ stamp }) => stamp.inode)]),
  };
}

/** What changes with every write; the time of change cannot be set by anybody.
 *  @param name what a file is known by */
function facts(disks: readonly SourceDisk[], name: (file: StampedFile) => string): unknown[] {
  return disks.flatMap((disk) =>
    filesOfDisk(disk).map((file) => {
      const { sizeBytes, modifiedAtNs, changedAtNs } = file.stamp;
      return [disk.disk, sizeBytes, modifiedAtNs, changedAtNs, name(file)];
    }),
  );
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
