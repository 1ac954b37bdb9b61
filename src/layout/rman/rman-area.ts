import type { TreePoint } from '../../domain/trees/source-tree.js';
import { writtenAtMs } from '../named-date.js';
import type { TreeFile } from '../tree-files.js';
import { treeEvidence } from '../tree-evidence.js';
import {
  autobackupAtMs,
  parseArchivedLog,
  parseOmfPiece,
  type OmfPiece,
  type PieceKind,
} from './rman-names.js';

/** Pieces of one tag: what one command wrote. */
interface Run {
  /** The tag; of one that people gave, which comes again, with what names its first piece. */
  readonly id: string;
  readonly kind: PieceKind;
  readonly atMs: number;
  readonly files: readonly TreeFile[];
}

/** A control file. */
interface Closing {
  readonly atMs: number;
  readonly file: TreeFile;
  readonly writtenMs: number;
}

/** Points of a fast recovery area, oldest first. A run is whole when an autobackup of the control file, or a piece with it, was made after it and before
 *  the next (`closingOf`): what lies before a control file is known to it. A level 1 needs the run that it follows back to a level 0, archived logs the run before them. */
export function areaPoints(files: readonly TreeFile[]): TreePoint[] {
  const autobackups = files
    .flatMap((file) => {
      const atMs = autobackupAtMs(file.name);
      return atMs === null ? [] : [{ atMs, file, writtenMs: writtenAtMs([file]) }];
    })
    .sort((a, b) => a.atMs - b.atMs);
  const clock = clockOfNames(autobackups);
  const runs = runsOf(files, autobackups, clock);
  const data = runs.filter(({ kind }) => kind !== 'control');
  const controls = runs.flatMap(({ atMs, files: own }) =>
    own.flatMap((file) =>
      parseOmfPiece(file.name)?.kind === 'control'
        ? [{ atMs, file, writtenMs: writtenAtMs([file]) }]
        : [],
    ),
  );
  const closings: Closing[] = [...autobackups, ...controls].sort((a, b) => a.atMs - b.atMs);
  const hasLogPieces = data.some(({ kind }) => kind === 'log');
  const points = [
    ...data.map((run) => runPoint(run, data, closings, clock)),
    ...archivedPoints(files, data, hasLogPieces, clock),
  ];
  return points.sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
}

/** Names have the local time of the database's machine, files the time of their storage: an autobackup has both. */
interface Clock {
  /** What turns the time of a file into that of names. */
  readonly namedMs: (writtenMs: number) => number;
  /** Whether files were written when names say: farther from it than any zone is, they were brought here later, without their times. */
  readonly isTrue: (writtenMs: number) => boolean;
}

