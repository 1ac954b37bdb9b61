/** When a session that failed is tried again, and which workloads then. Pure: the instants come in. */

import type { CopyJob, CopyMode, RetryPolicy } from '../jobs/copy-job.js';
import type { CopyTask } from '../sessions/copy-session.js';

/** What a retry is to do. */
export interface RetryOrder {
  /** Of the session that it starts: 2 for the first retry. */
  readonly tryNumber: number;
  readonly dueMs: number;
  /** Ids, or names of what no source has shown; null: all of the job, because a source could not be read or too many failed to name them. */
  readonly workloads: readonly string[] | null;
  /** Of an order for all: what it has to deal with by name. A session that does not see it all asks again for those that it has not seen. Absent: nothing. */
  readonly sought?: readonly string[];
  /** When it was made, epoch milliseconds: a session that had begun before may have passed what failed, or came, since. Absent: an earlier build did not
   *  say, or said it as `lockedMs`. */
  readonly madeMs?: number;
  /** Earlier builds said it of chains that another session held, and of nothing else. */
  readonly lockedMs?: number;
}

/** What a session tells when it has ended. */
export interface SessionEnd {
  /** Ids and names of the workloads that it dealt with; null: all of the job. */
  readonly covered: readonly string[] | null;
  /** Of all of the job those that it could not deal with, because another session held them. Absent: none. */
  readonly notCovered?: readonly string[];
  /** When it began, epoch milliseconds. Absent: not known. */
  readonly startedMs?: number;
  /** null: nothing failed, or it was the last try. */
  readonly order: RetryOrder | null;
}

const MINUTE_MS = 60_000;
/** Names in one order; more would make every message long. */
const MAX_NAMED = 500;

/** An immediate job has no next start of its own, so it does not give up; a periodic one tries again within the hour and then waits for its schedule. */
export function defaultRetry(mode: CopyMode): RetryPolicy {
  return mode === 'immediate'
    ? { attempts: null, pausesMinutes: [1, 5, 15, 60] }
    : { attempts: 3, pausesMinutes: [10] };
}

type EndedTask = Pick<CopyTask, 'workload' | 'workloadId' | 'result' | 'code'>;

/** What a session was started for that found its sources so. */
export interface AskedFor {
  /** null: all of the job. */
  readonly workloads: readonly string[] | null;
  /** As the order for all says that it was started for. Absent: none. */
  readonly sought?: readonly string[];
  /** Whether a source, or a part of one, showed nothing or could not be read: what was not seen may lie there. */
  readonly isUnseen: boolean;
}

/** Nothing that nobody would ask for again. */
export const NOT_ASKED: AskedFor = { workloads: [], isUnseen: false };

/** The order that a session leaves which was try `tryNumber` (1: not a retry). What failed is tried again, and what the session was started for and has not
 *  seen; of an immediate job also what lacks files of its source, because it has no next start. A workload that waits for its operator would fare no better, and
 *  one that was stopped was meant to stop. A chain that another session held is tried until it is free, however often: that is no failed try.
 *  null: nothing to try, or tried often enough.
 *  @param asked of a session that a retry or a watch has started, which nobody starts again for what it did not see */
export function retryOrder(
  { retry, mode }: Pick<CopyJob, 'retry' | 'mode'>,
  tryNumber: number,
  tasks: readonly EndedTask[],
  endedMs: number,
  asked: AskedFor = NOT_ASKED,
): RetryOrder | null {
  const locked = tasks.filter(isLocked);
  // An immediate job looks at it no more: its watch has seen it.
  if (retry.attempts === 0 && (mode !== 'immediate' || locked.length === 0)) return null;
  const isSpent = retry.attempts !== null && tryNumber > retry.attempts;
  const failed = isSpent ? [] : tasks.filter((task) => isUndone(task, mode));
  const unseen = isSpent ? [] : unseenOf(asked, tasks);
  const isOfAll = !isSpent && hasSeenNothing(asked, tasks);
  if (locked.length + failed.length + unseen.length === 0 && !isOfAll) return null;
  const undone = [...locked, ...failed].filter((task) => !isOfSource(task));
  const names = [...new Set([...undone.map(nameOf), ...unseen])];
  const isUnnamed = isOfAll || failed.some(isOfSource) || names.length > MAX_NAMED;
  const waits = locked.length > 0 && failed.length === 0 ? lockedPauseMs(tryNumber) : 0;
  return {
    tryNumber: tryNumber + 1,
    dueMs: endedMs + Math.max(waits, pauseMs(retry, tryNumber)),
    ...(isUnnamed ? forAll(names) : { workloads: names }),
    madeMs: endedMs,
  };
}

