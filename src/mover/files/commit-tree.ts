import { agesFrom } from '../../domain/retention/retention-age.js';
import { firstTexts } from '../../domain/sentences.js';
import { withDueFlags, type SetFlagsInput } from '../../domain/retention/set-flags.js';
import { joinLacking, LackingList, type Lacking } from '../../domain/trees/lacking-files.js';
import { notOverwritten, overwrittenTexts } from '../../domain/trees/set-points.js';
import { guardedDaysAfter } from '../../domain/trees/tree-guard.js';
import { treeLayoutOf } from '../../layout/tree-layouts.js';
import type { TreePlanReference } from '../../domain/trees/tree-work.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { parseLine, readLines, type FileEntry, type IndexLine } from '../../tree/file-index.js';
import { mergeStreams, SortedStream } from '../../tree/sorted-stream.js';
import { parentFolder } from '../../repository/repository-path.js';
import { indexRunName, treeFile } from '../../tree/tree-paths.js';
import type { ClassIndex, TreeRecord } from '../../tree/tree-record.js';
import { ownedTreeRecord, writeTreeRecord } from '../../tree/tree-store.js';
import type { MoverContext } from '../task/mover-context.js';
import { digestOfNamed } from './named-files.js';
import { compactedRuns, removeReplaced, writeRun } from './index-runs.js';
import { namedFiles, nameEntries } from './name-entries.js';
import { largeFiles, publishedTable, smallOutcomes } from './publish-files.js';
import { copiedPaths, isStore, pointsAfter, unfinishedOf, wholeOf } from './points-after.js';
import { lackingReason, StagedClass, type FileOutcome } from './staged-files.js';
import {
  discardTreeStaging,
  requireTreePlan,
  treeStaged,
  type PlannedFile,
  type TreePlace,
  type TreePlan,
} from './tree-plan.js';

export interface CommitTreeInput extends TreePlace {
  readonly reference: TreePlanReference;
  /** By which points of sets get their flags. */
  readonly choice: Omit<SetFlagsInput, 'nowMs'>;
  readonly nowMs: number;
}

export interface CommittedTree {
  /** Ids of the points that are new; of very many the last. */
  readonly committed: readonly string[];
  /** Of all of them. */
  readonly committedCount: number;
  /** Points that are not there although their tool shows them, and points that are gone because their files were overwritten; one plain sentence
   *  each. */
  readonly leftOut: readonly string[];
}

/** Enters into the index and the record what was copied: from now on it is a copy of the points that the plan was made for. The staging folder goes.
 *  @throws STAGING_INVALID, STALE_EPOCH */
