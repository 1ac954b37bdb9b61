/** When copies were last read and compared. */

import type { KeptView, WorkloadView } from '../../../api/safety/overview-schemas.js';
import type { KeptPlace } from '../../show/kept.js';
import type { Mood, Said } from '../../show/words.js';
import { DAY_MS } from '../../../domain/elapsed.js';

export interface CheckedCopies {
  readonly workload: WorkloadView;
  readonly kept: KeptPlace;
}

export function sayCheck({ damagedCount, neverVerifiedCount }: KeptView): Said {
  if (damagedCount > 0) return { mood: 'bad', word: `${damagedCount} damaged` };
  if (neverVerifiedCount > 0)
    return { mood: 'unknown', word: `${neverVerifiedCount} not verified` };
  return { mood: 'good', word: 'good' };
}

const AGES: readonly { readonly name: string; readonly days: number; readonly mood: Mood }[] = [
  { name: 'within 7 days', days: 7, mood: 'good' },
  { name: 'within 30 days', days: 30, mood: 'good' },
  { name: 'within 90 days', days: 90, mood: 'attention' },
  { name: 'longer ago', days: Infinity, mood: 'bad' },
];

interface CheckShare {
  readonly name: string;
  readonly storedBytes: number;
  readonly percent: number;
  readonly mood: Mood;
}

/** Of the bytes of all chains: each counts where its oldest check lies; those with anything not verified count apart. */
export function checkShares(rows: readonly KeptView[], nowMs: number): CheckShare[] {
  const never = { name: 'not all verified', mood: 'unknown' as const };
  const sums = new Map([...AGES, never].map(({ name }) => [name, 0]));
  for (const { oldestVerifiedAt, neverVerifiedCount, storedBytes } of rows) {
    const age = nowMs - Date.parse(oldestVerifiedAt ?? '');
    const found = neverVerifiedCount > 0 ? never : AGES.find(({ days }) => age < days * DAY_MS);
    const { name } = found ?? never;
    sums.set(name, (sums.get(name) ?? 0) + storedBytes);
  }
  const total = Math.max(
    1,
    [...sums.values()].reduce((sum, bytes) => sum + bytes, 0),
  );
  return [...AGES, never].map(({ name, mood }) => {
    const storedBytes = sums.get(name) ?? 0;
    return { name, storedBytes, percent: (storedBytes / total) * 100, mood };
  });
}
