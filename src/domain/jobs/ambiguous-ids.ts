import { cut } from '../sessions/task-brief.js';
import type { CopyJob } from './copy-job.js';
import { sourceScope, type NamedWorkload } from './source-scope.js';
import type { ShownWorkload } from './unmatched-names.js';

/** An id that several workloads had before: what lay together once, as the disks of one folder, is several machines now. */
interface AmbiguousId {
  readonly id: string;
  /** Their ids of now, sorted. */
  readonly now: readonly string[];
}

/** Those among the names, in their order. What somebody is called now is that one's alone. */
export function ambiguousIds(
  names: readonly string[],
  workloads: readonly NamedWorkload[],
): AmbiguousId[] {
  if (names.length === 0) return [];
  const former = new Map<string, Set<string>>();
  for (const { id, otherIds = [] } of workloads)
    for (const other of otherIds) former.set(other, (former.get(other) ?? new Set()).add(id));
  const isNow = namesOfNow(workloads);
  return [...new Set(names)].flatMap((id) => {
    const now = [...(former.get(id) ?? [])].sort();
    return now.length > 1 && !isNow.has(id) ? [{ id, now }] : [];
  });
}

/** Whether an order for these names is for a workload: by an id that several had before it is for none of them, and what somebody is called now is that one's
 *  alone. */
export function orderedBy(
  names: readonly string[],
  workloads: readonly NamedWorkload[],
): (workload: NamedWorkload) => boolean {
  const known = new Set(names);
  const isNow = namesOfNow(workloads);
  const nobodys = new Set(ambiguousIds(names, workloads).map(({ id }) => id));
  const isAlone = (former: string) => !nobodys.has(former) && !isNow.has(former);
  return ({ id, name, otherIds = [] }) =>
    known.has(id) ||
    known.has(name) ||
    otherIds.some((former) => known.has(former) && isAlone(former));
}

function namesOfNow(workloads: readonly NamedWorkload[]): ReadonlySet<string> {
  return new Set(workloads.flatMap(({ id, name }) => [id, name]));
}

/** Names in the definition of a job that may be meant for one of several workloads, and hold for all of them: a copy too many is no loss. One plain sentence
 *  for each list.
 *  @param shown by the sources of the job */
export function ambiguousNames(
  job: Pick<CopyJob, 'sources' | 'rpo'>,
  shown: readonly ShownWorkload[],
): string[] {
  const sources = job.sources.include.flatMap(({ repositoryId, workloads = [] }) => {
    const held = shown.filter((one) => one.repositoryId === repositoryId);
    return told(
      '`workloads` names ids that several workloads had before, and all of them are copied',
      ambiguousIds(workloads, held.map(workloadOf)),
    );
  });
  const isInScope = sourceScope(job);
  const copied = shown.filter(({ repositoryId, workload }) => isInScope(repositoryId, workload));
  const limited = (job.rpo?.workloads ?? []).map(({ workload }) => workload);
  const ages = told(
    '`rpo` names ids that several workloads had before, and its limits hold for each of them',
    ambiguousIds(limited, copied.map(workloadOf)),
  );
  return [...sources, ...ages];
}

/** Each with what has it now. */
export function ambiguousText(ids: readonly AmbiguousId[]): string {
  const list = ids.map(({ id, now }) => `${id} (now ${now.join(', ')})`).join(', ');
  return cut(list, NAMES_CHARACTERS);
}

function workloadOf({ workload }: ShownWorkload): NamedWorkload {
  return workload;
}

function told(what: string, ids: readonly AmbiguousId[]): string[] {
  return ids.length === 0 ? [] : [`${what}: ${ambiguousText(ids)}`];
}

/** As much as a task keeps whole. */
const NAMES_CHARACTERS = 500;
