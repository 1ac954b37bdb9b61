/** Whether the backups of each machine of a store go on: all others of it may hide one that stopped. Pure: facts and `now`. */

import { machineNames, type NamedWorkload } from '../jobs/source-scope.js';
import type { CopyLimits, RpoPolicy } from './rpo-policy.js';
import { ageBreach, limitsOf, type CopyFacts, type RpoStatus } from './rpo.js';
import { SHOWN_MACHINES, type MachineFacts } from './workload-facts.js';

/** Those of the store where nothing is said of the machine. */
export function machineLimits(
  rpo: RpoPolicy | null,
  workload: NamedWorkload,
  machine: string,
): CopyLimits {
  const names = machineNames(workload, machine);
  const own = rpo?.workloads.find((entry) => names.includes(entry.workload));
  return own ?? limitsOf(rpo, workload);
}

/** The machines of a store as its source shows them, and of its copies; absent: nothing is known of the store there, or it is of one machine. */
export interface MachinesOfStore {
  readonly shown: readonly MachineFacts[] | undefined;
  readonly copied: readonly MachineFacts[] | undefined;
}

/** `late` also when one of its machines is. What waits for its copy waits for that of the store, whose limit counts for it. */
export function withMachines(
  store: RpoStatus,
  machines: MachinesOfStore,
  limits: (machine: string) => CopyLimits,
  { nowMs, ...sights }: Pick<CopyFacts, 'source' | 'target'> & { readonly nowMs: number },
): RpoStatus {
  // One sentence of all of it says it; and of copies that nobody has seen nothing is known.
  if (store.state === 'late' || machines.copied === undefined) return store;
  const late = momentsOf(machines).flatMap(({ name, ...moments }) => {
    const breach = ageBreach({ ...sights, ...moments }, limits(name), nowMs);
    return breach === null ? [] : [{ name, ...breach }];
  });
  const [first, ...others] = late.sort((a, b) => a.sinceMs - b.sinceMs);
  if (first === undefined)
    return store.state === 'ok' ? (uncopied(machines, limits) ?? store) : store;
  const { code, text } = first.reason;
  const more = others.length === 0 ? '' : `; as late, or less, are ${others.length} more of it`;
  // Its tool may have taken it out of the store.
  if (machines.shown === undefined)
    return {
      state: 'unknown',
      sinceMs: first.sinceMs,
      reasons: [
        {
          code: 'sourceUnknown',
          text: `of ${first.name}, ${text}${more}; whether its source still has it is not known`,
        },
        ...store.reasons,
      ],
    };
  return {
    state: 'late',
    sinceMs: first.sinceMs,
    reasons: [{ code, text: `of ${first.name}, ${text}${more}` }, ...store.reasons],
  };
}

/** Of one whose copy nobody has seen, as of a workload of its own; null: there is none. */
function uncopied(
  machines: MachinesOfStore,
  limits: (machine: string) => CopyLimits,
): RpoStatus | null {
  const one = momentsOf(machines).find(
    ({ name, newestCopyAtMs, sourceAtMs }) =>
      newestCopyAtMs === null && sourceAtMs.length > 0 && limits(name).maxCopyAgeHours !== null,
  );
  if (one === undefined) return null;
  const text = `of ${one.name}, it has no copy yet`;
  return { state: 'unknown', sinceMs: one.sourceAtMs[0]!, reasons: [{ code: 'noCopy', text }] };
}

interface Moments extends Pick<CopyFacts, 'sourceAtMs' | 'newestCopyAtMs' | 'copiedUntilMs'> {
  readonly name: string;
}

/** Of what the source shows; of the copies where nothing is known of it. What it does not show any more its tool has taken out of the store. */
function momentsOf({ shown, copied = [] }: MachinesOfStore): Moments[] {
  const copies = new Map(copied.map(({ name, newestAtSeconds }) => [name, msOf(newestAtSeconds)]));
  // What is not among the first of so many is newer than they are.
  const isKnown = (name: string) => copies.has(name) || copied.length < SHOWN_MACHINES;
  return (shown ?? copied)
    .filter(({ name }) => isKnown(name))
    .map(({ name, newestAtSeconds }) => {
      const newestMs = shown === undefined ? null : msOf(newestAtSeconds);
      const copyMs = copies.get(name) ?? null;
      return {
        name,
        sourceAtMs: newestMs === null ? [] : [newestMs],
        newestCopyAtMs: copyMs,
        copiedUntilMs: copyMs,
      };
    });
}

function msOf(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1_000;
}
