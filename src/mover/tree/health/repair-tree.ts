import { BackupError, isBackupError } from '../../../domain/errors.js';
import { FaultList } from '../../../domain/trees/file-faults.js';
import type { WorkloadType } from '../../../domain/sources/source-workload.js';
import {
  FILE_FINDINGS,
  findingText,
  type FileFinding,
  type TreeCheckReference,
  type TreeRepairPlan,
} from '../../../domain/trees/tree-damage.js';
import type { FileFaults } from '../../../domain/trees/file-faults.js';
import type { BackupRepository, SourceRepository } from '../../../repository/backup-repository.js';
import { joinPath } from '../../../repository/repository-path.js';
import { readLines, type FileEntry } from '../../../tree/file-index.js';
import { SortedStream, walkBoth, type Sorted } from '../../../tree/sorted-stream.js';
import { indexPath, treeFile } from '../../../tree/tree-paths.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { ownedTreeRecord, readTreeRecord } from '../../../tree/tree-store.js';
import { FileListWriter, type ListedFiles } from '../file-lists.js';
import { treeOf } from '../tree-of-workload.js';
import { takeKept } from '../change/take-tree.js';
import type { TreePlace } from '../tree-plan.js';
import { findSourceWorkload } from '../../source/source-catalogue.js';
import { readStagedJson, writeStagedJson } from '../../staging/copy-plan.js';
import type { MoverContext } from '../../task/mover-context.js';
import type { WindowWorker } from '../../task/window-loop.js';
import { hasDigest, remakeTable, type FilePlace } from './digest-table-proof.js';
import {
  entryForm,
  fileWork,
  keptOutcomes,
  listsPlace,
  type KeptFiles,
  type KeptOutcome,
} from './kept-lists.js';
import { isFine } from '../file-check.js';
import { rulesOf } from '../rules-of-copy.js';
import { lostNow } from './known-lost.js';
import {
  assertNotesHold,
  checkedFiles,
  pointOfCheck,
  requireCheck,
  unknownPath,
  withSoundNotes,
} from './plan-check.js';
import {
  askOrigin,
  openRightWorker,
  remadeTablePath,
  type Origin,
  type RightFiles,
} from './right-files.js';
import { knownFiles, stayingFiles } from '../whole-tree.js';

export interface RepairTreeInput extends TreePlace {
  readonly reference: TreeCheckReference;
  readonly epoch: number;
}

/** What is to be healed, beside its lists. */
interface TreeRepair {
  readonly token: string;
  readonly listed: ListedFiles;
  /** Where the source has the tree. null: it cannot be asked. */
  readonly source: { readonly repositoryId: string; readonly root: string } | null;
  /** Why not, in plain words. */
  readonly sourceFault: string | null;
  /** What was found of the files that are listed. */
  readonly damaged: FileFaults;
  /** Files that lie there and that nobody knows. */
  readonly unknown: FileFaults;
}

/** Takes the tree over when a check has read it, and lists what is still to be healed: what was copied or removed since is not damaged.
 *  @throws STAGING_INVALID when the notes of the check are gone, do not vouch for all that it was to read, or are older than losses that no list names */
export async function planTreeRepair(
  context: MoverContext,
  input: Omit<RepairTreeInput, 'epoch'> & {
    readonly jobId: string;
    readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
    readonly owner: string;
    readonly nowMs: number;
  },
): Promise<TreeRepairPlan> {
  const { chain, reference, workload } = input;
  const repository = await context.repository(input.targetRepositoryId);
  const check = await requireCheck(repository, chain, reference);
  const before = await readTreeRecord(repository, chain);
  const record = await takeKept(context, input);
  assertNotesHold(check, record);
  const { epoch } = record;
  const files = repairFiles(repository, chain, reference, epoch);
  const known = await readStagedJson<TreeRepair>(repository, repairPath(files));
  if (known?.token === files.token) return { epoch, ...(await fileWork(files, known.listed)) };
  const checked = checkedFiles(repository, chain, reference);
  // What was known to be lost when the files were listed has been read since, in windows that a kill does not undo.
  const lost =
    before?.revision === check.revision
      ? () => null
      : lostNow(context.control, repository, chain, record, pointOfCheck(reference));
  const bad = badOutcomes(checked, check.listed);
  const found = await withSoundNotes(repository, chain, reference, () =>
    listDamaged(repository, chain, record, files, { bad, lost }),
  );
  const isDamaged = found.damaged.count > 0;
  const source = isDamaged ? await sourceOf(context, record, workload.id) : NO_SOURCE_NEEDED;
  const unknown = await stillUnknown(repository, chain, record, checked);
  const repair = { token: files.token, ...found, ...source, unknown };
  await writeStagedJson(repository, repairPath(files), repair);
  return { epoch, ...(await fileWork(files, repair.listed)) };
}

const NO_SOURCE_NEEDED = { source: null, sourceFault: null };

/** Of the owner of an epoch alone: somebody else may have copied meanwhile what is listed. */
export function repairFiles(
  repository: BackupRepository,
  tree: string,
  reference: TreeCheckReference,
  epoch: number,
): KeptFiles {
  const token = `${reference.token}-${String(epoch)}`;
  return { ...checkedFiles(repository, tree, reference), prefix: 'repair-', token };
}

function repairPath({ folder }: KeptFiles): string {
  return `${folder}/repair.json`;
}

/** @throws STAGING_INVALID */
export async function requireRepair(files: KeptFiles): Promise<TreeRepair> {
  const repair = await readStagedJson<TreeRepair>(files.repository, repairPath(files));
  if (repair?.token === files.token) return repair;
  throw new BackupError('STAGING_INVALID', `what is to be healed in ${files.folder} is gone`, {
    details: { path: repairPath(files) },
  });
}