/** @param sought what it is for by name, as far as that is known */
export function forAll(sought: readonly string[]): Pick<RetryOrder, 'workloads' | 'sought'> {
  return {
    workloads: null,
    ...(sought.length > 0 ? { sought: sought.slice(0, MAX_NAMED) } : {}),
  };
}

/** Two machines may have one title. */
function nameOf({ workload, workloadId }: EndedTask): string {
  return workloadId ?? workload;
}

function isUndone({ result, code }: EndedTask, mode: CopyMode): boolean {
  return result === 'failed' || (mode === 'immediate' && code === 'FILE_NOT_COPIED');
}

/** Another session works at it: this one has not looked at it. */
function isLocked({ result, code }: EndedTask): boolean {
  return result === 'warning' && code === 'CHAIN_LOCKED';
}

/** A source that could not be listed is a task of this name: what it holds is not known. */
function isOfSource({ workload, workloadId }: EndedTask): boolean {
  return workloadId === null && workload.startsWith('repository ');
}

/** Names that were asked for. */
function unseenOf(
  { workloads, sought = [], isUnseen }: AskedFor,
  tasks: readonly EndedTask[],
): readonly string[] {
  if (!isUnseen) return [];
  const seen = new Set(tasks.flatMap(namesOf));
  return (workloads ?? sought).filter((name) => !seen.has(name));
}

/** Of all of the job. */
function hasSeenNothing({ workloads, isUnseen }: AskedFor, tasks: readonly EndedTask[]): boolean {
  return isUnseen && workloads === null && tasks.some(({ code }) => code === 'SOURCE_EMPTY');
}

function namesOf({ workload, workloadId }: EndedTask): string[] {
  return workloadId === null || workloadId === workload ? [workload] : [workloadId, workload];
}

/** What a session tells of itself when it has ended.
 *  @param asked what it was started for
 *  @param tasks of more than 500 those that went well may be missing */
export function sessionEnd(
  asked: AskedFor,
  tasks: readonly EndedTask[],
  startedMs: number,
  order: RetryOrder | null,
): SessionEnd {
  const locked = tasks.filter(isLocked).map(nameOf);
  if (asked.workloads === null && !asked.isUnseen)
    return {
      covered: null,
      ...(locked.length > 0 ? { notCovered: locked } : {}),
      startedMs,
      order,
    };
  const covered = tasks.filter((task) => !isLocked(task)).flatMap(namesOf);
  return { covered, startedMs, order };
}

/** The order for a session that ended without a word, because somebody terminated it. null: the job is never tried again. */
export function orderOfLost(
  { retry }: Pick<CopyJob, 'retry'>,
  workloads: readonly string[] | null,
  endedMs: number,
): RetryOrder | null {
  if (retry.attempts === 0) return null;
  const isNamed = workloads !== null && workloads.length <= MAX_NAMED;
  return {
    tryNumber: 2,
    dueMs: endedMs + pauseMs(retry, 1),
    ...(isNamed ? { workloads } : forAll(workloads ?? [])),
    madeMs: endedMs,
  };
}

function pauseMs({ pausesMinutes }: RetryPolicy, tryNumber: number): number {
  return (pausesMinutes[Math.min(tryNumber, pausesMinutes.length) - 1] ?? 0) * MINUTE_MS;
}

/** For as long as somebody else copies, a try every few minutes is only noise. */
function lockedPauseMs(tryNumber: number): number {
  return (
    (LOCKED_PAUSES_MINUTES[Math.min(tryNumber, LOCKED_PAUSES_MINUTES.length) - 1] ?? 0) * MINUTE_MS
  );
}

const LOCKED_PAUSES_MINUTES = [1, 5, 15, 60];

/** The orders of a job that stand after a session has ended: what it dealt with is its matter from then on. What was ordered while it ran stands: whether it
 *  came to that workload before it failed or after, nobody knows. */