function clockOfNames(autobackups: readonly Closing[]): Clock {
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

interface Piece extends OmfPiece {
  readonly file: TreeFile;
  readonly writtenMs: number;
}

/** Oldest first. */
function runsOf(
  files: readonly TreeFile[],
  autobackups: readonly Closing[],
  { namedMs }: Clock,
): Run[] {
  const byTag = new Map<string, Piece[]>();
  for (const file of files) {
    const parsed = parseOmfPiece(file.name);
    if (parsed === null) continue;
    const piece = { ...parsed, file, writtenMs: writtenAtMs([file]) };
    const known = byTag.get(parsed.tag);
    if (known === undefined) byTag.set(parsed.tag, [piece]);
    else known.push(piece);
  }
  const runs = [...byTag.values()].flatMap((pieces) => {
    const { tag, tagAtMs } = pieces[0]!;
    if (tagAtMs !== null) return [runOf(tag, tagAtMs, pieces)];
    const others = [...byTag.values()].filter((own) => own !== pieces).flat();
    return commandsOf(pieces, others, autobackups).map((own) =>
      runOf(`${tag} ${own[0]!.unique}`, namedMs(own[0]!.writtenMs), own),
    );
  });
  return runs.sort((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1));
}

/** A tag that people gave comes again with each run. What lies between two pieces of one tag, and is the control file that RMAN writes at the end
 *  of a command, tells them apart. A job of archived logs that runs beside it writes control files, too: one that was made right behind pieces of another tag
 *  ends that one, and this one only where its next piece comes much later. */
function commandsOf(
  pieces: readonly Piece[],
  others: readonly Piece[],
  autobackups: readonly Closing[],
): Piece[][] {
  const ordered = [...pieces].sort(
    (a, b) => a.writtenMs - b.writtenMs || (a.file.within < b.file.within ? -1 : 1),
  );
  const isOfAnother = (lastMs: number, closingMs: number): boolean =>
    others.some(({ writtenMs }) => lastMs < writtenMs && writtenMs <= closingMs);
  const commands: Piece[][] = [];
  for (const piece of ordered) {
    const open = commands.at(-1);
    const lastMs = open?.at(-1)?.writtenMs ?? 0;
    const isClosed = autobackups.some(
      ({ writtenMs }) =>
        lastMs <= writtenMs &&
        writtenMs < piece.writtenMs &&
        (piece.writtenMs - writtenMs >= RUNS_APART_MS || !isOfAnother(lastMs, writtenMs)),
    );
    if (open === undefined || isClosed) commands.push([piece]);
    else open.push(piece);
  }
  return commands;
}

/** So far apart are runs of the same kind at the least. */
export const RUNS_APART_MS = 12 * 60 * 60_000;

const RANK: readonly PieceKind[] = ['control', 'log', 'full', 'level0', 'level1'];

/** A run is of the weightiest kind among its pieces. */
function runOf(id: string, atMs: number, pieces: readonly Piece[]): Run {
  const kind = pieces.reduce<PieceKind>(
    (heaviest, piece) =>
      RANK.indexOf(piece.kind) > RANK.indexOf(heaviest) ? piece.kind : heaviest,
    'control',
  );
  return { id, kind, atMs, files: pieces.map(({ file }) => file) };
}

function runPoint(
  run: Run,
  all: readonly Run[],
  closings: readonly Closing[],
  clock: Clock,
): TreePoint {
  const { id, kind, atMs, files } = run;
  const next = all.find((other) => other.atMs > atMs)?.atMs ?? Infinity;
  const closing = closingOf(run, all, closings, clock);
  // Those that follow no other run travel with this one.
  const own = closings.filter((one) => one.atMs >= atMs && one.atMs < next);
  const travels = new Set([
    ...files,
    ...(closing === undefined ? [] : [closing, ...own].map(({ file }) => file)),
  ]);
  return {
    id,
    createdAtMs: atMs,
    kind: kind === 'log' ? 'log' : kind === 'level1' ? 'increment' : 'full',
    ...footingOf(run, all),
    state: closing === undefined ? 'incomplete' : 'complete',
    reason:
      closing === undefined
        ? 'no autobackup of the control file was made after it and before the next backup'
        : null,
    files: [...travels].map(({ within }) => within),
    sizeBytes: [...travels].reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
    evidence: treeEvidence(files, closing?.file ?? null),
  };
}

/** The control file that knows of all of a run: a piece of its own, or the first that was written when its last piece was, and before the next backup of
 *  data began. Archived logs that are backed up right behind the data share its control file; a job of logs that comes later has its own, which says nothing
 *  of a run that had died. Logs before the data may have the data's, hours later. */
function closingOf(
  { kind, atMs, files }: Run,
  all: readonly Run[],
  closings: readonly Closing[],
  { namedMs, isTrue }: Clock,
): Closing | undefined {
  const own = new Set(files);
  const lastMs = writtenAtMs(files);
  const isDated = isTrue(lastMs);
  const endedMs = isDated ? Math.max(atMs, namedMs(lastMs)) : atMs;
  const isNext = (other: Run): boolean =>
    other.kind === 'log' ? isDated && other.atMs > endedMs + SAME_SCRIPT_MS : other.atMs > endedMs;
  const next = kind === 'log' ? undefined : all.find(isNext);
  return closings.find(
    (one) =>
      own.has(one.file) ||
      (one.atMs >= atMs &&
        one.atMs < (next?.atMs ?? Infinity) &&
        (!isDated || one.writtenMs >= lastMs)),
  );
}

/** What a script does behind a backup of data begins so soon after it. */
const SAME_SCRIPT_MS = 15 * 60_000;

function footingOf({ kind, atMs }: Run, all: readonly Run[]): Pick<TreePoint, 'needs' | 'gap'> {
  const before = all.filter((run) => run.atMs < atMs);
  if (kind === 'level1') {
    const base = before.findLast((run) => run.kind === 'level0' || run.kind === 'level1');
    return {
      needs: base === undefined ? [] : [base.id],
      // A level 1 without one, as image copies are brought up to date with, is worth nothing to those after it either.
      ...(before.some((run) => run.kind === 'level0') ? {} : { gap: NO_LEVEL_0 }),
    };
  }
  if (kind !== 'log') return { needs: [] };
  return underLogs(before);
}

export const NO_LEVEL_0 = 'the level 0 that it builds on is not here';

function underLogs(before: readonly Run[]): Pick<TreePoint, 'needs' | 'gap'> {
  const base = before.findLast((run) => run.kind !== 'log');
  return base === undefined
    ? { needs: [], gap: 'no backup of the database lies before it' }
    : { needs: [base.id] };
}

/** Archived logs, each a point: it needs the one before it in its thread. One that follows none needs the run before it. */
function archivedPoints(
  files: readonly TreeFile[],
  runs: readonly Run[],
  hasLogPieces: boolean,
  { namedMs }: Clock,
): TreePoint[] {
  const logs = files
    .flatMap((file) => {
      const log = parseArchivedLog(file.name);
      if (log === null) return [];
      const writtenMs = writtenAtMs([file]);
      return [{ ...log, file, writtenMs, atMs: namedMs(writtenMs) }];
    })
    // Not by the time of names, which have one hour twice in autumn.
    .sort((a, b) => a.thread - b.thread || a.writtenMs - b.writtenMs || a.sequence - b.sequence);
  return logs.map(({ thread, sequence, file, atMs }, index) => {
    const last = index > 0 && logs[index - 1]!.thread === thread ? logs[index - 1]! : null;
    const before = runs.filter((run) => run.atMs <= atMs);
    const joins = last !== null && (last.sequence === sequence - 1 || last.sequence === sequence);
    // After OPEN RESETLOGS numbers begin anew; what is missing may lie in a piece of archived logs.
    const isMissing = last !== null && last.sequence < sequence - 1 && !hasLogPieces;
    const footing = joins
      ? { needs: [last.file.within] }
      : isMissing
        ? { needs: [], gap: missingText(thread, last.sequence + 1, sequence - 1) }
        : underLogs(before);
    return {
      ...{ id: file.within, createdAtMs: atMs, kind: 'log', ...footing },
      ...{ state: 'complete', reason: null, files: [file.within] },
      sizeBytes: file.stamp.sizeBytes,
      evidence: treeEvidence([file], 'silent'),
    };
  });
}

function missingText(thread: number, first: number, last: number): string {
  const range = first === last ? `log ${first}` : `logs ${first} to ${last}`;
  return `archived ${range} of thread ${thread} ${first === last ? 'is' : 'are'} missing`;
}
