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
}

/** Points of a fast recovery area, oldest first. A run is whole when an autobackup of the control file, or a piece with it, was made after it began:
 *  what lies before a control file is known to it. A level 1 needs the run that it follows back to a level 0, archived logs the run before them. */
export function areaPoints(files: readonly TreeFile[]): TreePoint[] {
  const autobackups = files
    .flatMap((file) => {
      const atMs = autobackupAtMs(file.name);
      return atMs === null ? [] : [{ atMs, file, writtenMs: writtenAtMs([file]) }];
    })
    .sort((a, b) => a.atMs - b.atMs);
  const namedMs = clockOfNames(autobackups);
  const runs = runsOf(files, autobackups, namedMs);
  const data = runs.filter(({ kind }) => kind !== 'control');
  const controls = runs.flatMap(({ atMs, files: own }) =>
    own.flatMap((file) => (parseOmfPiece(file.name)?.kind === 'control' ? [{ atMs, file }] : [])),
  );
  const closings: Closing[] = [...autobackups, ...controls].sort((a, b) => a.atMs - b.atMs);
  const hasLogPieces = data.some(({ kind }) => kind === 'log');
  const points = [
    ...data.map((run) => runPoint(run, data, closings)),
    ...archivedPoints(files, data, hasLogPieces, namedMs),
  ];
  return points.sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
}

interface Autobackup extends Closing {
  readonly writtenMs: number;
}

/** Names have the local time of the database's machine, files the time of their storage: an autobackup has both.
 *  @returns what turns the time of a file into that of names */
function clockOfNames(autobackups: readonly Autobackup[]): (writtenMs: number) => number {
  const ordered = [...autobackups].sort((a, b) => a.writtenMs - b.writtenMs);
  return (writtenMs) => {
    // The next one: the clock may have been put forward in spring since the last.
    const near = ordered.find((one) => one.writtenMs >= writtenMs) ?? ordered.at(-1);
    const aheadMs = near === undefined ? 0 : near.writtenMs - near.atMs;
    // Farther from it than any zone is: the files were brought here later, without their times.
    return Math.abs(aheadMs) > FARTHEST_ZONE_MS
      ? writtenMs
      : writtenMs - Math.round(aheadMs / ZONE_STEP_MS) * ZONE_STEP_MS;
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
  autobackups: readonly Autobackup[],
  namedMs: (writtenMs: number) => number,
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
    return commandsOf(pieces, autobackups).map((own) =>
      runOf(`${tag} ${own[0]!.unique}`, namedMs(own[0]!.writtenMs), own),
    );
  });
  return runs.sort((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1));
}

/** A tag that people gave comes again with each run. What lies between two pieces of one tag, and is the control file that RMAN writes at the end
 *  of a command, tells them apart. */
function commandsOf(pieces: readonly Piece[], autobackups: readonly Autobackup[]): Piece[][] {
  const ordered = [...pieces].sort(
    (a, b) => a.writtenMs - b.writtenMs || (a.file.within < b.file.within ? -1 : 1),
  );
  const commands: Piece[][] = [];
  for (const piece of ordered) {
    const open = commands.at(-1);
    const lastMs = open?.at(-1)?.writtenMs ?? 0;
    const isClosed = autobackups.some(
      ({ writtenMs }) => lastMs <= writtenMs && writtenMs < piece.writtenMs,
    );
    if (open === undefined || isClosed) commands.push([piece]);
    else open.push(piece);
  }
  return commands;
}

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

function runPoint(run: Run, all: readonly Run[], closings: readonly Closing[]): TreePoint {
  const { id, kind, atMs, files } = run;
  const next = all.find((other) => other.atMs > atMs)?.atMs ?? Infinity;
  const closing = closings.find((one) => one.atMs >= atMs);
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
      closing === undefined ? 'no autobackup of the control file was made after it began' : null,
    files: [...travels].map(({ within }) => within),
    sizeBytes: [...travels].reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
    evidence: treeEvidence(files, closing?.file ?? null),
  };
}

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
  namedMs: (writtenMs: number) => number,
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
