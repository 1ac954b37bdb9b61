import type { TreeFile } from '../trees/tree-files.js';
import { writtenMsOf, type Clock, type Closing } from './rman-clock.js';
import { parseOmfPiece, type OmfPiece, type PieceKind } from './rman-names.js';
import type { Turn } from './rman-turned.js';

/** Pieces of one tag: what one command wrote. */
export interface Run {
  /** The tag; of one that people gave, which comes again, with what names its first piece. */
  readonly id: string;
  readonly kind: PieceKind;
  readonly atMs: number;
  readonly files: readonly TreeFile[];
}

interface Piece extends OmfPiece {
  readonly file: TreeFile;
  readonly writtenMs: number;
}

/** Oldest first.
 *  @param turnMs puts times in names right */
export function runsOf(
  files: readonly TreeFile[],
  autobackups: readonly Closing[],
  { namedMs }: Clock,
  turnMs: Turn,
): Run[] {
  const byTag = new Map<string, Piece[]>();
  for (const file of files) {
    const parsed = parseOmfPiece(file.name);
    if (parsed === null) continue;
    const piece = { ...parsed, file, writtenMs: writtenMsOf([file]) };
    const known = byTag.get(parsed.tag);
    if (known === undefined) byTag.set(parsed.tag, [piece]);
    else known.push(piece);
  }
  const runs = [...byTag.values()].flatMap((pieces) => {
    const { tag, tagAtMs } = pieces[0]!;
    if (tagAtMs !== null) {
      const writtenMs = pieces.reduce((first, one) => Math.min(first, one.writtenMs), Infinity);
      const turnedMs = tagAtMs + turnMs(writtenMs);
      // The clock may have been set between a run that has died and the autobackup behind it.
      const isNearer =
        Math.abs(turnedMs - namedMs(writtenMs)) < Math.abs(tagAtMs - namedMs(writtenMs));
      return [runOf(tag, isNearer ? turnedMs : tagAtMs, pieces)];
    }
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

const RANK: readonly PieceKind[] = ['parameters', 'control', 'log', 'full', 'level0', 'level1'];

/** A run is of the weightiest kind among its pieces. */
function runOf(id: string, atMs: number, pieces: readonly Piece[]): Run {
  const kind = pieces.reduce<PieceKind>(
    (heaviest, piece) =>
      RANK.indexOf(piece.kind) > RANK.indexOf(heaviest) ? piece.kind : heaviest,
    'parameters',
  );
  return { id, kind, atMs, files: pieces.map(({ file }) => file) };
}
