/** Whether what is kept is still readable, in one sentence. Pure. */

import type { Overview } from '../../../api/safety/overview-schemas.js';
import { counted } from '../../show/format.js';
import type { Mood } from '../../show/words.js';

export function healthVerdict({ counts, verdict: { clauses } }: Overview): {
  readonly mood: Mood;
  readonly sentence: string;
} {
  const { restorePoints: all, damagedRestorePoints: damaged } = counts;
  const never = counts.neverVerifiedRestorePoints;
  const points = all.toLocaleString('en');
  // The server knows what it could not look at, and says so with what it knows of damage.
  const isWhole = clauses.some(({ about, state }) => about === 'damage' && state === 'good');
  if (all === 0)
    return { mood: 'unknown', sentence: 'There is no copy whose health could be known.' };
  if (damaged > 0)
    return {
      mood: 'bad',
      sentence: `${counted(damaged, 'restore point')} of ${points} cannot be trusted.`,
    };
  const checked =
    never === 0
      ? `all ${counted(all, 'restore point')} that were seen were read and compared`
      : `${counted(never, 'restore point')} of ${points} ${never === 1 ? 'was' : 'were'} not verified since the files last changed`;
  if (!isWhole)
    return {
      mood: 'unknown',
      sentence: `Nothing is known to be damaged, but not everything could be looked at; ${checked}.`,
    };
  return never > 0
    ? { mood: 'unknown', sentence: `Nothing is known to be damaged, but ${checked}.` }
    : {
        mood: 'good',
        sentence: `Nothing is damaged: all ${counted(all, 'restore point')} were read and compared.`,
      };
}