async function listDamaged(
  repository: SourceRepository,
  tree: string,
  record: TreeRecord,
  files: KeptFiles,
  found: {
    readonly bad: ReturnType<typeof badOutcomes>;
    readonly lost: ReturnType<typeof lostNow>;
  },
): Promise<Pick<TreeRepair, 'listed' | 'damaged'>> {
  const damaged = new FaultList();
  const lists = await FileListWriter.open(
    listsPlace(files),
    entryForm(() => false),
  );
  try {
    const bad = await SortedStream.of(found.bad);
    const known = await SortedStream.of(stayingFiles(repository, tree, record));
    const add = (entry: FileEntry, finding: FileFinding) => {
      damaged.add({ path: entry.path, reason: findingText(finding) });
      return lists.add(entry);
    };
    const addIfWrong = async (entry: FileEntry, looked: Promise<FileFinding | null>) => {
      const finding = await looked;
      if (finding !== null) await add(entry, finding);
    };
    await walkBoth(bad, known, (outcome, entry) => {
      if (entry === null) return undefined;
      if (outcome?.entry.digest === entry.digest) return add(entry, worstOf(outcome));
      const looked = found.lost(entry);
      return looked === null ? undefined : addIfWrong(entry, looked);
    });
    return { listed: await lists.end(), damaged: damaged.faults };
  } finally {
    await lists.close();
  }
}

async function* badOutcomes(
  files: KeptFiles,
  listed: ListedFiles,
): AsyncGenerator<readonly KeptOutcome[]> {
  for await (const outcomes of keptOutcomes(files, listed))
    yield outcomes.filter(({ noted }) =>
      noted.some((found) => !isFine(FILE_FINDINGS[found] ?? 'unread')),
    );
}

function worstOf({ noted }: KeptOutcome): FileFinding {
  return FILE_FINDINGS[Math.max(...noted)] ?? 'unread';
}

async function stillUnknown(
  repository: SourceRepository,
  tree: string,
  record: TreeRecord,
  checked: KeptFiles,
): Promise<FileFaults> {
  const unknown = new FaultList();
  const file = await repository.openRead(unknownPath(checked));
  try {
    const lying = await SortedStream.of(pathsIn(readLines(file)));
    const known = await SortedStream.of(knownFiles(repository, tree, record));
    await walkBoth(lying, known, (lies, entry) => {
      if (lies === null || entry !== null) return undefined;
      return addIfThere(lies.path);
    });
  } finally {
    await file.close();
  }
  return unknown.faults;

  async function addIfThere(path: string): Promise<void> {
    if ((await repository.stat(treeFile(tree, path)).catch(() => 'other')) === null) return;
    unknown.add({ path, reason: 'no index lists it' });
  }
}

async function* pathsIn(lines: AsyncIterable<string[]>): AsyncGenerator<readonly Sorted[]> {
  for await (const part of lines) yield part.map((line) => ({ path: JSON.parse(line) as string }));
}

async function sourceOf(
  context: MoverContext,
  { sourceRepositoryId }: TreeRecord,
  workloadId: string,
): Promise<Pick<TreeRepair, 'source' | 'sourceFault'>> {
  try {
    const repository = await context.source(sourceRepositoryId);
    const { tree } = treeOf(await findSourceWorkload(repository, workloadId));
    return { source: { repositoryId: sourceRepositoryId, root: tree.root }, sourceFault: null };
  } catch (error) {
    if (!isBackupError(error)) throw error;
    return { source: null, sourceFault: error.message };
  }
}

/** Heals windows of the files that are damaged: the right bytes are taken from the damaged file itself, as far as it has them, and from the source.
 *  They are written beside and read back, and get the name when the file is whole.
 *  @throws STAGING_INVALID, STALE_EPOCH */
export async function openHealWorker(
  context: MoverContext,
  input: RepairTreeInput,
): Promise<WindowWorker> {
  return openRightWorker(context, await healing(context, input));
}

export async function healing(
  context: MoverContext,
  { targetRepositoryId, chain, reference, epoch }: RepairTreeInput,
): Promise<RightFiles> {
  const repository = await context.repository(targetRepositoryId);
  const record = await ownedTreeRecord(repository, chain, epoch);
  const files = repairFiles(repository, chain, reference, epoch);
  const { listed, source } = await requireRepair(files);
  const own: Origin = {
    at: (path) => ({ repository, path: treeFile(chain, path) }),
    isRequired: true,
  };
  const origins = [own];
  if (source !== null) {
    const from = await context.source(source.repositoryId);
    const at = (path: string) => ({ repository: from, path: joinPath(source.root, path) });
    origins.push({ at, isRequired: false });
  }
  return {
    ...{ files, listed, origins, isInPlace: true, keeps: rulesOf(record).keeps },
    ...{ name: (path) => treeFile(chain, path), place: chain },
    table: (entry) => soundTable(context, files, chain, entry, origins),
  };
}

/** The table in the index, put in its place anew when it was damaged and somebody still has the file. */
async function soundTable(
  { control }: MoverContext,
  files: KeptFiles,
  tree: string,
  entry: FileEntry,
  origins: readonly Origin[],
): Promise<FilePlace | null> {
  const { repository, token } = files;
  const table = { repository, path: indexPath(tree, entry.table!) };
  if (await hasDigest(control, table, entry.digest)) return table;
  const made = { repository, path: remadeTablePath(files, entry), token };
  for (const origin of origins) {
    const remake = () => remakeTable(control, entry, origin.at(entry.path), made);
    if ((await askOrigin(origin, remake)) !== true) continue;
    await repository.move([{ from: made.path, to: table.path }], tree);
    return table;
  }
  return null;
}
