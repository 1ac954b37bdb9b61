import type { TreePoint } from '../../domain/trees/source-tree.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import type { TreeFile } from '../trees/tree-files.js';
import { writtenMsOf, type Clock } from './rman-clock.js';
import type { JudgedRun } from './rman-closings.js';
import { dayOf, parseArchivedLog } from './rman-names.js';

/** The backup from which logs are rolled forward, and those in pieces between it and them.
 *  @param before runs, oldest first */
export function underLogs(before: readonly JudgedRun[]): Pick<TreePoint, 'needs' | 'gap'> {
  const whole = before.filter(({ closing }) => closing !== null);
  const base = whole.findLast(({ kind }) => kind !== 'log');
  const last = whole.findLast(({ kind, atMs }) => kind === 'log' && atMs >= (base?.atMs ?? 0));
  return {
    needs: [last, base].flatMap((run) => run?.id ?? []),
    ...(base === undefined ? { gap: 'no backup of the database lies before it' } : {}),
  };
}

interface ArchivedLog {
  readonly thread: number;
  readonly sequence: number;
  readonly file: TreeFile;
  readonly writtenMs: number;
}

/** Archived logs, each a point: it needs the one before it in its thread. One that follows none needs the run before it. */
export function archivedPoints(
  files: readonly TreeFile[],
  runs: readonly JudgedRun[],
  clock: Clock,
): TreePoint[] {
  const byThread = new Map<number, ArchivedLog[]>();
  for (const file of files) {
    const log = parseArchivedLog(file.name);
    if (log === null) continue;
    const own = byThread.get(log.thread) ?? [];
    byThread.set(log.thread, own);
    own.push({ ...log, file, writtenMs: writtenMsOf([file]) });
  }
  const hasLogPieces = runs.some(({ kind }) => kind === 'log');
  return [...byThread.values()].flatMap((logs) => {
    const stretches = stretchesOf(logs);
    return stretches.flatMap((stretch, index) => {
      const first = firstSinceOldest(stretch, runs, clock);
      const hole = hasLogPieces ? null : holeBefore(stretch, stretches[index - 1] ?? null);
      return stretch.map((log, place): TreePoint => {
        const { file, writtenMs } = log;
        const last = log === first?.log ? undefined : stretch[place - 1];
        const atMs = clock.namedMs(writtenMs);
        const footing =
          last !== undefined
            ? { needs: [last.file.within] }
            : log === first?.log
              ? { needs: [first.oldest.id] }
              : hole !== null
                ? { needs: [], gap: hole }
                : underLogs(runs.filter((run) => run.atMs <= atMs));
        return {
          ...{ id: file.within, createdAtMs: atMs, kind: 'log', ...footing },
          ...{ state: 'complete', reason: null, files: [file.within] },
          sizeBytes: file.stamp.sizeBytes,
          evidence: treeEvidence([file], 'silent'),
        };
      });
    });
  });
}

/** The first log that was closed since the oldest backup began, where others lie before it: those roll nothing forward, and what is missing before them harms none that follow. null: there is none, or
 *  times do not tell. */
function firstSinceOldest(
  stretch: readonly ArchivedLog[],
  runs: readonly JudgedRun[],
  clock: Clock,
): { readonly log: ArchivedLog; readonly oldest: JudgedRun } | null {
  const oldest = runs.find(({ closing, kind }) => closing !== null && kind !== 'log');
  if (oldest === undefined || oldest.kind === 'level1') return null;
  const since = stretch.findIndex(({ writtenMs }) => clock.exactMs(writtenMs) >= oldest.atMs);
  if (since < 1) return null;
  const isBefore = ({ writtenMs }: ArchivedLog): boolean =>
    clock.isTrue(writtenMs) && clock.exactMs(writtenMs) < oldest.atMs - CLOCKS_MS;
  const isTold = stretch.slice(0, since).every(isBefore);
  return isTold && clock.isTrue(stretch[since]!.writtenMs)
    ? { log: stretch[since]!, oldest }
    : null;
}

/** So far apart an autobackup, which tells how clocks differ, and its name may be. */
const CLOCKS_MS = 2 * 60_000;

/** Logs of one thread by their numbers, parted where a number is missing. Several processes archive at once, so that files tell their order by their numbers
 *  alone, and not by their times. */
function stretchesOf(logs: readonly ArchivedLog[]): ArchivedLog[][] {
  const ordered = [...logs].sort((a, b) => a.sequence - b.sequence || a.writtenMs - b.writtenMs);
  const stretches: ArchivedLog[][] = [];
  for (const log of ordered) {
    const open = stretches.at(-1);
    if (open === undefined || log.sequence > open.at(-1)!.sequence + 1) stretches.push([log]);
    else open.push(log);
  }
  return stretches;
}

/** null: nothing is missing between them. */
function holeBefore(stretch: readonly ArchivedLog[], lower: ArchivedLog[] | null): string | null {
  if (lower === null || isBegunAnew(lower, stretch)) return null;
  const { thread, sequence } = stretch[0]!;
  return missingLogs(thread, lower.at(-1)!.sequence + 1, sequence - 1);
}

/** After OPEN RESETLOGS numbers begin with 1 again: the lower ones are all later than the higher ones, by the days of their folders or, within one day, by
 *  their times. */
function isBegunAnew(lower: readonly ArchivedLog[], higher: readonly ArchivedLog[]): boolean {
  const day = ({ file }: ArchivedLog): string => dayOf(file);
  const [first, last] = [lower.map(day).sort()[0]!, higher.map(day).sort().at(-1)!];
  if (first !== last) return first > last;
  const firstMs = lower.reduce((ms, { writtenMs }) => Math.min(ms, writtenMs), Infinity);
  const lastMs = higher.reduce((ms, { writtenMs }) => Math.max(ms, writtenMs), 0);
  return lower[0]!.sequence === 1 && firstMs > lastMs;
}

/** @param thread its number, and what else tells it from others */
export function missingLogs(thread: number | string, first: number, last: number): string {
  const range = first === last ? `log ${first}` : `logs ${first} to ${last}`;
  return `archived ${range} of thread ${thread} ${first === last ? 'is' : 'are'} missing`;
}