export async function commitTree(
  context: MoverContext,
  input: CommitTreeInput,
): Promise<CommittedTree> {
  const target = await context.repository(input.targetRepositoryId);
  const record = await ownedTreeRecord(target, input.chain, input.reference.epoch);
  const plan = await requireTreePlan(target, input.chain, input.reference);
  const copied = await noteCopied(context, target, input.chain, record, plan);
  const { noted, replacedTables, lacking } = copied;
  const isCopied = await copiedPaths(target, input.chain, noted, plan);
  const whole = wholeOf(noted, plan, lacking, isCopied);
  const standing = { plan, nowMs: input.nowMs, isCopied, lacking };
  const after = pointsAfter(noted, whole.points, standing);
  const points = isStore(plan)
    ? after
    : withDueFlags(after, { ...input.choice, nowMs: input.nowMs });
  const known = new Set(record.points.map(({ id }) => id));
  const { isBehind: _, ...entered } = noted;
  await writeTreeRecord(target, input.chain, {
    ...entered,
    ...(lacking.faults.count > 0 ? { isBehind: true } : {}),
    points,
    unfinished: unfinishedOf(plan, whole.points),
    sourceRepositoryId: plan.sourceRepositoryId,
    changedAt: new Date(plan.plannedAtMs).toISOString(),
  });
  // As long as the plan is there, whoever finds it knows of the tables.
  await removeReplaced(target, input.chain, noted, replacedTables);
  await discardTreeStaging(target, input.chain);
  const gone = overwrittenTexts(record.points, points);
  const committed = points.map(({ id }) => id).filter((id) => !known.has(id));
  return {
    committed: committed.slice(-MOST_NAMED),
    committedCount: committed.length,
    leftOut: firstTexts([...whole.leftOut, ...gone]),
  };
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
  const overwritten = new Set<string>();
  const unread = new LackingList(rules, plan.points);
  const unsettled = new Set<string>();
  const isEntered = record.enteredPlan === plan.token;
  for (const [classIndex, { name, match }] of rules.classes.entries()) {
    const before = record.index.find((entry) => entry.class === name) ?? {
      ...{ class: name, match: match.source, runs: [] },
      ...{ fileCount: 0, sizeBytes: 0, goneCount: 0 },
    };
    const gathered = { replacedTables, overwritten, unread, unsettled };
    const place = { context, target, tree, plan, classIndex, isStopped, ...gathered };
    index.push(
      isEntered
        ? await asEntered(place, before)
        : await classAfter(place, record.revision + 1, before),
    );
  }
  // No record may vouch for a name that an attempt gave before it was killed, and that a power cut takes.
  if (unsettled.size > 0) await settleNamed(target, tree, unsettled);
  const points = notOverwritten(record.points, plan.points, overwritten);
  const look = { nowMs: plan.plannedAtMs, asOfMs: ageOf(record, plan), isAgreed: plan.isAgreed };
  const guard = isEntered ? record.guard : guardedDaysAfter(record.guard, plan.changes, look);
  return {
    noted: { ...record, points, index, guard, enteredPlan: plan.token },
    replacedTables,
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

/** From when ages are counted: from the newest point that the copy has or gets. */
function ageOf({ points }: TreeRecord, { points: planned, plannedAtMs }: TreePlan): number {
  const madeAtMs = [
    ...points.map(({ createdAt }) => Date.parse(createdAt)),
    ...planned.map(({ createdAtMs }) => createdAtMs),
  ];
  const newestMs = madeAtMs.reduce((newest, ms) => Math.max(newest, ms), -Infinity);
  return madeAtMs.length === 0 ? plannedAtMs : agesFrom(newestMs, plannedAtMs);
}

export interface NotedCopies {
  readonly noted: TreeRecord;
  /** Digest tables that no entry names any more, when this record is written. */
  readonly replacedTables: readonly string[];
  /** Files that could not be copied, and those that may refer to them. */
  readonly lacking: Lacking;
}

interface ClassPlace {
  readonly replacedTables: string[];
  /** Gets the paths of files that have another content now. */
  readonly overwritten: Set<string>;
  readonly unread: LackingList;
  /** Gets the folders of files that have their names by an attempt of which nobody knows whether it came to its end. */
  readonly unsettled: Set<string>;
  readonly context: MoverContext;
  readonly target: BackupRepository;
  readonly tree: string;
  readonly plan: TreePlan;
  readonly classIndex: number;
  readonly isStopped: boolean;
}

/** What a plan was entered into before a stop: only what else follows from it is found out again. */
async function asEntered(place: ClassPlace, before: ClassIndex): Promise<ClassIndex> {
  const { replacedTables, overwritten, unread, unsettled } = place;
  const gathered = { replacedTables, overwritten, unread, unsettled };
  const tally = { fileCount: 0, sizeBytes: 0, goneCount: 0, ...gathered };
  for await (const _ of changesOf(place, before, tally)) continue;
  return before;
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
  const { replacedTables, overwritten, unread, unsettled } = place;
  const tally = { ...counts, replacedTables, overwritten, unread, unsettled };
  const run = await writeRun(target, tree, name, changesOf(place, before, tally));
  if (run.entryCount === 0) return before;
  const after = {
    ...before,
    ...{ fileCount: tally.fileCount, sizeBytes: tally.sizeBytes, goneCount: tally.goneCount },
    runs: [...before.runs, run],
  };
  return compactedRuns(target, tree, after, name);
}

interface Tally {
  fileCount: number;
  sizeBytes: number;
  goneCount: number;
  readonly replacedTables: string[];
  readonly overwritten: Set<string>;
  readonly unread: LackingList;
  readonly unsettled: Set<string>;
}

/** New entries of one class, in the order of their paths. */
async function* changesOf(
  place: ClassPlace,
  before: ClassIndex,
  tally: Tally,
): AsyncGenerator<readonly IndexLine[]> {
  const { target, tree, plan, classIndex } = place;
  if ((await target.stat(treeStaged.list(tree, classIndex, 'small'))) === null) return;
  const staged = await StagedClass.open(target, tree, plan, classIndex);
  try {
    const copied = [
      smallEntries(target, staged, noTally(plan)),
      largeEntries(place, staged, noTally(plan)),
    ];
    const firsts = await namedFiles(target, staged, before, copied);
    const onMissing = (path: string) =>
      tally.unread.add({ path, reason: lackingReason('nameless')! });
    const streams = [
      await SortedStream.of(marksOf(place, tally)),
      await SortedStream.of(smallEntries(target, staged, tally)),
      await SortedStream.of(largeEntries(place, staged, tally)),
      await SortedStream.of(counted(place, nameEntries(target, staged, firsts, onMissing), tally)),
    ];
    yield* mergeStreams<FileEntry>(streams);
  } finally {
    await staged.close();
  }
}

function noTally({ layout, points }: TreePlan): Tally {
  const counts = { fileCount: 0, sizeBytes: 0, goneCount: 0 };
  const unread = new LackingList(treeLayoutOf(layout)!.rules, points);
  return { ...counts, replacedTables: [], overwritten: new Set(), unread, unsettled: new Set() };
}

async function* counted(
  { tree, isStopped }: ClassPlace,
  parts: AsyncIterable<readonly FileEntry[]>,
  tally: Tally,
): AsyncGenerator<readonly FileEntry[]> {
  for await (const entries of parts) {
    for (const { path, stamp, table } of entries) {
      count(tally, { stamp, held: null }, table);
      if (isStopped) tally.unsettled.add(parentFolder(treeFile(tree, path)));
    }
    yield entries;
  }
}

async function* marksOf(
  { target, tree, classIndex, isStopped }: ClassPlace,
  tally: Tally,
): AsyncGenerator<readonly FileEntry[]> {
  const file = await target.openRead(treeStaged.list(tree, classIndex, 'marks'));
  try {
    for await (const lines of readLines(file)) {
      const all = lines.map(parseLine) as FileEntry[];
      const entries = isStopped ? all.filter(({ goneSinceMs }) => goneSinceMs === null) : all;
      for (const { goneSinceMs } of entries) tally.goneCount += goneSinceMs === null ? -1 : 1;
      yield entries;
    }
  } finally {
    await file.close();
  }
}

async function* smallEntries(
  target: BackupRepository,
  staged: StagedClass,
  tally: Tally,
): AsyncGenerator<readonly FileEntry[]> {
  let part: FileEntry[] = [];
  for await (const { file, outcome, digest } of smallOutcomes(target, staged)) {
    const reason = lackingReason(outcome);
    if (reason !== null) tally.unread.add({ path: file.path, reason });
    const isTold = outcome === 'copied' || outcome === 'held';
    const found = isTold
      ? digest
      : NEVER_NAMED.includes(outcome)
        ? null
        : await digestOfNamed(target, staged.tree, file);
    if (found === null) continue;
    if (!isTold) tally.unsettled.add(parentFolder(treeFile(staged.tree, file.path)));
    count(tally, file, null);
    const { path, stamp, mode, held } = file;
    if (outcome !== 'held' && held !== null && held.digest !== found) tally.overwritten.add(path);
    part.push({ path, stamp, mode, digest: found, table: null, goneSinceMs: null });
    if (part.length < 1_024) continue;
    yield part;
    part = [];
  }
  yield part;
}

/** No attempt at the plan has given them their names: the copy has what it had. */
const NEVER_NAMED: readonly FileOutcome[] = [
  ...(['withheld', 'nameRefused', 'sizeRefused', 'writeRefused'] as const),
];

const NOT_NAMED = 'it was not copied';

async function* largeEntries(
  { context: { control }, target, isStopped }: ClassPlace,
  { tree, classIndex, planned }: StagedClass,
  tally: Tally,
): AsyncGenerator<readonly FileEntry[]> {
  if (planned.largeCount === 0) return;
  for await (const file of largeFiles(target, tree, classIndex)) {
    const published = await publishedTable(control, target, tree, file);
    if (published === null) {
      tally.unread.add({ path: file.path, reason: NOT_NAMED });
      continue;
    }
    if (isStopped) tally.unsettled.add(parentFolder(treeFile(tree, file.path)));
    count(tally, file, published.table);
    const { path, stamp, mode, held } = file;
    if (held !== null && held.digest !== published.digest) tally.overwritten.add(path);
    yield [{ path, stamp, mode, ...published, goneSinceMs: null }];
  }
}

/** @param table what the new entry names: a file that is read again because its stamp proves nothing has a table of the same name */
function count(
  tally: Tally,
  { stamp, held }: Pick<PlannedFile, 'stamp' | 'held'>,
  table: string | null,
): void {
  if (held !== null && held.table !== null && held.table !== table)
    tally.replacedTables.push(held.table);
  tally.sizeBytes += stamp.sizeBytes - (held?.sizeBytes ?? 0);
  if (held === null) tally.fileCount++;
  else if (held.isGone) tally.goneCount--;
}
