import { isBackupError } from '../../../domain/errors.js';
import { firstTexts } from '../../../domain/sentences.js';
import { withDueFlags, type SetFlagsInput } from '../../../domain/retention/set-flags.js';
import {
  areLossesKnown,
  joinLosses,
  lossesWithout,
  NO_LOSSES,
  pointsWithout,
  type KnownLosses,
} from '../../../domain/trees/known-losses.js';
import { joinLacking, LackingList, type Lacking } from '../../../domain/trees/lacking-files.js';
import {
  notOverwritten,
  overwrittenTexts,
  rewrittenTexts,
} from '../../../domain/trees/set-points.js';
import { copyAgesFrom } from '../../../domain/trees/tree-dates.js';
import { guardedDaysAfter } from '../../../domain/trees/tree-guard.js';
import type { TargetTreePoint } from '../../../domain/trees/target-tree.js';
import { pointsThatNeed } from '../../../domain/trees/tree-damage.js';
import { treeLayoutOf } from '../../../layout/tree-layouts.js';
import type { CommittedTree, TreePlanReference } from '../../../domain/trees/tree-work.js';
import type { BackupRepository, SourceRepository } from '../../../repository/backup-repository.js';
import type { FileEntry } from '../../../tree/file-index.js';
import { indexRunName } from '../../../tree/tree-paths.js';
import type { ClassIndex, TreeRecord } from '../../../tree/tree-record.js';
import { ownedTreeRecord, writeTreeRecord } from '../../../tree/tree-store.js';
import type { MoverContext } from '../../task/mover-context.js';
import { knownFiles } from '../whole-tree.js';
import { changesOf, type ClassPlace } from './copied-entries.js';
import { rewritesOf } from './entered-rewrites.js';
import { compactedRuns, removeReplaced, writeRun } from './index-runs.js';
import { withoutMoved } from './moved-entries.js';
import {
  copiedBytes,
  isStore,
  pointsAfter,
  rulesOf,
  unfinishedOf,
  wholeOf,
} from './points-after.js';
import { SentAgain, unsentNeeded } from './sent-again.js';
import {
  discardTreeStaging,
  readTreePlan,
  requireTreePlan,
  treeStaged,
  type TreePlace,
  type TreePlan,
} from '../tree-plan.js';

interface CommitTreeInput extends TreePlace {
  readonly reference: TreePlanReference;
  /** By which points of sets get their flags. */
  readonly choice: Omit<SetFlagsInput, 'nowMs'>;
  readonly nowMs: number;
  /** `noteTold` follows: what was not told yet stays in the record until then. */
  readonly isToldApart?: boolean;
}

/** Enters into the index and the record what was copied: from now on it is a copy of the points that the plan was made for. The staging folder goes.
 *  The record keeps the answer until it was told: done again, because nobody got it, it is the same.
 *  @throws STAGING_INVALID, STALE_EPOCH */
export async function commitTree(
  context: MoverContext,
  input: CommitTreeInput,
): Promise<CommittedTree> {
  const target = await context.repository(input.targetRepositoryId);
  const record = await ownedTreeRecord(target, input.chain, input.reference.epoch);
  const { committed } = record;
  if (committed?.plan === input.reference.token) {
    await endCommit(context, target, input.chain, record, committed.plan);
    return committed.answer;
  }
  const plan = await requireTreePlan(target, input.chain, input.reference);
  const copied = await noteCopied(context, target, input.chain, record, plan);
  const { noted, replacedTables, lacking, sent, rewritten } = copied;
  const bytesOf = await copiedBytes(target, input.chain, noted, plan);
  const whole = wholeOf(noted, plan, lacking, bytesOf);
  const standing = { plan, nowMs: input.nowMs, bytesOf, lacking };
  const isBehind = lacking.faults.count > 0;
  const left = joinLosses(plan.lossesLeft ?? NO_LOSSES, sent.unsent);
  const after = pointsWithout(record, pointsAfter(noted, whole.points, standing), left, {
    ...{ rules: rulesOf(plan), isBehind },
  });
  const points = isStore(plan)
    ? after
    : withDueFlags(await newJudged(target, input.chain, { record, noted, plan, left }, after), {
        ...{ ...input.choice, nowMs: input.nowMs },
      });
  const { isToldApart = false } = input;
  const answer = answerOf(record, points, { whole, sent, plan, rewritten });
  const { isBehind: _, isGoneSpare: __, lost: ___, agreedLosses: ____, ...rest } = noted;
  const { untold, untoldWork, ...entered } = rest;
  await writeTreeRecord(target, input.chain, {
    ...entered,
    ...(isBehind ? { isBehind } : {}),
    ...(left.count > 0 ? { lost: areLossesKnown(record) ? left : { ...left, files: [] } } : {}),
    ...(plan.agreedLosses === undefined ? {} : { agreedLosses: plan.agreedLosses }),
    points,
    unfinished: unfinishedOf(plan, whole.points),
    sourceRepositoryId: plan.sourceRepositoryId,
    changedAt: new Date(plan.plannedAtMs).toISOString(),
    committed: { plan: plan.token, answer },
    ...(untold === undefined || !isToldApart ? {} : { untold }),
    ...(untoldWork === undefined || !isToldApart ? {} : { untoldWork }),
  });
  // As long as the plan is there, whoever finds it knows of the tables.
  await removeReplaced(target, input.chain, noted, replacedTables);
  await discardTreeStaging(target, input.chain);
  return answer;
}

