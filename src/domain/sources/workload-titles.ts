import type { WorkloadToCopy } from './found-workload.js';

/** How the workloads of one list are called where only their names are shown: by its name, and behind it the id where several have that name. Machines of
 *  two hosts, or the repositories `repo` of several programs, would be told apart by nothing otherwise. */
export function workloadTitles(
  listed: Iterable<Pick<WorkloadToCopy, 'id' | 'name'>>,
): (workload: Pick<WorkloadToCopy, 'id' | 'name'>) => string {
  const idsByName = new Map<string, Set<string>>();
  for (const { id, name } of listed) {
    const ids = idsByName.get(name);
    if (ids === undefined) idsByName.set(name, new Set([id]));
    else ids.add(id);
  }
  return ({ id, name }) => ((idsByName.get(name)?.size ?? 0) > 1 ? `${name} (${id})` : name);
}
