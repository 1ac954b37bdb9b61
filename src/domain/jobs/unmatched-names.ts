import { cut } from '../sessions/task-brief.js';
import type { CopyJob } from './copy-job.js';
import { isLike, sourceScope, type NamedWorkload } from './source-scope.js';

/** What a source of a job shows. */
export interface ShownWorkload {
  readonly repositoryId: string;
  readonly workload: NamedWorkload & { readonly otherIds?: readonly string[] };
}

/** How tasks and plans that tell of names are called. */
export const NAMES_OF_JOB = 'definition of the job';

type ListsOfNames = Pick<CopyJob, 'sources' | 'rpo'>;

/** Names and patterns in the exclusions and limits of a job for which its sources show nothing: misspelt, or of what is gone. One plain sentence for each list.
 *  @param shown by all sources of the job */
export function unmatchedLimits(job: ListsOfNames, shown: readonly ShownWorkload[]): string[] {
  const isInScope = sourceScope(job);
  const all = shown.map(({ workload }) => workload);
  const copied = shown
    .filter(({ repositoryId, workload }) => isInScope(repositoryId, workload))
    .map(({ workload }) => workload);
  const excluded = job.sources.exclude.flatMap((entry) => {
    if ('pattern' in entry)
      return all.some((one) => isLike([entry.pattern], one)) ? [] : [entry.pattern];
    return 'workload' in entry ? unknown([entry.workload], all) : [];
  });
  const limited = unknown(
    (job.rpo?.workloads ?? []).map(({ workload }) => workload),
    copied,
  );
  return [
    ...told('exclude', excluded, 'no source of the job holds'),
    ...told('rpo', limited, 'the job does not copy, or no source of it holds'),
  ];
}

/** The same of what the job is to copy. */
export function unmatchedSources(
  { sources }: ListsOfNames,
  shown: readonly ShownWorkload[],
): string[] {
  return sources.include.flatMap(({ repositoryId, workloads = [], patterns = [] }) => {
    const those = shown
      .filter((one) => one.repositoryId === repositoryId)
      .map(({ workload }) => workload);
    const names = unknown(workloads, those);
    const open = patterns.filter((pattern) => !those.some((one) => isLike([pattern], one)));
    const why = `repository ${repositoryId} does not hold`;
    return [...told('workloads', names, why), ...told('patterns', open, why)];
  });
}

function unknown(
  names: readonly string[],
  workloads: readonly ShownWorkload['workload'][],
): string[] {
  const known = new Set(
    workloads.flatMap(({ id, name, otherIds = [] }) => [id, name, ...otherIds]),
  );
  return names.filter((name) => !known.has(name));
}

function told(field: string, names: readonly string[], why: string): string[] {
  if (names.length === 0) return [];
  return [`\`${field}\` names what ${why}: ${cut(names.join(', '), NAMES_CHARACTERS)}`];
}

/** As much as a task keeps whole. */
const NAMES_CHARACTERS = 500;
