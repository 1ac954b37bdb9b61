import { BLOCK_BYTES, DIGEST_BYTES, WINDOW_BLOCKS } from '../../../domain/targets/digest.js';
import type { FileFaults } from '../../../domain/trees/file-faults.js';
import {
  keepingRemoved,
  LackingList,
  sequenceOrder,
  type Lacking,
} from '../../../domain/trees/lacking-files.js';
import { faultOfTargetFile } from '../../../domain/trees/one-file-fault.js';
import { FileUnits, NO_SLOTS } from '../../../domain/targets/file-units.js';
import { BackupError, isBackupError, isPermissionFault } from '../../../domain/errors.js';
import {
  isOfOneBackup,
  keptTraits,
  type FileClass,
  type TreeRules,
} from '../../../domain/trees/tree-rules.js';
import { treeLayoutOf } from '../../../layout/tree-layouts.js';
import type { TreePlanReference } from '../../../domain/trees/tree-work.js';
import type { BackupRepository, SourceRepository } from '../../../repository/backup-repository.js';
import { indexPath, tableName, treeFile } from '../../../tree/tree-paths.js';
import { contentDigest, hashFile } from '../../blocks/file-digest.js';
import { openStored } from '../../blocks/stored-bytes.js';
import { writeDigestTable } from '../../blocks/write-digest-table.js';
import type { MoverContext } from '../../task/mover-context.js';
import type { TaskControl } from '../../task/task-control.js';
import { withOpenFiles } from '../../task/open-files.js';
import { WindowJournal } from '../../task/window-journal.js';
import { asLarge, mayBeRead } from './large-file.js';
import { heldBackOf, noteLacking } from './lacking-notes.js';
import { publishNames } from './publish-names.js';
import { readingList, readStagedLines } from '../staged-list.js';
import { statSource } from '../stat-source.js';
import { statTarget } from '../stat-target.js';
import {
  FILE_OUTCOMES,
  lackingReason,
  largeFault,
  largeJournal,
  OUTCOME_BYTES,
  partsOf,
  smallJournal,
  unnotedWindow,
  StagedClass,
  type FileOutcome,
  type NameOutcome,
} from './staged-files.js';
import {
  classIndexOf,
  largeKey,
  parsePlannedLine,
  requireTreePlan,
  sourcePath,
  treeStaged,
  type PlannedClass,
  type PlannedFile,
  type TreePlace,
  type TreePlan,
} from '../tree-plan.js';

interface PublishFilesInput extends TreePlace {
  readonly reference: TreePlanReference;
  readonly class: string;
}

/** What came of the files of one class. */
interface PublishedFiles {
  /** Not what was listed any more: the source has to be looked at anew before anything is copied that may refer to it. */
  readonly drifted: number;
  /** One of them. */
  readonly driftedPath: string | null;
  /** Files that cannot be read, or are not what their names claim; and those that may refer to such. */
  readonly faults: FileFaults;
  /** How many of them keep in the copy what the source has removed. */
  readonly lacking: number;
}

/** Gives the large files of a class their names, when all of its windows are done, and tells what came of all of its files.
 *  @throws STAGING_INVALID when a window is not done, STALE_EPOCH */
