import type { TreePoint } from '../../domain/source-tree.js';
import { writtenAtMs } from '../named-date.js';
import type { TreeFile } from '../tree-files.js';
import { treeEvidence } from '../tree-evidence.js';
import { autobackupAtMs, parseArchivedLog, parseOmfPiece, type PieceKind } from './rman-names.js';

/** Pieces of one tag: what one command wrote. */
interface Run {
  readonly tag: string;
  readonly kind: PieceKind;
  readonly atMs: number;
  readonly files: readonly TreeFile[];
}

interface Autobackup {
  readonly atMs: number;
  readonly file: TreeFile;
}

/** Points of a fast recovery area, oldest first. A run is whole when an autobackup of the control file, or a piece with it, was made after it began:
 *  what lies before a control file is known to it. A level 1 needs the run that it follows back to a level 0, archived logs the run before them. */
export function areaPoints(files: readonly TreeFile[]): TreePoint[] {
  const runs = runsOf(files);
  const autobackups = files
    .flatMap((file) => {
      const atMs = autobackupAtMs(file.name);
      return atMs === null ? [] : [{ atMs, file }];
    })
    .sort((a, b) => a.atMs - b.atMs);
  const data = runs.filter(({ kind }) => kind !== 'control');
  const controls: Autobackup[] = runs
    .filter(({ kind }) => kind === 'control')
    .flatMap(({ atMs, files: own }) => own.map((file) => ({ atMs, file })));
  const closings = [...autobackups, ...controls].sort((a, b) => a.atMs - b.atMs);
  const hasLogPieces = data.some(({ kind }) => kind === 'log');
  const points = [
    ...data.map((run) => runPoint(run, data, closings)),
    ...archivedPoints(files, data, hasLogPieces),
  ];
  return points.sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
}

const RANK: readonly PieceKind[] = ['control', 'log', 'full', 'level0', 'level1'];

/** Oldest first. A run is of the weightiest kind among its pieces. */
function runsOf(files: readonly TreeFile[]): Run[] {
  const byTag = new Map<string, Run>();
  for (const file of files) {
    const piece = parseOmfPiece(file.name);
    if (piece === null) continue;
    const { tag, tagAtMs, kind } = piece;
    const known = byTag.get(tag);
    const own = [...(known?.files ?? []), file];
    const isHeavier = known === undefined || RANK.indexOf(kind) > RANK.indexOf(known.kind);
    byTag.set(tag, {
      tag,
      kind: isHeavier ? kind : known.kind,
      atMs: tagAtMs ?? writtenAtMs(own),
      files: own,
    });
  }
  return [...byTag.values()].sort((a, b) => a.atMs - b.atMs || (a.tag < b.tag ? -1 : 1));
}

function runPoint(run: Run, all: readonly Run[], closings: readonly Autobackup[]): TreePoint {
  const { tag, kind, atMs, files } = run;
  const next = all.find((other) => other.atMs > atMs)?.atMs ?? Infinity;
  const closing = closings.find((one) => one.atMs >= atMs);
  // Those that follow no other run travel with this one.
  const own = closings.filter((one) => one.atMs >= atMs && one.atMs < next);
  const travels = new Set([
    ...files,
    ...(closing === undefined ? [] : [closing, ...own].map(({ file }) => file)),
  ]);
  return {
    id: tag,
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
    return base === undefined
      ? { needs: [], gap: 'the level 0 that it builds on is not here' }
      : { needs: [base.tag] };
  }
  if (kind !== 'log') return { needs: [] };
  return underLogs(before);
}

function underLogs(before: readonly Run[]): Pick<TreePoint, 'needs' | 'gap'> {
  const base = before.findLast((run) => run.kind !== 'log');
  return base === undefined
    ? { needs: [], gap: 'no backup of the database lies before it' }
    : { needs: [base.tag] };
}

/** Archived logs, each a point: it needs the one before it in its thread. One that follows none needs the run before it. */
function archivedPoints(
  files: readonly TreeFile[],
  runs: readonly Run[],
  hasLogPieces: boolean,
): TreePoint[] {
  const logs = files
    .flatMap((file) => {
      const log = parseArchivedLog(file.name);
      return log === null ? [] : [{ ...log, file, atMs: writtenAtMs([file]) }];
    })
    .sort((a, b) => a.thread - b.thread || a.atMs - b.atMs || a.sequence - b.sequence);
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
