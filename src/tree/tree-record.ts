import {
  count,
  instant,
  listOf,
  nullable,
  object,
  oneOf,
  yes,
  optional,
  text,
  type Shape,
} from '../domain/json-shape.js';
import type { FileFaults } from '../domain/trees/file-faults.js';
import type { KnownLosses, LostCopy } from '../domain/trees/known-losses.js';
import type { CommittedTree } from '../domain/trees/tree-work.js';
import type { UntoldWork } from '../domain/trees/unheard-answers.js';
import type { GuardedDay } from '../domain/trees/tree-guard.js';
import type { TargetTreePoint } from '../domain/trees/target-tree.js';
import { ownedFields } from '../chain/chain-record-document.js';
import { parseRecord, serializeRecord, type RecordFormat } from '../chain/record-document.js';
import type { OwnedRecord } from '../chain/record-store.js';

/** The commit record of the copy of one tree: which points exist, and which index tells its files (docs/FORMAT.md, Trees). */
export interface TreeRecord extends OwnedRecord {
  /** Name of the layout, whose rules hold. */
  readonly layout: string;
  readonly sourceRepositoryId: string;
  /** In the order in which their sources were made. */
  readonly points: readonly TargetTreePoint[];
  /** Points of sets that lack one of their files here: what is here of them stays for the session that brings the rest. */
  readonly unfinished: readonly UnfinishedPoint[];
  /** One for each class of files, in the order of the layout. */
  readonly index: readonly ClassIndex[];
  /** What the looks of the last days found, oldest first: a wipe may come a little at a time. */
  readonly guard: readonly GuardedDay[];
  /** Token of the plan whose files were entered into the index last: found again, it is not counted twice. null: none was. */
  readonly enteredPlan: string | null;
  /** What the last commit was, and what it answered: who did not get the answer asks again. Absent: it was told, or there was none. */
  readonly committed?: { readonly plan: string; readonly answer: CommittedTree };
  /** The same of the last removal. Absent: it was told, or there was none. */
  readonly removed?: RemovedFiles;
  /** What runs have found (files of the copy that were lost, points that were overwritten or left out), and perhaps nobody has told; one plain sentence
   *  each. Absent: nothing. */
  readonly untold?: readonly string[];
  /** The same of what they have committed and removed. */
  readonly untoldWork?: UntoldWork;
  /** Files of the last look are not in the copy: they could not be read, or the run was stopped. Then points that the source shows may still need what it has
   *  removed, as it was before. Absent: the copy has all of it. */
  readonly isBehind?: true;
  /** Only beside `isBehind`: the last commit was not behind, and runs after it were stopped, which enter nothing as removed. Nothing needs what the source had removed
   *  by that commit. */
  readonly isGoneSpare?: true;
  /** Files that are lost for good, and of which a health check knows the points that need them, because these name them; at most 1,000. What else is lost any point may need.
   *  Absent: there are none. */
  readonly lostNamed?: readonly string[];
  /** Files of the copy that are known to be lost or damaged, and that no session has sent again. Absent: none; or a release before this one found them. */
  readonly lost?: KnownLosses;
  /** Ids in the source of points that it has lost (broken, or gone), as an operator has agreed: they are told no more. Absent: there are none. */
  readonly agreedLosses?: readonly string[];
  /** Files that are being removed, announced before the first goes. Found at a start, it is done again. */
  readonly pending: PendingRemoval | null;
  /** When the source last showed files that were gone or new. RFC 3339 UTC. */
  readonly changedAt: string | null;
}

export interface UnfinishedPoint {
  /** Of the source. */
  readonly restorePointId: string;
  /** Paths relative to the tree. */
  readonly files: readonly string[];
}

export interface ClassIndex {
  readonly class: string;
  /** What the class takes, so that a release that takes other files notices. */
  readonly match: string;
  /** Files of the copy, and their bytes. */
  readonly fileCount: number;
  readonly sizeBytes: number;
  /** Of these, gone from the source. */
  readonly goneCount: number;
  /** Oldest first: a later one overrides the earlier ones. */
  readonly runs: readonly IndexRun[];
}

/** A sorted file of entries in the folder `.index`. */
export interface IndexRun {
  readonly name: string;
  readonly entryCount: number;
  /** SHA-256 of the file. */
  readonly digest: string;
}

