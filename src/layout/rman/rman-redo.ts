import type { TreeFile } from '../trees/tree-files.js';
import { writtenMsOf, type Clock } from './rman-clock.js';
import { endOf, type JudgedRun } from './rman-closings.js';
import { missingLogs } from './rman-logs.js';
import { dayOf, parseArchivedLog, parseOmfPiece, type PieceKind } from './rman-names.js';
import { DAY_MS } from '../../domain/elapsed.js';

/** An archived log, and between which times of names it was written. */
interface DatedLog {
  readonly thread: number;
  readonly sequence: number;
  readonly file: TreeFile;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a backup of an open database has of the redo that was written while it was made. */
export interface Redo {
  readonly files: readonly TreeFile[];
  /** Absent: it is there, or the area has no logs at all. */
  readonly gap?: string;
}

/** Archived logs by thread, each oldest first. Of one that was brought here without its time the folder tells the day. */
export function datedLogs(files: readonly TreeFile[], clock: Clock): DatedLog[][] {
  const byThread = new Map<number, DatedLog[]>();
  for (const file of files) {
    const log = parseArchivedLog(file.name);
    if (log === null) continue;
    const writtenMs = writtenMsOf([file]);
    const dayMs = Date.parse(`${dayOf(file).replaceAll('_', '-')}T00:00:00Z`);
    const isDated = clock.isTrue(writtenMs) || Number.isNaN(dayMs);
    const fromMs = isDated ? clock.exactMs(writtenMs) : dayMs;
    const own = byThread.get(log.thread) ?? [];
    byThread.set(log.thread, own);
    own.push({ ...log, file, fromMs, toMs: isDated ? fromMs : dayMs + DAY_MS });
  }
  const all = [...byThread.values()];
  return all.map((logs) => logs.sort((a, b) => a.fromMs - b.fromMs || a.sequence - b.sequence));
}

/** The logs without which a whole run of data cannot be opened (ORA-01195): those that were made while it ran, and of each kind and thread the first
 *  behind its end, which holds what was written up to it.
 *  Pieces and logs may hold the same: which of them do, names do not tell. */
export function redoOf(
  run: JudgedRun,
  runs: readonly JudgedRun[],
  threads: readonly DatedLog[][],
  clock: Clock,
): Redo {
  const { closing, atMs } = run;
  if (closing === null || run.kind === 'log') return { files: [] };
  const { endedMs } = endOf(run, clock);
  const logRuns = runs.filter((one) => one.kind === 'log');
  const later = logRuns.filter((one) => one.closing !== null && one.atMs >= atMs);
  const nextMs = runs.find((one) => one.kind !== 'log' && one.atMs > endedMs)?.atMs ?? Infinity;
  // What comes later shows only that those before it have gone.
  const nearMs = Math.max(endedMs + DAY_MS, nextMs);
  const last = later.find((one) => one.atMs >= endedMs && one.atMs <= nearMs);
  const untilMs = Math.max(last?.atMs ?? 0, closing.atMs);
  const pieces = later
    .filter((one) => one.atMs <= untilMs)
    .flatMap((one) => [...one.files, one.closing!.file]);
  const stretches = threads.map((logs) =>
    stretchOf(logs, { atMs, endedMs, untilMs: closing.atMs }),
  );
  const files = [...pieces, ...stretches.flatMap((one) => one.logs.map(({ file }) => file))];
  const hasLogs = logRuns.length > 0 || threads.length > 0;
  if (!hasLogs || last !== undefined || hasOwnLogs(run)) return { files };
  const hole = stretches.find((one) => one.hole !== null)?.hole;
  if (hole !== undefined && hole !== null) return { files, gap: `${hole}, ${NO_OPENING}` };
  return stretches.some(({ isCovered }) => isCovered) ? { files } : { files, gap: NO_REDO };
}

const NO_OPENING =
  'and unless the database was closed while it was backed up it cannot be opened without';
const NO_REDO = `no archived log that was made after its end is here, ${NO_OPENING}`;

/** Pieces of logs under its own tag, as one that people give is, and written behind the data. */
function hasOwnLogs({ files }: JudgedRun): boolean {
  const kindOf = ({ name }: TreeFile): PieceKind | undefined => parseOmfPiece(name)?.kind;
  const isLog = (file: TreeFile): boolean => kindOf(file) === 'log';
  const isBeside = new Set(['control', 'parameters', 'log']);
  const dataMs = writtenMsOf(files.filter((file) => !isBeside.has(kindOf(file) ?? '')));
  return files.some((file) => isLog(file) && writtenMsOf([file]) >= dataMs);
}

interface Stretch {
  readonly logs: readonly DatedLog[];
  /** The one that was archived behind the end is among them. */
  readonly isCovered: boolean;
  /** What is missing among them. */
  readonly hole: string | null;
}

/** Of one thread. Several processes archive at once: the next by its number may be a later one by its time. */
function stretchOf(
  logs: readonly DatedLog[],
  { atMs, endedMs, untilMs }: Readonly<Record<'atMs' | 'endedMs' | 'untilMs', number>>,
): Stretch {
  const before = logs.filter(({ fromMs }) => fromMs < endedMs);
  const behind = logs.filter(({ fromMs }) => fromMs >= endedMs);
  const last = before.at(-1);
  const following = last && behind.find(({ sequence }) => sequence === last.sequence + 1);
  const found = following ?? behind[0];
  // Without the one before it, it may be of a day long after: those between have gone, and with each that goes another would be the first.
  const isNext = found !== undefined && (found === following || found.fromMs <= endedMs + DAY_MS);
  const next = isNext ? found : undefined;
  const dated = logs.filter(
    ({ fromMs, toMs }) => toMs >= atMs && fromMs <= Math.max(next?.fromMs ?? 0, untilMs),
  );
  // Of one that bears a day alone it may be the hours behind.
  const isNear = next !== undefined || before.some(({ toMs }) => toMs > endedMs);
  const earlier = before.filter(({ toMs }) => toMs < atMs).slice(-1);
  const bounds = [...earlier, ...dated];
  const between = betweenNumbers(logs, bounds);
  const hole = isNear ? holeIn([...bounds, ...between]) : null;
  return { logs: [...dated, ...between], isCovered: isNear, hole };
}

/** Those that lie among others by their numbers, and not by their times: two machines that archive in turn may have clocks of two zones.
 *  @param bounds of the same thread */
function betweenNumbers(logs: readonly DatedLog[], bounds: readonly DatedLog[]): DatedLog[] {
  const sequences = bounds.map(({ sequence }) => sequence);
  const [lowest, highest] = [Math.min(...sequences), Math.max(...sequences)];
  const times = bounds.map(({ fromMs }) => fromMs);
  // Of the same numbers once more, weeks before, it is none.
  const [fromMs, toMs] = [Math.min(...times) - DAY_MS, Math.max(...times) + DAY_MS];
  const near = logs.filter((log) => log.fromMs >= fromMs && log.fromMs <= toMs);
  if (beginsAgain(near)) return [];
  const known = new Set(sequences);
  return near.filter(
    ({ sequence }) => sequence > lowest && sequence < highest && !known.has(sequence),
  );
}

/** After OPEN RESETLOGS, which numbers count from 1 again: one of the time before has the number of another, and fills no hole. */
function beginsAgain(logs: readonly DatedLog[]): boolean {
  const sequences = new Set(logs.map(({ sequence }) => sequence));
  return sequences.has(1) || sequences.size < logs.length;
}

/** Numbers begin with 1 again after OPEN RESETLOGS, and tell nothing then. */
function holeIn(logs: readonly DatedLog[]): string | null {
  const sequences = logs.map(({ sequence }) => sequence).sort((a, b) => a - b);
  const index = sequences.findIndex((one, at) => at > 0 && one > sequences[at - 1]! + 1);
  if (index < 0 || sequences[0] === 1) return null;
  return missingLogs(logs[0]!.thread, sequences[index - 1]! + 1, sequences[index]! - 1);
}
