/** Why a session did not end well, in a size that lists of sessions can carry. Pure. */

import { cut } from './task-brief.js';
import { RANKING } from './session-result.js';
import type { CopyTask, TaskCounts } from './copy-session.js';

/** What its tasks of the session's result have in common. */
export interface SessionCause {
  /** null: the task says it in words alone. */
  readonly code: CopyTask['code'];
  /** Names of the first of them. */
  readonly workloads: readonly string[];
  /** Of all of them; more than are named. Absent: those that are named. */
  readonly count?: number;
}

const MOST_CAUSES = 4;
const MOST_NAMES = 3;
const NAME_CHARACTERS = 60;

/** Of a session that failed or warned, those that most suffer of first; empty: it did neither.
 *  @param tasks of more than those that are kept, the ones that went best may be missing
 *  @param counts of all tasks */
export function sessionCauses(
  tasks: readonly Pick<CopyTask, 'workload' | 'code' | 'result'>[],
  counts: TaskCounts,
): SessionCause[] {
  const result = RANKING.find((rank) => counts[rank] > 0);
  if (result !== 'failed' && result !== 'warning') return [];
  const byCode = new Map<CopyTask['code'], string[]>();
  for (const task of tasks)
    if ((task.result ?? 'failed') === result)
      byCode.set(task.code, [...(byCode.get(task.code) ?? []), task.workload]);
  return [...byCode]
    .sort(([, a], [, b]) => b.length - a.length)
    .slice(0, MOST_CAUSES)
    .map(([code, concerned]) => {
      const workloads = concerned.slice(0, MOST_NAMES).map((name) => cut(name, NAME_CHARACTERS));
      const count = byCode.size === 1 ? counts[result] : concerned.length;
      return { code, workloads, ...(count === workloads.length ? {} : { count }) };
    });
}

/** `REPOSITORY_FULL: db07, db08 and 3 more; IMAGE_CORRUPT: web10`; null: nothing is known of it. */
export function causesText(causes: readonly SessionCause[]): string | null {
  if (causes.length === 0) return null;
  return causes.map(causeText).join('; ');
}

function causeText({ code, workloads, count = workloads.length }: SessionCause): string {
  const more = count - workloads.length;
  const names = `${workloads.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return code === null ? names : `${code}: ${names}`;
}
