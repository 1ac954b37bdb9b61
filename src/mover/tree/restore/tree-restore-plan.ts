import { createHash, type Hash } from 'node:crypto';
import { BackupError } from '../../../domain/errors.js';
import { FaultList, type FileFaults } from '../../../domain/trees/file-faults.js';
import { restoreStaging } from '../../../domain/targets/staging-id.js';
import { missingTexts } from '../../../domain/trees/points-for-restore.js';
import { foldedName } from '../../../domain/trees/tree-path.js';
import type { TreeRules } from '../../../domain/trees/tree-rules.js';
import type { BackupRepository, SourceRepository } from '../../../repository/backup-repository.js';
import { foldingOf } from '../../../repository/folded-names.js';
import { lineOf, LineWriter, type FileEntry } from '../../../tree/file-index.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { namedFiles } from '../change/named-files.js';
import { canGiveNames, FileNames } from '../plan/file-names.js';
import { FileListWriter, type ListedFiles } from '../file-lists.js';
import { stayingFiles } from '../whole-tree.js';
import { newToken, readStagedJson, stagedPath } from '../../staging/copy-plan.js';
import { ORDERS } from '../../staging/restore-under-way.js';
import { discardStaging } from '../../staging/staging.js';
import { withOpenFiles } from '../../task/open-files.js';
import type { RestoreDestination } from '../../task/restore-destination.js';
import type { TaskControl } from '../../task/task-control.js';
import { entryForm, listsPlace, type KeptFiles } from '../health/kept-lists.js';
import { filesNeededBy } from '../health/plan-check.js';
import { rulesOf } from '../rules-of-copy.js';

export interface RestoreTreeInput extends RestoreDestination {
  /** Repository that holds the copy. */
  readonly repositoryId: string;
  /** Folder of the tree's copy. */
  readonly chain: string;
  /** Keeps the files from being removed. */
  readonly leaseId: string;
  readonly nowMs: number;
}

/** Which files are restored: ids of points are no more than their dates, and are those of many copies. */
interface RestoredState extends Pick<
  RestoreTreeInput,
  'repositoryId' | 'chain' | 'pointId' | 'leaseId'
> {
  /** Of the record when its files were listed. */
  readonly revision: number;
  /** Of the files that the point needed then. Absent: a release before has listed them. */
  readonly digest?: string;
}

/** What is restored, as it lies beside its lists in the destination. */
export interface TreeRestore {
  readonly token: string;
  /** Absent: a release before has listed it, or it is a restore of a machine. */
  readonly of?: RestoredState;
  readonly listed: ListedFiles;
  /** Files and folders that are to lie in the destination. */
  readonly names: readonly string[];
  readonly keeps: TreeRules['keeps'];
  /** Further names of these files. */
  readonly nameCount: number;
  /** `TreeRules.foldersWith` of the files. Absent: none. */
  readonly folders?: readonly string[];
  /** Of the point, when its files were listed. Absent: nothing. */
  readonly lacks?: FileFaults;
  /** `RestoredTree.missing`. */
  readonly missing?: readonly string[];
  /** Files whose names the destination takes for those of others. Absent: none. */
  readonly refused?: FileFaults;
}

export function restoredFiles(
  repository: BackupRepository,
  folder: string,
  { token }: Pick<TreeRestore, 'token'>,
): KeptFiles {
  return { repository, folder, prefix: '', token };
}

/** Whether another restore has planned there since. */
export function isOfAnother(restore: TreeRestore, token: string | undefined): boolean {
  return token !== undefined && restore.token !== token;
}

/** What lies in the destination of the very restore that is asked for; null: nothing. By its lease a restore that goes on in a new run of its workflow knows its
 *  own, whatever the copy has got by then; one that is ordered again, by the files that the point needs. */
export async function ownRestore(
  control: TaskControl,
  source: SourceRepository,
  target: SourceRepository,
  { repositoryId, chain, pointId, leaseId }: RestoreTreeInput,
  record: TreeRecord | null,
): Promise<TreeRestore | null> {
  const plan = stagedPath.plan(restoreStaging(pointId));
  const left = await readStagedJson<TreeRestore>(target, plan);
  const of = left?.of;
  if (left === null || of === undefined) return null;
  if (of.repositoryId !== repositoryId || of.chain !== chain || of.pointId !== pointId) return null;
  if (of.leaseId === leaseId || of.revision === record?.revision) return left;
  // What the point lacks is told at the end, as it was when its files were listed.
  if (of.digest === undefined || !isToldAlike(left, record, pointId)) return null;
  const digest = await digestOfWanted(control, source, chain, record, pointId);
  return of.digest === digest ? left : null;
}

function isToldAlike(left: TreeRestore, record: TreeRecord | null, pointId: string): boolean {
  if (record === null) return false;
  const told = ({ lacks, missing }: Pick<TreeRestore, 'lacks' | 'missing'>) =>
    JSON.stringify([lacks ?? null, missing ?? []]);
  return told(left) === told(toldOf(record, pointId));
}

function toldOf(
  record: TreeRecord,
  pointId: string,
): Required<Pick<TreeRestore, 'missing'>> & Pick<TreeRestore, 'lacks'> {
  const lacks = record.points.find(({ id }) => id === pointId)?.lacks;
  const missing = missingTexts(record.points, pointId, rulesOf(record));
  return { missing, ...(lacks === undefined ? {} : { lacks }) };
}

