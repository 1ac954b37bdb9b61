/** What looks know of a repository: the one answer that every judgement of copies goes by. Pure. */

export interface Sight {
  /** `seen`: the last look was answered. `away`: it was seen, and now it cannot be looked at; what was last seen there still holds. `never`: nobody
   *  has seen it since this process began, so nothing is known of what lies there. `notConfigured`: a job names it, and the configuration does not. */
  readonly state: 'seen' | 'away' | 'never' | 'notConfigured';
  /** Since when it cannot be looked at; epoch milliseconds; null: it can, or nobody has tried. */
  readonly sinceMs: number | null;
}

export const SEEN: Sight = { state: 'seen', sinceMs: null };

/** @param repository undefined: the configuration has none of this id */
export function sightOf(
  repository: { readonly seenAtMs: number | null; readonly awaySinceMs: number | null } | undefined,
): Sight {
  if (repository === undefined) return { state: 'notConfigured', sinceMs: null };
  const { seenAtMs, awaySinceMs: sinceMs } = repository;
  if (seenAtMs === null) return { state: 'never', sinceMs };
  return sinceMs === null ? SEEN : { state: 'away', sinceMs };
}

/** Whether it was ever seen, so that what is not there was not there then. */
export function isKnown({ state }: Sight): boolean {
  return state === 'seen' || state === 'away';
}
