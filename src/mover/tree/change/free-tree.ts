import { treeLayoutOf } from '../../../layout/tree-layouts.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { readTreeRecord } from '../../../tree/tree-store.js';
import type { MoverContext } from '../../task/mover-context.js';
import { removeTreeFiles, type RemoveTreeFilesInput } from './remove-files.js';
import type { RemovedTreeFiles } from './removed-files.js';
import { takeKept, type TakeTreeInput } from './take-tree.js';

interface FreeTreeInput
  extends
    Omit<TakeTreeInput, 'sourceRepositoryId'>,
    Pick<RemoveTreeFilesInput, 'choice' | 'immutableForDays'> {}

const NOTHING: RemovedTreeFiles = { fileCount: 0, points: [], postponed: null };

/** Removes what is due of a target in which a copy has found no room. What was copied and staged by then stays, and is taken up by the next session.
 *  @throws CHAIN_FOREIGN, CHAIN_RECORD_CORRUPT, CHAIN_RECORD_LOST */
export async function freeTree(
  context: MoverContext,
  input: FreeTreeInput,
): Promise<RemovedTreeFiles> {
  const target = await context.repository(input.targetRepositoryId);
  const known = await readTreeRecord(target, input.chain);
  if (known === null || !mayGo(known)) return NOTHING;
  const { epoch } = await takeKept(context, input);
  return removeTreeFiles(context, { ...input, epoch, keepsStaging: true });
}

/** Of files that are lost a health check has to judge the points first. What the source has removed from a store its points may need while the copy lacks
 *  what came for it, unless that came before; what sets need they list. */
function mayGo({ layout, lost, points, isBehind, isGoneSpare }: TreeRecord): boolean {
  const isUnjudged = lost !== undefined || points.some(({ health }) => health === 'unknown');
  const isSets = treeLayoutOf(layout)?.rules.shape === 'sets';
  return !isUnjudged && (isSets || isBehind !== true || isGoneSpare === true);
}
