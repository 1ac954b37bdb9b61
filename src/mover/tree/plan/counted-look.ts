import { remadePoints } from '../../../domain/trees/remade-points.js';
import { filesOfStillShown } from '../../../domain/trees/set-points.js';
import { ChangeCount } from './count-changes.js';
import type { Seen } from './plan-class.js';

/** Counts what a look at the source finds, by what its points say of their files. */
export function countOf({ source, layout, tree, known }: Seen): ChangeCount {
  const copied = known?.points ?? [];
  const isStore = layout.rules.shape === 'store';
  return new ChangeCount(
    source.capabilities.stampsProve,
    layout.rules,
    isStore ? remadePoints(tree.points, copied) : new Set(),
    isStore ? new Set() : filesOfStillShown(copied, tree.points),
  );
}
