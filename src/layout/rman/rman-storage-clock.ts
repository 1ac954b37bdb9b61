import { LONGEST_BACKUP_MS } from '../../domain/trees/needed-points.js';
import { firstFrom } from '../trees/first-from.js';
import { writtenMsOf, type AreaFile, type Closing } from './rman-clock.js';
import { dayOf, autobackupAtMs, parseArchivedLog, parseOmfPiece } from './rman-names.js';

/** Autobackups that were written while the clock of the storage was wrong. */
interface WrongTimes {
  readonly stretch: readonly Closing[];
  /** By how much it was ahead. */
  readonly aheadMs: number;
  /** What turns right times of files into those of names. */
  readonly zoneMs: number;
  /** All that there are. */
  readonly autobackups: readonly Closing[];
  /** Those of them that were written by a right clock, oldest first. */
  readonly right: readonly Closing[];
}

/** The files with the times that those of the stretch had by a right clock. Which these are the autobackup tells that follows a piece by its name; and of archived logs the day of the folder, and
 *  the order of their numbers. */
export function withRightTimes(files: readonly AreaFile[], wrong: WrongTimes): AreaFile[] {
  const logs = movedLogs(files, wrong);
  const isMoved = movedPiece(wrong);
  return files.map((file) =>
    logs.has(file) || isMoved(file)
      ? { ...file, rightMs: writtenMsOf([file]) - wrong.aheadMs }
      : file,
  );
}

function movedPiece(wrong: WrongTimes): (file: AreaFile) => boolean {
  const { stretch, aheadMs, zoneMs } = wrong;
  const own = new Set(stretch.map(({ file }) => file.within));
  const byName = [...wrong.autobackups].sort((a, b) => a.atMs - b.atMs);
  const byTime = [...wrong.autobackups].sort((a, b) => a.writtenMs - b.writtenMs);
  const isOwn = (next: Closing | undefined): boolean =>
    next !== undefined && own.has(next.file.within);
  return (file) => {
    if (autobackupAtMs(file.name) !== null) return own.has(file.within);
    const piece = parseOmfPiece(file.name);
    if (piece === null) return false;
    const writtenMs = writtenMsOf([file]);
    const { tagAtMs } = piece;
    if (tagAtMs === null) return isOwn(byTime[firstFrom(byTime, writtenMs, msOf)]);
    const fits = (ms: number): boolean =>
      ms - zoneMs >= tagAtMs - CLOCKS_MS && ms - zoneMs <= tagAtMs + LONGEST_BACKUP_MS;
    const [asItIs, moved] = [fits(writtenMs), fits(writtenMs - aheadMs)];
    return asItIs && moved ? isOwn(byName[firstFrom(byName, tagAtMs, (one) => one.atMs)]) : moved;
  };
}

/** Of each thread the numbers rise with the times: a log is of the stretch when its time would lie before that of the log before it otherwise (where the clock was behind, after that of the log behind it).
 *  What lies beyond the right autobackups before and behind the stretch was written by a right clock. */
function movedLogs(files: readonly AreaFile[], wrong: WrongTimes): Set<AreaFile> {
  const { aheadMs, zoneMs } = wrong;
  const mayBeWrong = betweenRightOnes(wrong);
  // From the oldest number up, or from the newest down: where all times have the other sign, what was written last is the first.
  const way = Math.sign(aheadMs);
  const moved = new Set<AreaFile>();
  const lastMs = new Map<number, number>();
  const logs = files.flatMap((file) => {
    const log = parseArchivedLog(file.name);
    return log === null ? [] : [{ ...log, file, ms: writtenMsOf([file]) }];
  });
  const inOrder = logs.sort((a, b) => way * (a.sequence - b.sequence || a.ms - b.ms));
  for (const { thread, file, ms } of inOrder) {
    const beforeMs = lastMs.get(thread);
    const ways = (mayBeWrong(ms) ? [ms, ms - aheadMs] : [ms]).filter((one) =>
      isOfFolder(file, one - zoneMs),
    );
    const later = ways.filter(
      (one) => beforeMs === undefined || way * (one - beforeMs) >= -CLOCKS_MS,
    );
    // Of the first one nothing but the day tells.
    const rightMs =
      beforeMs === undefined
        ? (ways[0] ?? ms)
        : way * Math.min(...(later.length > 0 ? later : [ms]).map((one) => way * one));
    if (rightMs === ms - aheadMs) moved.add(file);
    lastMs.set(thread, way * Math.max(way * (beforeMs ?? rightMs), way * rightMs));
  }
  return moved;
}

/** Tells whether a file may have been written by the wrong clock, by its own time. */
function betweenRightOnes({ stretch, right }: WrongTimes): (ms: number) => boolean {
  const times = stretch.map(({ writtenMs }) => writtenMs);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const [before, behind] = [firstFrom(right, first, msOf) - 1, firstFrom(right, last, msOf)];
  const fromMs = right[before]?.writtenMs ?? -Infinity;
  const toMs = right[behind]?.writtenMs ?? Infinity;
  return (ms) => ms > fromMs && ms < toMs;
}

const msOf = ({ writtenMs }: Closing): number => writtenMs;

function isOfFolder(file: AreaFile, namedMs: number): boolean {
  const day = dayOf(file);
  return day === '' || new Date(namedMs).toISOString().slice(0, 10).replaceAll('-', '_') === day;
}

/** Several processes archive at once, and clocks differ. */
const CLOCKS_MS = 15 * 60_000;
