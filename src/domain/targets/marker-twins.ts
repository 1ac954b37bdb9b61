import type { RepositoryDescription } from './repository-view.js';

/** A description with a warning for each other target that has the same marker: two targets that are one storage, or a copy of one, are no two places. Done
 *  again it says the same. Pure.
 *  @param others descriptions by the id of their repository; those of sources count for nothing */
export function withTwins(
  id: string,
  description: RepositoryDescription,
  others: Iterable<readonly [string, RepositoryDescription]>,
): RepositoryDescription {
  const { storage, markerId } = description;
  if (storage === null || markerId === null) return description;
  const warnings = new Set(storage.warnings);
  for (const [otherId, other] of others)
    if (otherId !== id && other.storage !== null && other.markerId === markerId)
      warnings.add(twinWarning(id, otherId));
  return { ...description, storage: { ...storage, warnings: [...warnings] } };
}

function twinWarning(id: string, otherId: string): string {
  return `It has the marker of target ${otherId}, too: it is the same storage under another path, or a copy of it. A copy that is to be a target of its own gets a marker of its own: \`longhaul repository accept ${id}\`.`;
}
