import type { TreePoint } from '../../domain/trees/source-tree.js';
import { writtenAtMs } from '../named-date.js';
import { treeEvidence } from '../tree-evidence.js';
import type { TreeFile } from '../tree-files.js';
import { clockOfNames, type Clock, type Closing } from './rman-clock.js';
import { archivedPoints, underLogs } from './rman-logs.js';
import { autobackupAtMs, parseOmfPiece } from './rman-names.js';
import { runsOf, type Run } from './rman-runs.js';

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