export async function publishFiles(
  context: MoverContext,
  input: PublishFilesInput,
): Promise<PublishedFiles> {
  const target = await context.repository(input.targetRepositoryId);
  const plan = await requireTreePlan(target, input.chain, input.reference);
  const source = await context.source(plan.sourceRepositoryId);
  const classIndex = classIndexOf(plan, input.class);
  const rules = treeLayoutOf(plan.layout)!.rules;
  const told = new ClassTold(rules, plan);
  const { largeCount, nameCount } = plan.classes[classIndex]!;
  const fileClass = rules.classes[classIndex]!;
  const staged = await StagedClass.open(target, input.chain, plan, classIndex);
  const isHeldBack = await heldBackOf(target, input.chain, plan, rules, classIndex);
  try {
    for await (const { file, outcome } of smallOutcomes(target, staged)) told.add(file, outcome);
    if (largeCount > 0)
      for await (const file of inOrder(
        largeFiles(target, input.chain, classIndex, staged.planned),
        fileClass,
      )) {
        const place = { context, source, target, tree: input.chain, plan, rules, classIndex };
        // Each of a sequence builds on those before it.
        const isAfter = fileClass.inSequence === true && told.failed.size > 0;
        const isSentAgain = file.held?.lost?.isStill === true;
        const waits = (isAfter && !isSentAgain) || isHeldBack(file);
        told.add(file, waits ? 'withheld' : await publishLarge(place, file));
      }
    if (nameCount > 0) {
      const { control } = context;
      const place = { control, source, target, tree: input.chain, plan, classIndex };
      const { content } = fileClass;
      for await (const { file, outcome } of publishNames({
        ...{ ...place, content, isHeldBack },
        failed: told.failed,
      }))
        told.add(file, outcome);
    }
  } finally {
    await staged.close();
  }
  await noteLacking(target, input.chain, plan, classIndex, told.lacking);
  return told.result;
}

class ClassTold {
  #drifted = 0;
  #driftedPath: string | null = null;
  readonly #list: LackingList;
  /** Files that were not copied, by path. */
  readonly failed = new Map<string, FileOutcome>();

  constructor(
    private readonly rules: TreeRules,
    { points }: TreePlan,
  ) {
    this.#list = new LackingList(rules, points);
  }

  add({ path }: PlannedFile, outcome: NameOutcome): void {
    if (outcome === 'copied' || outcome === 'held') return;
    if (outcome !== 'nameless') this.failed.set(path, outcome);
    const reason = lackingReason(outcome, isOfOneBackup(this.rules, path));
    if (reason !== null) return this.#list.add({ path, reason });
    this.#drifted++;
    this.#driftedPath ??= path;
  }

  get lacking(): Lacking {
    return this.#list.lacking;
  }

  get result(): PublishedFiles {
    return {
      drifted: this.#drifted,
      driftedPath: this.#driftedPath,
      faults: this.lacking.faults,
      lacking: keepingRemoved(this.lacking, this.rules),
    };
  }
}

/** Small files of a class with what came of them, in the order of their paths; those of a window that is not done are `open`, with the digest that was
 *  announced for them.
 *  @throws STAGING_INVALID */
export async function* smallOutcomes(
  target: SourceRepository,
  staged: StagedClass,
): AsyncGenerator<{ file: PlannedFile; outcome: FileOutcome; digest: string }> {
  const { plan, tree, classIndex, planned } = staged;
  if (planned.smallWindows === 0) return;
  const place = smallJournal(tree, classIndex, plan.token);
  const isNoted = planned.isNoted === true;
  if (!isNoted && (await target.stat(place.path)) === null) return;
  const file = await readingList(target, place.path, () => target.openRead(place.path));
  const read = <T>(some: () => Promise<T>): Promise<T> => readingList(target, place.path, some);
  try {
    const journal = new WindowJournal(file, place);
    for (let window = 0; window < planned.smallWindows; window++) {
      const isOpen = (await read(() => journal.openRuns(window, 1))).length > 0;
      const payload = await read(() => (isOpen ? journal.noted(window) : journal.read(window, 1)));
      const files = await staged.smallFiles(window);
      // What it said of names that were given is lost.
      const mayLack = payload === null && isNoted && files.some(({ held }) => held !== null);
      if (mayLack && !(await read(() => journal.isBegun(window))))
        throw unnotedWindow(staged, window);
      for (const [index, planned] of files.entries()) {
        const at = index * OUTCOME_BYTES;
        const outcome = isOpen ? 'open' : FILE_OUTCOMES[payload?.[at] ?? 0]!;
        const digest = payload?.toString('hex', at + 1, at + OUTCOME_BYTES) ?? '';
        yield { file: planned, outcome, digest };
      }
    }
  } finally {
    await file.close();
  }
}

