import { isNeverWrittenOver } from '../../../domain/trees/tree-rules.js';
import { treeLayoutOf } from '../../../layout/tree-layouts.js';
import type { ClassPlace } from './copied-entries.js';
import { plannedMarks } from './planned-marks.js';
import type { PlannedFile } from '../tree-plan.js';

/** Tells of each file that a plan which was stopped has got into the copy whether it counts as written over: what has not got there the next look finds again, and
 *  counts then. */
export async function rewritesOf(
  place: ClassPlace,
): Promise<(file: PlannedFile, digest: string) => boolean> {
  const { plan, classIndex, isStopped } = place;
  if (!isStopped || plan.changes.rewritten === 0) return () => false;
  const fileClass = treeLayoutOf(plan.layout)!.rules.classes[classIndex]!;
  const gone = plan.changes.gone === 0 ? new Set<string>() : await goneIn(place);
  return ({ path, held }, digest) => {
    if (!isNeverWrittenOver(fileClass, path)) return false;
    return held === null ? isUnderNewName(path, gone) : !held.isGone && held.digest !== digest;
  };
}

/** The name of one that is gone, and an ending. */
function isUnderNewName(path: string, gone: ReadonlySet<string>): boolean {
  if (gone.size === 0) return false;
  for (let end = path.lastIndexOf('.'); end > 0; end = path.lastIndexOf('.', end - 1))
    if (gone.has(path.slice(0, end))) return true;
  return false;
}

async function goneIn({
  target,
  tree,
  plan,
  classIndex,
}: Pick<ClassPlace, 'target' | 'tree' | 'plan' | 'classIndex'>): Promise<Set<string>> {
  const gone = new Set<string>();
  for await (const entries of plannedMarks(target, tree, plan, classIndex))
    for (const { path, goneSinceMs } of entries) if (goneSinceMs !== null) gone.add(path);
  return gone;
}
