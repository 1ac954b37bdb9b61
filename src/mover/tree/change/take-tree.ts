import type { WorkloadType } from '../../../domain/sources/source-workload.js';
import { removeEndedLeases } from '../../../chain/leases.js';
import { markRepository } from '../../../repository/repository-marker.js';
import { BackupError, isBackupError } from '../../../domain/errors.js';
import { overwrittenTexts } from '../../../domain/trees/set-points.js';
import { foundByCommit, untoldWorkAfter } from '../../../domain/trees/unheard-answers.js';
import { sentAgainText } from '../../../domain/trees/tree-guard.js';
import type { BackupRepository } from '../../../repository/backup-repository.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { readTreeRecord, takeTree, writeTreeRecord } from '../../../tree/tree-store.js';
import type { MoverContext } from '../../task/mover-context.js';
import { endCommit, noteCopied } from '../commit/commit-tree.js';
import { removeReplaced } from '../commit/index-runs.js';
import { finishRemoval, readerOfGoing } from './remove-files.js';
import type { TakenPlace } from './compared-files.js';
import { enterUnread, nowBehind, untoldWith } from './unread-lists.js';
import { readTreePlan, treeStaged, type TreePlace, type TreePlan } from '../tree-plan.js';

export interface TakeTreeInput extends TreePlace {
  readonly jobId: string;
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  readonly sourceRepositoryId: string;
  /** The session part that takes the tree over; the same one always gets the same epoch. */
  readonly owner: string;
  readonly nowMs: number;
}

type Steps = Pick<TakenPlace, 'compareWindows'>;

/** Takes the tree over (made when there is none) in a target that is marked as one. What a run before it copied is entered into the index, so that
 *  it is not copied again; a removal that was stopped is carried out. What is left of large files stays for the plan that lists them again.
 *  What was found in it, and what nobody may have told yet, stands in the record (`untold`) until it is told.
 *  @throws CHAIN_FOREIGN, CHAIN_RECORD_CORRUPT, CHAIN_RECORD_LOST, POINT_IN_USE, ComparisonUnfinished */
async function takeForCopy(
  context: MoverContext,
  input: TakeTreeInput & Steps,
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
 *  @throws CHAIN_FOREIGN, CHAIN_RECORD_CORRUPT, CHAIN_RECORD_LOST, ComparisonUnfinished */
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
 *  @throws RESTORE_POINT_MISSING when there is none; POINT_IN_USE, ComparisonUnfinished */
export async function takeKept(
  context: MoverContext,
  input: TreePlace & Pick<TakeTreeInput, 'jobId' | 'workload' | 'owner' | 'nowMs'> & Steps,
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

/** A record whose answers nobody waits for any more: what they said is to be told by whoever took it. */
function withUnheard(record: TreeRecord): TreeRecord {
  const { committed, removed, untold: _, untoldWork: __, ...rest } = record;
  const isOwn = removed?.epoch === record.epoch;
  const found = committed === undefined ? [] : foundByCommit(committed.answer);
  const untold = untoldWith(record, found);
  const untoldWork = untoldWorkAfter(
    record.untoldWork,
    committed?.answer,
    isOwn ? undefined : removed,
  );
  return {
    ...rest,
    ...(isOwn ? { removed } : {}),
    ...(untold === undefined ? {} : { untold }),
    ...(untoldWork === undefined ? {} : { untoldWork }),
  };
}

/** What a run before was stopped in.
 *  @throws POINT_IN_USE, with everything left as it is but for leases that are over */
async function finishLeft(
  context: MoverContext,
  target: BackupRepository,
  { chain, nowMs, compareWindows }: Pick<TakeTreeInput, 'chain' | 'nowMs'> & Steps,
  taken: TreeRecord,
): Promise<TreeRecord> {
  const reader = await readerOfGoing(target, chain, taken, nowMs);
  if (reader !== null) {
    // Else a lease from the future would be waited for until its day has come.
    await removeEndedLeases(target, chain, nowMs);
    throw new BackupError('POINT_IN_USE', `a removal that was stopped waits: ${reader}`);
  }
  const finished = await finishRemoval(context, target, chain, taken);
  const place = {
    ...{ context, target, chain },
    ...(compareWindows === undefined ? {} : { compareWindows }),
  };
  const record = await enterStopped(place, finished);
  await removeEndedLeases(target, chain, nowMs);
  return record;
}

async function enterStopped(place: TakenPlace, before: TreeRecord): Promise<TreeRecord> {
  const { context, target, chain } = place;
  const heard = withUnheard(before);
  try {
    const left = await readTreePlan(target, chain);
    if (left === null) return await writtenIfNew(place, before, heard);
    if (left.token !== before.committed?.plan) return await enterLeft(place, before, heard, left);
  } catch (error) {
    if (!isBackupError(error, 'STAGING_INVALID')) throw error;
    // No plan is written beside an answer that stands there: it is that of the commit, which has all of it.
    if (before.committed === undefined) return enterUnread(place, before, heard, error);
  }
  await endCommit(context, target, chain, before, before.committed.plan);
  return writtenIfNew(place, before, heard);
}

async function writtenIfNew(
  { target, chain }: TakenPlace,
  before: TreeRecord,
  after: TreeRecord,
): Promise<TreeRecord> {
  const isSame = JSON.stringify(told(before)) === JSON.stringify(told(after));
  const record = isSame ? before : await writeTreeRecord(target, chain, after);
  await removeReplaced(target, chain, record, []);
  return record;
}

function told({ committed, removed, untold, untoldWork }: TreeRecord): readonly unknown[] {
  return [committed, removed, untold, untoldWork];
}

/** Enters what was copied of a plan that was not finished. */
async function enterLeft(
  { context, target, chain }: TakenPlace,
  before: TreeRecord,
  heard: TreeRecord,
  left: TreePlan,
): Promise<TreeRecord> {
  const copied = await noteCopied(context, target, chain, heard, left, true);
  const { noted, replacedTables, sent } = copied;
  const untold = untoldWith(heard, [
    ...(sent.again.count > 0 ? [sentAgainText(sent.again)] : []),
    ...overwrittenTexts(heard.points, noted.points),
    ...copied.rewritten,
  ]);
  const { agreedLosses } = left;
  const entered = {
    ...noted,
    ...(agreedLosses === undefined ? {} : { agreedLosses }),
    ...(untold === undefined ? {} : { untold }),
  };
  const isNew = (record: TreeRecord) =>
    JSON.stringify([record.index, record.lost, record.agreedLosses, ...told(record)]);
  const record =
    isNew(entered) === isNew(before)
      ? before
      : await writeTreeRecord(target, chain, {
          ...entered,
          unfinished: unfinishedWith(noted, left),
          ...nowBehind(before),
        });
  // As long as the plan is there, whoever finds it knows of the tables.
  await removeReplaced(target, chain, record, replacedTables);
  await target.remove(treeStaged.plan(chain));
  return record;
}
