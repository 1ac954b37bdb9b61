import { assertAtHome } from '../../../chain/record-store.js';
import { BackupError, isBackupError } from '../../../domain/errors.js';
import {
  FaultList,
  joinFaults,
  NO_FAULTS,
  type FileFaults,
} from '../../../domain/trees/file-faults.js';
import { restoreStaging } from '../../../domain/targets/staging-id.js';
import { FAULT_REASONS } from '../../../domain/trees/one-file-fault.js';
import type { TreeRestoreWork } from '../../../domain/trees/tree-damage.js';
import { folderRepositoryId } from '../../../repository/open-repository.js';
import type {
  BackupRepository,
  Move,
  SourceRepository,
} from '../../../repository/backup-repository.js';
import { readLines, type FileEntry } from '../../../tree/file-index.js';
import { indexPath, treeFile } from '../../../tree/tree-paths.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { readTreeRecord } from '../../../tree/tree-store.js';
import { doEach } from '../copy/put-each.js';
import { endLease, takeLease } from '../../staging/restore-lease.js';
import {
  assertNoneUnderWay,
  discardUnlessOrdered,
  enterOrder,
  withdrawOrder,
} from '../../staging/restore-under-way.js';
import { discardStaging } from '../../staging/staging.js';
import { readStagedJson, stagedPath, writeStagedJson } from '../../staging/copy-plan.js';
import type { MoverContext } from '../../task/mover-context.js';
import { assertRoom, nameTaken } from '../../task/restore-destination.js';
import { openRuns } from '../../task/window-journal.js';
import type { WindowWorker } from '../../task/window-loop.js';
import { windowRuns, type WindowRun } from '../../task/window-runs.js';
import { toldApart, type NotAsListed } from './changed-meanwhile.js';
import { hasDigest, remakeTable, type FilePlace } from '../health/digest-table-proof.js';
import { fileWork, keptJournal, type KeptFiles } from '../health/kept-lists.js';
import { rulesOf } from '../rules-of-copy.js';
import {
  askOrigin,
  nameRightFiles,
  openRightWorker,
  refusalOf,
  remadeTablePath,
  type Origin,
  type RightFiles,
} from '../health/right-files.js';
import { assertFolderHoldsTree } from './tree-restore-room.js';
import {
  furtherNames,
  isOfAnother,
  listWanted,
  ownRestore,
  restoredFiles,
  type RestoreTreeInput,
  type TreeRestore,
} from './tree-restore-plan.js';

/** The same when it is prepared: by `TreeRestoreWork`. */
interface PreparedTreeInput extends RestoreTreeInput {
  readonly token?: string;
}

export interface RestoredTree {
  readonly fileCount: number;
  readonly sizeBytes: number;
  /** Files that are damaged in the copy: they are not restored. */
  readonly lost: FileFaults;
  /** Files that the copy has no more as they were when they were listed. Absent: none. */
  readonly changed?: FileFaults;
  /** Files that the destination does not take. Absent: none. */
  readonly refused?: FileFaults;
  /** Files of the source that the point lacks, because they could not be copied. Absent: none. */
  readonly lacks?: FileFaults;
  /** Gaps before it, and points that it needs and that the copy does not have; one plain sentence each. Absent: none. */
  readonly missing?: readonly string[];
}

/** Takes a lease and lists what the point needs: of sets its files and those of the points that it needs, of a store all that its
 *  source had or its files name, but for what other points alone can need. Run again
 *  after a stop it takes up what is there, if that is of the same state of the same copy; anything else there is discarded.
 *  @throws RESTORE_POINT_MISSING, RESTORE_DESTINATION_INVALID when the folder holds something else, another restore that is under way, or a name that is needed, REPOSITORY_FULL */
export async function prepareTreeRestore(
  context: MoverContext,
  input: RestoreTreeInput,
): Promise<TreeRestoreWork> {
  const source = await context.source(input.repositoryId);
  const target = await context.repository(folderRepositoryId(input.destinationPath));
  await assertNoneUnderWay(context, target, input);
  const unleased = await takeLease(context, input);
  try {
    const staging = restoreStaging(input.pointId);
    const record = await readTreeRecord(source, input.chain);
    if (record !== null) assertAtHome(input.chain, record);
    await assertRoom(target, input);
    await enterOrder(context, target, input);
    const { control } = context;
    const left = await ownRestore(control, source, target, input, record);
    const restore = left ?? (await listWanted(control, source, target, input, record));
    for (const name of restore.names) {
      if ((await target.stat(name)) === null) continue;
      if (left === null) await discardStaging(target, staging);
      throw nameTaken(input.destinationPath, name);
    }
    // Of what goes on a part lies there.
    if (left === null)
      try {
        // Of two that began at once each sees the folder of the other now.
        await assertRoom(target, input);
        const files = restoredFiles(target, staging, restore);
        await assertFolderHoldsTree(context, source, files, input, restore);
      } catch (error) {
        await discardStaging(target, staging);
        throw error;
      }
    // By its own lease it goes on from here, whatever the copy gets.
    const taken = { ...restore, of: { ...restore.of!, leaseId: input.leaseId } };
    if (left?.of?.leaseId !== input.leaseId)
      await writeStagedJson(target, stagedPath.plan(staging), taken);
    const work = await fileWork(restoredFiles(target, staging, restore), restore.listed);
    return { ...work, token: restore.token, unleased };
  } catch (error) {
    // What may pass is tried again under this very lease.
    if (!isBackupError(error) || error.kind !== 'unavailable') {
      await withdrawOrder(target, input).catch(() => undefined);
      await endLease(context, input).catch(() => undefined);
    }
    throw error;
  }
}

