import type { WorkloadType } from '../../domain/restore-point.js';
import { removeEndedLeases } from '../../chain/leases.js';
import { markRepository } from '../../chain/repository-marker.js';
import type { TreeRecord } from '../../tree/tree-record.js';
import { takeTree, writeTreeRecord } from '../../tree/tree-store.js';
import type { MoverContext } from '../task/mover-context.js';
import { noteCopied, removeReplaced } from './commit-tree.js';
import { finishRemoval } from './remove-files.js';
import { readTreePlan, treeStaged, type TreePlace } from './tree-plan.js';

export interface TakeTreeInput extends TreePlace {
  readonly jobId: string;
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  readonly sourceRepositoryId: string;
  /** The session part that takes the tree over; the same one always gets the same epoch. */
  readonly owner: string;
  readonly nowMs: number;
}

/** Takes the tree over (made when there is none) in a target that is marked as one. What a run before it copied is entered into the index, so that
 *  it is not copied again; a removal that was stopped is carried out. What is left of large files stays for the plan that lists them again.
 *  @throws CHAIN_FOREIGN, CHAIN_RECORD_CORRUPT, CHAIN_RECORD_LOST */
export async function takeForCopy(
  context: MoverContext,
  input: TakeTreeInput,
  { layout }: Pick<TreeRecord, 'layout'>,
): Promise<TreeRecord> {
  const target = await context.repository(input.targetRepositoryId);
  await markRepository(target);
  const { jobId, workload, sourceRepositoryId, chain, owner, nowMs } = input;
  const source = { layout, sourceRepositoryId };
  let record = await takeTree(target, chain, { jobId, workload }, source, owner, nowMs);
  record = await finishRemoval(context, target, chain, record);
  const left = await readTreePlan(target, chain);
  let replaced: readonly string[] = [];
  if (left !== null) {
    const { noted, replacedTables } = await noteCopied(context, target, chain, record, left);
    replaced = replacedTables;
    if (JSON.stringify(noted.index) !== JSON.stringify(record.index))
      record = await writeTreeRecord(target, chain, noted);
    await target.remove(treeStaged.plan(chain));
  }
  await removeReplaced(target, chain, record, replaced);
  await removeEndedLeases(target, chain, nowMs);
  return record;
}