/** @throws STAGING_INVALID */
export async function* largeFiles(
  target: SourceRepository,
  tree: string,
  classIndex: number,
  { largeCount }: Pick<PlannedClass, 'largeCount'>,
): AsyncGenerator<PlannedFile> {
  const path = treeStaged.list(tree, classIndex, 'large');
  for await (const files of readStagedLines(target, path, largeCount, parsePlannedLine))
    yield* files;
}

/** A sequence has few files, and all of them in memory. */
async function* inOrder(
  files: AsyncGenerator<PlannedFile>,
  { inSequence }: FileClass,
): AsyncGenerator<PlannedFile> {
  if (inSequence !== true) {
    yield* files;
    return;
  }
  const all: PlannedFile[] = [];
  for await (const file of files) all.push(file);
  yield* all.sort((a, b) => sequenceOrder(a.path, b.path));
}

interface LargePlace {
  readonly context: MoverContext;
  readonly source: SourceRepository;
  readonly target: BackupRepository;
  readonly tree: string;
  readonly plan: TreePlan;
  readonly rules: TreeRules;
  readonly classIndex: number;
}

/** A file whose work is gone and whose table has its name got its own by an earlier attempt. Where the table has none, nothing tells whether the
 *  work was named or removed: it is copied again. */
async function publishLarge(place: LargePlace, file: PlannedFile): Promise<FileOutcome> {
  const { context, source, target, tree, plan, rules, classIndex } = place;
  const key = largeKey(file);
  const work = treeStaged.large(tree, key, 'work');
  if (!(await isWhole(target, tree, key, file)))
    return (await largeFault(target, tree, key, plan)) ?? 'open';
  const table = {
    from: treeStaged.large(tree, key, 'digests'),
    to: indexPath(tree, tableName(key)),
  };
  const names = [{ from: work, to: treeFile(tree, file.path) }, table];
  if ((await target.stat(work)) === null) {
    // Of one that was lost there is the table of before.
    const named = await statTarget(target, treeFile(tree, file.path));
    const isNamed = named?.stamp.sizeBytes === file.stamp.sizeBytes;
    if (isNamed && (await target.stat(table.to)) !== null) {
      // An attempt that was killed has given them, and perhaps not made them durable.
      await target.move(names, tree);
      return 'copied';
    }
    await target.remove(largeJournal(tree, key).path, table.from);
    return 'open';
  }
  const now = await statSource(source, sourcePath(plan, file.path));
  if (typeof now === 'string') return now;
  const content = rules.classes[classIndex]!.content;
  if (!mayBeRead(file, now.stamp, asLarge(content))) return 'changed';
  await finishWork(context.control, target, work, file, rules);
  const claimed = rules.digestInName?.(file.path) ?? null;
  if (claimed !== null && claimed !== (await contentDigest(context.control, target, work)))
    return 'bad';
  if (plan.verifyAfterCopy === 'direct') await assertStored(context.control, target, work);
  const digestTo = (bytes: number) => writeTable(context.control, target, tree, key, bytes);
  const { held } = file;
  const beginning =
    held?.isFixed !== true
      ? null
      : held.table === null
        ? await contentDigest(context.control, target, work, held.sizeBytes)
        : await digestTo(held.sizeBytes);
  const digest = await digestTo(file.stamp.sizeBytes);
  const mustBeSame = held?.lost?.isStill === true || beginning !== null;
  if (mustBeSame && held!.digest !== (beginning ?? digest)) {
    // The next plan reads it anew.
    await target.remove(largeJournal(tree, key).path, work, table.from);
    return beginning === null ? 'unlike' : 'kept';
  }
  try {
    await target.move(names, tree);
  } catch (error) {
    const outcome = faultOfTargetFile(error);
    if (outcome === null) throw error;
    return outcome;
  }
  return 'copied';
}