/** Restores windows of files into the staging folder of the destination, each compared with its digest. The lease may have been over before it was renewed for
 *  them: then the record tells whether the point was removed.
 *  @throws STAGING_INVALID, RESTORE_POINT_MISSING */
export async function openRestoreFilesWorker(
  context: MoverContext,
  input: PreparedTreeInput,
): Promise<WindowWorker> {
  const { right } = await restoring(context, input);
  const { repositoryId, chain, pointId } = input;
  const record = await readTreeRecord(await context.source(repositoryId), chain);
  if (record !== null) assertAtHome(chain, record);
  if (record === null || !hasPoint(record, pointId))
    throw new BackupError(
      'RESTORE_POINT_MISSING',
      `restore point ${pointId} was removed from ${chain} while its restore waited`,
    );
  return openRightWorker(context, right);
}

/** The only point of an opaque store is followed by another one with each change: what of it is not as it was, `toldApart` tells file by file. */
function hasPoint(record: TreeRecord, pointId: string): boolean {
  const { points } = record;
  return rulesOf(record).isOpaque === true
    ? points.length > 0
    : points.some(({ id }) => id === pointId);
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

/** @throws STAGING_INVALID when another restore has discarded it, too */
async function restoring(
  context: MoverContext,
  { repositoryId, chain, destinationPath, pointId, token }: PreparedTreeInput,
): Promise<{ readonly right: RightFiles; readonly restore: TreeRestore }> {
  const source = await context.source(repositoryId);
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
  source: SourceRepository,
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
  const lost: NotAsListed[] = [];
  const refused = new FaultList();
  const leftOut: LeftOut = new Map();
  let fileCount = 0;
  let sizeBytes = 0;
  for await (const { entry, outcome } of nameRightFiles(context, right))
    if (outcome === 'written') {
      fileCount++;
      sizeBytes += entry.stamp.sizeBytes;
    } else {
      const { path, digest } = entry;
      const refusal = refusalOf(outcome);
      if (refusal === null) lost.push({ path, reason: NOT_AS_LISTED, digest });
      else refused.add({ path, reason: refusal });
      leftOut.set(path, { digest, refusal });
    }
  const further = await giveFurtherNames(target, staging, restore, { leftOut, lost, refused });
  fileCount += further.fileCount;
  sizeBytes += further.sizeBytes;
  for (const name of restore.names) {
    const from = `${stagedTree(staging)}/${name}`;
    const folders = foldersOf(restore, name);
    const isNamed = (await target.stat(name)) !== null;
    // What is not there any more has its name: an earlier attempt had given it.
    if ((await target.stat(from)) === null && (folders.length === 0 || isNamed)) continue;
    if (isNamed) throw nameTaken(input.destinationPath, name);
    await target.makePlace(...folders.map((folder) => `${stagedTree(staging)}/${folder}`));
    await target.move([{ from, to: name }], '');
  }
  await target.settle(['']);
  const source = await context.source(input.repositoryId);
  const { damaged, changed } = await toldApart(source, input.chain, lost);
  const { lacks, missing } = restore;
  const allRefused = joinFaults(restore.refused ?? NO_FAULTS, refused.faults);
  return {
    ...{ fileCount, sizeBytes, lost: damaged },
    ...(changed.count === 0 ? {} : { changed }),
    ...(allRefused.count === 0 ? {} : { refused: allRefused }),
    ...(lacks === undefined ? {} : { lacks }),
    ...(missing === undefined ? {} : { missing }),
  };
}

/** Of those that are made although nothing may lie in them, the ones below a name. */
function foldersOf({ folders = [] }: TreeRestore, name: string): readonly string[] {
  return folders.filter((folder) => folder === name || folder.startsWith(`${name}/`));
}

const NOT_AS_LISTED = 'is damaged in the copy';

/** Files that were not restored. `refusal`: of the destination; null: the copy has not what was listed. */
type LeftOut = Map<string, { readonly digest: string; readonly refusal: string | null }>;

/** @returns what got its name */
async function giveFurtherNames(
  target: BackupRepository,
  staging: string,
  restore: TreeRestore,
  {
    leftOut,
    lost,
    refused,
  }: { readonly leftOut: LeftOut; readonly lost: NotAsListed[]; readonly refused: FaultList },
): Promise<Pick<RestoredTree, 'fileCount' | 'sizeBytes'>> {
  let fileCount = 0;
  let sizeBytes = 0;
  for await (const further of furtherNamesIn(target, staging, restore)) {
    const links: (Move & FurtherName)[] = [];
    for (const name of further) {
      const { path, first, bytes } = name;
      const fault = leftOut.get(first);
      if (fault !== undefined) {
        const { digest, refusal } = fault;
        if (refusal === null) lost.push({ path, reason: NOT_AS_LISTED, digest });
        else refused.add({ path, reason: refusal });
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
  target: SourceRepository,
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

/** Takes staging folder and lease away, in this order: without the lease another one could take up what is here. What another restore has begun there stays.
 *  Done again it ends in the same state. */
export async function endTreeRestore(
  context: MoverContext,
  { repositoryId, chain, destinationPath, pointId, leaseId, token }: PreparedTreeInput,
): Promise<void> {
  const target = await context.repository(folderRepositoryId(destinationPath));
  const staging = restoreStaging(pointId);
  const restore = await readStagedJson<TreeRestore>(target, stagedPath.plan(staging));
  if (restore === null) await discardUnlessOrdered(target, { pointId, leaseId });
  else if (!isOfAnother(restore, token)) await discardStaging(target, staging);
  await endLease(context, { repositoryId, chain, leaseId });
}
