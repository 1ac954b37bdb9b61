import type { TreePoint } from './source-tree.js';
import type { TargetTreePoint } from './target-tree.js';

/** Ids of the backups of a store that their tool itself writes anew, or removes: those that it says so of, those that the copy has not whole yet (their tool may begin them again), and one that was an increment and is a full, because
 *  its tool has merged what it built on into it (pg_probackup gives the merged full its folder), with what is gone by that. What is written over of them is work.
 *  Pure.
 *  @param shown all that the source shows
 *  @param copied all that the copy has */
export function remadePoints(
  shown: readonly TreePoint[],
  copied: readonly TargetTreePoint[],
): ReadonlySet<string> {
  const byId = new Map(copied.map((point) => [point.source.restorePointId, point]));
  const kinds = new Map(shown.map(({ id, kind }) => [id, kind]));
  const isMerged = ({ source, kind }: TargetTreePoint): boolean =>
    kind === 'increment' && kinds.get(source.restorePointId) === 'full';
  const isOpen = ({ id, isUnlisted }: TreePoint): boolean => isUnlisted === true || !byId.has(id);
  const remade = new Set(shown.filter(isOpen).map(({ id }) => id));
  const merged = new Set(copied.filter(isMerged));
  // Grows while it is gone through.
  for (const { source, needs } of merged) {
    remade.add(source.restorePointId);
    for (const need of needs) {
      const below = byId.get(need);
      if (below !== undefined && !kinds.has(need)) merged.add(below);
    }
  }
  return remade;
}
