import { createHash } from 'node:crypto';
import { STAGING_FOLDER } from '../../chain/chain-paths.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import type { VerifyAfterCopy } from '../../domain/jobs/copy-job.js';
import type { FileStamp } from '../../domain/file-stamp.js';
import type { TreePoint } from '../../domain/trees/source-tree.js';
import type { KnownLosses } from '../../domain/trees/known-losses.js';
import {
  count,
  listOf,
  nullable,
  object,
  optional,
  text,
  yes,
  type Shape,
} from '../../domain/json-shape.js';
import { treeLayoutOf } from '../../layout/tree-layouts.js';
import { FILE_FINDINGS, type FileFinding } from '../../domain/trees/tree-damage.js';
import type { TreeChanges } from '../../domain/trees/tree-guard.js';
import type { Lacking } from '../../domain/trees/lacking-files.js';
import type { TreePlanReference } from '../../domain/trees/tree-work.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import { assertReadable, readWholeFile } from '../../repository/replace-file.js';
import { isFileUnread, isHeld } from '../../repository/unread-file.js';
import type { FileList, ListedFiles } from './file-lists.js';
import { readingList } from './staged-list.js';

/** Where a tree is copied from and to. */
export interface TreePlace {
  readonly targetRepositoryId: string;
  /** Folder of the tree's copy. */
  readonly chain: string;
}

/** What one run copies; its lists lie beside it. */
export interface TreePlan extends TreePlanReference {
  readonly plannedAtMs: number;
  /** Since when counts as gone what the source does not show any more (`missedSinceMs`). Absent: the plan is of a release that went by `plannedAtMs` and the record alone. */
  readonly goneSinceMs?: number;
  readonly sourceRepositoryId: string;
  /** Folder of the tree in the source. */
  readonly root: string;
  readonly layout: string;
  readonly verifyAfterCopy: VerifyAfterCopy;
  /** As the layout has them. */
  readonly classes: readonly PlannedClass[];
  /** Their names in the order of copying (`copyOrder`). */
  readonly order: readonly string[];
  /** Points that are there when all is copied. */
  readonly points: readonly TreePoint[];
  /** What the look could not read, or the target does not take, by the first class that may lack it; classes that lack nothing are left out. */
  readonly lacking: readonly { readonly classIndex: number; readonly lacking: Lacking }[];
  /** How many files of the copy are not there as they were copied, and needed by any new point of the store. Absent: none. */
  readonly lostOfNewPoints?: number;
  /** Files of the copy that are lost and that the plan does not send again. Absent: none. */
  readonly lossesLeft?: KnownLosses;
  /** Files of a store that were left to be finished. */
  readonly waitingCount: number;
  /** When the oldest of those was written that any of its points may need. Absent: there are none, or the plan is of a release that did not note it. */
  readonly waitingFromMs?: number;
  /** Ids of the points that alone can need the others. Absent: the plan is of a release that did not note them, and counts these, too, in `waitingFromMs`. */
  readonly waitingPoints?: readonly string[];
  /** What the look found, for the guard of the looks after it. */
  readonly changes: TreeChanges;
  /** An operator has agreed to them. */
  readonly isAgreed: boolean;
  /** Ids of the points that the source has lost, and that an operator has agreed to, now or before. Absent: there are none. */
  readonly agreedLosses?: readonly string[];
  /** Ids of all points that the source showed. */
  readonly shown: readonly string[];
}

/** What is to be done with the files of one class. */
export interface PlannedClass extends ListedFiles {
  readonly class: string;
  /** Entries of the index that change although nothing is copied. */
  readonly markCount: number;
  /** Further names of files. */
  readonly nameCount: number;
  /** Each window of small files has a record in the journal from the start, so that one which is lost is noticed. Absent: the plan gives no name that the copy has, or is of
   *  a release before. */
  readonly isNoted?: true;
}

/** A file that is to be copied, as it stands in a list. */
export interface PlannedFile {
  readonly path: string;
  readonly stamp: FileStamp;
  readonly mode: number | null;
  /** What the copy has under this name. */
  readonly held: HeldFile | null;
}

export interface HeldFile {
  readonly digest: string;
  readonly table: string | null;
  readonly sizeBytes: number;
  readonly isGone: boolean;
  /** It is not there any more as it was copied. Absent: it is. */
  readonly lost?: LostState;
  /** It gets no other content, but one that begins with this (`FixedFiles`). */
  readonly isFixed?: true;
}

export interface LostState {
  readonly finding: FileFinding;
  /** The source still has the file that was copied: it comes again with the very bytes, or not at all. */
  readonly isStill: boolean;
}

