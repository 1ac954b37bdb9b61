import { isNeededBySound, pointsThatNeed } from '../../../domain/trees/tree-damage.js';
import type { TreeRules } from '../../../domain/trees/tree-rules.js';
import { treeLayoutOf } from '../../../layout/tree-layouts.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { readTreeRecord } from '../../../tree/tree-store.js';
import { lookAtCopy } from '../look-at-copy.js';
import type { MoverContext } from '../../task/mover-context.js';
import { removeTreeFiles, type RemoveTreeFilesInput } from './remove-files.js';
import type { RemovedTreeFiles } from './removed-files.js';
import { takeKept, type TakeTreeInput } from './take-tree.js';

interface FreeTreeInput
  extends
    Omit<TakeTreeInput, 'sourceRepositoryId'>,
    Pick<RemoveTreeFilesInput, 'choice' | 'immutableForDays'> {}

const NOTHING: RemovedTreeFiles = { fileCount: 0, points: [], postponed: null };

/** Removes what is due of a target in which a copy has found no room. What was copied and staged by then stays, and is taken up by the next session. What of the copy is not there,
 *  and was perhaps to be sent again, is not counted on: a point of sets that needs it takes no other's place and keeps its own, and of a store nothing goes.
 *  @throws CHAIN_FOREIGN, CHAIN_RECORD_CORRUPT, CHAIN_RECORD_LOST */
export async function freeTree(
  context: MoverContext,
  input: FreeTreeInput,
): Promise<RemovedTreeFiles> {
  const target = await context.source(input.targetRepositoryId);
  const known = await readTreeRecord(target, input.chain);
  if (known === null || !mayGo(known)) return NOTHING;
  const record = await takeKept(context, input);
  const { rules } = treeLayoutOf(record.layout)!;
  const { losses } = await lookAtCopy(target, input.chain, record);
  const isListed = losses.count === losses.files.length;
  // What the record and the look both tell is lost once.
  const isOpen = isUnjudged(record, rules) || isUnjudged({ ...record, lost: losses }, rules);
  if (!isListed || (rules.shape !== 'sets' && isOpen))
    return { ...NOTHING, postponed: lackText(losses.count) };
  const unsound = pointsThatNeed(record.points, losses.files, rules);
  const { epoch } = record;
  return removeTreeFiles(context, { ...input, epoch, keepsStaging: true }, unsound);
}

function lackText(count: number): string {
  return `${count === 1 ? 'a file of the copy is' : `${count} files of the copy are`} not there as copied; \`longhaul restore-point verify\` judges what suffers from that`;
}

/** What the source has removed from a store its points may need while the copy lacks what came for it, unless that came before; what sets need they list. */
function mayGo(record: TreeRecord): boolean {
  const { layout, isBehind, isGoneSpare } = record;
  const rules = treeLayoutOf(layout)?.rules;
  if (rules === undefined || isUnjudged(record, rules)) return false;
  return rules.shape === 'sets' || isBehind !== true || isGoneSpare === true;
}

/** Whether points that count as good may need files that are lost: a health check has to judge them first. */
function isUnjudged(
  { points, lost, lostNamed, isBehind }: TreeRecord,
  rules: Pick<TreeRules, 'shape' | 'pointOf'>,
): boolean {
  if (points.some(({ health }) => health === 'unknown')) return true;
  if (lost === undefined) return false;
  const { count, files } = lost;
  const judged = new Set(lostNamed);
  const isNeeded = isNeededBySound(points, rules);
  return (
    count > files.length ||
    files.some(({ path, goneSinceMs: since }) => {
      const goneSinceMs = isBehind === true ? null : since;
      return !judged.has(path) && isNeeded({ path, goneSinceMs });
    })
  );
}
