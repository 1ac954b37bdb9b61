/** What holds a task or a session up, and where its time went, in words. The same words stand in the command line. */

import type { Bottleneck } from '../../domain/sessions/bottleneck.js';
import type { TaskState } from '../../domain/sessions/copy-session.js';
import type { MoverTimes } from '../../domain/sessions/mover-times.js';
import type { TaskView } from '../../api/sessions/session-schemas.js';
import { duration } from './format.js';

export const BOTTLENECK_WORDS: Readonly<Record<Bottleneck, string>> = {
  source: 'reading the source',
  target: 'writing the target',
  limit: 'a rate limit',
  processor: 'the processor',
  turn: 'waiting for its turn',
  hours: 'waiting for the allowed hours',
  point: 'waiting for a restore point to be whole',
  pause: 'paused',
  retry: 'a step that is tried again',
};

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

/** Shares of less say nothing. */
const MIN_MEASURED_MS = 100;

/** `reading 71 %, writing 20 %, processor 9 %`, the largest first; null: nearly nothing was measured. */
export function shareWords(times: MoverTimes | null): string | null {
  if (times === null) return null;
  const { sourceMs, targetMs, limitMs, processorMs } = times;
  const total = sourceMs + targetMs + limitMs + processorMs;
  if (total < MIN_MEASURED_MS) return null;
  const parts: readonly (readonly [string, number])[] = [
    ['reading', sourceMs],
    ['writing', targetMs],
    ['limit', limitMs],
    ['processor', processorMs],
  ];
  const words = [...parts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, ms]) => [name, Math.round((ms / total) * 100)] as const)
    .filter(([, percent]) => percent > 0)
    .map(([name, percent]) => `${name} ${percent} %`);
  return words.length === 0 ? null : words.join(', ');
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
