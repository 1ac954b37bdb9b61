import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import { PLUG_IN_RULES } from '../trees/database-rules.js';
import type { Claim, ClaimedNames, FolderNames } from '../backup-layout.js';
import { writtenAtMs } from '../names/named-date.js';
import { claimedTreeFiles } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { calledWithoutDates, parseDatedName } from '../names/dated-name.js';
import { namesOf, type NamesIn } from '../names/names-in.js';
import { folderName, folderWorkloadId, formerIdsOfDates } from '../names/workload-id.js';
import { isFolderPassedOver } from '../../domain/sources/passed-over.js';
import { joinPath, lastName, parentFolder } from '../../repository/repository-path.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { listedInTop } from './base-points.js';
import { readBackupLog, shortPoints, type BackupLog } from './backup-log.js';
import {
  historyTimeline,
  isBackupLabel,
  isPartial,
  isSegmentSize,
  isShard,
  isWrittenOnce,
  missingText,
  parseSegment,
  storedSegment,
  walPathsIn,
  type WalRun,
} from './wal-names.js';
import { oldestFirst } from '../trees/point-order.js';

/** How long a compressed segment may still be written: nothing tells its whole size. */
const OPEN_MS = 60_000;

const WALS = walPathsIn('(?:^|/)');

/** A folder into which PostgreSQL archives its write-ahead log (`archive_command`, `pg_receivewal`): segments, compressed or not, labels of base
 *  backups (`.backup`) and histories of timelines (`.history`). A segment that is still received ends in `.partial` and waits.
 *
 *  A workload is a folder, with the folders of its logs where an archive has such (`wals/0000000100000002/…` of Barman), and what lies in folders of dates in it under one name; a restore point a run of segments without a gap: until its last segment, the database can be rolled forward. All whole
 *  segments of a folder have one size, so a shorter one is cut off or still being written, and ends the run before it.
 *  It is log and nothing else: a job copies it when it copies transaction logs. */
export const walFolderLayout: TreeLayout = {
  name: 'postgres-wal',
  restoredWith: "`restore_command = 'cp /restored/wal/%f %p'`",
  linesInPlace: [`# restore_command = 'cp {files}/%f "%p"'`],
  type: {
    id: 'postgresql-wal',
    title: 'PostgreSQL (write-ahead log)',
    rules: { ...PLUG_IN_RULES, logsOnly: true },
  },
  rules: {
    shape: 'store',
    // Recovery on a new timeline begins by looking for its history.
    classes: [
      { name: 'histories', match: WALS.history, content: 'replaced', isWrittenOnce },
      { name: 'segments', match: WALS.segment, content: 'replaced', isWrittenOnce },
      { name: 'labels', match: WALS.label, content: 'replaced', isWrittenOnce },
    ],
    ignored: /\.partial$|\.tmp$/,
    digestInName: null,
    openFilesWaitMs: OPEN_MS,
    // A busy database archives one each few seconds. One that only passes through such a size is another file when it has been read.
    isFullSize: (path, sizeBytes) =>
      parseSegment(lastName(path)) !== null && isSegmentSize(sizeBytes),
    keepRemovedForDays: 14,
    suspiciousShare: 0.5,
    keeps: { modes: false, times: true, links: false },
  },
  claim,
  confirm,
  scan,
};

/** What a database itself writes into its `pg_wal` is no archive, and changes as it likes: it has a folder of marks in it, also in a base backup. */
function claim({ files, folders }: FolderNames): Claim | null {
  if (folders.includes(MARKS)) return null;
  const own = files.filter(isWalName);
  const parts = folders.filter((name) => isShard(name) || parseDatedName(name) !== null);
  if (parts.length > 0) return { files: own, folders: parts };
  return hasSegment(own) ? { files: own } : null;
}

const MARKS = 'archive_status';

function hasSegment(names: readonly string[]): boolean {
  return names.some((name) => storedSegment(name) !== null);
}

/** Folders of such names may be anybody's: those are, in which segments of their log lie. */
async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  if (claimed.folders === undefined) return claimed;
  const found = { files: [...claimed.files], folders: [] as string[] };
  for (const name of claimed.folders) {
    const own = isShard(name)
      ? ((await reader.orTell(() => shardOrLog(reader, folder, name))) ?? {
          files: [],
          folders: [name],
        })
      : await reader.orTell(() => logOfDate(reader, folder, name));
    for (const path of own?.files ?? []) found.files.push(path);
    for (const path of own?.folders ?? []) found.folders.push(path);
  }
  const { files, folders } = found;
  if (folders.length > 0) return found;
  return hasSegment(files.map(lastName)) ? { files } : null;
}

/** What a script has put into a folder of a date, and into folders in that: log of one database, however many days it is of. */
async function logOfDate(reader: TreeReader, folder: string, name: string): Promise<NamesIn> {
  const entries = await reader.list(joinPath(folder, name));
  const names = namesOf(entries);
  const isOfBase = await namesOfBase(reader, entries);
  const files = names.files.filter((file) => !isOfBase(file));
  const found = [logIn(name, { ...names, files }, files.length === names.files.length)];
  for (const inner of names.folders) {
    const isOthers = inner === STORE_OF_WALG || isOfBase(inner) || isFolderPassedOver(inner);
    const path = `${name}/${inner}`;
    const own = isOthers ? null : await reader.orTell(() => shardOrLog(reader, folder, path));
    if (own !== null) found.push(own);
  }
  return {
    files: found.flatMap(({ files }) => files),
    folders: found.flatMap(({ folders }) => folders),
  };
}

