import { holdLease, LEASE_MS, releaseLease } from '../../../chain/leases.js';
import { assertAtHome } from '../../../chain/record-store.js';
import { BackupError, isBackupError } from '../../../domain/errors.js';
import { verifyStagingId } from '../../../domain/targets/staging-id.js';
import type { TargetTreePoint } from '../../../domain/trees/target-tree.js';
import { pointsNeededBy } from '../../../domain/trees/points-for-restore.js';
import type { FileWork, TreeCheckReference } from '../../../domain/trees/tree-damage.js';
import type { BackupRepository, SourceRepository } from '../../../repository/backup-repository.js';
import { LineWriter } from '../../../tree/file-index.js';
import { SortedStream, walkBoth } from '../../../tree/sorted-stream.js';
import { CHECKS_FOLDER } from '../../../tree/tree-paths.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { readTreeRecord } from '../../../tree/tree-store.js';
import { FileListWriter, type ListedFiles } from '../file-lists.js';
import { readWhole } from '../file-parts.js';
import type { TreePlace } from '../tree-plan.js';
import { newToken, readStagedJson, writeStagedJson } from '../../staging/copy-plan.js';
import type { MoverContext } from '../../task/mover-context.js';
import { withOpenFiles } from '../../task/open-files.js';
import { entryForm, fileWork, keptJournal, listsPlace, type KeptFiles } from './kept-lists.js';
import { faultOfSourceFile } from '../../../domain/trees/one-file-fault.js';
import { rulesOf } from '../rules-of-copy.js';
import { lyingFiles, stayingFiles } from '../whole-tree.js';
import { DAY_MS } from '../../../domain/elapsed.js';

interface PlanTreeCheckInput extends TreePlace {
  /** Only the files that this point needs; null: all. */
  readonly pointId: string | null;
  /** From which the lease runs. Epoch milliseconds. */
  readonly nowMs: number;
}

/** What is being checked, as it lies beside the lists. */
export interface TreeCheck {
  readonly token: string;
  readonly layout: string;
  /** When it was last taken up. */
  readonly takenUpAtMs: number;
  /** Ids of the points whose files are all among those that are read. */
  readonly points: readonly string[];
  readonly listed: ListedFiles;
  /** What the record knew to be lost when it was listed. Absent: nothing, or the notes are of a release before. */
  readonly lost?: NotedLosses;
  /** Of the record then. Absent: the notes are of a release before. */
  readonly revision?: number;
}

interface NotedLosses {
  readonly count: number;
  /** How many of them it named. */
  readonly named: number;
}

/** A week: what was good when it was noted may have gone bad since. */
const NOTES_LAST_MS = 7 * DAY_MS;

/** Name of the one that reads all files. */
const WHOLE_CHECK = 'all';

/** null: it reads all files. */
export function pointOfCheck({ check }: Pick<TreeCheckReference, 'check'>): string | null {
  return check === WHOLE_CHECK ? null : check;
}

/** What is lost by name is looked at when a check ends. Of more nobody knows whether it was found before a file was read or since. */
function doNotesHold(check: Pick<TreeCheck, 'lost'>, record: Pick<TreeRecord, 'lost'>): boolean {
  const { count, named } = lossesIn(record);
  const noted = check.lost ?? { count: 0, named: 0 };
  return count === named || (count <= noted.count && named >= noted.named);
}

function lossesIn({ lost }: Pick<TreeRecord, 'lost'>): NotedLosses {
  return { count: lost?.count ?? 0, named: lost?.files.length ?? 0 };
}

/** @throws STAGING_INVALID when the files have to be read again */
export function assertNotesHold(check: TreeCheck, record: TreeRecord): void {
  if (doNotesHold(check, record)) return;
  throw new BackupError(
    'STAGING_INVALID',
    'more files were found lost since they were read than the record of the copy names',
  );
}

function checkFolder(tree: string, check: string): string {
  return `${tree}/${CHECKS_FOLDER}/${check}`;
}

/** Files that a check reads. */
export function checkedFiles(
  repository: BackupRepository,
  tree: string,
  { check, token }: TreeCheckReference,
): KeptFiles {
  return { repository, folder: checkFolder(tree, check), prefix: '', token };
}

/** Keeps removal away from the files; called before they are looked at, and again before it ends. Once for a task, not in each of its threads. */
export async function leaseForTreeCheck(
  context: MoverContext,
  {
    targetRepositoryId,
    chain,
    nowMs,
    check,
  }: TreePlace & {
    readonly nowMs: number;
    readonly check: string;
  },
): Promise<void> {
  await holdLease(await context.repository(targetRepositoryId), chain, verifyStagingId(check), {
    restorePointId: check,
    purpose: 'verify',
    expiresAtMs: nowMs + LEASE_MS,
  });
}

/** Lists the files that are to be read, and those that nobody knows. Run again after a stop, or by another check, it goes on where the last one was, as
 *  long as that is not long ago: what was copied since was read back when it was.
 *  @throws RESTORE_POINT_MISSING, CHAIN_RECORD_CORRUPT */
