import type { CopyJob } from './copy-job.js';

/** A workload as jobs name it: by id or by name. */
export interface NamedWorkload {
  readonly id: string;
  readonly name: string;
}

export function isNamed(names: readonly string[], workload: NamedWorkload): boolean {
  return names.includes(workload.id) || names.includes(workload.name);
}

/** Whether a job copies this workload of this repository. */
export function isInScope(
  job: Pick<CopyJob, 'sources'>,
  repositoryId: string,
  workload: NamedWorkload,
): boolean {
  const { include, exclude } = job.sources;
  const isExcluded = isNamed(
    exclude.map((entry) => entry.workload),
    workload,
  );
  return (
    !isExcluded &&
    include.some(
      (source) =>
        source.repositoryId === repositoryId &&
        (source.workloads === undefined || isNamed(source.workloads, workload)),
    )
  );
}
