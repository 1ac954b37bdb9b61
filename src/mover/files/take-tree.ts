import type { WorkloadType } from '../../domain/sources/restore-point.js';
import { removeEndedLeases } from '../../chain/leases.js';
import { markRepository } from '../../chain/repository-marker.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import type { FileFaults } from '../../domain/trees/file-faults.js';
import { overwrittenTexts } from '../../domain/trees/set-points.js';
import { sentAgainText } from '../../domain/trees/tree-guard.js';
import { firstTexts } from '../../domain/sentences.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import type { TreeRecord } from '../../tree/tree-record.js';
import { readTreeRecord, takeTree, writeTreeRecord } from '../../tree/tree-store.js';
import type { MoverContext } from '../task/mover-context.js';
import { noteCopied } from './commit-tree.js';
import { removeReplaced } from './index-runs.js';
import { finishRemoval, readerOfGoing } from './remove-files.js';
import { readTreePlan, treeStaged, type TreePlace, type TreePlan } from './tree-plan.js';

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
 *  What was found in it stands in the record (`untold`) until a commit.
 *  @throws CHAIN_FOREIGN, CHAIN_RECORD_CORRUPT, CHAIN_RECORD_LOST, POINT_IN_USE */
export async function takeForCopy(
  context: MoverContext,
  input: TakeTreeInput,
  { layout }: Pick<TreeRecord, 'layout'>,
): Promise<TreeRecord> {
  const target = await context.repository(input.targetRepositoryId);
  await markRepository(target);
  const { jobId, workload, sourceRepositoryId, chain, owner, nowMs } = input;
  const source = { layout, sourceRepositoryId };
  const record = await takeTree(target, chain, { jobId, workload }, source, owner, nowMs);
  return finishLeft(context, target, input, record);
}

/** The same.
 *  @returns in one sentence, why nothing may be copied before a reader is done
 *  @throws CHAIN_FOREIGN, CHAIN_RECORD_CORRUPT, CHAIN_RECORD_LOST */
export async function takeUnlessRead(
  ...taking: Parameters<typeof takeForCopy>
): Promise<TreeRecord | string> {
  try {
    return await takeForCopy(...taking);
  } catch (error) {
    if (!isBackupError(error, 'POINT_IN_USE')) throw error;
    return `nothing was copied: ${error.message}`;
  }
}

/** The same of a tree that is there, by somebody who does not look at its source.
 *  @throws RESTORE_POINT_MISSING when there is none; POINT_IN_USE */
export async function takeKept(
  context: MoverContext,
  input: TreePlace & Pick<TakeTreeInput, 'jobId' | 'workload' | 'owner' | 'nowMs'>,
): Promise<TreeRecord> {
  const { jobId, workload, chain, owner } = input;
  const target = await context.repository(input.targetRepositoryId);
  const known = await readTreeRecord(target, chain);
  if (known === null)
    throw new BackupError('RESTORE_POINT_MISSING', `there is no copy of a tree in ${chain}`);
  const { layout, sourceRepositoryId } = known;
  const source = { layout, sourceRepositoryId };
  const record = await takeTree(target, chain, { jobId, workload }, source, owner, null);
  return finishLeft(context, target, input, record);
}

/** What was copied for points of sets that are not whole yet stays, whoever removes what no point lists. */
function unfinishedWith(
  { points, unfinished }: TreeRecord,
  { points: planned }: TreePlan,
): TreeRecord['unfinished'] {
  const copied = new Set(points.map(({ source }) => source.restorePointId));
  const added = planned.flatMap(({ id, files }) =>
    copied.has(id) || files === null ? [] : [{ restorePointId: id, files }],
  );
  const ids = new Set(added.map(({ restorePointId }) => restorePointId));
  return [...unfinished.filter(({ restorePointId }) => !ids.has(restorePointId)), ...added];
}

/** With what the run that was stopped has found, and could not tell. */
function untoldWith(
  { points, untold = [] }: TreeRecord,
  noted: Pick<TreeRecord, 'points'>,
  again: FileFaults,
): TreeRecord['untold'] {
  const found = [
    ...(again.count > 0 ? [sentAgainText(again)] : []),
    ...overwrittenTexts(points, noted.points),
  ];
  const all = firstTexts([...new Set([...untold, ...found])]);
  return all.length === 0 ? undefined : all;
}

/** What a run before was stopped in.
 *  @throws POINT_IN_USE, with everything left as it is but for leases that are over */
async function finishLeft(
  context: MoverContext,
  target: BackupRepository,
  { chain, nowMs }: Pick<TakeTreeInput, 'chain' | 'nowMs'>,
  taken: TreeRecord,
): Promise<TreeRecord> {
  const reader = await readerOfGoing(target, chain, taken, nowMs);
  if (reader !== null) {
    // Else a lease from the future would be waited for until its day has come.
    await removeEndedLeases(target, chain, nowMs);
    throw new BackupError('POINT_IN_USE', `a removal that was stopped waits: ${reader}`);
  }
  let record = await finishRemoval(context, target, chain, taken);
  const left = await readTreePlan(target, chain);
  let replaced: readonly string[] = [];
  if (left !== null) {
    const { noted, replacedTables, sent } = await noteCopied(
      context,
      target,
      chain,
      record,
      left,
      true,
    );
    replaced = replacedTables;
    const untold = untoldWith(record, noted, sent.again);
    const isNew = (...parts: readonly unknown[]) => JSON.stringify(parts);
    if (isNew(noted.index, noted.lost, untold) !== isNew(record.index, record.lost, record.untold))
      record = await writeTreeRecord(target, chain, {
        ...noted,
        ...(untold === undefined ? {} : { untold }),
        unfinished: unfinishedWith(noted, left),
        isBehind: true,
        ...(record.isBehind === true ? {} : { isGoneSpare: true }),
      });
  }
  // As long as the plan is there, whoever finds it knows of the tables.
  await removeReplaced(target, chain, record, replaced);
  if (left !== null) await target.remove(treeStaged.plan(chain));
  await removeEndedLeases(target, chain, nowMs);
  return record;
}
