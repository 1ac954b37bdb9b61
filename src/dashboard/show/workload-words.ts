/** Workloads in words: the states are those of the command line. */

import type { WorkloadView } from '../../api/safety/overview-schemas.js';
import { withQuery } from '../client/queries.js';
import { listed } from './job-words.js';
import type { Said } from './words.js';

export const WORKLOAD_STATES: Readonly<Record<WorkloadView['state'], Said>> = {
  late: { mood: 'bad', word: 'late' },
  unprotected: { mood: 'bad', word: 'in no job' },
  unknown: { mood: 'unknown', word: 'unknown' },
  ok: { mood: 'good', word: 'ok' },
  unwatched: { mood: 'quiet', word: 'not watched' },
};

/** Of one that its source did not show, if it was seen: what that tells. */
export const NOT_SHOWN: Readonly<
  Record<WorkloadView['sourceState'], { readonly note: string; readonly text: string }>
> = {
  seen: { note: 'the source does not show it', text: 'The source does not show it any more.' },
  away: {
    note: 'not shown when it was last seen',
    text: 'The source did not show it when it was last seen, and cannot be looked at now.',
  },
  never: {
    note: 'not seen yet',
    text: 'The source was not seen since the service started, so it is not known what it shows.',
  },
  notConfigured: {
    note: 'not configured',
    text: 'The configuration does not have this source, so nobody looks into it.',
  },
};

/** Ids of workloads hold anything, so they stand in the query. */
export function workloadAddress({
  repositoryId,
  id,
}: Pick<WorkloadView, 'repositoryId' | 'id'>): string {
  return withQuery(`/workloads/${repositoryId}`, { id });
}

/** What its jobs allow. */
export function limitWords({ copies }: WorkloadView): string {
  const limits = copies.flatMap(({ maxCopyAgeHours, maxLagHours }) => [
    ...(maxCopyAgeHours === null ? [] : [`${maxCopyAgeHours} h old`]),
    ...(maxLagHours === null ? [] : [`${maxLagHours} h behind`]),
  ]);
  return limits.length === 0 ? 'no limit' : `at most ${listed([...new Set(limits)])}`;
}