export function ordersAfter(orders: readonly RetryOrder[], end: SessionEnd): RetryOrder[] {
  const standing = orders.flatMap((order) => {
    if ((end.startedMs ?? Infinity) < madeMsOf(order)) return [order];
    const left = leftOf(order.workloads, end);
    return left === 'nothing' ? [] : [{ ...withoutCovered(order, end), workloads: left }];
  });
  return end.order === null ? standing : [...standing, end.order];
}

function withoutCovered(order: RetryOrder, { covered }: SessionEnd): RetryOrder {
  const { sought, ...rest } = order;
  const left = sought?.filter((name) => covered?.includes(name) === false) ?? [];
  return left.length === 0 ? rest : { ...rest, sought: left };
}

function madeMsOf({ madeMs, lockedMs }: RetryOrder): number {
  return madeMs ?? lockedMs ?? -Infinity;
}

function leftOf(
  ordered: readonly string[] | null,
  { covered, notCovered = [] }: SessionEnd,
): readonly string[] | null | 'nothing' {
  if (ordered === null && covered !== null) return null;
  const isLeft = (workload: string) =>
    covered === null ? notCovered.includes(workload) : !covered.includes(workload);
  const left = (ordered ?? notCovered).filter(isLeft);
  return left.length === 0 ? 'nothing' : left;
}

/** The same, but that no workload is ordered twice: sessions that overlap fail with the same one. The order that is due first stands, as if it was made by the
 *  last session of them, and of the lowest try: a session that somebody has started anew counts anew. An order for all of the job takes the place of a
 *  later one for all, not of named ones: only a session that is asked for names asks again for what it has not seen.
 *  @returns the very same orders when there is no such workload */
export function withoutRepeats(orders: readonly RetryOrder[]): readonly RetryOrder[] {
  const kept: RetryOrder[] = [];
  let isRepeated = false;
  for (const order of orders.toSorted((a, b) => a.dueMs - b.dueMs)) {
    let { workloads } = order;
    for (const [index, first] of kept.entries()) {
      const left = withoutNames(workloads, first.workloads);
      if (left === workloads) continue;
      kept[index] = asOneWith(first, order);
      workloads = left;
      isRepeated = true;
    }
    if (workloads?.length !== 0) kept.push({ ...order, workloads });
  }
  return isRepeated ? kept : orders;
}

/** @param names null: all of the job
 *  @returns the very same names when none of the others is among them */
function withoutNames(
  names: readonly string[] | null,
  others: readonly string[] | null,
): readonly string[] | null {
  if (others === null) return names === null ? [] : names;
  const left = names?.filter((name) => !others.includes(name)) ?? null;
  return left?.length === names?.length ? names : left;
}

function asOneWith(first: RetryOrder, other: RetryOrder): RetryOrder {
  const madeMs = Math.max(madeMsOf(first), madeMsOf(other));
  const tryNumber = Math.min(first.tryNumber, other.tryNumber);
  const isForAll = first.workloads === null && other.workloads === null;
  const names = isForAll ? forAll(soughtOf([first, other])) : {};
  return { ...first, tryNumber, ...(madeMs > -Infinity ? { madeMs } : {}), ...names };
}

function soughtOf(orders: readonly RetryOrder[]): readonly string[] {
  return [...new Set(orders.flatMap(({ sought }) => sought ?? []))];
}

/** What is due by `nowMs`, as one order: orders that come due together need one session. One for all asks again for what others name, as far as it does not
 *  see it either. */
export function dueOrder(
  orders: readonly RetryOrder[],
  nowMs: number,
): { due: RetryOrder | null; rest: RetryOrder[] } {
  const due = orders.filter(({ dueMs }) => dueMs <= nowMs);
  const rest = orders.filter(({ dueMs }) => dueMs > nowMs);
  const [first] = due;
  if (first === undefined) return { due: null, rest };
  const named = [...new Set(due.flatMap(({ workloads }) => workloads ?? []))];
  const isForAll = due.some(({ workloads }) => workloads === null);
  const madeMs = Math.max(...due.map(madeMsOf));
  return {
    due: {
      ...(madeMs > -Infinity ? { madeMs } : {}),
      tryNumber: Math.max(...due.map(({ tryNumber }) => tryNumber)),
      dueMs: Math.min(...due.map(({ dueMs }) => dueMs)),
      ...(isForAll ? forAll([...new Set([...named, ...soughtOf(due)])]) : { workloads: named }),
    },
    rest,
  };
}
