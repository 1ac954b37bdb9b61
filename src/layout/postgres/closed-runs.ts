import { writtenAtMs } from '../names/named-date.js';
import type { TreeFile } from '../trees/tree-files.js';
import { placeOf, type WalRun, type WalSegment } from './wal-names.js';

interface StoredSegment {
  readonly file: TreeFile;
  readonly segment: WalSegment;
  /** Nothing tells its whole size. */
  readonly mayBeOpen: boolean;
}

/** Takes the compressed segments off the end of a run that were written just before the newest of all: in a busy archive one is always open. Where
 *  that are all of them the run is as it is.
 *  @param openMs how long one may still be written: nothing tells its whole size */
export function closedParts(
  stored: readonly StoredSegment[],
  perLog: number,
  openMs: number,
): (run: WalRun) => WalRun {
  const newestMs = stored.reduce((newest, { file }) => Math.max(newest, writtenAtMs([file])), 0);
  const ordered = [...stored].sort((a, b) => compareNames(a.segment.name, b.segment.name));
  const lastOf = new Map(ordered.map(({ segment }, index) => [segment.name, index]));
  return (run) => {
    for (let index = lastOf.get(run.last.name) ?? -1; index >= 0; index--) {
      const { file, segment, mayBeOpen } = ordered[index]!;
      if (segment.name < run.first.name) break;
      if (mayBeOpen && writtenAtMs([file]) > newestMs - openMs) continue;
      const count = placeOf(segment, perLog) - placeOf(run.first, perLog) + 1;
      return { ...run, last: segment, count };
    }
    return run;
  };
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
