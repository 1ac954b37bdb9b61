import { LackingList } from '../../../domain/trees/lacking-files.js';
import type { OverwrittenFiles } from '../../../domain/trees/set-points.js';
import { isOfOneBackup } from '../../../domain/trees/tree-rules.js';
import { treeLayoutOf } from '../../../layout/tree-layouts.js';
import type { BackupRepository, SourceRepository } from '../../../repository/backup-repository.js';
import { parentFolder } from '../../../repository/repository-path.js';
import type { FileEntry, IndexLine } from '../../../tree/file-index.js';
import { mergeStreams, SortedStream } from '../../../tree/sorted-stream.js';
import { treeFile } from '../../../tree/tree-paths.js';
import type { ClassIndex } from '../../../tree/tree-record.js';
import type { MoverContext } from '../../task/mover-context.js';
import type { TaskControl } from '../../task/task-control.js';
import { digestOfNamed } from '../copy/named-files.js';
import { plannedMarks } from './planned-marks.js';
import { namedFiles, nameEntries, type NamedEntry } from './name-entries.js';
import { largeFiles, publishedTable, smallOutcomes } from '../copy/publish-files.js';
import { SentAgain } from './sent-again.js';
import { lackingReason, StagedClass, type FileOutcome } from '../copy/staged-files.js';
import type { PlannedFile, TreePlan } from '../tree-plan.js';

/** A class of files, and what is gathered while its entries are made. */
export interface ClassPlace {
  readonly replacedTables: string[];
  /** Gets the files that have another content now. */
  readonly overwritten: Map<string, { readonly isLonger: boolean }>;
  readonly unread: LackingList;
  /** Gets the folders of files that have their names by an attempt of which nobody knows whether it came to its end. */
  readonly unsettled: Set<string>;
  readonly sent: SentAgain;
  readonly rewrites: RewriteCount;
  readonly context: MoverContext;
  readonly target: BackupRepository;
  readonly tree: string;
  readonly plan: TreePlan;
  readonly classIndex: number;
  readonly isStopped: boolean;
}

interface ReadPlace extends Pick<ClassPlace, 'isStopped'> {
  readonly context: Pick<MoverContext, 'control'>;
  readonly target: SourceRepository;
  /** Only of files that the copy has in another state is anything asked. */
  readonly onlyHeld?: true;
}

/** Files of kinds that are never written over and that were, all the same, as far as they are entered. */
interface RewriteCount {
  count: number;
}

/** What the entries of a class count together. */
interface Tally {
  fileCount: number;
  sizeBytes: number;
  goneCount: number;
  readonly replacedTables: string[];
  readonly overwritten: ClassPlace['overwritten'];
  readonly unread: LackingList;
  readonly unsettled: Set<string>;
  readonly sent: SentAgain;
  readonly rewrites: RewriteCount;
  /** Whether entering it is a rewrite. */
  readonly isRewrite: (file: PlannedFile, digest: string) => boolean;
}

/** New entries of one class, in the order of their paths. */
export async function* changesOf(
  place: ClassPlace,
  before: ClassIndex,
  tally: Tally,
): AsyncGenerator<readonly IndexLine[]> {
  const { target, tree, plan, classIndex } = place;
  const staged = await StagedClass.open(target, tree, plan, classIndex);
  try {
    const copied = [
      smallEntries(place, staged, noTally(plan)),
      largeEntries(place, staged, noTally(plan)),
    ];
    const firsts = await namedFiles(target, staged, before, copied);
    const onMissing = (file: PlannedFile) => {
      tally.unread.add({ path: file.path, reason: lackingReason('nameless')! });
      tally.sent.addUnsent(file);
    };
    const streams = [
      await SortedStream.of(marksOf(place, tally)),
      await SortedStream.of(smallEntries(place, staged, tally)),
      await SortedStream.of(largeEntries(place, staged, tally)),
      await SortedStream.of(counted(place, nameEntries(target, staged, firsts, onMissing), tally)),
    ];
    yield* mergeStreams<FileEntry>(streams);
  } finally {
    await staged.close();
  }
}

/** Paths of files that a plan has given another content already, as `ClassPlace.overwritten` gets them. Nothing is written. */
export async function overwrittenFiles(
  control: TaskControl,
  target: SourceRepository,
  tree: string,
  plan: TreePlan,
): Promise<OverwrittenFiles> {
  const tally = noTally(plan);
  for (const classIndex of plan.classes.keys()) {
    const staged = await StagedClass.open(target, tree, plan, classIndex);
    const place = { context: { control }, target, isStopped: true, onlyHeld: true } as const;
    try {
      for await (const _ of smallEntries(place, staged, tally)) continue;
      for await (const _ of largeEntries(place, staged, tally)) continue;
    } finally {
      await staged.close();
    }
  }
  return tally.overwritten;
}

function noTally({ layout, points }: TreePlan): Tally {
  const counts = { fileCount: 0, sizeBytes: 0, goneCount: 0 };
  const unread = new LackingList(treeLayoutOf(layout)!.rules, points);
  const sent = new SentAgain();
  return {
    ...counts,
    replacedTables: [],
    overwritten: new Map(),
    unread,
    unsettled: new Set(),
    sent,
    rewrites: { count: 0 },
    isRewrite: () => false,
  };
}

