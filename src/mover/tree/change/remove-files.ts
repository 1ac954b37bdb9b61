import { readLeases } from '../../../chain/leases.js';
import {
  agedPoints,
  isRemovalDue,
  keptIds,
  pointsLeft,
  type TreeRemovalRule,
  type TreePointChoice,
  type TreeRetention,
} from '../../../domain/trees/tree-points.js';
import { withCorrupt } from '../../../domain/targets/damage.js';
import { withNeeds } from '../../../domain/trees/needed-points.js';
import { immutableReason, type ImmutabilityRule } from '../../../domain/retention/immutability.js';
import { modifiedAtMs } from '../../../domain/file-stamp.js';
import type { TargetTreePoint } from '../../../domain/trees/target-tree.js';
import { copyAgesFrom, withBelievedTreeDates } from '../../../domain/trees/tree-dates.js';
import type { TreeRules } from '../../../domain/trees/tree-rules.js';
import { treeLayoutOf } from '../../../layout/tree-layouts.js';
import type { BackupRepository, SourceRepository } from '../../../repository/backup-repository.js';
import { parentFolder } from '../../../repository/repository-path.js';
import type { FileEntry, IndexLine } from '../../../tree/file-index.js';
import { readIndex } from '../../../tree/read-index.js';
import { indexPath, indexRunName, treeFile } from '../../../tree/tree-paths.js';
import type {
  ClassIndex,
  PendingRemoval,
  RemovalCall,
  TreeRecord,
} from '../../../tree/tree-record.js';
import { ownedTreeRecord, writeTreeRecord } from '../../../tree/tree-store.js';
import type { MoverContext } from '../../task/mover-context.js';
import { LyingNames } from './lying-names.js';
import { namedFiles } from './named-files.js';
import { writeRun } from '../commit/index-runs.js';
import { goingCount, removedBefore, removedBy, type RemovedTreeFiles } from './removed-files.js';
import { discardTreeStaging, treeStaged, type TreePlace } from '../tree-plan.js';

export interface RemoveTreeFilesInput extends TreePlace {
  readonly epoch: number;
  readonly choice: TreeRetention;
  readonly immutableForDays: number;
  readonly nowMs: number;
  /** What a copy that found no room has staged stays for the next one. */
  readonly keepsStaging?: true;
}

/** Removes what is due: of a store what its source removed long enough ago, in the order in which the source can have removed it; of sets what no point
 *  lists that retention keeps. First the points are not shown any more, then the files go, the last class first. The record keeps the answer until it was
 *  told: done again, because nobody got it, it is the same.
 *  @param unsound ids of points that need what one look has not seen: they take no other's place, and keep what would be theirs if all were seen
 *  @throws STALE_EPOCH */
export async function removeTreeFiles(
  context: MoverContext,
  input: RemoveTreeFilesInput,
  unsound: ReadonlySet<string> = new Set(),
): Promise<RemovedTreeFiles> {
  const target = await context.repository(input.targetRepositoryId);
  const record = await ownedTreeRecord(target, input.chain, input.epoch);
  const rules = treeLayoutOf(record.layout)?.rules;
  if (rules === undefined) return { fileCount: 0, points: [], postponed: null };
  const reader = await readerOfGoing(target, input.chain, record, input.nowMs);
  if (reader !== null) return { fileCount: 0, points: [], postponed: reader };
  if (record.pending !== null) return finishAndRemove(context, input, record, unsound);
  const before = removedBefore(record, input);
  if (before !== null) return before;
  const kept = keptPoints(record, rules, input, unsound);
  const isStore = rules.shape === 'store';
  const isOver = isStore
    ? isDue(removalRule(record, rules, input))
    : isUnlisted(kept, record.unfinished);
  const { control } = context;
  const named = await namedFiles(target, control, input.chain, record, rules, isOver);
  const goes = (entry: FileEntry) => isOver(entry) && !named.has(entry);
  const reason = isStore
    ? 'the source removed them long enough ago'
    : 'no kept restore point lists them';
  const { epoch, nowMs } = input;
  const leaving = { kept, goes, reason, call: { epoch, nowMs } };
  const removed = await removeFiles(context, input, record, leaving);
  return named.text === null ? removed : { ...removed, kept: named.text };
}