async function digestOfWanted(
  control: TaskControl,
  source: SourceRepository,
  chain: string,
  record: TreeRecord | null,
  pointId: string,
): Promise<string> {
  const isWanted = await wantedBy(control, source, chain, record, pointId);
  const hash = createHash('sha256');
  for await (const entries of stayingFiles(source, chain, record!))
    for (const entry of entries) if (isWanted(entry)) addWanted(hash, entry);
  return hash.digest('hex');
}

/** Since when the source does not have it is nothing that is restored. */
function addWanted(hash: Hash, entry: FileEntry): void {
  hash.update(`${lineOf({ ...entry, goneSinceMs: null })}\n`);
}

/** Lists what the point needs, in a folder of staging that is made anew.
 *  @throws RESTORE_POINT_MISSING */
export async function listWanted(
  control: TaskControl,
  source: SourceRepository,
  target: BackupRepository,
  { repositoryId, chain, pointId, leaseId }: RestoreTreeInput,
  record: TreeRecord | null,
): Promise<TreeRestore> {
  const isWanted = await wantedBy(control, source, chain, record, pointId);
  const { lacks, missing } = toldOf(record!, pointId);
  const { keeps, foldersWith } = rulesOf(record!);
  const staging = restoreStaging(pointId);
  await discardStaging(target, staging, ORDERS);
  await target.makePlace(staging);
  const token = newToken();
  const known = keeps.links && (await canGiveNames(target, staging)) ? new FileNames() : null;
  const told = await foldingOf(target, staging);
  const taken = told.caseSensitive && told.accentSensitive ? null : new Set<string>();
  const refused = new FaultList();
  const hash = createHash('sha256');
  const names = new Set<string>();
  const folders = new Set<string>();
  const place = listsPlace(restoredFiles(target, staging, { token }));
  const lists = await FileListWriter.open(
    place,
    entryForm(() => false),
  );
  return withOpenFiles(async (files) => {
    files.add(lists);
    const further = new LineWriter(files.add(await target.openWork(furtherNames(staging), token)));
    for await (const entries of stayingFiles(source, chain, record!))
      for (const entry of entries) {
        if (!isWanted(entry)) continue;
        addWanted(hash, entry);
        const { path, stamp, digest } = entry;
        const folded = foldedName(path, told);
        if (taken?.has(folded) === true) {
          refused.add({ path, reason: FOLDED });
          continue;
        }
        taken?.add(folded);
        for (const folder of foldersWith?.(path) ?? []) folders.add(folder);
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
      of: { repositoryId, chain, pointId, leaseId, revision, digest: hash.digest('hex') },
      ...{ token, listed, names: [...new Set([...names, ...topsOf(folders)])], keeps, nameCount },
      ...(folders.size === 0 ? {} : { folders: [...folders] }),
      ...(lacks === undefined ? {} : { lacks }),
      ...(missing.length === 0 ? {} : { missing }),
      ...(refused.faults.count === 0 ? {} : { refused: refused.faults }),
    };
  });
}

function topsOf(paths: Iterable<string>): string[] {
  return [...paths].map((path) => path.split('/', 1)[0]!);
}

const FOLDED =
  'the destination does not tell names apart that differ by case or the encoding of accents alone, and another one lies beside it';

/** Of files that have several, with the first of them: a line of JSON each. */
export function furtherNames(staging: string): string {
  return `${staging}/names`;
}

/** What the source had removed only a point needs that it does not show either, or all of them while the copy is behind, and what files of the point itself name (`namedFiles`): nothing tells whether
 *  its tool has removed that, or its source has lost it and the copy has the only one. What another point alone can need (`TreeRules.pointOf`) this one
 *  does not, whether the other one is whole by now or not.
 *  @throws RESTORE_POINT_MISSING */
async function wantedBy(
  control: TaskControl,
  source: SourceRepository,
  chain: string,
  record: TreeRecord | null,
  pointId: string,
): Promise<(entry: FileEntry) => boolean> {
  const point = record?.points.find(({ id }) => id === pointId);
  if (record === null || point === undefined)
    throw new BackupError('RESTORE_POINT_MISSING', `${chain} holds no restore point ${pointId}`);
  const { isNeeded } = filesNeededBy(record, pointId);
  const isStore = point.files === null;
  const withRemoved = !isStore || point.goneSince !== undefined || record.isBehind === true;
  const rules = rulesOf(record);
  const { pointOf, isPointId } = rules;
  const own = point.source.restorePointId;
  const isOfAnother = (path: string) => {
    const owner = pointOf?.(path) ?? '';
    return isStore && owner !== '' && owner !== own && isPointId?.(owner) !== false;
  };
  // Of the files that name others, those of this point alone are read.
  const isPassed = ({ path, goneSinceMs }: FileEntry) => goneSinceMs !== null || isOfAnother(path);
  const named = withRemoved
    ? null
    : await namedFiles(source, control, chain, record, rules, isPassed);
  const isGiven = (entry: FileEntry) =>
    named === null || entry.goneSinceMs === null || named.has(entry);
  return (entry) => isNeeded(entry.path) && !isOfAnother(entry.path) && isGiven(entry);
}
