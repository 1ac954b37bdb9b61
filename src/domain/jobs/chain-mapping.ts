/** Whether a job may go on with copies that another one left. Pure. */

import type { WorkloadType } from '../sources/source-workload.js';
import type { CopyJob } from './copy-job.js';
import { sourceScope } from './source-scope.js';

export interface MappedWorkload {
  readonly id: string;
  readonly name: string;
  readonly type: WorkloadType;
}

/** Why the next session of the job would not go on with these copies, in plain words; null: nothing is known against it.
 *  @param shown what the sources of the job were last seen to hold, as ids of sources
 *  @param isAll each of them was looked at */
export function mappingFault(
  job: Pick<CopyJob, 'id' | 'sources'>,
  workload: MappedWorkload,
  shown: readonly MappedWorkload[],
  isAll: boolean,
): string | null {
  const isInScope = sourceScope(job);
  const { id, name, type } = workload;
  if (!job.sources.include.some(({ repositoryId }) => isInScope(repositoryId, workload)))
    return `job ${job.id} does not copy ${name} (${id})`;
  const same = shown.find((each) => each.id === id);
  if (same !== undefined)
    return same.type === type
      ? null
      : `the source of job ${job.id} shows ${name} as ${same.type}, and the copies are of ${type}`;
  const namesake = shown.find((each) => each.name === name);
  if (namesake === undefined)
    return isAll ? `no source of job ${job.id} shows ${name} (${id})` : null;
  return `the source of job ${job.id} shows another ${name}: ${namesake.id}, and the copies are of ${id}`;
}
