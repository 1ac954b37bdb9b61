import { datableMs } from '../domain/file-stamp.js';
import { asOneBackup } from '../domain/sources/one-backup.js';
import { type SourceWorkload } from '../domain/sources/source-workload.js';
import {
  looksLike,
  otherToolOf,
  toolOfTree,
  UNRECOGNISED_EXAMPLES,
  type UnrecognisedFiles,
} from '../domain/sources/unrecognised.js';
import { filesOfDisk } from '../domain/sources/source-files.js';
import type { UnseenPart } from '../domain/sources/unseen-part.js';
import { boundedWorkloadId } from '../domain/sources/workload-id.js';
import type { RepositoryEntry, SourceRepository } from '../repository/backup-repository.js';
import type { BackupLayout, ClaimedFile, ClaimedFiles, ClaimedWorkload } from './backup-layout.js';
import { FolderFacts, FORGETFUL, type FactStore } from './file-facts.js';
import { joinFolders } from './walk/join-folders.js';
import { toldByStart, worthReading } from './walk/known-starts.js';
import { BACKUP_LAYOUTS } from './layouts.js';
import { withAwaited } from './walk/on-their-way.js';
import { treesIn, type OnUnread } from './scan-trees.js';
import { SiblingRuns } from './walk/sibling-runs.js';
import { TREE_LAYOUTS } from './tree-layouts.js';
import { claimText, isBug, isOfOnePlace, unreadPart } from './unread-place.js';
import { RUN_BY_VMWARE } from './walk/set-apart.js';
import { disksInUse } from './walk/disks-in-use.js';
import { partsOfSets } from './walk/parts-of-sets.js';
import { runningMachines } from './vmware-machine/running-machines.js';
import {
  readFolders,
  walkFolders,
  type FolderShare,
  type WalkedFolder,
} from './walk/walk-folders.js';

const LAYOUTS = { trees: TREE_LAYOUTS, images: BACKUP_LAYOUTS };

/** Who scans a repository is told of what is not among its workloads. */
interface ScanListener {
  /** A place that is not looked into, once. Absent: one that cannot be read fails the scan. */
  readonly onUnseen?: (part: UnseenPart) => void;
  /** Files of a folder that no layout claims, or that one claims and knows nothing of. Not asked of a target: beside the chains there lie files of Longhaul's own. */
  readonly onUnrecognised?: (files: UnrecognisedFiles) => void;
}

/** All workloads that backup tools left in a repository, sorted by id; their restore points in the order of `orderByLineage`. Ids are unique,
 *  and of at most `WORKLOAD_ID_LENGTH`.
 *  A workload may lie in several folders (a folder for each chain, a backup that was copied by hand): it is listed once, and a restore
 *  point that is there more than once is listed as its first complete copy. Two machines that claim one id are one workload with a `conflict`.
 *  @param facts what earlier looks found out; files that are the same are not read again
 *  @throws what the repository throws that is not about one place of it alone. A folder or file that cannot be read is named (`onUnseen`), with what is
 *    not known for it, and what lies beside it is listed; so is one whose files make a layout fail */
