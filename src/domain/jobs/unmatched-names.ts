import { cut } from '../sessions/task-brief.js';
import type { CopyJob } from './copy-job.js';
import {
  isLike,
  machineNames,
  namesOfWorkload,
  sourceScope,
  type NamedWorkload,
} from './source-scope.js';

/** What a source of a job shows. */
export interface ShownWorkload {
  readonly repositoryId: string;
  readonly workload: NamedWorkload;
  /** Of a store with the backups of several. */
  readonly machines?: readonly string[];
}

/** How tasks and plans that tell of names are called. */
export const NAMES_OF_JOB = 'definition of the job';

type ListsOfNames = Pick<CopyJob, 'sources' | 'rpo'>;

/** Names and patterns in the exclusions and limits of a job for which its sources show nothing: misspelt, or of what is gone. One plain sentence for each list.
 *  @param shown by all sources of the job */
export function unmatchedLimits(job: ListsOfNames, shown: readonly ShownWorkload[]): string[] {
  return [
    ...told('exclude', unmatchedExclusions(job, shown), 'no source of the job holds'),
    ...formerExclusions(job, shown),
    ...told('rpo', unmatchedAges(job, shown), 'the job does not copy, or no source of it holds'),
  ];
}

function unmatchedExclusions({ sources }: ListsOfNames, shown: readonly ShownWorkload[]): string[] {
  if (sources.exclude.length === 0) return [];
  const all = shown.map(({ workload }) => workload);
  const known = namesOf(all);
  return sources.exclude.flatMap((entry) => {
    if ('workload' in entry) return known.has(entry.workload) ? [] : [entry.workload];
    return all.some((one) => isLike([entry.pattern], one)) ? [] : [entry.pattern];
  });
}

/** Exclusions by an id of before leave nothing out. */
function formerExclusions({ sources }: ListsOfNames, shown: readonly ShownWorkload[]): string[] {
  const excluded = new Set(
    sources.exclude.flatMap((entry) => ('workload' in entry ? [entry.workload] : [])),
  );
  if (excluded.size === 0) return [];
  const idsNow = new Set(shown.flatMap(({ workload: { id, name } }) => [id, name]));
  const found = shown.flatMap(({ workload: { id, name, otherIds = [] } }) =>
    excluded.has(id) || excluded.has(name)
      ? []
      : otherIds
          .filter((other) => excluded.has(other) && !idsNow.has(other))
          .map((other) => `${other} (now ${id})`),
  );
  if (found.length === 0) return [];
  const list = cut(found.join(', '), NAMES_CHARACTERS);
  return [
    `\`exclude\` names ids that workloads, or parts of them, had before, and leaves none of them out: ${list}; name them as they are called now`,
  ];
}

function unmatchedAges(job: ListsOfNames, shown: readonly ShownWorkload[]): string[] {
  const limits = job.rpo?.workloads ?? [];
  if (limits.length === 0) return [];
  const isInScope = sourceScope(job);
  const copied = shown.filter(({ repositoryId, workload }) => isInScope(repositoryId, workload));
  const known = new Set(
    copied.flatMap(({ workload, machines = [] }) => [
      ...namesOfWorkload(workload),
      ...machines.flatMap((machine) => machineNames(workload, machine)),
    ]),
  );
  return limits.map(({ workload }) => workload).filter((name) => !known.has(name));
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
    const known = namesOf(those);
    const names = workloads.filter((name) => !known.has(name));
    const open = patterns.filter((pattern) => !those.some((one) => isLike([pattern], one)));
    const why = `repository ${repositoryId} does not hold`;
    return [...told('workloads', names, why), ...told('patterns', open, why)];
  });
}

/** Of all at once: a job may name ten thousand, and its sources may show as many. */
function namesOf(workloads: readonly ShownWorkload['workload'][]): ReadonlySet<string> {
  return new Set(workloads.flatMap(namesOfWorkload));
}

function told(field: string, names: readonly string[], why: string): string[] {
  if (names.length === 0) return [];
  return [`\`${field}\` names what ${why}: ${cut(names.join(', '), NAMES_CHARACTERS)}`];
}

/** As much as a task keeps whole. */
const NAMES_CHARACTERS = 500;