async function* counted(
  { tree, isStopped }: ClassPlace,
  parts: AsyncIterable<readonly NamedEntry[]>,
  tally: Tally,
): AsyncGenerator<readonly FileEntry[]> {
  for await (const named of parts) {
    for (const { entry, file } of named) {
      count(tally, file, entry);
      if (isStopped) tally.unsettled.add(parentFolder(treeFile(tree, entry.path)));
    }
    yield named.map(({ entry }) => entry);
  }
}

async function* marksOf(
  { target, tree, plan, classIndex, isStopped }: ClassPlace,
  tally: Tally,
): AsyncGenerator<readonly FileEntry[]> {
  for await (const all of plannedMarks(target, tree, plan, classIndex)) {
    const entries = isStopped ? all.filter(({ goneSinceMs }) => goneSinceMs === null) : all;
    for (const { goneSinceMs } of entries) tally.goneCount += goneSinceMs === null ? -1 : 1;
    yield entries;
  }
}

async function* smallEntries(
  { target, onlyHeld }: ReadPlace,
  staged: StagedClass,
  tally: Tally,
): AsyncGenerator<readonly FileEntry[]> {
  const { rules } = treeLayoutOf(staged.plan.layout)!;
  let part: FileEntry[] = [];
  for await (const { file, outcome, digest } of smallOutcomes(target, staged)) {
    if (onlyHeld === true && file.held === null) continue;
    const reason = lackingReason(outcome, isOfOneBackup(rules, file.path));
    if (reason !== null) tally.unread.add({ path: file.path, reason });
    const isTold = outcome === 'copied' || outcome === 'held';
    const found = isTold
      ? digest
      : NEVER_NAMED.includes(outcome)
        ? null
        : await digestOfNamed(target, staged.tree, file, digest);
    if (found === null) {
      tally.sent.addUnsent(file);
      continue;
    }
    if (!isTold) tally.unsettled.add(parentFolder(treeFile(staged.tree, file.path)));
    count(tally, file, { digest: found, table: null });
    const { path, stamp, mode } = file;
    if (outcome !== 'held') noteWrittenOver(tally, staged, file, found);
    part.push({ path, stamp, mode, digest: found, table: null, goneSinceMs: null });
    if (part.length < 1_024) continue;
    yield part;
    part = [];
  }
  yield part;
}

/** No attempt at the plan has given them their names: the copy has what it had. */
const NEVER_NAMED: readonly FileOutcome[] = [
  ...(['withheld', 'nameRefused', 'sizeRefused', 'writeRefused', 'kept'] as const),
];

const NOT_NAMED = 'it was not copied';

async function* largeEntries(
  { context: { control }, target, isStopped, onlyHeld }: ReadPlace,
  staged: StagedClass,
  tally: Tally,
): AsyncGenerator<readonly FileEntry[]> {
  const { tree, classIndex, planned } = staged;
  if (planned.largeCount === 0) return;
  for await (const file of largeFiles(target, tree, classIndex, planned)) {
    if (onlyHeld === true && file.held === null) continue;
    const published = await publishedTable(control, target, tree, file);
    if (published === null) {
      tally.unread.add({ path: file.path, reason: NOT_NAMED });
      tally.sent.addUnsent(file);
      continue;
    }
    if (isStopped) tally.unsettled.add(parentFolder(treeFile(tree, file.path)));
    count(tally, file, published);
    const { path, stamp, mode } = file;
    noteWrittenOver(tally, staged, file, published.digest);
    yield [{ path, stamp, mode, ...published, goneSinceMs: null }];
  }
}

/** The points that list it may have lost it. What their tool keeps for the whole store is no backup's own: they go on with what it is now. */
function noteWrittenOver(
  { overwritten }: Pick<Tally, 'overwritten'>,
  { plan, classIndex }: StagedClass,
  { path, stamp, held }: PlannedFile,
  digest: string,
): void {
  if (held === null || held.digest === digest) return;
  const { isOfStore } = treeLayoutOf(plan.layout)!.rules.classes[classIndex]!;
  if (isOfStore?.(path) !== true)
    overwritten.set(path, { isLonger: stamp.sizeBytes > held.sizeBytes });
}

/** @param entry new; a file that is read again because its stamp proves nothing has a table of the same name */
function count(
  tally: Tally,
  file: PlannedFile,
  { digest, table }: Pick<FileEntry, 'digest' | 'table'>,
): void {
  const { stamp, held } = file;
  if (tally.isRewrite(file, digest)) tally.rewrites.count++;
  tally.sent.addEntered(file);
  if (held !== null && held.table !== null && held.table !== table)
    tally.replacedTables.push(held.table);
  tally.sizeBytes += stamp.sizeBytes - (held?.sizeBytes ?? 0);
  if (held === null) tally.fileCount++;
  else if (held.isGone) tally.goneCount--;
}
