import { firstFrom } from '../trees/first-from.js';
import { writtenAtMs } from '../names/named-date.js';
import type { TreeFile } from '../trees/tree-files.js';

/** A file of an area whose own time may be known to be wrong. */
export interface AreaFile extends TreeFile {
  /** When it was written. Absent: as the file says. */
  readonly rightMs?: number;
}

/** When the newest of some files was written. */
export function writtenMsOf(files: readonly AreaFile[]): number {
  return files.reduce((newest, file) => Math.max(newest, file.rightMs ?? writtenAtMs([file])), 0);
}

/** A control file. */
export interface Closing {
  readonly atMs: number;
  /** As its name says. Absent: `atMs` is. */
  readonly namedAtMs?: number;
  readonly file: TreeFile;
  readonly writtenMs: number;
}

/** Names have the local time of the database's machine, files the time of their storage: an autobackup has both. */
export interface Clock {
  /** What turns the time of a file into that of names, by the zone. */
  readonly namedMs: (writtenMs: number) => number;
  /** The same with the minutes by which the two clocks differ. */
  readonly exactMs: (writtenMs: number) => number;
  /** Whether files were written when names say: farther from it than any zone is, they were brought here later, without their times. */
  readonly isTrue: (writtenMs: number) => boolean;
  /** Most of its autobackups were not written when they say, by whatever zone. */
  readonly isBrought: boolean;
}

export function clockOfNames(autobackups: readonly Closing[]): Clock {
  const ordered = [...autobackups].sort((a, b) => a.writtenMs - b.writtenMs);
  const aheadMs = (writtenMs: number): number | null => {
    // The next one: the clock may have been put forward in spring since the last.
    const near = nextOf(ordered, writtenMs);
    const ms = near === undefined ? Infinity : near.writtenMs - near.atMs;
    return Math.abs(ms) > FARTHEST_ZONE_MS ? null : ms;
  };
  const brought = autobackups.filter((one) => !isWrittenAsNamed(one)).length;
  return {
    namedMs: (writtenMs) => writtenMs - zoneMs(aheadMs(writtenMs) ?? 0),
    exactMs: (writtenMs) => writtenMs - (aheadMs(writtenMs) ?? 0),
    isTrue: (writtenMs) => aheadMs(writtenMs) !== null,
    isBrought: brought > autobackups.length / 2,
  };
}

/** The first that was written at a time or later; the last one where none was.
 *  @param ordered by when they were written */
export function nextOf(ordered: readonly Closing[], writtenMs: number): Closing | undefined {
  return ordered[firstFrom(ordered, writtenMs, writtenMsOfClosing)] ?? ordered.at(-1);
}

const writtenMsOfClosing = ({ writtenMs }: Closing): number => writtenMs;

/** An autobackup is written within seconds of the time in its name, in some zone. Of those that were brought here later and without their times two of
 *  fifteen happen to look so. */
export function isWrittenAsNamed({ atMs, namedAtMs = atMs, writtenMs }: Closing): boolean {
  const ms = writtenMs - namedAtMs;
  return Math.abs(ms) <= FARTHEST_ZONE_MS && Math.abs(ms - zoneMs(ms)) <= AUTOBACKUP_MS;
}

export function zoneMs(aheadMs: number): number {
  return Math.round(aheadMs / ZONE_STEP_MS) * ZONE_STEP_MS;
}

const ZONE_STEP_MS = 15 * 60_000;
const FARTHEST_ZONE_MS = 14.25 * 60 * 60_000;
const AUTOBACKUP_MS = 60_000;