export const treeStaged = {
  folder: (tree: string) => `${tree}/${STAGING_FOLDER}`,
  plan: (tree: string) => `${tree}/${STAGING_FOLDER}/plan.json`,
  list: (tree: string, classIndex: number, list: StagedList) =>
    `${tree}/${STAGING_FOLDER}/${classIndex}.${list}`,
  /** Of a large file in the making, whatever plan it was begun by. */
  large: (tree: string, key: string, part: 'work' | 'journal' | 'digests' | 'fault') =>
    `${tree}/${STAGING_FOLDER}/large/${key}.${part}`,
  /** What lacks files that could not be copied, as far as classes are published. */
  lacking: (tree: string) => `${tree}/${STAGING_FOLDER}/lacking.json`,
  /** How far the comparison is that damaged lists make necessary. */
  compared: (tree: string) => `${tree}/${STAGING_FOLDER}/compared.json`,
  largeFolder: (tree: string) => `${tree}/${STAGING_FOLDER}/large`,
  desk: (tree: string, id: string) => `${tree}/${STAGING_FOLDER}/desks/${id}`,
  desks: (tree: string) => `${tree}/${STAGING_FOLDER}/desks`,
};

/** `marks`: entries of the index that change without a copy. `names`: further names of files. `journal`: what came of each window of small files. */
type StagedList = FileList | 'marks' | 'names' | 'journal';

const MAX_PLAN_BYTES = 64 * 1024 * 1024;

/** Written last of what a plan consists of.
 *  @throws RECORD_TOO_LARGE */
export async function writeTreePlan(
  repository: BackupRepository,
  tree: string,
  plan: TreePlan,
): Promise<void> {
  const path = treeStaged.plan(tree);
  const bytes = Buffer.from(JSON.stringify(plan));
  assertReadable(path, bytes, MAX_PLAN_BYTES);
  // A damaged one does not say of which plan it is, and what was compared this plan may write over.
  await repository.remove(treeStaged.lacking(tree), treeStaged.compared(tree));
  await repository.put(path, bytes);
}

type EarlierPlan = Omit<TreePlan, LaterFields> & Partial<Pick<TreePlan, LaterFields>>;
type LaterFields = 'lacking' | 'order';

const namesOf = ({ classes }: EarlierPlan): string[] => classes.map((one) => one.class);

/** null: there is none.
 *  @throws STAGING_INVALID when it is not one of this release: what the run that it is of has written over nobody knows then */
export async function readTreePlan(
  repository: SourceRepository,
  tree: string,
): Promise<TreePlan | null> {
  const path = treeStaged.plan(tree);
  return readingList(repository, path, async () => {
    const bytes = await readWholeFile(repository, path, MAX_PLAN_BYTES);
    if (bytes === null) return null;
    const plan: unknown = JSON.parse(bytes.toString('utf8'));
    assertPlan(plan);
    // One of a release before knows of nothing that is lacking, and has one order.
    const { lacking = [], order = namesOf(plan) } = plan;
    return { ...plan, lacking, order };
  });
}

/** @throws SyntaxError */
function assertPlan(plan: unknown): asserts plan is EarlierPlan {
  const fault = planShape(plan);
  if (fault !== null) throw new SyntaxError(`the plan${fault}`);
  const { layout, classes, order } = plan as EarlierPlan;
  const names = treeLayoutOf(layout)?.rules.classes.map(({ name }) => name) ?? [];
  const isOfLayout =
    names.length === classes.length && classes.every((one, at) => one.class === names[at]);
  if (!isOfLayout) throw new SyntaxError(`layout ${layout} has other classes in this release`);
  if (order?.some((name) => !names.includes(name)) === true)
    throw new SyntaxError('its order names other classes');
}

const finite: Shape<number> = (value) => (Number.isFinite(value) ? null : ' is not a number');

/** What a program that trusts the rest would fail on. */
const planShape = object({
  ...{ token: text, epoch: count, plannedAtMs: count, sourceRepositoryId: text, root: text },
  goneSinceMs: optional(count),
  layout: text,
  classes: listOf(
    object({
      ...{ class: text, smallCount: count, smallWindows: count },
      ...{ largeCount: count, largeWindows: count, sizeBytes: count },
      ...{ markCount: count, nameCount: count, isNoted: optional(yes) },
    }),
  ),
  order: optional(listOf(text)),
  points: listOf(object({ id: text, createdAtMs: finite, needs: listOf(text) })),
  shown: listOf(text),
});

/** A small note beside a plan. null: there is none. @throws STAGING_INVALID when it cannot be understood: what it said has to be found out again */
export async function readNote<T extends { readonly token: string }>(
  repository: SourceRepository,
  path: string,
  { token }: Pick<TreePlan, 'token'>,
): Promise<T | null> {
  try {
    const bytes = await readWholeFile(repository, path, MAX_PLAN_BYTES);
    if (bytes === null) return null;
    const note = JSON.parse(bytes.toString('utf8')) as T;
    return note.token === token ? note : null;
  } catch (cause) {
    const isDamaged = !isHeld(cause) && (await isFileUnread(repository, path, cause));
    if (isBackupError(cause) && !isDamaged) throw cause;
    const details = { path };
    throw new BackupError('STAGING_INVALID', `the note ${path} is damaged`, { details, cause });
  }
}

/** Whole or not at all. */
export async function writeNote(
  repository: BackupRepository,
  path: string,
  note: { readonly token: string },
): Promise<void> {
  await repository.put(path, Buffer.from(JSON.stringify(note)));
}

