import { modifiedAtMs } from '../../../domain/file-stamp.js';
import { suspicionOf } from '../../../domain/trees/tree-guard.js';
import { isRemovalDue, type ChosenTreePoints } from '../../../domain/trees/tree-points.js';
import type { FileEntry } from '../../../tree/file-index.js';
import { removalRule } from '../change/remove-files.js';
import { AskedFiles } from './asked-files.js';
import { compareClass } from './compare-class.js';
import { countOf } from './counted-look.js';
import type { Losses } from './losses.js';
import { walkOf, waitingFile, type Remarks, type Seen } from './plan-class.js';

/** Whether a look at all files finds no difference, and nothing that is due. Ends at the first one.
 *  @param isLookedAt the files of the copy were; else some are asked for */
export async function isSame(
  seen: Seen,
  { points }: ChosenTreePoints,
  remarks: Remarks,
  losses: Losses,
  isLookedAt: boolean,
): Promise<boolean> {
  const { input, target, layout, known } = seen;
  const walk = walkOf(seen, points, remarks);
  const count = countOf(seen);
  const asked =
    isLookedAt || known === null ? null : new AskedFiles(target, input.chain, known, input.nowMs);
  try {
    for (let index = layout.rules.classes.length - 1; index >= 0; index--) {
      const fileClass = layout.rules.classes[index]!;
      const lossOf = losses.ofClass(fileClass.name);
      await compareClass(walk, target, input.chain, known, index, (is, listed, entry) => {
        count.add(is, fileClass, listed, entry);
        if (entry !== null && lossOf(entry, is) !== undefined) throw new Different();
        if (is === 'waits') remarks.waiting.add(waitingFile(listed!));
        const isLeft =
          is === 'same' ||
          is === 'waits' ||
          is === 'unseen' ||
          (is === 'lost' && entry!.goneSinceMs === null) ||
          (is === 'away' && !isDue(entry!, seen));
        if (!isLeft) throw new Different();
        return entry === null ? undefined : asked?.note(fileClass.name, entry);
      });
    }
    // What is lost is no difference, unless it is so much that somebody has to look.
    const isUnsuspicious =
      known === null || suspicionOf(count.changes, layout.rules, known.guard) === null;
    return isUnsuspicious && ((await asked?.areThere()) ?? true);
  } catch (error) {
    if (error instanceof Different) return false;
    throw error;
  }
}

class Different extends Error {}

function isDue({ goneSinceMs, stamp }: FileEntry, { input, layout, known }: Seen): boolean {
  if (layout.rules.shape === 'sets' || goneSinceMs === null || known === null) return false;
  const rule = removalRule(known, layout.rules, input);
  return isRemovalDue(goneSinceMs, modifiedAtMs(stamp), rule);
}
