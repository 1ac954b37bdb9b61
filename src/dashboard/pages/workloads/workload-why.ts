import type { WorkloadView } from '../../../api/safety/overview-schemas.js';
import { listed } from '../../show/job-words.js';

/** Why it is in its state; null: it is well. */
export function whyOf({
  state,
  copies,
  leftovers,
  sourceProblem,
}: Pick<WorkloadView, 'state' | 'copies' | 'leftovers' | 'sourceProblem'>): string | null {
  if (sourceProblem !== null) return sourceProblem;
  if (state === 'unprotected') return 'A source shows it, and no job copies it';
  if (state === 'unwatched') {
    const why = 'It is excluded by name, or no source shows it and no job keeps it';
    return leftovers.length === 0 ? why : `${why}; its copies belong to no job`;
  }
  const said = copies.filter(({ reasons }) => reasons.length > 0);
  if (said.length === 0)
    return state === 'unknown'
      ? 'No job that could be read copies it, and not every job could be read'
      : null;
  const texts = said.map(({ reasons }) => listed(reasons.map(({ text }) => text)));
  const isSame = said.length === copies.length && new Set(texts).size === 1;
  if (isSame) return texts[0] ?? null;
  return said.map(({ repositoryId }, at) => `in ${repositoryId}: ${texts[at]}`).join('; ');
}
