import type { TreeFile } from '../tree-files.js';

/** A control file. */
export interface Closing {
  readonly atMs: number;
  readonly file: TreeFile;
  readonly writtenMs: number;
}

/** Names have the local time of the database's machine, files the time of their storage: an autobackup has both. */
export interface Clock {
  /** What turns the time of a file into that of names. */
  readonly namedMs: (writtenMs: number) => number;
  /** Whether files were written when names say: farther from it than any zone is, they were brought here later, without their times. */
  readonly isTrue: (writtenMs: number) => boolean;
}

export function clockOfNames(autobackups: readonly Closing[]): Clock {
  const ordered = [...autobackups].sort((a, b) => a.writtenMs - b.writtenMs);
  const aheadMs = (writtenMs: number): number | null => {
    // The next one: the clock may have been put forward in spring since the last.
    const near = ordered.find((one) => one.writtenMs >= writtenMs) ?? ordered.at(-1);
    const ms = near === undefined ? Infinity : near.writtenMs - near.atMs;
    return Math.abs(ms) > FARTHEST_ZONE_MS ? null : Math.round(ms / ZONE_STEP_MS) * ZONE_STEP_MS;
  };
  return {
    namedMs: (writtenMs) => writtenMs - (aheadMs(writtenMs) ?? 0),
    isTrue: (writtenMs) => aheadMs(writtenMs) !== null,
  };
}

const ZONE_STEP_MS = 15 * 60_000;
const FARTHEST_ZONE_MS = 14.25 * 60 * 60_000;
