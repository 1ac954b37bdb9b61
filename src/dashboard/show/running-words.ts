/** A session among others that run, as lists know it, which ask no worker. Pure. */

import type { RunningSession } from '../../api/sessions/session-schemas.js';
import { bytes, duration } from './format.js';

/** How far it is. A list learns that when a workload ends, so of one whose first workload is large it knows nothing yet. */
export function runningWords({
  state,
  progress,
  taskCounts,
}: Pick<RunningSession, 'state' | 'progress' | 'taskCounts'>): string {
  const { percent, totalBytes, etaSeconds } = progress;
  const known = taskCounts.waiting > 0 ? ' known so far' : '';
  const share = totalBytes === 0 ? '' : `${Math.floor(percent)} % of ${bytes(totalBytes)}${known}`;
  const waits = WAITS[state];
  if (waits !== undefined) return share === '' ? waits : `${share}; ${waits}`;
  if (share === '') return 'how far it is stands on its page';
  const left =
    etaSeconds === null || etaSeconds < 1 ? '' : `, about ${duration(etaSeconds * 1_000)} left`;
  return `${share}${left}`;
}

const WAITS: Readonly<Partial<Record<RunningSession['state'], string>>> = {
  waiting: 'goes on in the allowed hours of its job',
  paused: 'copies nothing until it is resumed',
  stopping: 'ends at its next durable position',
};
