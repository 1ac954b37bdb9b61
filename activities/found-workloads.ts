import type { SourceWorkload, WorkloadType } from '../src/domain/restore-point.js';

export interface WorkloadToCopy {
  readonly id: string;
  readonly name: string;
  readonly type: WorkloadType;
}

export interface FoundWorkload extends WorkloadToCopy {
  /** Where it was found, as `SourceWorkload.folders`; absent: it must be looked for everywhere. */
  readonly folders?: readonly string[];
  /** Why nothing of it can be copied, in plain words; absent: it can. */
  readonly unaddressable?: string;
}

/** What stands for a folder or an image whose name cannot be part of a path. Its id is its path, as it is shown. */
export function unaddressableWorkload(path: string): FoundWorkload & { unaddressable: string } {
  return {
    id: path,
    name: path,
    type: 'unknown',
    unaddressable: `the name ${path} cannot be part of a path (it is not UTF-8, or holds a backslash), so nothing that lies there is copied`,
  };
}

/** The list goes along with every plan of the workload. Ten folders on deep paths are about 1,000 characters. */
const MAX_FOLDER_CHARACTERS = 4_000;
/** An answer may have 2 MB; 500,000 characters are at most 1.5 MB. */
const MAX_CHARACTERS = 500_000;

/** Workloads as they go through Temporal, in their order. Lists of folders that would make a payload large are left out: such a workload
 *  costs a look at the whole repository, which is slow, but never too big. */
export function foundWorkloads(workloads: readonly SourceWorkload[]): FoundWorkload[] {
  let left = MAX_CHARACTERS;
  return workloads.map(({ id, name, type, folders }) => {
    const { length } = JSON.stringify(folders);
    if (length > MAX_FOLDER_CHARACTERS || length > left) return { id, name, type };
    left -= length;
    return { id, name, type, folders };
  });
}