/** An attempt before this one has announced a removal and was stopped in it. */
async function finishAndRemove(
  context: MoverContext,
  input: RemoveTreeFilesInput,
  record: TreeRecord,
  unsound: ReadonlySet<string>,
): Promise<RemovedTreeFiles> {
  const target = await context.repository(input.targetRepositoryId);
  const pending = record.pending!;
  const finished = await finishRemoval(context, target, input.chain, record, input.keepsStaging);
  const own = removedBefore(finished, input);
  if (own !== null) return own;
  const rest = await removeTreeFiles(context, input, unsound);
  return {
    ...rest,
    fileCount: goingCount(pending) + rest.fileCount,
    points: [...(pending.points ?? []), ...rest.points],
  };
}

/** What is to go, and why, in plain words. */
interface Leaving {
  readonly kept: readonly TargetTreePoint[];
  readonly goes: (entry: FileEntry) => boolean;
  readonly reason: string;
  readonly call?: RemovalCall;
}

/** Removes all points and files of a tree.
 *  @throws STALE_EPOCH */
export async function removeWholeTree(
  context: MoverContext,
  input: TreePlace & { readonly epoch: number; readonly nowMs: number },
  reason: string,
): Promise<RemovedTreeFiles> {
  const target = await context.repository(input.targetRepositoryId);
  const record = await ownedTreeRecord(target, input.chain, input.epoch);
  return removeFiles(context, input, record, { kept: [], goes: () => true, reason });
}

async function removeFiles(
  context: MoverContext,
  {
    targetRepositoryId,
    chain,
    nowMs,
    keepsStaging,
  }: TreePlace & Pick<RemoveTreeFilesInput, 'nowMs' | 'keepsStaging'>,
  record: TreeRecord,
  { kept, goes, reason, call }: Leaving,
): Promise<RemovedTreeFiles> {
  const target = await context.repository(targetRepositoryId);
  const keptOnes = new Set(kept.map(({ id }) => id));
  const points = record.points.map(({ id }) => id).filter((id) => !keptOnes.has(id));
  const postponed = await readerOf(target, chain, nowMs);
  if (postponed !== null) return { fileCount: 0, points: [], postponed };
  const { runs, fileCount } = await removalRuns(target, chain, record, goes);
  if (fileCount === 0 && points.length === 0) {
    if (keepsStaging !== true) await discardTreeStaging(target, chain);
    return { fileCount, points, postponed: null };
  }
  const pending: PendingRemoval = {
    ...{ type: 'remove', runs, reason },
    ...(call === undefined ? {} : { call, points }),
  };
  const announced = await writeTreeRecord(target, chain, { ...record, points: kept, pending });
  const comeBetween = await readerOf(target, chain, nowMs);
  if (comeBetween !== null) {
    await writeTreeRecord(target, chain, { ...announced, points: record.points, pending: null });
    await target.remove(...runs.map(({ run }) => indexPath(chain, run.name)));
    return { fileCount: 0, points: [], postponed: comeBetween };
  }
  await finishRemoval(context, target, chain, announced, keepsStaging);
  return { fileCount, points, postponed: null };
}

/** Who reads the copy, as the end of a sentence; null: nobody. Asked before there is much to do, and again once the removal is announced: who comes later
 *  reads that. */
async function readerOf(
  target: SourceRepository,
  tree: string,
  nowMs: number,
): Promise<string | null> {
  const { named, doubtful } = await readLeases(target, tree, nowMs);
  const [point, doubt] = [[...named][0], doubtful[0]];
  if (point === undefined && doubt === undefined) return null;
  return `${point === undefined ? doubt!.path : `restore point ${point}`} is being read`;
}

/** Who reads what a removal takes away that was announced and stopped, perhaps before anybody was looked for, as the end of a sentence; null: nobody, or there is no such removal. Who came
 *  later was told by the record that these points are gone. What a point that stays needs stays, but one that the source does not show either was read with all that the source has removed.
 *  A health check compares with the index as it is when it ends. */
