import type { PointEvidence } from '../domain/sources/point-state.js';
import type { RepositoryEntry } from '../repository/backup-repository.js';

/** What the files of a restore point tell about whether it is still being written.
 *  @param files everything that the tool writes for this point alone, but its closing record
 *  @param closingRecord `silent`: the tool leaves none; null: it is not there yet. One that is older than a file says nothing about it: that
 *  file was written, or brought here, afterwards. */
export function pointEvidence(
  files: readonly RepositoryEntry[],
  closingRecord: RepositoryEntry | null | 'silent',
): PointEvidence {
  const changedMs = newestChangeMs(files);
  const recordMs =
    closingRecord === 'silent' || closingRecord === null ? 0 : newestChangeMs([closingRecord]);
  return {
    closing:
      closingRecord === null
        ? 'awaited'
        : recordMs > 0 && recordMs >= changedMs
          ? 'closed'
          : 'silent',
    changedAtMs: Math.max(changedMs, recordMs),
    files: files
      .map(({ name, stamp }) =>
        [name, stamp.sizeBytes, stamp.modifiedAtNs, stamp.changedAtNs].join(':'),
      )
      .sort()
      .join('/'),
  };
}

/** A file that was brought here with its old modification time shows by its change time when that was. */
function newestChangeMs(files: readonly RepositoryEntry[]): number {
  // A point may have more files than a call takes arguments.
  return files
    .flatMap(({ stamp }) => [stamp.modifiedAtNs, stamp.changedAtNs])
    .reduce((newest, ns) => Math.max(newest, Number(BigInt(ns) / NS_PER_MS)), 0);
}

const NS_PER_MS = 1_000_000n;
