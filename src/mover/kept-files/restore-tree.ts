import { assertAtHome } from '../../chain/record-store.js';
import { holdLease, LEASE_MS, releaseLease } from '../../chain/leases.js';
import { BackupError } from '../../domain/errors.js';
import {
  FaultList,
  joinFaults,
  NO_FAULTS,
  type FileFaults,
} from '../../domain/trees/file-faults.js';
import { restoreStaging } from '../../domain/targets/staging-id.js';
import { FAULT_REASONS } from '../../domain/trees/one-file-fault.js';
import { missingTexts } from '../../domain/trees/points-for-restore.js';
import type { TreeRestoreWork } from '../../domain/trees/tree-damage.js';
import { foldedName } from '../../domain/trees/tree-path.js';
import type { TreeRules } from '../../domain/trees/tree-rules.js';
import { foldingOf } from '../../repository/folded-names.js';
import { folderRepositoryId } from '../../repository/open-repository.js';
import type { BackupRepository, Move } from '../../repository/backup-repository.js';
import { LineWriter, readLines, type FileEntry } from '../../tree/file-index.js';
import { indexPath, treeFile } from '../../tree/tree-paths.js';
import type { TreeRecord } from '../../tree/tree-record.js';
import { readTreeRecord } from '../../tree/tree-store.js';
import { canGiveNames, FileNames } from '../files/file-names.js';
import { FileListWriter, type ListedFiles } from '../files/file-lists.js';
import { doEach } from '../files/put-each.js';
import { discardStaging } from '../staging/staging.js';
import { newToken, readStagedJson, stagedPath, writeStagedJson } from '../staging/copy-plan.js';
import type { MoverContext } from '../task/mover-context.js';
import { assertRoom, nameTaken, type RestoreDestination } from '../task/restore-destination.js';
import { withOpenFiles } from '../task/open-files.js';
import { openRuns } from '../task/window-journal.js';
import type { WindowWorker } from '../task/window-loop.js';
import { windowRuns, type WindowRun } from '../task/window-runs.js';
import { hasDigest, remakeTable, type FilePlace } from './digest-table-proof.js';
import { entryForm, fileWork, keptJournal, listsPlace, type KeptFiles } from './kept-lists.js';
import { filesNeededBy, rulesOf } from './plan-check.js';
import {
  askOrigin,
  nameRightFiles,
  openRightWorker,
  refusalOf,
  remadeTablePath,
  type Origin,
  type RightFiles,
} from './right-files.js';
import { knownFiles } from '../files/whole-tree.js';

export interface RestoreTreeInput extends RestoreDestination {
  /** Repository that holds the copy. */
  readonly repositoryId: string;
  /** Folder of the tree's copy. */
  readonly chain: string;
  /** Keeps the files from being removed. */
  readonly leaseId: string;
  readonly nowMs: number;
}

/** The same when it is prepared: by `TreeRestoreWork`. */
export interface PreparedTreeInput extends RestoreTreeInput {
  readonly token?: string;
}

/** Which files are restored: ids of points are no more than their dates, and are those of many copies. */
interface RestoredState extends Pick<
  RestoreTreeInput,
  'repositoryId' | 'chain' | 'pointId' | 'leaseId'
> {
  /** Of the record when its files were listed. */
  readonly revision: number;
}

/** What is restored, as it lies beside its lists in the destination. */
interface TreeRestore {
  readonly token: string;
  /** Absent: a release before has listed it, or it is a restore of a machine. */
  readonly of?: RestoredState;
  readonly listed: ListedFiles;
  /** Files and folders that are to lie in the destination. */
  readonly names: readonly string[];
  readonly keeps: TreeRules['keeps'];
  /** Further names of these files. */
  readonly nameCount: number;
  /** Of the point, when its files were listed. Absent: nothing. */
  readonly lacks?: FileFaults;
  /** `RestoredTree.missing`. */
  readonly missing?: readonly string[];
  /** Files whose names the destination takes for those of others. Absent: none. */
  readonly refused?: FileFaults;
}

export interface RestoredTree {
  readonly fileCount: number;
  readonly sizeBytes: number;
  /** Files that are damaged in the copy: they are not restored. */
  readonly lost: FileFaults;
  /** Files that the destination does not take. Absent: none. */
  readonly refused?: FileFaults;
  /** Files of the source that the point lacks, because they could not be copied. Absent: none. */
  readonly lacks?: FileFaults;
  /** Gaps before it, and points that it needs and that the copy does not have; one plain sentence each. Absent: none. */
  readonly missing?: readonly string[];
}

/** Takes a lease and lists what the point needs: of sets its files and those of the points that it needs, of a store all that its
 *  source had but for what other points alone can need. Run again
 *  after a stop it takes up what is there, if that is of the same state of the same copy; anything else there is discarded.
 *  @throws RESTORE_POINT_MISSING, RESTORE_DESTINATION_INVALID when the folder holds something else, or a name that is needed */