export async function readerOfGoing(
  target: SourceRepository,
  tree: string,
  { pending, points }: TreeRecord,
  nowMs: number,
): Promise<string | null> {
  if (pending === null) return null;
  const { named, doubtful } = await readLeases(target, tree, nowMs, ['restore']);
  const unread = doubtful.find(({ isUnreadable }) => isUnreadable);
  if (unread !== undefined) return `${unread.path} is being read`;
  const staying = points.filter(({ goneSince }) => goneSince === undefined);
  const ids = new Set(staying.map(({ id }) => id));
  const going = [...named].find((id) => !ids.has(id));
  return going === undefined ? null : `restore point ${going} is being read`;
}

function keptPoints(
  record: TreeRecord,
  rules: TreeRules,
  input: RemoveTreeFilesInput,
  unsound: ReadonlySet<string>,
): TargetTreePoint[] {
  const { points } = record;
  const { choice, nowMs, immutableForDays } = input;
  if (rules.shape === 'store') {
    const rule = removalRule(record, rules, input);
    return points.filter(
      ({ goneSince, createdAt }) =>
        goneSince === undefined ||
        !isRemovalDue(Date.parse(goneSince), Date.parse(createdAt), rule),
    );
  }
  const aged = agedPoints(withCorrupt(points, unsound), nowMs);
  const kept = keptIds(aged, { ...choice, nowMs }, rules);
  if (unsound.size > 0)
    for (const id of keptIds(agedPoints(points, nowMs), { ...choice, nowMs }, rules)) kept.add(id);
  const asOfMs = copyAgesFrom(points, nowMs);
  for (const id of immutableIds(points, { immutableForDays, nowMs, asOfMs })) kept.add(id);
  return pointsLeft(points, withNeeds(aged, kept, rules), rules, nowMs);
}

/** Ids in the source of the points that must stay as they were written. */
export function immutableIds(points: readonly TargetTreePoint[], rule: ImmutabilityRule): string[] {
  return withBelievedTreeDates(points, rule.nowMs).flatMap((point) =>
    immutableReason(point, rule) === null ? [] : [point.source.restorePointId],
  );
}

export function removalRule(
  { points }: Pick<TreeRecord, 'points'>,
  rules: TreeRemovalRule['rules'],
  {
    choice: { retention },
    immutableForDays,
    nowMs,
  }: Pick<RemoveTreeFilesInput, 'immutableForDays' | 'nowMs'> & {
    readonly choice: Pick<TreePointChoice, 'retention'>;
  },
): TreeRemovalRule {
  const asOfMs = copyAgesFrom(points, nowMs);
  return { rules, retention, immutableForDays, asOfMs };
}

function isDue(rule: TreeRemovalRule): (entry: FileEntry) => boolean {
  return ({ goneSinceMs, stamp }) =>
    goneSinceMs !== null && isRemovalDue(goneSinceMs, modifiedAtMs(stamp), rule);
}

function isUnlisted(
  kept: readonly TargetTreePoint[],
  unfinished: TreeRecord['unfinished'],
): (entry: FileEntry) => boolean {
  const listed = new Set([...kept, ...unfinished].flatMap(({ files }) => files ?? []));
  return ({ path }) => !listed.has(path);
}

async function removalRuns(
  target: BackupRepository,
  tree: string,
  record: TreeRecord,
  goes: (entry: FileEntry) => boolean,
): Promise<{ readonly runs: PendingRemoval['runs']; readonly fileCount: number }> {
  const runs: { class: string; run: PendingRemoval['runs'][number]['run'] }[] = [];
  let fileCount = 0;
  for (const [classIndex, index] of record.index.entries()) {
    const name = `remove-${indexRunName(record.revision + 1, classIndex)}`;
    const run = await writeRun(target, tree, name, dueEntries(target, tree, index, goes));
    if (run.entryCount > 0) runs.push({ class: index.class, run });
    fileCount += run.entryCount;
  }
  return { runs, fileCount };
}

