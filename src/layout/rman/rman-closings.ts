import { LONGEST_BACKUP_MS, WEEKS_MS } from '../../domain/trees/needed-points.js';
import { isTooSmall, tooSmallText } from '../trees/database-rules.js';
import type { TreeFile } from '../trees/tree-files.js';
import { isWrittenAsNamed, writtenMsOf, type Clock, type Closing } from './rman-clock.js';
import { autobackupAtMs, parseOmfPiece, type PieceKind } from './rman-names.js';
import type { Run } from './rman-runs.js';

/** A run of which is known whether it has ended. */
export interface JudgedRun extends Run {
  /** The control file that knows of all of it. null: it runs, or has died. */
  readonly closing: Closing | null;
  /** Why there is none; null: there is. */
  readonly reason: string | null;
  /** Pieces of runs that had died before it. Those that were finished RMAN knows and uses: it does not make them again (`NOT BACKED UP`), and a level 1
   *  holds what changed since them. The control file behind this run lists them. None where no control file is. */
  readonly inherited: readonly TreeFile[];
  /** Its own kind, and those of the runs whose pieces it has. */
  readonly kinds: ReadonlySet<PieceKind>;
}

interface Dead {
  readonly kind: PieceKind;
  readonly files: readonly TreeFile[];
  readonly bytes: number;
  readonly endedMs: number;
}

/** @param data runs but those of control files alone, oldest first
 *  @param closings oldest first
 *  @returns in the same order */
export function judgedRuns(
  data: readonly Run[],
  closings: readonly Closing[],
  clock: Clock,
): JudgedRun[] {
  const judged: JudgedRun[] = [];
  let dead: Dead[] = [];
  const sizes = new Level0Sizes();
  for (const run of data) {
    if (run.kind === 'log') {
      const closing = closingOf(run, data, closings, clock) ?? null;
      const reason = closing === null ? NO_CLOSING : null;
      judged.push({ ...run, closing, reason, inherited: [], kinds: new Set([run.kind]) });
      continue;
    }
    // One that still runs beside it has nothing to leave.
    const left = dead.filter(({ endedMs }) => endedMs < run.atMs);
    const found = closingOf(run, data, closings, clock) ?? null;
    const ownBytes = bytesOf(run.files);
    const leftBytes = left.flatMap(({ kind, bytes }) => (kind === 'level0' ? [bytes] : []));
    const isDoubtful =
      found !== null &&
      run.kind === 'level0' &&
      isOfLogs(found, run, data) &&
      sizes.doubts(run.atMs, ownBytes, leftBytes);
    const closing = isDoubtful ? null : found;
    const reason = isDoubtful ? TOO_SMALL : closing === null ? NO_CLOSING : null;
    if (closing === null) {
      // Where nothing closes for long, the list of all that died would be as long for each.
      judged.push({ ...run, closing, reason, inherited: [], kinds: new Set([run.kind]) });
      dead.push({ ...run, bytes: ownBytes, endedMs: endOf(run, clock).endedMs });
      continue;
    }
    if (run.kind === 'level0') sizes.add(ownBytes, leftBytes);
    const inherited = left.flatMap(({ files }) => files);
    const kinds = new Set([run.kind, ...left.map(({ kind }) => kind)]);
    judged.push({ ...run, closing, reason, inherited, kinds });
    const gone = new Set(left);
    dead = dead.filter((one) => !gone.has(one));
  }
  return judged;
}

/** What the newest whole level 0 had, with what it could inherit. One that may have died says nothing of the next, which may die of the same: the measure holds until five weeks after the first of
 *  those, however old it is. */
class Level0Sizes {
  #wholeBytes = 0;
  #doubtedMs: number | null = null;

