import { workloadTypeOf } from '../src/layout/layouts.js';
import { jsonBytes } from '../src/domain/task-brief.js';
import type { SourceWorkload, WorkloadType } from '../src/domain/restore-point.js';
import { ALL_ALLOWED, type WorkloadTypeFacts } from '../src/domain/workload-rules.js';
import { unseenReason, type UnseenPart } from '../src/domain/unseen-part.js';

export interface WorkloadToCopy {
  readonly id: string;
  readonly name: string;
  readonly type: WorkloadType;
}

export interface FoundWorkload extends WorkloadToCopy {
  /** Where it was found, as `SourceWorkload.folders`; absent: it must be looked for everywhere. */
  readonly folders?: readonly string[];
  /** It is a tree of files. */
  readonly isTree?: true;
  /** What copies of its type allow; absent: everything. */
  readonly limits?: Pick<WorkloadTypeFacts, 'title' | 'rules'>;
  /** Why nothing of it is copied, in plain words; absent: it can be. */
  readonly unseen?: { readonly code: UnseenPart['code']; readonly reason: string };
}

/** What stands for a place in a source that is not looked into. Its id is its path, as it is shown. */
export function unseenWorkload(
  part: UnseenPart,
): FoundWorkload & Pick<Required<FoundWorkload>, 'unseen'> {
  const { path, code } = part;
  return { id: path, name: path, type: 'unknown', unseen: { code, reason: unseenReason(part) } };
}

/** Workloads in the order of their ids, as far as one answer holds. */
export interface WorkloadPage {
  readonly workloads: readonly FoundWorkload[];
  /** Id after which the next page begins; null: there is none. */
  readonly next: string | null;
}

/** The list goes along with every plan of the workload. Ten folders on deep paths are about 1,000 characters. */
const MAX_FOLDER_CHARACTERS = 4_000;
/** An answer may have 2 MiB. */
const MAX_BYTES = 1_000_000;

/** A page of workloads as they go through Temporal: those whose ids come after `after`. The folders of one that lies in hundreds are left
 *  out: it costs a look at the whole repository, which is slow, but never too big.
 *  @param unseen what stands beside them and is not looked into */
export function workloadPage(
  workloads: readonly SourceWorkload[],
  after: string | null,
  unseen: readonly UnseenPart[] = [],
): WorkloadPage {
  const rest = [...workloads.map(foundWorkload), ...unseen.map(unseenWorkload)]
    .filter(({ id }) => after === null || id > after)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const page: FoundWorkload[] = [];
  let bytes = 0;
  for (const found of rest) {
    bytes += jsonBytes(found);
    if (bytes > MAX_BYTES && page.length > 0) return { workloads: page, next: page.at(-1)!.id };
    page.push(found);
  }
  return { workloads: page, next: null };
}

function foundWorkload({ id, name, type, folders, tree }: SourceWorkload): FoundWorkload {
  const isLong = JSON.stringify(folders).length > MAX_FOLDER_CHARACTERS;
  const { title, rules } = workloadTypeOf(type);
  return {
    ...{ id, name, type },
    ...(isLong ? {} : { folders }),
    ...(tree === undefined ? {} : { isTree: true as const }),
    ...(rules === ALL_ALLOWED ? {} : { limits: { title, rules } }),
  };
}