export async function prepareTreeRestore(
  context: MoverContext,
  input: RestoreTreeInput,
): Promise<TreeRestoreWork> {
  const source = await context.repository(input.repositoryId);
  const target = await context.repository(folderRepositoryId(input.destinationPath));
  await holdLease(source, input.chain, input.leaseId, {
    restorePointId: input.pointId,
    purpose: 'restore',
    expiresAtMs: input.nowMs + LEASE_MS,
  });
  try {
    const staging = restoreStaging(input.pointId);
    const record = await readTreeRecord(source, input.chain);
    if (record !== null) assertAtHome(input.chain, record);
    const left = await ownRestore(target, input, record);
    await assertRoom(target, input);
    const restore = left ?? (await listWanted(source, target, input, record));
    for (const name of restore.names) {
      if ((await target.stat(name)) === null) continue;
      if (left === null) await discardStaging(target, staging);
      throw nameTaken(input.destinationPath, name);
    }
    if (left === null) await writeStagedJson(target, stagedPath.plan(staging), restore);
    const work = await fileWork(restoredFiles(target, staging, restore), restore.listed);
    return { ...work, token: restore.token };
  } catch (error) {
    await releaseLease(source, input.chain, input.leaseId);
    throw error;
  }
}

function restoredFiles(
  repository: BackupRepository,
  folder: string,
  { token }: Pick<TreeRestore, 'token'>,
): KeptFiles {
  return { repository, folder, prefix: '', token };
}

/** What lies in the destination of the very restore that is asked for; null: nothing. By its lease a restore that goes on in a new run of its workflow knows its
 *  own, whatever the copy has got by then. */
async function ownRestore(
  target: BackupRepository,
  { repositoryId, chain, pointId, leaseId }: RestoreTreeInput,
  record: TreeRecord | null,
): Promise<TreeRestore | null> {
  const plan = stagedPath.plan(restoreStaging(pointId));
  const left = await readStagedJson<TreeRestore>(target, plan);
  const of = left?.of;
  if (left === null || of === undefined) return null;
  const isOfCopy = of.repositoryId === repositoryId && of.chain === chain && of.pointId === pointId;
  return isOfCopy && (of.leaseId === leaseId || of.revision === record?.revision) ? left : null;
}

async function listWanted(
  source: BackupRepository,
  target: BackupRepository,
  { repositoryId, chain, pointId, leaseId }: RestoreTreeInput,
  record: TreeRecord | null,
): Promise<TreeRestore> {
  const isWanted = wantedBy(record, chain, pointId);
  const lacks = record!.points.find(({ id }) => id === pointId)?.lacks;
  const missing = missingTexts(record!.points, pointId, rulesOf(record!));
  const { keeps } = rulesOf(record!);
  const staging = restoreStaging(pointId);
  await discardStaging(target, staging);
  await target.makePlace(staging);
  const token = newToken();
  const known = keeps.links && (await canGiveNames(target, staging)) ? new FileNames() : null;
  const { caseSensitive, accentSensitive } = await foldingOf(target, staging);
  const taken = caseSensitive && accentSensitive ? null : new Set<string>();
  const refused = new FaultList();
  const names = new Set<string>();
  const place = listsPlace(restoredFiles(target, staging, { token }));
  const lists = await FileListWriter.open(
    place,
    entryForm(() => false),
  );
  return withOpenFiles(async (files) => {
    files.add(lists);
    const further = new LineWriter(files.add(await target.openWork(furtherNames(staging), token)));
    for await (const entries of knownFiles(source, chain, record!))
      for (const entry of entries) {
        if (!isWanted(entry)) continue;
        const { path, stamp, digest } = entry;
        const folded = foldedName(path);
        if (taken?.has(folded) === true) {
          refused.add({ path, reason: FOLDED });
          continue;
        }
        taken?.add(folded);
        names.add(path.split('/', 1)[0]!);
        const first = known?.firstOf(path, stamp, digest) ?? null;
        await (first === null
          ? lists.add(entry)
          : further.add(JSON.stringify([path, first, stamp.sizeBytes])));
      }
    const { entryCount: nameCount } = await further.end();
    const listed = await lists.end();
    const { revision } = record!;
    return {
      of: { repositoryId, chain, pointId, leaseId, revision },
      ...{ token, listed, names: [...names], keeps, nameCount },
      ...(lacks === undefined ? {} : { lacks }),
      ...(missing.length === 0 ? {} : { missing }),
      ...(refused.faults.count === 0 ? {} : { refused: refused.faults }),
    };
  });
}