  /** @param leftBytes of the level 0 that had died before, oldest first */
  doubts(atMs: number, ownBytes: number, leftBytes: readonly number[]): boolean {
    if (!isTooSmall(ownBytes, this.#wholeBytes) || this.#isFilledUp(ownBytes, leftBytes))
      return false;
    this.#doubtedMs ??= atMs;
    return atMs < this.#doubtedMs + WEEKS_MS;
  }

  add(ownBytes: number, leftBytes: readonly number[]): void {
    const isOfRest =
      isTooSmall(ownBytes, this.#wholeBytes) && this.#isFilledUp(ownBytes, leftBytes);
    // One that made the rest alone has as much as the one before it.
    if (!isOfRest) this.#wholeBytes = ownBytes;
    this.#doubtedMs = null;
  }

  /** Where the rest alone is made (`NOT BACKED UP`), the newest of those that had died and it have together what a whole one has; several that die one after the other do not add up to it, but by
   *  accident. */
  #isFilledUp(ownBytes: number, leftBytes: readonly number[]): boolean {
    let bytes = ownBytes;
    return leftBytes.toReversed().some((left) => {
      bytes += left;
      return bytes >= this.#wholeBytes * (1 - SHARE) && bytes <= this.#wholeBytes * (1 + SHARE);
    });
  }
}

/** By so much a database has grown or shrunk since. */
const SHARE = 0.15;

const NO_CLOSING = 'no autobackup of the control file was made after it and before the next backup';
const TOO_SMALL = tooSmallText(
  'the level 0 before it, and archived logs were backed up before the next autobackup of the control file',
);

function bytesOf(files: readonly TreeFile[]): number {
  return files.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0);
}

/** Whether the control file behind a run may be that of a job of archived logs alone, which was at work when it ended. */
function isOfLogs({ atMs, file }: Closing, run: Run, all: readonly Run[]): boolean {
  if (run.files.includes(file)) return false;
  return all.some((other) => other.kind === 'log' && other.atMs > run.atMs && other.atMs <= atMs);
}

/** When a run has ended, in the time of names, and whether its files tell that. */
export function endOf(
  { atMs, files }: Pick<Run, 'atMs' | 'files'>,
  { exactMs, isTrue }: Clock,
): { readonly lastMs: number; readonly isDated: boolean; readonly endedMs: number } {
  const lastMs = writtenMsOf(files);
  const isDated = isTrue(lastMs) && exactMs(lastMs) <= atMs + LONGEST_BACKUP_MS;
  return { lastMs, isDated, endedMs: isDated ? Math.max(atMs, exactMs(lastMs)) : atMs };
}

/** The control file that knows of all of a run: a piece of its own, or the first that was written when its last piece was, and before the next backup of
 *  data began. Archived logs that are backed up right behind the data share its control file; a job of logs that comes later has its own, which says nothing
 *  of a run that had died. Logs before the data may have the data's, hours later. */
function closingOf(
  run: Run,
  all: readonly Run[],
  closings: readonly Closing[],
  clock: Clock,
): Closing | undefined {
  const { kind, atMs, files } = run;
  const own = new Set(files);
  const { lastMs, isDated, endedMs } = endOf(run, clock);
  const isNext = (other: Run): boolean =>
    other.kind === 'log' ? isDated && other.atMs > endedMs + SAME_SCRIPT_MS : other.atMs > endedMs;
  const next = kind === 'log' ? undefined : all.find(isNext);
  const byTimes = closings.find(
    (one) =>
      (own.has(one.file) && isAlone(one)) ||
      (one.atMs >= atMs &&
        one.atMs < (next?.atMs ?? Infinity) &&
        (!isDated || one.writtenMs >= lastMs)),
  );
  return byTimes ?? closingByNames(run, all, closings, clock);
}

/** A control file that is not in a piece of data, which others of its run may be written behind. */
function isAlone({ file }: Closing): boolean {
  return parseOmfPiece(file.name)?.kind === 'control';
}

/** What a script does behind a backup of data begins so soon after it. */
const SAME_SCRIPT_MS = 2 * 60_000;

/** An area that was brought here without its times has those of its copying, which takes folder after folder: all autobackups lie before all pieces that
 *  they were made after, and were not written when their names say. Then names alone tell. */
function closingByNames(
  { atMs }: Run,
  all: readonly Run[],
  closings: readonly Closing[],
  { isBrought }: Clock,
): Closing | undefined {
  const nextMs = all.find((other) => other.kind !== 'log' && other.atMs > atMs)?.atMs ?? Infinity;
  const isBetween = (one: { readonly atMs: number }): boolean =>
    one.atMs >= atMs && one.atMs < nextMs;
  const autobackups = closings.filter(
    (one) => isBetween(one) && autobackupAtMs(one.file.name) !== null,
  );
  if (!isBrought && autobackups.every(isWrittenAsNamed)) return undefined;
  const newestMs = autobackups.reduce((newest, one) => Math.max(newest, one.writtenMs), 0);
  const pieces = all.filter(isBetween).flatMap(({ files }) => files);
  const isCopyingOrder = pieces.every((piece) => writtenMsOf([piece]) >= newestMs);
  return isCopyingOrder ? autobackups[0] : undefined;
}
