import { idOfAnyDate } from './any-date.js';
import type { FoundWorkload } from './found-workload.js';

/** Ids that a workload had before and that are nobody else's: no source shows a workload of such an id, and no other one may have had it. Copies that lie
 *  under one may be taken over.
 *  @param workloads all that all sources of a job show
 *  @returns by the id of now; none of a workload that has no such ids */
export function soleFormerIds(
  workloads: readonly Pick<FoundWorkload, 'id' | 'otherIds'>[],
): ReadonlyMap<string, readonly string[]> {
  // An id that stands for all dates may be that of one that is shown.
  const shown = new Set(workloads.flatMap(({ id }) => [id, idOfAnyDate(id)]));
  const claims = new Map<string, Set<string>>();
  for (const { id, otherIds = [] } of workloads)
    for (const other of otherIds) claims.set(other, (claims.get(other) ?? new Set()).add(id));
  const former = new Map<string, string[]>();
  for (const [other, [id = '', ...further]] of claims)
    if (!shown.has(other) && further.length === 0)
      former.set(id, [...(former.get(id) ?? []), other]);
  return former;
}