async function isWhole(
  target: SourceRepository,
  tree: string,
  key: string,
  file: PlannedFile,
): Promise<boolean> {
  const place = largeJournal(tree, key);
  if ((await target.stat(place.path)) === null) return false;
  return withOpenFiles(async (files) => {
    const journal = new WindowJournal(files.add(await target.openRead(place.path)), place);
    return (await journal.openRuns(0, partsOf(file))).length === 0;
  });
}

/** Its length, which a hole at its end does not give it; time and permissions. */
export async function finishWork(
  control: TaskControl,
  target: BackupRepository,
  path: string,
  file: Pick<PlannedFile, 'stamp' | 'mode'>,
  { keeps }: Pick<TreeRules, 'keeps'>,
): Promise<void> {
  control.throwIfStopped();
  try {
    await withOpenFiles(async (files) => {
      const work = files.add(await target.openWork(path, '', 'existing'));
      await work.truncate(file.stamp.sizeBytes);
      await work.sync();
    });
  } catch (error) {
    // An earlier attempt has given it permissions that forbid it, and had finished it before.
    const isFinished = (await target.stat(path))?.stamp.sizeBytes === file.stamp.sizeBytes;
    if (!isPermissionFault(error) || !isFinished) throw error;
  }
  await target.setFileTraits?.(path, keptTraits(file, keeps));
}

/** Compares what the storage holds of a durable file with what this machine remembers of it.
 *  @throws BLOCK_DIGEST_MISMATCH, REPOSITORY_UNSUITED */
async function assertStored(
  control: TaskControl,
  target: SourceRepository,
  path: string,
): Promise<void> {
  await withOpenFiles(async (files) => {
    const stored = files.add(await openStored(target, path));
    if ((await hashFile(stored, control)) === (await contentDigest(control, target, path))) return;
    throw new BackupError(
      'BLOCK_DIGEST_MISMATCH',
      `${path} is not on the storage as it was written`,
      { details: { path } },
    );
  });
}

/** From the digests that were noted as the parts were written; @returns SHA-256 of the table */
async function writeTable(
  control: TaskControl,
  target: BackupRepository,
  tree: string,
  key: string,
  sizeBytes: number,
): Promise<string> {
  const slotCount = Math.floor(sizeBytes / BLOCK_BYTES);
  return withOpenFiles(async (files) => {
    const place = largeJournal(tree, key);
    const journal = new WindowJournal(files.add(await target.openRead(place.path)), place);
    const image = files.add(await target.openRead(treeStaged.large(tree, key, 'work')));
    const table = files.add(await target.openWork(treeStaged.large(tree, key, 'digests'), key));
    return writeDigestTable(control, {
      ...{ image, table, tables: null, algorithm: 'sha256' },
      units: new FileUnits({ ...NO_SLOTS, slotCount }, sizeBytes),
      slotDigests: async (first, count) => {
        const firstPart = Math.floor(first / WINDOW_BLOCKS);
        const lastPart = Math.floor((first + count - 1) / WINDOW_BLOCKS);
        const digests = await journal.read(firstPart, lastPart - firstPart + 1);
        const from = (first - firstPart * WINDOW_BLOCKS) * DIGEST_BYTES;
        return digests.subarray(from, from + count * DIGEST_BYTES);
      },
    });
  });
}

/** Digest of the table that `publishFiles` has made for a large file; null: it has not. A table gets its name after its file, so without one nothing
 *  tells whether the file of that name is this one.
 *  @throws what the repository throws */
export async function publishedTable(
  control: TaskControl,
  target: SourceRepository,
  tree: string,
  file: PlannedFile,
): Promise<{ readonly table: string; readonly digest: string } | null> {
  const key = largeKey(file);
  const table = tableName(key);
  const path = indexPath(tree, table);
  const published = await statTarget(target, treeFile(tree, file.path));
  if (published?.stamp.sizeBytes !== file.stamp.sizeBytes) return null;
  if ((await target.stat(treeStaged.large(tree, key, 'work'))) !== null) return null;
  try {
    return { table, digest: await contentDigest(control, target, path) };
  } catch (error) {
    if (isBackupError(error, 'FILE_MISSING')) return null;
    throw error;
  }
}