/** Points of sets that are new, and that need what the copy has lost: as a health check would find them.
 *  @param left as it was planned; what has another content since is lost no more */
async function newJudged(
  target: SourceRepository,
  tree: string,
  {
    record,
    noted,
    plan,
    left,
  }: {
    readonly record: TreeRecord;
    readonly noted: TreeRecord;
    readonly plan: TreePlan;
    readonly left: KnownLosses;
  },
  points: readonly TargetTreePoint[],
): Promise<TargetTreePoint[]> {
  const copied = new Set(record.points.map(({ id }) => id));
  if (left.files.length === 0 || points.every(({ id }) => copied.has(id))) return [...points];
  const digests = new Map(left.files.map(({ path, digest }) => [path, digest]));
  const lost: FileEntry[] = [];
  for await (const entries of knownFiles(target, tree, noted))
    lost.push(...entries.filter(({ path, digest }) => digests.get(path) === digest));
  const hurt = pointsThatNeed(points, lost, rulesOf(plan));
  return points.map((point) =>
    copied.has(point.id) || !hurt.has(point.id) ? point : { ...point, health: 'corrupt' },
  );
}

function answerOf(
  record: TreeRecord,
  points: TreeRecord['points'],
  {
    whole,
    sent,
    plan,
    rewritten,
  }: {
    readonly whole: ReturnType<typeof wholeOf>;
    readonly rewritten: readonly string[];
    readonly sent: SentAgain;
    readonly plan: TreePlan;
  },
): CommittedTree {
  const copiedAt = new Map(record.points.map((point) => [point.id, point.copiedAt]));
  const gone = overwrittenTexts(record.points, points);
  const committed = points
    .filter((point) => copiedAt.get(point.id) !== point.copiedAt)
    .map(({ id }) => id);
  return {
    committed: committed.slice(-MOST_NAMED),
    committedCount: committed.length,
    leftOut: firstTexts([...whole.leftOut, ...gone, ...rewritten]),
    ...(whole.leftOut.length > 0 ? { hasLeftOut: true } : {}),
    ...(sent.again.count === 0 ? {} : { sentAgain: sent.again }),
    ...unsentNeeded(sent.unsent, points, rulesOf(plan)),
  };
}

/** What an attempt that was stopped behind the record has left: nothing of it is missing. Where its lists cannot be read, digest tables stay that no entry names. */
export async function endCommit(
  context: MoverContext,
  target: BackupRepository,
  tree: string,
  record: TreeRecord,
  token: string,
): Promise<void> {
  try {
    const plan = await readTreePlan(target, tree);
    if (plan !== null && plan.token !== token) return;
    if (plan !== null) {
      const { noted, replacedTables } = await noteCopied(context, target, tree, record, plan);
      await removeReplaced(target, tree, noted, replacedTables);
    }
  } catch (error) {
    if (!isBackupError(error, 'STAGING_INVALID')) throw error;
  }
  await discardTreeStaging(target, tree);
}

/** The first copy of a folder of archived logs has tens of thousands of points. */
const MOST_NAMED = 200;

/** The record with an index that has all that was copied for a plan. Nothing but the files of the new runs is written.
 *  @param isStopped the plan was not finished: what the source has removed is not entered as gone then, because what came for it may not be there, and
 *    the points that went with it are still listed */
