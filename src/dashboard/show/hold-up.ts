/** What holds a task or a session up, and where its time went, in sentences. */

import type { Bottleneck } from '../../domain/sessions/bottleneck.js';
import type { TaskState } from '../../domain/sessions/copy-session.js';
import type { TaskView } from '../../api/sessions/session-schemas.js';
import { duration } from './format.js';

/** Of one that moves; empty: it waits, or nothing is known. */
export function slowestSentence(bottleneck: Bottleneck | null): string {
  switch (bottleneck) {
    case 'source':
      return ' Most of the time goes to reading the source.';
    case 'target':
      return ' Most of the time goes to writing the target.';
    case 'limit':
      return ' A rate limit holds it back most of the time.';
    case 'processor':
      return ' Most of the time goes to the processor: digests and compression.';
    default:
      return '';
  }
}

/** In milliseconds, with the one that it is in. */
export function timeInState(
  { spentMs, state, stateSince }: Pick<TaskView, 'spentMs' | 'state' | 'stateSince'>,
  asked: TaskState,
  nowMs: number,
): number {
  const now = state === asked && stateSince !== null ? nowMs - Date.parse(stateSince) : 0;
  return (spentMs[asked] ?? 0) + Math.max(0, now);
}

/** `3 min 20 s`; empty: less than a second. */
export function shortTime(milliseconds: number): string {
  return milliseconds < 1_000 ? '' : duration(milliseconds);
}
