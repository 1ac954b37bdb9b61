import type { WorkloadType } from './source-workload.js';
import { isNamed } from '../jobs/source-scope.js';
import { mayHoldWorkloads, type UnseenPart } from './unseen-part.js';
import type { WorkloadTypeFacts } from './workload-rules.js';

export interface WorkloadToCopy {
  readonly id: string;
  readonly name: string;
  readonly type: WorkloadType;
}

export interface FoundWorkload extends WorkloadToCopy {
  /** Where it was found, as `SourceWorkload.folders`; absent: it must be looked for everywhere. */
  readonly folders?: readonly string[];
  /** As `SourceWorkload.otherIds`. */
  readonly otherIds?: readonly string[];
  /** As `SourceWorkload.isOnlySeen`. */
  readonly isOnlySeen?: true;
  /** It is a tree of files. */
  readonly isTree?: true;
  /** What copies of its type allow; absent: everything. */
  readonly limits?: Pick<WorkloadTypeFacts, 'title' | 'rules'>;
  /** Why nothing of it is copied, in plain words; absent: it can be. */
  readonly unseen?: { readonly code: UnseenPart['code']; readonly reason: string };
}

/** Workloads in the order of their ids, as far as one answer holds. */
export interface WorkloadPage {
  readonly workloads: readonly FoundWorkload[];
  /** Id after which the next page begins; null: there is none. */
  readonly next: string | null;
  /** Names of links in the root of a source that shows nothing, which lead out of it and are not followed. Absent: there are none. */
  readonly linksOut?: readonly string[];
}

/** What a source holds under a name at this moment. */
export interface NamedLook {
  readonly found: readonly Pick<FoundWorkload, 'id' | 'name' | 'type' | 'isTree'>[];
  /** All of it was seen, and it shows something: what was not found is not there. */
  readonly isWhole: boolean;
}

/** @param workloads all that the source shows */
export function namedLook(workloads: readonly FoundWorkload[], named: string): NamedLook {
  const shown = workloads.filter(
    ({ unseen, isOnlySeen }) => unseen === undefined && isOnlySeen !== true,
  );
  return {
    found: shown
      .filter((workload) => isNamed([named], workload))
      .map(({ id, name, type, isTree }) => ({
        ...{ id, name, type },
        ...(isTree === true ? { isTree } : {}),
      })),
    isWhole:
      shown.length > 0 &&
      !workloads.some(({ unseen }) => unseen !== undefined && mayHoldWorkloads(unseen)),
  };
}

/** Of the disks of any machine, or of a month of runs. */
const MAX_OTHER_CHARACTERS = 4_000;

/** Of the ids that a workload may have had as many as go along with each list of workloads: for sessions and for the question whether they are safe the same. */
export function fittingIds(ids: readonly string[]): readonly string[] {
  let left = MAX_OTHER_CHARACTERS;
  return ids.filter((id) => (left -= id.length) >= 0);
}