export interface PendingRemoval {
  readonly type: 'remove';
  /** Run with what goes, by class, in the order in which it was planned: the last class goes first. */
  readonly runs: readonly { readonly class: string; readonly run: IndexRun }[];
  /** Why, in plain words. */
  readonly reason: string;
  /** Who is told of it. Absent: the caller finds it by itself. */
  readonly call?: RemovalCall;
  /** Ids of the points that go with them. Only beside `call`. */
  readonly points?: readonly string[];
}

/** One order of a removal: a repeat has the same. */
export interface RemovalCall {
  readonly epoch: number;
  /** When it was ordered. Epoch milliseconds. */
  readonly nowMs: number;
}

/** What a removal has taken away. */
export interface RemovedFiles extends RemovalCall {
  readonly fileCount: number;
  /** Ids. */
  readonly points: readonly string[];
}

const fileFaults = object<FileFaults>({
  count,
  examples: listOf(object<FileFaults['examples'][number]>({ path: text, reason: text })),
});

const point = object<TargetTreePoint>({
  id: text,
  createdAt: instant,
  copiedAt: instant,
  kind: oneOf('full', 'increment', 'log', 'snapshot'),
  needs: listOf(text),
  files: nullable(listOf(text)),
  fileCount: count,
  sizeBytes: count,
  health: oneOf('good', 'corrupt', 'unknown'),
  verifiedAt: nullable(instant),
  flags: listOf(oneOf('weekly', 'monthly', 'yearly')),
  source: object<TargetTreePoint['source']>({ repositoryId: text, restorePointId: text }),
  gap: optional(text),
  ofPart: optional(text),
  lacks: optional(fileFaults),
  goneSince: optional(instant),
});

const run = object<IndexRun>({ name: text, entryCount: count, digest: text });

const shape: Shape<TreeRecord> = object<TreeRecord>({
  ...ownedFields,
  layout: text,
  sourceRepositoryId: text,
  points: listOf(point),
  unfinished: listOf(object<UnfinishedPoint>({ restorePointId: text, files: listOf(text) })),
  index: listOf(
    object<ClassIndex>({
      class: text,
      match: text,
      fileCount: count,
      sizeBytes: count,
      goneCount: count,
      runs: listOf(run),
    }),
  ),
  guard: listOf(object<GuardedDay>({ day: text, shown: count, steady: count, rewritten: count })),
  enteredPlan: nullable(text),
  committed: optional(
    object<NonNullable<TreeRecord['committed']>>({
      plan: text,
      answer: object<CommittedTree>({
        committed: listOf(text),
        committedCount: count,
        leftOut: listOf(text),
        hasLeftOut: optional(yes),
        sentAgain: optional(fileFaults),
        lost: optional(count),
      }),
    }),
  ),
  removed: optional(
    object<RemovedFiles>({ epoch: count, nowMs: count, fileCount: count, points: listOf(text) }),
  ),
  untold: optional(listOf(text)),
  untoldWork: optional(
    object<UntoldWork>({
      ...{ committedCount: count, lastCommitted: nullable(text) },
      ...{ fileCount: count, pointCount: count },
    }),
  ),
  isBehind: optional(yes),
  isGoneSpare: optional(yes),
  lostNamed: optional(listOf(text)),
  lost: optional(
    object<KnownLosses>({
      count,
      files: listOf(object<LostCopy>({ path: text, digest: text, goneSinceMs: nullable(count) })),
    }),
  ),
  agreedLosses: optional(listOf(text)),
  pending: nullable(
    object<PendingRemoval>({
      type: oneOf('remove'),
      runs: listOf(object<PendingRemoval['runs'][number]>({ class: text, run })),
      reason: text,
      call: optional(object<RemovalCall>({ epoch: count, nowMs: count })),
      points: optional(listOf(text)),
    }),
  ),
  changedAt: nullable(instant),
});

const FORMAT: RecordFormat<TreeRecord> = { marker: 'longhaulTree', version: 1, shape };

export function serializeTreeRecord(record: TreeRecord): Buffer {
  return serializeRecord(FORMAT, record);
}

/** @throws CHAIN_RECORD_CORRUPT, CHAIN_FORMAT_UNKNOWN */
export function parseTreeRecord(bytes: Buffer, path: string): TreeRecord {
  return parseRecord(FORMAT, bytes, path);
}
