import { UNKNOWN_ORDER, type TreePoint } from '../../domain/trees/source-tree.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import type { TreeFile } from '../trees/tree-files.js';
import { clockOfNames, writtenMsOf, type AreaFile, type Closing } from './rman-clock.js';
import { judgedRuns, type JudgedRun } from './rman-closings.js';
import { archivedPoints, underLogs } from './rman-logs.js';
import { autobackupAtMs, parseOmfPiece, type OmfPiece } from './rman-names.js';
import { partsOf } from './rman-parts.js';
import { datedLogs, redoOf, type Redo } from './rman-redo.js';
import { runsOf, type Run } from './rman-runs.js';
import { ordersOf, type Order } from './rman-turned.js';
import { oldestFirst } from '../trees/point-order.js';

/** Points of a fast recovery area, oldest first. A run is whole when an autobackup of the control file, or a piece with it, was made after it and before
 *  the next (`judgedRuns`): what lies before a control file is known to it. The pieces of one that had died before travel with the next that is whole, and so do
 *  the logs that were made while it ran, without which an open database cannot be opened from it. A level 1 needs the whole run that it follows back to a level 0, archived logs the whole run before them and the logs since. */
export function areaPoints(files: readonly TreeFile[]): TreePoint[] {
  const [shown, likely] = ordersOf(files, autobackupsOf(files));
  const points = pointsIn(shown);
  if (likely === undefined) return points;
  const others = new Map(pointsIn(likely).map((point) => [point.id, point]));
  const settled = points.map((shown) => {
    const other = others.get(shown.id);
    const point = likely.isOtherClock === true ? withLaterDate(shown, other) : shown;
    const isMoved =
      likely.isOtherClock === true &&
      shown.kind === 'log' &&
      point.createdAtMs - earlierMs(shown, other) > MOVED_MS;
    if (point.gap !== undefined || (isSamePoint(shown, other) && !isMoved)) return point;
    // Until the order is known what either needs stays.
    const needs = [...new Set([...point.needs, ...(other?.needs ?? [])])];
    return { ...point, needs, gap: UNKNOWN_ORDER };
  });
  return settled.sort(oldestFirst);
}

/** A backup that is dated too late serves fewer logs, and a log fewer are done without: one that is dated too early would stand for what it does not hold. */
function withLaterDate(point: TreePoint, other: TreePoint | undefined): TreePoint {
  const createdAtMs = Math.max(point.createdAtMs, other?.createdAtMs ?? 0);
  return { ...point, createdAtMs };
}

function earlierMs(point: TreePoint, other: TreePoint | undefined): number {
  return Math.min(point.createdAtMs, other?.createdAtMs ?? Infinity);
}

/** By less than this dates differ for the seconds that an autobackup takes. */
const MOVED_MS = 15 * 60_000;

function autobackupsOf(files: readonly AreaFile[]): Closing[] {
  return files.flatMap((file) => {
    const atMs = autobackupAtMs(file.name);
    return atMs === null ? [] : [{ atMs, file, writtenMs: writtenMsOf([file]) }];
  });
}

function isSamePoint(one: TreePoint, other: TreePoint | undefined): boolean {
  return (
    one.state === other?.state &&
    other.gap === undefined &&
    JSON.stringify(one.needs) === JSON.stringify(other.needs) &&
    JSON.stringify(one.files) === JSON.stringify(other.files)
  );
}

