/** What the sessions of a job have left: what nothing since has made good, and what waits for a decision. Pure. */

import type { CopyTask, SessionResult, TaskCounts } from './copy-session.js';
import { sessionCauses, type SessionCause } from './session-causes.js';
import { markOf, WorkloadSet } from './workload-set.js';

/** What a session says at its end of its workloads, by their ids, of many by their marks; `SOURCES` is what is of none of them. */
export interface SessionLeft {
  /** Of a session over some workloads those that went well; null: of one over all, or too many to name. */
  readonly well: readonly string[] | null;
  /** Those that did not end well; null: too many to name. */
  readonly unwell: readonly string[] | null;
  /** Of those, the ones whose chain waits for a decision of the operator; null: too many to name. */
  readonly undecided: readonly string[] | null;
  /** Why it failed or warned. Absent: it did neither, or an earlier build did not say. */
  readonly causes?: readonly SessionCause[];
}

const SOURCES = '';

/** A list of a thousand sessions carries it for each, so that more are told by their marks. */
const MAX_NAMED = 20;
/** As many as a watch looks for at once, and twice what a retry names: 16 kB. */
const MAX_MARKED = 1_000;

/** @param tasks of more than those that are kept, the ones that went best may be missing
 *  @param counts of all tasks */
export function sessionLeft(
  tasks: readonly Pick<CopyTask, 'workload' | 'workloadId' | 'code' | 'result'>[],
  counts: TaskCounts,
  isPartial: boolean,
): SessionLeft {
  // Of a workload that another session had under way, one over some says nothing: that one does.
  const says = ({ result, code }: Pick<CopyTask, 'code' | 'result'>): boolean =>
    !isPartial || result !== 'warning' || code !== 'CHAIN_LOCKED';
  const named = (results: readonly SessionResult[]): readonly string[] | null => {
    const own = tasks.filter(({ result }) => results.includes(result ?? 'failed'));
    const count = results.reduce((sum, result) => sum + counts[result], 0);
    const ids = [...new Set(own.filter(says).map(({ workloadId }) => workloadId ?? SOURCES))];
    if (own.length < count || ids.length > MAX_MARKED) return null;
    return ids.length > MAX_NAMED ? ids.map((id) => (id === SOURCES ? id : markOf(id))) : ids;
  };
  const causes = sessionCauses(tasks, counts).filter(
    ({ code }) => code !== 'CHAIN_LOCKED' || tasks.some((task) => task.code === code && says(task)),
  );
  return {
    well: isPartial ? named(['success', 'nothingToCopy']) : null,
    unwell: named(['failed', 'warning', 'stopped', 'actionRequired']),
    undecided: named(['actionRequired']),
    ...(causes.length === 0 ? {} : { causes }),
  };
}

/** A session that has ended, as a list knows it. */
export interface EndedSession {
  readonly id: string;
  readonly result: SessionResult;
  /** RFC 3339 UTC. */
  readonly startedAt: string;
  /** It looked only at some workloads of its job. */
  readonly isPartial: boolean;
  /** Workloads whose chain waits for a decision of the operator. */
  readonly actionRequired: number;
  /** null: it ended without a word, or an earlier build wrote none. */
  readonly left: SessionLeft | null;
}

export interface JobOutcome {
  /** The newest that failed or warned of something that no later one has made good; null: none. */
  readonly fault: EndedSession | null;
  /** The newest that found what waits for a decision still; null: none. */
  readonly undecided: EndedSession | null;
  /** False: a session before these may be the one. */
  readonly isFaultKnown: boolean;
  readonly isDecisionKnown: boolean;
}

/** @param sessions the ended ones of a job, newest first */
export function jobOutcome(sessions: readonly EndedSession[]): JobOutcome {
  const { session: fault, isKnown: isFaultKnown } = openFault(sessions);
  const { session: undecided, isKnown: isDecisionKnown } = openDecision(sessions);
  return { fault, undecided, isFaultKnown, isDecisionKnown };
}

/** Whether sessions before those that were looked at could not change it. */
export function isWholeOutcome({ isFaultKnown, isDecisionKnown }: JobOutcome): boolean {
  return isFaultKnown && isDecisionKnown;
}

interface Found {
  readonly session: EndedSession | null;
  readonly isKnown: boolean;
}

/** A session over all tells how the job is; those over some since then tell it of these alone. One that somebody stopped tells nothing. */
function openFault(sessions: readonly EndedSession[]): Found {
  const settled = new Settled();
  let isFirst = true;
  for (const session of sessions) {
    const { result, isPartial, left } = session;
    if (result === 'stopped') continue;
    const isBad = result === 'failed' || result === 'warning';
    // Of one of an earlier build over some workloads nobody knows over which.
    const isUnsaid = left === null && isPartial && !isFirst;
    if (isBad && !isUnsaid && settled.leaves(left?.unwell ?? null, isPartial))
      return { session, isKnown: true };
    if (!isPartial) return { session: null, isKnown: true };
    settled.add(session);
    isFirst = false;
  }
  return { session: null, isKnown: false };
}

/** Recreated chains are decided for each workload: what else failed in a session hides none of them. What a session over all has found is settled by one over all
 *  that looked at it, or by one over that workload that went well. */
function openDecision(sessions: readonly EndedSession[]): Found {
  const settled = new Settled();
  /** What no session over all has got to since then; null: there was none. */
  let unseen: WorkloadSet | null = null;
  for (const session of sessions) {
    const { result, isPartial, left, actionRequired } = session;
    if (actionRequired > 0 && settled.leaves(within(unseen, left?.undecided ?? null), isPartial))
      return { session, isKnown: true };
    if (isPartial) settled.add(session);
    else if (result !== 'failed' && result !== 'stopped') return { session: null, isKnown: true };
    else if (result === 'failed' && left?.unwell?.includes(SOURCES) === false) {
      unseen = new WorkloadSet(within(unseen, left.unwell) ?? []);
      if (unseen.size === 0) return { session: null, isKnown: true };
    }
  }
  return { session: null, isKnown: false };
}

/** @param unseen null: everything @param ids null: any of them */
function within(
  unseen: WorkloadSet | null,
  ids: readonly string[] | null,
): readonly string[] | null {
  if (unseen === null) return ids;
  return ids === null ? unseen.names : ids.filter((id) => unseen.has(id));
}

/** What sessions over some workloads have made good. */
class Settled {
  readonly #ids = new WorkloadSet();

  add({ result, left }: EndedSession): void {
    if (result === 'stopped' || left === null || left.unwell === null) return;
    for (const id of left.well ?? []) this.#ids.add(id);
    // It has looked at all sources, and found nothing to say of them.
    if (!left.unwell.includes(SOURCES)) this.#ids.add(SOURCES);
  }

  /** @param ids null: not known which
   *  @param isPartial of a session over some workloads: what it says of the sources another such one says again */
  leaves(ids: readonly string[] | null, isPartial: boolean): boolean {
    if (ids === null) return true;
    return ids.some((id) => (id === SOURCES && !isPartial) || !this.#ids.has(id));
  }
}
