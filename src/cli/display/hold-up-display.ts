/** What holds a task or a session up, and where its time went, as text. */

import { BOTTLENECK_WORDS, type Bottleneck } from '../../domain/sessions/bottleneck.js';
import { shareWords } from '../../domain/sessions/mover-times.js';
import type { TaskView } from '../../api/sessions/session-schemas.js';
import { formatBytes, formatDuration } from './display-text.js';

/** Empty: not known. */
export function describeBottleneck(bottleneck: Bottleneck | null): string {
  return bottleneck === null ? '' : BOTTLENECK_WORDS[bottleneck];
}

/** `inspecting 2 s, copying 3 min (reading 71 %, …)`, with the time in the state that it is in; what took less than a second is left out. */
export function describePhases(
  { spentMs, state, stateSince, moverTimes }: TaskView,
  nowMs: number,
): string {
  const spent: Record<string, number> = { ...spentMs };
  if (state !== 'ended' && stateSince !== null)
    spent[state] = (spent[state] ?? 0) + nowMs - Date.parse(stateSince);
  const phases = Object.entries(spent)
    .filter(([, ms]) => ms >= 1_000)
    .map(([name, ms]) => `${name} ${formatDuration(Math.round(ms / 1_000))}`)
    .join(', ');
  const shares = shareWords(moverTimes);
  return [phases, shares === '' ? '' : `its copying: ${shares}`]
    .filter((part) => part !== '')
    .join('; ');
}

/** What was not copied again; empty: nothing. */
export function describeResumed({ resumedFromBytes, attempt }: TaskView): string {
  if (resumedFromBytes === 0) return '';
  const tries = attempt > 1 ? ` (attempt ${attempt})` : '';
  return `taken up again at ${formatBytes(resumedFromBytes)} of its disk${tries}: what lies before was not copied again`;
}