const STORE_OF_WALG = 'wal_005';

/** Of a folder that is a base backup, the log that this needs, and whatever lay in the cluster. */
async function namesOfBase(
  reader: TreeReader,
  entries: readonly RepositoryEntry[],
): Promise<(name: string) => boolean> {
  if (!entries.some(({ name }) => name === 'PG_VERSION' || name === 'backup_label'))
    return () => false;
  const manifest = entries.find(({ name }) => name === 'backup_manifest');
  const listed = manifest === undefined ? null : await listedInTop(reader, manifest);
  return (name) => /^pg_(?:wal|xlog)$/.test(name) || listed?.has(name) === true;
}

async function shardOrLog(reader: TreeReader, folder: string, path: string): Promise<NamesIn> {
  const entries = await reader.list(joinPath(folder, path));
  const shard = lastName(path);
  if (!isShard(shard)) return logIn(path, namesOf(entries));
  const isOwn = entries.some(({ name }) => name.startsWith(shard) && isWalName(name));
  return { files: [], folders: isOwn ? [path] : [] };
}

/** The folder, where nothing else lies in it; else its files of log. */
function logIn(path: string, { files, folders }: NamesIn, isAll = true): NamesIn {
  const own = files.filter(isWalName);
  if (!hasSegment(own) || folders.includes(MARKS)) return { files: [], folders: [] };
  if (isAll && own.length === files.length && folders.length === 0)
    return { files: [], folders: [path] };
  return { files: own.map((name) => `${path}/${name}`), folders: [] };
}

function isWalName(name: string): boolean {
  return (
    storedSegment(name) !== null ||
    isBackupLabel(name) ||
    historyTimeline(name) !== null ||
    isPartial(name)
  );
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  const trees: FoundTree[] = [];
  for (const [name, claim] of byName(claimed)) {
    const tree = await reader.orTell(() => treeOf(reader, folder, name, claim));
    if (tree !== null) trees.push(tree);
  }
  return trees;
}

/** The log of each name that folders have without their dates: empty for what lies in the folder itself. */
function byName({ files, folders = [] }: Claim): Map<string, ClaimedNames> {
  const logs = new Map<string, { files: string[]; folders: string[] }>();
  const add = (path: string, place: string, what: 'files' | 'folders'): void => {
    const name = calledWithoutDates(place);
    const known = logs.get(name) ?? { files: [], folders: [] };
    known[what].push(path);
    logs.set(name, known);
  };
  for (const path of files) add(path, parentFolder(path), 'files');
  for (const path of folders)
    add(path, isShard(lastName(path)) ? parentFolder(path) : path, 'folders');
  return logs;
}

async function treeOf(
  reader: TreeReader,
  folder: string,
  called: string,
  claim: ClaimedNames,
): Promise<FoundTree> {
  const all = await claimedTreeFiles(reader, folder, claim);
  const files = all.filter(({ name }) => isWalName(name));
  const log = await readBackupLog(reader, files, { segmentBytes: null, openMs: OPEN_MS });
  const histories = new Set(files.flatMap(({ name }) => historyTimeline(name) ?? []));
  const within = [...claim.files, ...claim.folders];
  const isInTop = within.every((path) => !path.includes('/'));
  const isAlone = isInTop && (await reader.list(folder)).length === within.length;
  const former = formerIds(folder, claim);
  const parts = called === '' ? [] : [encodeURIComponent(called)];
  return {
    id: folderWorkloadId(['postgres-wal', ...parts].join('-'), folder),
    ...(former.length === 0 ? {} : { otherIds: former }),
    name: called === '' ? folderName('PostgreSQL WAL', folder) : called,
    root: folder,
    ...(isAlone ? {} : { within }),
    points: [
      ...log.closedRuns.map((run) => runPoint(run, log, histories)),
      ...shortPoints(log),
    ].sort(oldestFirst),
  };
}

/** Each folder of a date was a log of its own. */
function formerIds(folder: string, { files, folders }: ClaimedNames): string[] {
  const places = [
    ...files.map(parentFolder),
    ...folders.map((path) => (isShard(lastName(path)) ? parentFolder(path) : path)),
  ];
  return formerIdsOfDates(
    'postgres-wal',
    folder,
    places.filter((place) => place !== ''),
  );
}

/** Named after its first segment: it stays the same point while it grows. */
function runPoint(
  { first, last, count, after }: WalRun,
  { fileOf, perLog }: BackupLog,
  histories: ReadonlySet<number>,
): TreePoint {
  const newest = fileOf.get(last.name);
  const missing =
    after !== null
      ? `the write-ahead log ${missingText(after, first, perLog)} is missing`
      : first.timeline > 1 && !histories.has(first.timeline)
        ? `${first.name.slice(0, 8)}.history, which tells where its timeline begins, is missing`
        : null;
  return {
    id: first.name,
    createdAtMs: newest === undefined ? 0 : writtenAtMs([newest]),
    kind: 'log',
    needs: [],
    state: 'complete',
    reason: null,
    files: null,
    sizeBytes: count * (2 ** 32 / perLog),
    ...(missing === null ? {} : { gap: missing }),
  };
}