function pointsIn({ files, turnMs }: Order): TreePoint[] {
  const autobackups = autobackupsOf(files)
    .map((one) => ({ ...one, namedAtMs: one.atMs, atMs: one.atMs + turnMs(one.writtenMs) }))
    .sort((a, b) => a.atMs - b.atMs);
  const clock = clockOfNames(autobackups);
  const runs = runsOf(files, autobackups, clock, turnMs);
  const controls = piecesOf(runs, ({ hasControlFile }) => hasControlFile);
  const closings: Closing[] = [...autobackups, ...controls].sort((a, b) => a.atMs - b.atMs);
  const parameters = piecesOf(runs, ({ kind }) => kind === 'parameters');
  const data = runs.filter(({ kind }) => kind !== 'control' && kind !== 'parameters');
  const judged = judgedRuns(data, closings, clock);
  const parts = partsOf(judged);
  const threads = datedLogs(files, clock);
  const points = [
    ...judged.map((run) =>
      runPoint(
        run,
        judged,
        [...closings, ...parameters],
        redoOf(run, judged, threads, clock),
        parts,
      ),
    ),
    ...archivedPoints(
      files,
      judged.filter((run) => !parts.has(run)),
      clock,
    ),
  ];
  return points.sort(oldestFirst);
}

function piecesOf(runs: readonly Run[], isOne: (piece: OmfPiece) => boolean): Closing[] {
  return runs.flatMap(({ atMs, files }) =>
    files.flatMap((file) => {
      const piece = parseOmfPiece(file.name);
      return piece !== null && isOne(piece) ? [{ atMs, file, writtenMs: writtenMsOf([file]) }] : [];
    }),
  );
}

/** @param beside control files and parameter files: those that follow no other run travel with this one */
function runPoint(
  run: JudgedRun,
  all: readonly JudgedRun[],
  beside: readonly Closing[],
  redo: Redo,
  parts: ReadonlySet<JudgedRun>,
): TreePoint {
  const { id, kind, atMs, files, closing, reason, inherited } = run;
  const next = all.find((other) => other.atMs > atMs)?.atMs ?? Infinity;
  const following = beside.filter((one) => one.atMs >= atMs && one.atMs < next);
  const travels = new Set([
    ...files,
    ...(closing === null ? [] : [...inherited, ...[closing, ...following].map(({ file }) => file)]),
    ...redo.files,
  ]);
  const footing = footingOf(run, all, parts);
  const gap = footing.gap ?? redo.gap;
  return {
    id,
    createdAtMs: atMs,
    kind: kind === 'log' ? 'log' : kind === 'level1' ? 'increment' : 'full',
    needs: footing.needs,
    ...(gap === undefined ? {} : { gap }),
    state: closing === null ? 'incomplete' : 'complete',
    reason,
    files: [...travels].map(({ within }) => within),
    sizeBytes: [...travels].reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
    evidence: treeEvidence([...files, ...redo.files], closing?.file ?? null),
  };
}

function footingOf(
  run: JudgedRun,
  all: readonly JudgedRun[],
  parts: ReadonlySet<JudgedRun>,
): Pick<TreePoint, 'needs' | 'gap'> {
  const { kind, atMs } = run;
  const before = all.filter((other) => other.atMs < atMs);
  if (kind === 'log') return underLogs(before.filter((other) => !parts.has(other)));
  if (kind !== 'level1' && !parts.has(run)) return { needs: [] };
  const whole = before.filter(({ closing }) => closing !== null);
  const isOfLevels = ({ kinds }: JudgedRun): boolean => kinds.has('level0') || kinds.has('level1');
  const base = whole.findLast((other) => other.kind === 'level0' || other.kind === 'level1');
  // So that the chain of the database goes on below one of a part.
  if (kind !== 'level1') {
    const last = whole.findLast((other) => other.kind !== 'log');
    return { needs: [...new Set([last, base])].flatMap((other) => other?.id ?? []) };
  }
  // A full that has the pieces of a level 0 that had died is none itself.
  const others = whole.filter(
    (other) => other.kind === 'full' && other.atMs > (base?.atMs ?? 0) && isOfLevels(other),
  );
  return {
    needs: [...others, ...(base === undefined ? [] : [base])].map(({ id }) => id),
    // A level 1 without one, as image copies are brought up to date with, is worth nothing to those after it either.
    ...(whole.some(({ kinds }) => kinds.has('level0')) ? {} : { gap: NO_LEVEL_0 }),
  };
}

export const NO_LEVEL_0 = 'the level 0 that it builds on is not here';
