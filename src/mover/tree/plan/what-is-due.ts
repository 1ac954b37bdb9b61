import { withDueFlags } from '../../../domain/retention/set-flags.js';
import { pointsToTake } from '../../../domain/trees/grown-points.js';
import { agedPoints, keptIds, type ChosenTreePoints } from '../../../domain/trees/tree-points.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import type { Seen } from './plan-class.js';

/** What is to be done although no file may be different; null: nothing. */
export function whatIsDue(
  { input, tree, layout, known, pointLosses }: Seen,
  chosen: ChosenTreePoints,
): string | null {
  if (known === null) return 'there is no copy yet';
  if (known.pending !== null) return 'a removal was stopped';
  if (known.presence.absence !== null) return 'it was missed before';
  if (known.points.some(({ lacks }) => lacks !== undefined)) return 'points lack files';
  const { untold, untoldWork, committed, removed } = known;
  const isHeard = input.hasHeard === true && known.owner === input.owner;
  const kept = [untold, untoldWork, committed, removed];
  if (!isHeard && kept.some((part) => part !== undefined))
    return 'what was found or done was not told yet';
  if (known.lost?.count === 0) return 'what was lost was sent again';
  if (pointsToTake(chosen.points, known.points).length > 0) return 'points are new or have grown';
  const { suspicion, broken, gone } = pointLosses;
  if (suspicion !== null) return 'points are broken at the source';
  if (input.acceptChanges && broken.length + gone.length > 0)
    return 'an operator agrees that points are lost at the source';
  const { rules } = layout;
  // A state that another one has followed is not missed.
  if (rules.isOpaque === true) return null;
  if (rules.shape === 'sets') {
    const policy = { ...input.choice, nowMs: input.nowMs };
    if (keptIds(agedPoints(known.points, input.nowMs), policy, rules).size < known.points.length)
      return 'retention lets points go';
    const isFlagged = withDueFlags(known.points, policy).some(
      ({ flags }, index) => flags !== known.points[index]!.flags,
    );
    return isFlagged ? 'points get a flag' : null;
  }
  const shown = new Set(tree.points.map(({ id }) => id));
  const isNews = ({ source, goneSince }: TreeRecord['points'][number]) =>
    shown.has(source.restorePointId) !== (goneSince === undefined);
  return known.points.some(isNews) ? 'points are gone' : null;
}