export async function noteCopied(
  context: MoverContext,
  target: BackupRepository,
  tree: string,
  record: TreeRecord,
  plan: TreePlan,
  isStopped = false,
): Promise<NotedCopies> {
  const rules = treeLayoutOf(plan.layout)!.rules;
  const index: ClassIndex[] = [];
  const replacedTables: string[] = [];
  const overwritten: ClassPlace['overwritten'] = new Map();
  const unread = new LackingList(rules, plan.points);
  const unsettled = new Set<string>();
  const sent = new SentAgain(record);
  const isEntered = record.enteredPlan === plan.token;
  const rewrites = { count: 0 };
  for (const [classIndex, { name, match }] of rules.classes.entries()) {
    const before = record.index.find((entry) => entry.class === name) ?? {
      ...{ class: name, match: match.source, runs: [] },
      ...{ fileCount: 0, sizeBytes: 0, goneCount: 0 },
    };
    const gathered = { replacedTables, overwritten, unread, unsettled, sent, rewrites };
    const place = { context, target, tree, plan, classIndex, isStopped, ...gathered };
    index.push(
      isEntered
        ? await asEntered(place, before)
        : await classAfter(place, record.revision + 1, before),
    );
  }
  // The record of a plan that was entered stays as it is, and what it names with it.
  const moved = isEntered
    ? { index, replacedTables: [] }
    : await withoutMoved(target, tree, rules, index, record.revision + 1);
  replacedTables.push(...moved.replacedTables);
  // No record may vouch for a name that an attempt gave before it was killed, and that a power cut takes.
  if (unsettled.size > 0) await settleNamed(target, tree, unsettled);
  const points = notOverwritten(record.points, plan.points, overwritten);
  const asOfMs = copyAgesFrom(record.points, plan.plannedAtMs, plan.points);
  const look = { nowMs: plan.plannedAtMs, asOfMs, isAgreed: plan.isAgreed };
  // What was not entered the next look finds once more.
  const rewrittenCount = isStopped
    ? Math.min(plan.changes.rewritten, rewrites.count)
    : plan.changes.rewritten;
  const changes = { ...plan.changes, rewritten: rewrittenCount };
  const guard = isEntered ? record.guard : guardedDaysAfter(record.guard, changes, look);
  return {
    noted: {
      ...{ ...record, ...lostAfter(record, sent), points, index: moved.index },
      ...{ guard, enteredPlan: plan.token },
    },
    ...{ replacedTables, sent, rewritten: rewrittenTexts(points, overwritten) },
    lacking: joinLacking([...plan.lacking.map(({ lacking }) => lacking), unread.lacking]),
  };
}

/** Makes names durable that were given in these folders: for that the folders they come from have to be, too. */
async function settleNamed(
  target: BackupRepository,
  tree: string,
  folders: ReadonlySet<string>,
): Promise<void> {
  const above = [treeStaged.largeFolder(tree), treeStaged.desks(tree)];
  const from: string[] = [];
  for (const folder of above) if ((await target.stat(folder)) !== null) from.push(folder);
  const desks = from.at(-1) === treeStaged.desks(tree) ? await target.list(from.at(-1)!) : [];
  for (const { type, path } of desks) if (type === 'folder') from.push(path);
  await target.settle([...folders, ...from]);
}

/** What was sent again is lost no more, also when the run was stopped before it could say of any point that it is good. */
function lostAfter(
  { lost, lostNamed }: TreeRecord,
  sent: SentAgain,
): Pick<TreeRecord, 'lost' | 'lostNamed'> {
  return {
    ...(lost === undefined ? {} : { lost: lossesWithout(lost, (path) => sent.has(path)) }),
    ...(lostNamed === undefined ? {} : { lostNamed: lostNamed.filter((path) => !sent.has(path)) }),
  };
}

interface NotedCopies {
  readonly noted: TreeRecord;
  /** Digest tables that no entry names any more, when this record is written. */
  readonly replacedTables: readonly string[];
  /** Files that could not be copied, and those that may refer to them. */
  readonly lacking: Lacking;
  readonly sent: SentAgain;
  /** `rewrittenTexts`. */
  readonly rewritten: readonly string[];
}

/** What a plan was entered into before a stop: only what else follows from it is found out again. */
async function asEntered(place: ClassPlace, before: ClassIndex): Promise<ClassIndex> {
  const counts = { fileCount: 0, sizeBytes: 0, goneCount: 0 };
  const tally = { ...gatheredOf(place), ...counts, isRewrite: () => false };
  for await (const _ of changesOf(place, before, tally)) continue;
  return before;
}

function gatheredOf(place: ClassPlace) {
  const { replacedTables, overwritten, unread, unsettled, sent, rewrites } = place;
  return { replacedTables, overwritten, unread, unsettled, sent, rewrites };
}

async function classAfter(
  place: ClassPlace,
  revision: number,
  before: ClassIndex,
): Promise<ClassIndex> {
  const { target, tree, classIndex } = place;
  const name = indexRunName(revision, classIndex);
  const { fileCount, sizeBytes, goneCount } = before;
  const counts = { fileCount, sizeBytes, goneCount };
  const tally = { ...gatheredOf(place), ...counts, isRewrite: await rewritesOf(place) };
  const run = await writeRun(target, tree, name, changesOf(place, before, tally));
  if (run.entryCount === 0) return before;
  const after = {
    ...before,
    ...{ fileCount: tally.fileCount, sizeBytes: tally.sizeBytes, goneCount: tally.goneCount },
    runs: [...before.runs, run],
  };
  return compactedRuns(target, tree, after, name);
}
