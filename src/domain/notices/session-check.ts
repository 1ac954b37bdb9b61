/** What the check of a job is told when a session or a run of it has ended. Pure. */

import type { CopyTask, SessionResult } from '../sessions/copy-session.js';
import type { SessionTally } from '../sessions/session-tally.js';
import type { PingEvent } from './notification-channel.js';

type EndEvent = Exclude<PingEvent, 'start'>;

/** A session that ends with a warning may have copied nothing at all: a share that is not mounted, a chain that another session holds. It is well when it
 *  copied a workload, or found one to be copied already, and each source showed what it holds. What else it warns of is told by other channels.
 *  @param tally of more than 500 tasks those that went well may be missing among its tasks, and none among its counts */
export function pingOfSession(
  result: SessionResult,
  { tasks, counts }: Pick<SessionTally, 'tasks' | 'counts'>,
): EndEvent {
  if (result === 'failed' || result === 'stopped' || result === 'actionRequired') return 'fail';
  const others = tasks.filter((task) => task.workloadId === null && isDone(task)).length;
  const hasDealt =
    counts.success + counts.nothingToCopy > others ||
    tasks.some(({ committed, foundCopied }) => committed.length > 0 || foundCopied === true);
  return hasDealt && !tasks.some(isUnseen) ? 'success' : 'fail';
}

/** Nothing may be begun of what is to follow a run: then nothing comes to that target.
 *  @param isEachCopyBegun of those that are to follow the run */
export function pingOfRun(
  result: 'success' | 'warning' | 'failed',
  isEachCopyBegun: boolean,
): EndEvent {
  return result !== 'failed' && isEachCopyBegun ? 'success' : 'fail';
}

function isDone({ result }: Pick<CopyTask, 'result'>): boolean {
  return result === 'success' || result === 'nothingToCopy';
}

/** A source that shows nothing, or that in it which nobody could look at or tell apart. */
function isUnseen({ workloadId, result, code }: CopyTask): boolean {
  return workloadId === null && result === 'warning' && code !== null;
}