const FOLDED =
  'the destination does not tell names apart that differ by case or the encoding of accents alone, and another one lies beside it';

/** Of files that have several, with the first of them: a line of JSON each. */
function furtherNames(staging: string): string {
  return `${staging}/names`;
}

/** What the source had removed only a point needs that it does not show either, or all of them while the copy is behind; what another point alone can need (`TreeRules.pointOf`) this one
 *  does not, whether the other one is whole by now or not.
 *  @throws RESTORE_POINT_MISSING */
function wantedBy(
  record: TreeRecord | null,
  chain: string,
  pointId: string,
): (entry: FileEntry) => boolean {
  const point = record?.points.find(({ id }) => id === pointId);
  if (record === null || point === undefined)
    throw new BackupError('RESTORE_POINT_MISSING', `${chain} holds no restore point ${pointId}`);
  const { isNeeded } = filesNeededBy(record, pointId);
  const isStore = point.files === null;
  const withRemoved = !isStore || point.goneSince !== undefined || record.isBehind === true;
  const { pointOf, isPointId } = rulesOf(record);
  const own = point.source.restorePointId;
  const isOfAnother = (path: string) => {
    const owner = pointOf?.(path) ?? '';
    return isStore && owner !== '' && owner !== own && isPointId?.(owner) !== false;
  };
  return ({ path, goneSinceMs }) =>
    isNeeded(path) && !isOfAnother(path) && (withRemoved || goneSinceMs === null);
}

/** Restores windows of files into the staging folder of the destination, each compared with its digest.
 *  @throws STAGING_INVALID */
export async function openRestoreFilesWorker(
  context: MoverContext,
  input: PreparedTreeInput,
): Promise<WindowWorker> {
  return openRightWorker(context, (await restoring(context, input)).right);
}

/** Windows that are not done yet. */
export async function openRestoreRuns(
  target: BackupRepository,
  { pointId, token }: Pick<PreparedTreeInput, 'pointId' | 'token'>,
  first: number,
  count: number,
): Promise<WindowRun[]> {
  const staging = restoreStaging(pointId);
  const restore = await readStagedJson<TreeRestore>(target, stagedPath.plan(staging));
  if (restore === null || isOfAnother(restore, token)) return windowRuns(first, count);
  return openRuns(target, keptJournal(restoredFiles(target, staging, restore)), first, count);
}

function isOfAnother(restore: TreeRestore, token: string | undefined): boolean {
  return token !== undefined && restore.token !== token;
}

/** @throws STAGING_INVALID when another restore has discarded it, too */
async function restoring(
  context: MoverContext,
  { repositoryId, chain, destinationPath, pointId, token }: PreparedTreeInput,
): Promise<{ readonly right: RightFiles; readonly restore: TreeRestore }> {
  const source = await context.repository(repositoryId);
  const target = await context.repository(folderRepositoryId(destinationPath));
  const staging = restoreStaging(pointId);
  const restore = await readStagedJson<TreeRestore>(target, stagedPath.plan(staging));
  if (restore === null)
    throw new BackupError('STAGING_INVALID', `the plan of the restore in ${staging} is gone`);
  if (isOfAnother(restore, token))
    throw new BackupError(
      'STAGING_INVALID',
      `another restore of ${pointId} was begun in ${destinationPath}: what this one wrote is gone`,
      { details: { path: stagedPath.plan(staging) } },
    );
  const { listed, keeps } = restore;
  const files = restoredFiles(target, staging, restore);
  const copy: Origin = {
    at: (path) => ({ repository: source, path: treeFile(chain, path) }),
    isRequired: true,
  };
  const right: RightFiles = {
    ...{ files, listed, keeps, origins: [copy], isInPlace: false, place: staging },
    name: (path) => `${stagedTree(staging)}/${path}`,
    table: (entry) => provenTable(context, files, source, chain, entry, copy),
  };
  return { right, restore };
}

function stagedTree(staging: string): string {
  return `${staging}/tree`;
}

/** The table beside the copy, or the same one made anew from a file that proves to be right. The copy is not changed. */
async function provenTable(
  { control }: MoverContext,
  files: KeptFiles,
  source: BackupRepository,
  chain: string,
  entry: FileEntry,
  copy: Origin,
): Promise<FilePlace | null> {
  const table = { repository: source, path: indexPath(chain, entry.table!) };
  if (await hasDigest(control, table, entry.digest)) return table;
  const path = remadeTablePath(files, entry);
  const made = { repository: files.repository, path, token: files.token };
  const remake = () => remakeTable(control, entry, copy.at(entry.path), made);
  return (await askOrigin(copy, remake)) === true ? made : null;
}