export async function scanRepository(
  repository: SourceRepository,
  listener: ScanListener = {},
  facts: FactStore = FORGETFUL,
): Promise<SourceWorkload[]> {
  const { onUnseen } = listener;
  const unread = new Map<string, UnseenPart>();
  const onUnread: OnUnread = ({ part, error }) => {
    if (onUnseen === undefined) throw error;
    unread.set(part.path, withBoth(unread.get(part.path), part));
  };
  const look = { store: facts, siblings: new SiblingRuns(repository) };
  const folders = walkFolders(repository, LAYOUTS, facts, look.siblings);
  const workloads = await workloadsIn(repository, folders, look, onUnread, listener);
  for (const part of unread.values()) onUnseen?.(part);
  return [...workloads.values()]
    .map((workload) => withoutIdsOfOthers(workload, workloads))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** One place that several layouts could not read is told once, with what each of them does not know for it. */
function withBoth(known: UnseenPart | undefined, part: UnseenPart): UnseenPart {
  if (known?.unread === undefined || part.unread === undefined) return part;
  const whats = known.unread.what.split(AND);
  if (whats.includes(part.unread.what)) return known;
  return { ...known, unread: { ...known.unread, what: [...whats, part.unread.what].join(AND) } };
}

const AND = ' and of ';

/** What a job calls by an id is the workload that has it now. */
function withoutIdsOfOthers(
  workload: SourceWorkload,
  present: ReadonlyMap<string, unknown>,
): SourceWorkload {
  const { otherIds } = workload;
  if (otherIds?.some((id) => present.has(id)) !== true) return workload;
  return { ...workload, otherIds: otherIds.filter((id) => !present.has(id)) };
}

/** One workload as `scanRepository` shows it, at the price of its own folders; null when none of them holds it (any more).
 *  What lies elsewhere is not seen: a restore point in a folder that appeared since is found by the next whole scan, which means by the
 *  next session. No point that is found lacks anything for it, because the link of a point never leaves its folder.
 *  @param folders `SourceWorkload.folders` of an earlier scan, in that order; one that is gone holds nothing
 *  @throws what the repository throws when a folder cannot be read */
export async function scanWorkload(
  repository: SourceRepository,
  workloadId: string,
  folders: readonly string[],
  facts: FactStore = FORGETFUL,
): Promise<SourceWorkload | null> {
  const errors: unknown[] = [];
  const ofImages: unknown[] = [];
  const onUnread: OnUnread = ({ error, isOfImages }) =>
    (isOfImages === true ? ofImages : errors).push(error);
  const look = { store: facts, siblings: new SiblingRuns(repository) };
  const walked = readFolders(repository, LAYOUTS, folders, facts, look.siblings);
  const workload = (await workloadsIn(repository, walked, look, onUnread)).get(workloadId);
  // A machine may be known in part alone; a tree is what one layout has claimed of one folder.
  if (workload?.tree === undefined && ofImages.length > 0) throw ofImages[0];
  // It may be the one that cannot be read.
  if (workload === undefined && errors.length > 0) throw errors[0];
  return workload ?? null;
}

interface Look {
  readonly store: FactStore;
  readonly siblings: SiblingRuns;
}

/** By id. */
async function workloadsIn(
  repository: SourceRepository,
  folders: AsyncIterable<WalkedFolder>,
  look: Look,
  onUnread: OnUnread,
  { onUnseen, onUnrecognised }: ScanListener = {},
): Promise<Map<string, SourceWorkload>> {
  const told = new Set<string>();
  const treeTools = new Map<string, string>();
  const unrecognised: UnrecognisedFiles[] = [];
  const shares = new Map<string, [SourceWorkload, ...SourceWorkload[]]>();
  for await (const folder of folders) {
    for (const part of folder.unseen) {
      if (told.has(part.path)) continue;
      told.add(part.path);
      onUnseen?.(part);
    }
    folder.unread.forEach(onUnread);
    const { inUse, others } = unclaimedOf(folder);
    const isAsked =
      hasBackups(folder) || (onUnrecognised !== undefined && worthReading(others).length > 0);
    const facts = isAsked
      ? await FolderFacts.of(look.store, repository, folder.folder, look.siblings)
      : null;
    const unlisted: (readonly RepositoryEntry[])[] = [];
    const foundHere = await workloadsOf(folder, facts, onUnread, (files) => unlisted.push(files));
    if (onUnrecognised !== undefined) {
      for (const files of unrecognisedIn(inUse, treeTools, folder.runBy)) unrecognised.push(files);
      // Each list with its own files: a start tells of those beside it alone.
      for (const list of [others, ...unlisted]) {
        const byFolder = filesByFolder(list);
        for (const files of unrecognisedIn(list, treeTools)) {
          const beside = byFolder.get(files.folder) ?? [];
          unrecognised.push(facts === null ? files : await withStart(files, beside, facts));
        }
      }
    }
    facts?.keep();
    for (const found of foundHere.map(withBounds)) {
      const known = shares.get(found.id);
      if (known === undefined) shares.set(found.id, [found]);
      else known.push(found);
    }
  }
  if (onUnrecognised !== undefined)
    asOneBackup(unrecognised, treeTools).forEach((files) => onUnrecognised(files));
  const workloads = new Map<string, SourceWorkload>();
  for (const [id, found] of shares) {
    const joined = await orUnread(() => joinFolders(repository, found), found[0], onUnread);
    if (joined !== null) workloads.set(id, joined);
  }
  return workloads;
}

/** null: what its folders show made the code fail, or a file cannot be read that would tell whether they are of one machine. */
async function orUnread<T>(
  join: () => Promise<T>,
  { id, folders }: SourceWorkload,
  onUnread: OnUnread,
): Promise<T | null> {
  try {
    return await join();
  } catch (error) {
    if (!isOfOnePlace(error) && !isBug(error)) throw error;
    onUnread({ part: unreadPart(error, folders[0] ?? '', id), error, isOfImages: true });
    return null;
  }
}

/** What files of backups say of ids and dates has no bounds of its own. */
function withBounds(found: SourceWorkload): SourceWorkload {
  const id = boundedWorkloadId(found.id);
  const { tree, otherIds, formerDisks } = found;
  const restorePoints = found.restorePoints.map((point) => ({
    ...withDate(point),
    workloadId: id,
  }));
  return {
    ...{ ...found, id, restorePoints },
    ...(otherIds === undefined ? {} : { otherIds: otherIds.map(boundedWorkloadId) }),
    ...(formerDisks === undefined ? {} : { formerDisks: formerDisks.map(boundedWorkloadId) }),
    ...(tree === undefined ? {} : { tree: { ...tree, points: tree.points.map(withDate) } }),
  };
}

function withDate<P extends { readonly createdAtMs: number }>(point: P): P {
  return { ...point, createdAtMs: datableMs(point.createdAtMs) };
}

/** As far as names tell. */
function hasBackups({ shares, trees }: WalkedFolder): boolean {
  return shares.length + trees.length > 0;
}

async function workloadsOf(
  walked: WalkedFolder,
  facts: FolderFacts | null,
  onUnread: OnUnread,
  onUnlisted: (files: readonly RepositoryEntry[]) => void,
): Promise<SourceWorkload[]> {
  const { folder, shares, trees, apart = [], runBy } = walked;
  const withSeen = (found: readonly SourceWorkload[]): SourceWorkload[] => {
    if (runBy === undefined) return [...found, ...partsOfSets(folder, apart, found)];
    const isVmware = runBy === RUN_BY_VMWARE;
    const seen = isVmware ? runningMachines(folder, apart) : disksInUse(folder, apart, found);
    return [...found, ...seen];
  };
  if (facts === null || !hasBackups(walked)) return withSeen([]);
  const workloads = await treesIn(facts, { folder, trees }, onUnread, onUnlisted);
  for (const { layout, claimed, onTheirWay } of shares) {
    const { type, makesFullsOnly } = layout;
    const known = {
      type: type.id,
      folders: [folder],
      ...(makesFullsOnly === undefined ? {} : { makesFullsOnly }),
    };
    const all = await foundBy(layout, facts, { claimed, onTheirWay }, onUnread);
    if (all === null) continue;
    onUnlisted(all.nobodys);
    for (const found of all.workloads) workloads.push({ ...known, ...found });
  }
  return withSeen(workloads);
}

/** null: a file cannot be read that decides whose backups these are, or its content made the layout fail: neither takes anything from what lies beside. */
async function foundBy(
  layout: BackupLayout,
  facts: FolderFacts,
  { claimed, onTheirWay }: Pick<FolderShare, 'claimed' | 'onTheirWay'>,
  onUnread: OnUnread,
): Promise<{
  readonly workloads: readonly ClaimedWorkload[];
  readonly nobodys: readonly ClaimedFile[];
} | null> {
  try {
    const all = await layout.scan(facts, claimed);
    const nobodys = nobodysFiles(layout, claimed, all);
    return { workloads: withAwaited(all, onTheirWay, layout), nobodys };
  } catch (error) {
    if (!isOfOnePlace(error) && !isBug(error)) throw error;
    const { folder } = claimed;
    const part = unreadPart(error, folder, claimText(layout, folder));
    onUnread({ part, error, isOfImages: true });
    return null;
  }
}

/** What was claimed, so that no other layout has seen it, and is in no point. */
function nobodysFiles(
  layout: BackupLayout,
  { files }: ClaimedFiles,
  found: readonly ClaimedWorkload[],
): readonly ClaimedFile[] {
  const doubtful = files.filter(({ within }) => layout.mayBeNobodys?.(within));
  if (doubtful.length === 0) return [];
  const points = found.flatMap(({ restorePoints }) => restorePoints);
  const listed = new Set(
    points.flatMap(({ disks, companions }) => [
      ...disks.flatMap((disk) => filesOfDisk(disk).map(({ path }) => path)),
      ...companions.map(({ path }) => path),
    ]),
  );
  return doubtful.filter(({ path }) => !listed.has(path));
}

/** Of what nobody has claimed, the disks that machines run on: they are no backups, whatever they begin with. */
function unclaimedOf({ unclaimed, apart, runBy, isWhole }: WalkedFolder): {
  readonly inUse: readonly RepositoryEntry[];
  readonly others: readonly RepositoryEntry[];
} {
  if (runBy === undefined) return { inUse: [], others: unclaimed };
  if (isWhole || apart === undefined) return { inUse: unclaimed, others: [] };
  const set = new Set(apart);
  return { inUse: apart, others: unclaimed.filter((entry) => !set.has(entry)) };
}

/** By the path of the folder that each lies in, `.` for the root. */
function filesByFolder(list: readonly RepositoryEntry[]): Map<string, RepositoryEntry[]> {
  const byFolder = new Map<string, RepositoryEntry[]>();
  for (const entry of list) {
    const folder = folderOf(entry);
    const known = byFolder.get(folder);
    if (known === undefined) byFolder.set(folder, [entry]);
    else known.push(entry);
  }
  return byFolder;
}

function folderOf({ path, name }: RepositoryEntry): string {
  return path.length === name.length ? '.' : path.slice(0, -name.length - 1);
}

/** With the tool that the first bytes of a file tell, where no name does.
 *  @param beside all of them that are files */
async function withStart(
  files: UnrecognisedFiles,
  beside: readonly RepositoryEntry[],
  facts: FolderFacts,
): Promise<UnrecognisedFiles> {
  const { tool, leadsOut, examples } = files;
  if (tool !== undefined || leadsOut) return files;
  const told = await toldByStart(facts, beside);
  if (told === null) return files;
  const names = [...new Set([told.name, ...examples])].slice(0, UNRECOGNISED_EXAMPLES);
  return { ...files, examples: names, tool: told.tool };
}

/** Folder by folder.
 *  @param treeTools by folder that is one backup of a tool with everything below it: of those seen so far, and what is found here is added. A folder comes
 *    before those in it */
function unrecognisedIn(
  unclaimed: readonly RepositoryEntry[],
  treeTools: Map<string, string>,
  runBy?: string,
): UnrecognisedFiles[] {
  const byFolder = new Map<string, { name: string; sizeBytes: number }[]>();
  const links: UnrecognisedFiles[] = [];
  for (const entry of unclaimed) {
    const { path, name, leadsOut, stamp } = entry;
    if (leadsOut) {
      links.push({ folder: path, fileCount: 1, examples: [name], leadsOut });
      continue;
    }
    const folder = folderOf(entry);
    const file = { name, sizeBytes: stamp.sizeBytes };
    const known = byFolder.get(folder);
    if (known === undefined) byFolder.set(folder, [file]);
    else known.push(file);
  }
  const files = [...byFolder].map(([folder, found]) => {
    const names = found.map(({ name }) => name);
    const ofTree = toolOfTree(names);
    if (ofTree !== null) treeTools.set(folder, ofTree);
    const tool = otherToolOf(folder, found) ?? toolAbove(folder, treeTools);
    const isOwn = ({ name, sizeBytes }: (typeof found)[number]) =>
      tool !== null && looksLike(tool, folder, name, sizeBytes);
    const own = found.filter(isOwn).map(({ name }) => name);
    const examples = [...new Set([...own, ...names])].slice(0, UNRECOGNISED_EXAMPLES);
    return {
      ...{ folder, fileCount: names.length, examples },
      ...(tool === null ? {} : { tool }),
      ...(runBy === undefined ? {} : { runBy }),
    };
  });
  return [...files, ...links];
}

function toolAbove(folder: string, treeTools: ReadonlyMap<string, string>): string | null {
  for (let end = folder.lastIndexOf('/'); end > 0; end = folder.lastIndexOf('/', end - 1)) {
    const tool = treeTools.get(folder.slice(0, end));
    if (tool !== undefined) return tool;
  }
  return treeTools.get('.') ?? null;
}
