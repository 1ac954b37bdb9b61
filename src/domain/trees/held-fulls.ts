import type { TreePoint } from './source-tree.js';
import type { TargetTreePoint } from './target-tree.js';
import type { TreeRules } from './tree-rules.js';

/** The points of the source with those fulls as `incomplete` that would take the place of a whole one of the copy, under its names, and may have died. The
 *  source has nothing left to hold them against. One on which a backup was built did not die.
 *  @param copied all that the copy has
 *  @param isAgreed an operator has looked at them */
export function withHeldFulls(
  points: readonly TreePoint[],
  copied: readonly TargetTreePoint[],
  { doubtOfNext }: Pick<TreeRules, 'doubtOfNext'>,
  isAgreed: boolean,
): readonly TreePoint[] {
  if (doubtOfNext === undefined || isAgreed) return points;
  const known = new Set(copied.map(({ source }) => source.restorePointId));
  const fulls = copied.filter(({ kind, health }) => kind === 'full' && health !== 'corrupt');
  const confirmed = new Set(
    points.flatMap(({ kind, needs }) => (kind === 'increment' ? needs : [])),
  );
  return points.map((point) => {
    const { id, kind, state } = point;
    if (kind !== 'full' || state !== 'complete' || known.has(id) || confirmed.has(id)) return point;
    for (const before of fulls) {
      const doubt = doubtOfNext(point, before);
      if (doubt !== null) return { ...point, state: 'incomplete', reason: doubt };
    }
    return point;
  });
}