async function* dueEntries(
  target: SourceRepository,
  tree: string,
  index: ClassIndex,
  goes: (entry: FileEntry) => boolean,
): AsyncGenerator<readonly FileEntry[]> {
  for await (const part of readIndex(target, tree, index)) yield part.filter(goes);
}

/** Files that are removed with one change of their folders. */
const REMOVED_AT_ONCE = 1_024;

/** Carries out a removal that the record announces; done again it ends in the same state.
 *  @returns the record after it */
export async function finishRemoval(
  { control }: MoverContext,
  target: BackupRepository,
  tree: string,
  record: TreeRecord,
  keepsStaging = false,
): Promise<TreeRecord> {
  const { pending } = record;
  if (pending === null) return record;
  // Only the end of a run tells whether it is the one that the record lists: by then its first files would be gone.
  await assertWhole(target, tree, pending);
  const lying = new LyingNames(target);
  for (const { run } of pending.runs.toReversed())
    for await (const entries of readIndex(target, tree, { runs: [run] }))
      for (let at = 0; at < entries.length; at += REMOVED_AT_ONCE) {
        control.throwIfStopped();
        const files = entries.slice(at, at + REMOVED_AT_ONCE);
        const paths = files.map(({ path }) => treeFile(tree, path));
        const there = new Set(await lying.of(paths));
        await target.remove(...there);
        await settleGone(
          target,
          paths.filter((path) => !there.has(path)),
        );
        const tables = files.flatMap(({ table }) => table ?? []);
        await target.remove(...tables.map((table) => indexPath(tree, table)));
      }
  const index: ClassIndex[] = [];
  for (const [classIndex, before] of record.index.entries()) {
    const removal = pending.runs.find((entry) => entry.class === before.class);
    index.push(
      removal === undefined
        ? before
        : await withoutRemoved(target, tree, record, before, classIndex, removal.run),
    );
  }
  const next = await writeTreeRecord(target, tree, {
    ...{ ...record, index, pending: null },
    ...(pending.call === undefined ? {} : { removed: removedBy(record, pending, pending.call) }),
  });
  await target.remove(...pending.runs.map(({ run }) => indexPath(tree, run.name)));
  if (!keepsStaging && (await target.stat(treeStaged.plan(tree))) === null)
    await discardTreeStaging(target, tree);
  return next;
}

/** What an attempt that was killed has removed may come back with a power cut, as long as nobody settles the folder. */
async function settleGone(target: BackupRepository, paths: readonly string[]): Promise<void> {
  const folders: string[] = [];
  for (const folder of new Set(paths.map(parentFolder)))
    if ((await target.stat(folder))?.type === 'folder') folders.push(folder);
  if (folders.length > 0) await target.settle(folders);
}

/** @throws CHAIN_RECORD_CORRUPT */
async function assertWhole(
  target: SourceRepository,
  tree: string,
  { runs }: PendingRemoval,
): Promise<void> {
  for (const { run } of runs) {
    const parts = readIndex(target, tree, { runs: [run] });
    while ((await parts.next()).done !== true);
  }
}

async function withoutRemoved(
  target: BackupRepository,
  tree: string,
  record: TreeRecord,
  before: ClassIndex,
  classIndex: number,
  removal: PendingRemoval['runs'][number]['run'],
): Promise<ClassIndex> {
  const tally = { fileCount: 0, sizeBytes: 0, goneCount: 0 };
  const lines = async function* (): AsyncGenerator<readonly IndexLine[]> {
    for await (const part of readIndex(target, tree, { runs: [removal] }))
      yield part.map(({ path, stamp, goneSinceMs }) => {
        tally.fileCount++;
        tally.sizeBytes += stamp.sizeBytes;
        if (goneSinceMs !== null) tally.goneCount++;
        return { path, isRemoved: true };
      });
  };
  const run = await writeRun(target, tree, indexRunName(record.revision + 1, classIndex), lines());
  return {
    ...before,
    fileCount: before.fileCount - tally.fileCount,
    sizeBytes: before.sizeBytes - tally.sizeBytes,
    goneCount: before.goneCount - tally.goneCount,
    runs: [...before.runs, run],
  };
}
