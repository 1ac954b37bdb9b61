import type { CopyJob, Exclusion, SourceSelection } from './copy-job.js';
import { matchesPattern } from './name-pattern.js';

/** A workload as jobs name it: by id, by name, or by an id that it had before. */
export interface NamedWorkload {
  readonly id: string;
  readonly name: string;
  /** As `SourceWorkload.otherIds`. */
  readonly otherIds?: readonly string[];
}

export function isNamed(names: readonly string[], workload: NamedWorkload): boolean {
  return namesOfWorkload(workload).some((name) => names.includes(name));
}

/** All that a job may call it. */
export function namesOfWorkload({ id, name, otherIds = [] }: NamedWorkload): readonly string[] {
  return [id, name, ...otherIds];
}

/** All that it may call one machine of a store with the backups of several: `<store>/<machine>`. */
export function machineNames(store: NamedWorkload, machine: string): readonly string[] {
  return namesOfWorkload(store).map((name) => `${name}/${machine}`);
}

/** Of an order for one workload. */
export function severalNamed(name: string, workloads: readonly NamedWorkload[]): string {
  return `${workloads.length} workloads are named ${name}: say which by its id (${workloads.map(({ id }) => id).join(', ')})`;
}

/** The same for many workloads: a job may name ten thousand, and a source may hold as many. */
export function namedIn(names: readonly string[]): (workload: NamedWorkload) => boolean {
  const known = new Set(names);
  return (workload) => namesOfWorkload(workload).some((name) => known.has(name));
}

/** Whether the id or the name is of one of the patterns. */
export function isLike(patterns: readonly string[], { id, name }: NamedWorkload): boolean {
  return patterns.some((pattern) => matchesPattern(pattern, id) || matchesPattern(pattern, name));
}

/** Whether an entry takes all of its repository. */
export function isWhole({ workloads, patterns }: SourceSelection): boolean {
  return workloads === undefined && patterns === undefined;
}

/** By what a workload is called now: an id of before may have been that of one of its disks, or of a machine that lay there, and nobody meant to leave
 *  the whole out (`unmatchedLimits` tells it). */
export function excludedBy(exclude: readonly Exclusion[]): (workload: NamedWorkload) => boolean {
  const names = new Set(exclude.flatMap((entry) => namesOf(entry)));
  const patterns = exclude.flatMap((entry) => ('pattern' in entry ? [entry.pattern] : []));
  return (workload) =>
    names.has(workload.id) || names.has(workload.name) || isLike(patterns, workload);
}

function namesOf(entry: Exclusion): string[] {
  return 'workload' in entry ? [entry.workload] : [];
}

/** Tells whether a job copies a workload of a repository. */
export function sourceScope(
  job: Pick<CopyJob, 'sources'>,
): (repositoryId: string, workload: NamedWorkload) => boolean {
  const isExcluded = excludedBy(job.sources.exclude);
  const sources = job.sources.include.map((entry) => ({
    repositoryId: entry.repositoryId,
    isIncluded: includedBy(entry),
  }));
  return (repositoryId, workload) =>
    !isExcluded(workload) &&
    sources.some((source) => source.repositoryId === repositoryId && source.isIncluded(workload));
}

function includedBy(entry: SourceSelection): (workload: NamedWorkload) => boolean {
  if (isWhole(entry)) return () => true;
  const isIncludedByName = namedIn(entry.workloads ?? []);
  return (workload) => isIncludedByName(workload) || isLike(entry.patterns ?? [], workload);
}