export async function planTreeCheck(
  context: MoverContext,
  input: PlanTreeCheckInput,
): Promise<{ readonly reference: TreeCheckReference; readonly work: FileWork }> {
  const { chain, pointId, nowMs } = input;
  const repository = await context.repository(input.targetRepositoryId);
  const check = pointId ?? WHOLE_CHECK;
  await leaseForTreeCheck(context, { ...input, check });
  try {
    const record = await recordOf(repository, chain, pointId);
    const folder = checkFolder(chain, check);
    const left = await readStagedJson<TreeCheck>(repository, checkPath(folder));
    const isGoneOnWith =
      left?.layout === record.layout &&
      Math.abs(nowMs - left.takenUpAtMs) < NOTES_LAST_MS &&
      doNotesHold(left, record);
    const plan = isGoneOnWith
      ? { ...left, takenUpAtMs: nowMs }
      : await listFiles(repository, input, record, folder);
    await writeStagedJson(repository, checkPath(folder), plan);
    const reference = { check, token: plan.token };
    const files = checkedFiles(repository, chain, reference);
    return { reference, work: await fileWork(files, plan.listed) };
  } catch (error) {
    await releaseLease(repository, chain, verifyStagingId(check));
    throw error;
  }
}

/** @throws STAGING_INVALID when its notes are gone: it has to be read again */
export async function requireCheck(
  repository: SourceRepository,
  tree: string,
  { check, token }: TreeCheckReference,
): Promise<TreeCheck> {
  const path = checkPath(checkFolder(tree, check));
  const found = await readStagedJson<TreeCheck>(repository, path);
  if (found?.token === token) return found;
  throw new BackupError('STAGING_INVALID', `the notes of the health check in ${path} are gone`, {
    details: { path },
  });
}

/** Notes that are not as they were written count as none: their files are listed, and read, again. */
export async function withSoundNotes<T>(
  repository: BackupRepository,
  tree: string,
  reference: TreeCheckReference,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // Of a window that is not noted as it was that window alone is read again.
    const journal = keptJournal(checkedFiles(repository, tree, reference)).path;
    if (isBackupError(error, 'STAGING_INVALID') && error.details['path'] !== journal)
      await repository.remove(checkPath(checkFolder(tree, reference.check)));
    throw error;
  }
}

function checkPath(folder: string): string {
  return `${folder}/check.json`;
}

async function recordOf(
  repository: SourceRepository,
  tree: string,
  pointId: string | null,
): Promise<TreeRecord> {
  const record = await readTreeRecord(repository, tree);
  if (record === null)
    throw new BackupError('RESTORE_POINT_MISSING', `there is no copy of a tree in ${tree}`);
  assertAtHome(tree, record);
  if (pointId !== null && !record.points.some(({ id }) => id === pointId))
    throw new BackupError('RESTORE_POINT_MISSING', `${tree} holds no restore point ${pointId}`);
  return record;
}

/** Of a store all; of sets those of the point and of what it needs. */
export function filesNeededBy(
  record: Pick<TreeRecord, 'points' | 'layout'>,
  pointId: string | null,
): { readonly points: readonly TargetTreePoint[]; readonly isNeeded: (path: string) => boolean } {
  const { points } = record;
  const wanted = pointId === null ? null : pointsNeededBy(points, pointId, rulesOf(record)).points;
  if (wanted === null || wanted.some(({ files }) => files === null))
    return { points, isNeeded: () => true };
  const paths = new Set(wanted.flatMap(({ files }) => files ?? []));
  return { points: wanted, isNeeded: (path) => paths.has(path) };
}

async function listFiles(
  repository: BackupRepository,
  { chain, pointId, nowMs }: PlanTreeCheckInput,
  record: TreeRecord,
  folder: string,
): Promise<TreeCheck> {
  const token = newToken();
  await repository.removeAll(folder);
  await repository.makePlace(folder);
  const { points, isNeeded } = filesNeededBy(record, pointId);
  const { digestInName } = rulesOf(record);
  const files = { repository, folder, prefix: '', token };
  const lists = await FileListWriter.open(listsPlace(files), entryForm(readWhole(digestInName)));
  try {
    await listUnknown(files, async (add) => {
      // What lies below such a folder is found unreadable when it is read.
      const mayGoOn = (_: string, error: unknown) => faultOfSourceFile(error) !== null;
      const lying = await SortedStream.of(lyingFiles(repository, chain, mayGoOn));
      const known = await SortedStream.of(stayingFiles(repository, chain, record));
      await walkBoth(lying, known, (lies, entry) => {
        if (entry === null)
          return isNeeded(lies!.path) || pointId === null ? add(lies!.path) : undefined;
        return isNeeded(entry.path) ? lists.add(entry) : undefined;
      });
    });
    const ids = points.map(({ id }) => id);
    const listed = await lists.end();
    const { layout, revision } = record;
    const lost = record.lost === undefined ? {} : { lost: lossesIn(record) };
    return { token, layout, takenUpAtMs: nowMs, points: ids, listed, revision, ...lost };
  } finally {
    await lists.close();
  }
}

/** Paths of files that nobody knows, a line of JSON each. */
export function unknownPath({ folder }: Pick<KeptFiles, 'folder'>): string {
  return `${folder}/unknown`;
}

async function listUnknown(
  files: KeptFiles,
  find: (add: (path: string) => Promise<void> | undefined) => Promise<void>,
): Promise<void> {
  await withOpenFiles(async (open) => {
    const file = open.add(await files.repository.openWork(unknownPath(files), files.token));
    const writer = new LineWriter(file);
    await find((path) => writer.add(JSON.stringify(path)));
    await writer.end();
  });
}

/** Ends a check: its notes and its lease go. Done again it ends in the same state. */
export async function endTreeCheck(
  context: MoverContext,
  { targetRepositoryId, chain, reference }: TreePlace & { readonly reference: TreeCheckReference },
): Promise<void> {
  const repository = await context.repository(targetRepositoryId);
  const folder = checkFolder(chain, reference.check);
  await repository.remove(checkPath(folder));
  await repository.removeAll(folder);
  await releaseLease(repository, chain, verifyStagingId(reference.check));
}
