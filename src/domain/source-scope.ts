import type { CopyJob } from './copy-job.js';

/** A workload as jobs name it: by id or by name. */
export interface NamedWorkload {
  readonly id: string;
  readonly name: string;
}

export function isNamed(names: readonly string[], workload: NamedWorkload): boolean {
  return names.includes(workload.id) || names.includes(workload.name);
}

/** The same for many workloads: a job may name ten thousand, and a source may hold as many. */
export function namedIn(names: readonly string[]): (workload: NamedWorkload) => boolean {
  const known = new Set(names);
  return ({ id, name }) => known.has(id) || known.has(name);
}

/** Tells whether a job copies a workload of a repository. */
export function sourceScope(
  job: Pick<CopyJob, 'sources'>,
): (repositoryId: string, workload: NamedWorkload) => boolean {
  const { include, exclude } = job.sources;
  const isExcluded = namedIn(exclude.map((entry) => entry.workload));
  const sources = include.map(({ repositoryId, workloads }) => ({
    repositoryId,
    isIncluded: workloads === undefined ? () => true : namedIn(workloads),
  }));
  return (repositoryId, workload) =>
    !isExcluded(workload) &&
    sources.some((source) => source.repositoryId === repositoryId && source.isIncluded(workload));
}
