/** Bound of ids of workloads, which layouts make of names and folders of any length. */

import { fingerprint } from '../targets/path-segment.js';

/** UTF-16 units. Ids stand in ids of workflows, which have 1,000 bytes: a longer one is refused there again and again, and the session
 *  that asked for it never ends. 255 take at most 765 of them, also in the key of a restore point (`restorePointKey`). */
export const WORKLOAD_ID_LENGTH = 255;

/** The id itself when it is short enough; else its head, `~` and a fingerprint of the whole: another one for every id, the same at every look. */
export function boundedWorkloadId(id: string): string {
  if (id.length <= WORKLOAD_ID_LENGTH) return id;
  const end = `~${fingerprint(id)}`;
  // Half a character would be another one in UTF-8.
  const head = id.slice(0, WORKLOAD_ID_LENGTH - end.length).replace(/[\uD800-\uDBFF]$/, '');
  return head + end;
}