/** Takes the staging folder away, the plan first: without it nothing else in there counts (docs/FORMAT.md, Order, D3). */
export async function discardTreeStaging(
  repository: BackupRepository,
  tree: string,
): Promise<void> {
  await repository.remove(treeStaged.plan(tree));
  await repository.removeAll(treeStaged.folder(tree));
}

/** @throws STAGING_INVALID when another plan lies there, STALE_EPOCH never: the record tells that */
export async function requireTreePlan(
  repository: SourceRepository,
  tree: string,
  { token, epoch }: TreePlanReference,
): Promise<TreePlan> {
  const plan = await readTreePlan(repository, tree);
  if (plan?.token === token && plan.epoch === epoch) return plan;
  throw new BackupError(
    'STAGING_INVALID',
    `the plan in ${treeStaged.folder(tree)} is another one`,
    {
      details: { path: treeStaged.plan(tree) },
    },
  );
}

/** Names of the classes whose files have their names before those of this one. */
export function classesBefore(
  { classes, order }: Pick<TreePlan, 'classes' | 'order'>,
  classIndex: number,
): ReadonlySet<string> {
  return new Set(order.slice(0, order.indexOf(classes[classIndex]!.class)));
}

/** @throws STAGING_INVALID */
export function classIndexOf({ classes, token }: TreePlan, name: string): number {
  const index = classes.findIndex((entry) => entry.class === name);
  if (index >= 0) return index;
  throw new BackupError('STAGING_INVALID', `plan ${token} has no class ${name}`);
}

/** Names a large file as it was listed: its work is taken up by every plan that lists it so. */
export function largeKey({ path, stamp }: Pick<PlannedFile, 'path' | 'stamp'>): string {
  const { sizeBytes, modifiedAtNs, changedAtNs, inode } = stamp;
  const text = JSON.stringify([path, sizeBytes, modifiedAtNs, changedAtNs, inode]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** One line of a list. */
export function plannedLine({ path, stamp, mode, held }: PlannedFile): string {
  const { sizeBytes, modifiedAtNs, changedAtNs, inode } = stamp;
  const fields = [path, sizeBytes, modifiedAtNs, changedAtNs, inode, mode, ...heldFields(held)];
  return JSON.stringify(fields);
}

/** What a line says of what the copy has, at its end. */
export function heldFields(held: HeldFile | null): (string | number | null)[] {
  if (held === null) return [];
  const { digest, table, sizeBytes, isGone, lost, isFixed } = held;
  const fields = [digest, table, sizeBytes, isGone ? 1 : 0];
  if (isFixed === true) return [...fields, null, null, 1];
  if (lost === undefined) return fields;
  return [...fields, FILE_FINDINGS.indexOf(lost.finding), lost.isStill ? 1 : 0];
}

type HeldFields = [
  ...[string?, (string | null)?, number?, number?],
  ...[(number | null)?, (number | null)?, number?],
];

/** @throws SyntaxError */
export function parseHeld(fields: readonly unknown[]): HeldFile | null {
  if (fields.length === 0) return null;
  const [digest, table, size, gone, finding, still, fixed] = fields as HeldFields;
  const held = { digest: digest!, table: table ?? null, sizeBytes: size!, isGone: gone === 1 };
  const fault = heldShape(held);
  if (fault !== null) throw new SyntaxError(`a line of which what is held${fault}`);
  if (fixed === 1) return { ...held, isFixed: true };
  if (finding === undefined || finding === null) return held;
  return { ...held, lost: { finding: FILE_FINDINGS[finding] ?? 'unread', isStill: still === 1 } };
}

/** @throws SyntaxError when it is no line of a list */
export function parsePlannedLine(line: string): PlannedFile {
  const { file, rest } = parseListedFile(line);
  return { ...file, held: parseHeld(rest) };
}

/** What each line begins with, and what stands behind that.
 *  @throws SyntaxError */
export function parseListedFile(line: string): {
  readonly file: Omit<PlannedFile, 'held'>;
  readonly rest: readonly unknown[];
} {
  const fields: unknown = JSON.parse(line);
  if (!Array.isArray(fields)) throw new SyntaxError('a line that is no list');
  const [path, sizeBytes, modifiedAtNs, changedAtNs, inode, mode, ...rest] = fields as unknown[];
  const file = { path, stamp: { sizeBytes, modifiedAtNs, changedAtNs, inode }, mode };
  const fault = fileShape(file);
  if (fault !== null) throw new SyntaxError(`a line whose file${fault}`);
  return { file: file as Omit<PlannedFile, 'held'>, rest };
}

const fileShape = object<Omit<PlannedFile, 'held'>>({
  path: text,
  stamp: object<FileStamp>({
    ...{ sizeBytes: count, modifiedAtNs: text, changedAtNs: text, inode: text },
  }),
  mode: nullable(count),
});

const heldShape = object({ digest: text, table: nullable(text), sizeBytes: count });

export function sourcePath({ root }: Pick<TreePlan, 'root'>, path: string): string {
  return root === '' ? path : `${root}/${path}`;
}