/** Gives what was restored its names in the destination. What is damaged in the copy, or refused by the destination, is named, and left out. Done again it ends
 *  in the same state.
 *  @throws STAGING_INVALID when another restore has planned in the same folder since, RESTORE_DESTINATION_INVALID when a file of such a name came up meanwhile; it
 *    stays, and so does the staging folder */
export async function finishTreeRestore(
  context: MoverContext,
  input: PreparedTreeInput,
): Promise<RestoredTree> {
  const target = await context.repository(folderRepositoryId(input.destinationPath));
  const staging = restoreStaging(input.pointId);
  const { right, restore } = await restoring(context, input);
  const [lost, refused] = [new FaultList(), new FaultList()];
  const leftOut: LeftOut = new Map();
  let fileCount = 0;
  let sizeBytes = 0;
  for await (const { entry, outcome } of nameRightFiles(context, right))
    if (outcome === 'written') {
      fileCount++;
      sizeBytes += entry.stamp.sizeBytes;
    } else {
      const { path } = entry;
      const refusal = refusalOf(outcome);
      const reason = refusal ?? 'is damaged in the copy';
      const list = refusal === null ? lost : refused;
      list.add({ path, reason });
      leftOut.set(path, { list, reason });
    }
  const further = await giveFurtherNames(target, staging, restore, { leftOut, refused });
  fileCount += further.fileCount;
  sizeBytes += further.sizeBytes;
  for (const name of restore.names) {
    const from = `${stagedTree(staging)}/${name}`;
    if ((await target.stat(from)) === null) continue;
    if ((await target.stat(name)) !== null) throw nameTaken(input.destinationPath, name);
    await target.move([{ from, to: name }], '');
  }
  await target.settle(['']);
  const { lacks, missing } = restore;
  const allRefused = joinFaults(restore.refused ?? NO_FAULTS, refused.faults);
  return {
    ...{ fileCount, sizeBytes, lost: lost.faults },
    ...(allRefused.count === 0 ? {} : { refused: allRefused }),
    ...(lacks === undefined ? {} : { lacks }),
    ...(missing === undefined ? {} : { missing }),
  };
}

/** Files that were not restored: why, and where that is told. */
type LeftOut = Map<string, { readonly list: FaultList; readonly reason: string }>;

/** @returns what got its name */
async function giveFurtherNames(
  target: BackupRepository,
  staging: string,
  restore: TreeRestore,
  { leftOut, refused }: { readonly leftOut: LeftOut; readonly refused: FaultList },
): Promise<Pick<RestoredTree, 'fileCount' | 'sizeBytes'>> {
  let fileCount = 0;
  let sizeBytes = 0;
  for await (const further of furtherNamesIn(target, staging, restore)) {
    const links: (Move & FurtherName)[] = [];
    for (const name of further) {
      const { path, first, bytes } = name;
      const fault = leftOut.get(first);
      if (fault !== undefined) {
        fault.list.add({ path, reason: fault.reason });
        continue;
      }
      fileCount++;
      sizeBytes += bytes;
      const [from, to] = [`${stagedTree(staging)}/${first}`, `${stagedTree(staging)}/${path}`];
      // What is not there any more has its name in the destination: an earlier attempt had given all of them.
      if ((await target.stat(from)) !== null) links.push({ ...name, from, to });
    }
    if (links.length === 0) continue;
    const link = (some: readonly Move[]) => target.link!(some, staging);
    for (const [{ path, bytes }, outcome] of await doEach(links, link)) {
      refused.add({ path, reason: FAULT_REASONS[outcome] });
      fileCount--;
      sizeBytes -= bytes;
    }
  }
  return { fileCount, sizeBytes };
}

interface FurtherName {
  readonly path: string;
  readonly first: string;
  readonly bytes: number;
}

async function* furtherNamesIn(
  target: BackupRepository,
  staging: string,
  { nameCount }: TreeRestore,
): AsyncGenerator<readonly FurtherName[]> {
  if (nameCount === 0) return;
  const file = await target.openRead(furtherNames(staging));
  try {
    for await (const lines of readLines(file))
      yield lines.map((line) => {
        const [path, first, bytes] = JSON.parse(line) as [string, string, number];
        return { path, first, bytes };
      });
  } finally {
    await file.close();
  }
}

/** Takes lease and staging folder away, but for what another restore has begun there. Done again it ends in the same state. */
export async function endTreeRestore(
  context: MoverContext,
  { repositoryId, chain, destinationPath, pointId, leaseId, token }: PreparedTreeInput,
): Promise<void> {
  const target = await context.repository(folderRepositoryId(destinationPath));
  const staging = restoreStaging(pointId);
  await releaseLease(await context.repository(repositoryId), chain, leaseId);
  const restore = await readStagedJson<TreeRestore>(target, stagedPath.plan(staging));
  if (restore === null || !isOfAnother(restore, token)) await discardStaging(target, staging);
}
