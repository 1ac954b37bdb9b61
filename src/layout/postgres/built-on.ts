import { broken, type PointFault } from '../point-fault.js';

/** A backup of a store that holds what changed since another one. */
export interface BuiltBackup {
  readonly label: string;
  /** Label of the one that it builds on. null: it is a full. */
  readonly parent: string | null;
  /** What of its data is not there. */
  readonly dataFaults: readonly PointFault[];
}

/** What a backup builds on: all of it, for one of these need not be a point, and what is wrong with its data. Without the log of a parent it does.
 *  @param parentOf null: that one is not there, or has not ended
 *  @returns labels, the nearest last */
export function builtOn(
  { label, parent }: Pick<BuiltBackup, 'label' | 'parent'>,
  parentOf: (label: string) => BuiltBackup | null,
): { readonly labels: readonly string[]; readonly faults: readonly PointFault[] } {
  const labels: string[] = [];
  const faults: PointFault[] = [];
  for (let next = parent; next !== null;) {
    const isCircle = next === label || labels.includes(next);
    const found = isCircle ? null : parentOf(next);
    if (!isCircle) labels.unshift(next);
    if (found === null) {
      faults.push(broken(`it builds on ${next}, which is not there`).fault);
      break;
    }
    for (const { state, reason } of found.dataFaults)
      faults.push({ state, reason: `it builds on ${found.label}: ${reason}` });
    next = found.parent;
  }
  return { labels, faults };
}
