import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { PLUG_IN_RULES } from '../trees/database-rules.js';
import { namedDateMs, writtenAtMs } from '../names/named-date.js';
import { broken, faultOfError, gravestFault, incomplete, type PointFault } from '../point-fault.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import { filesBelow, type TreeFile } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import {
  logEvidence,
  logPoints,
  missingLog,
  readBackupLog,
  shortPoints,
  type BackupLog,
} from './backup-log.js';
import { builtOn, type BuiltBackup } from './built-on.js';
import { isBarmanId, parseBarmanInfo, type BarmanBackup } from './barman-info.js';
import { clusterFolders } from './cluster-folders.js';
import { isText } from './text-file.js';
import { isWrittenOnce, walPathsIn } from './wal-names.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { joinPath } from '../../repository/repository-path.js';
import { oldestFirst } from '../trees/point-order.js';

/** Barman renames what it archives into place, and what copies its folder does not. */
const OPEN_MS = 60_000;

const WALS = walPathsIn('^wals/(?:[^/]+/)*');

/** The folder that Barman keeps for a server: `base/<id>/` with `backup.info` and the files of the cluster (`data/`, a folder or tar for each tablespace), `wals/` with the
 *  write-ahead log and its list `xlog.db`, `identity.json`; since 3.13 also `meta/<id>-backup.info` and what else is noted of a backup (`-keep`). It is copied as it lies, so Barman recovers from the copy.
 *
 *  A workload is a server. A restore point is a backup of which its information says that it is done and whose log is there from its beginning to its end; a block-level
 *  incremental needs its parent. A segment that is not packed has the size that `backup.info` says; a packed one, which a copy of the folder may bring bit by bit, counts when nothing has changed it for a while. What the log adds is a point for each run of segments without a gap. What Barman is still fetching (`incoming`, `streaming`) is not copied.
 *  Source: Barman 3.4 barman/infofile.py, barman/server.py (xlogdb, get_required_xlog_files), barman/backup_executor.py; barman/annotations.py of 3.19; trees that Barman 3.4 and 3.19 wrote. */
export const barmanLayout: TreeLayout = {
  name: 'barman',
  restoredWith: '`barman recover main latest $PGDATA`, with `backup_directory` of the copy',
  linesInPlace: [
    '# barman.conf, of the server: backup_directory = {files}',
    'barman recover SERVER {id} PGDATA',
  ],
  type: { id: 'barman', title: 'PostgreSQL (Barman)', rules: PLUG_IN_RULES },
  rules: {
    shape: 'store',
    classes: [
      { name: 'histories', match: WALS.history, content: 'replaced', isWrittenOnce },
      { name: 'log', match: WALS.segment, content: 'replaced', isWrittenOnce },
      { name: 'labels', match: WALS.label, content: 'replaced', isWrittenOnce },
      // `reuse_backup = link` gives the files of the backup before further names with each backup, which moves their change times and nothing else.
      {
        name: 'data',
        match: /^base\/\d{8}T\d{6}\/(?!(?:backup\.info|data\/global\/pg_control)$).+/,
        content: 'immutable',
        removal: { goesWith: backupOf },
      },
      {
        name: 'control',
        match: /^base\/\d{8}T\d{6}\/data\/global\/pg_control$/,
        content: 'immutable',
        removal: { goesWith: backupOf },
      },
      {
        name: 'meta',
        match: /^meta\/\d{8}T\d{6}-[\w.]+$/,
        content: 'replaced',
        removal: { goesWith: backupOf },
      },
      {
        name: 'information',
        match: /^base\/\d{8}T\d{6}\/backup\.info$/,
        content: 'replaced',
        removal: { goesWith: backupOf },
      },
      // Its first lines are a list of the log that was there with them. `barman delete` makes it shorter.
      { name: 'catalogue', match: /^wals\/(?:[^/]+-)?xlog\.db$/, content: 'appended' },
      { name: 'metaCatalogue', match: /^meta\/(?:[^/]+-)?xlog\.db$/, content: 'appended' },
      { name: 'rootCatalogue', match: /^(?:[^/]+-)?xlog\.db$/, content: 'appended' },
      { name: 'server', match: /^identity\.json$/, content: 'rewritten' },
    ],
    // Where a cluster has tablespaces, links lead from it to the folders beside it; Barman makes them anew when it recovers, and passes them over when it copies.
    ignored:
      /^(?:incoming|streaming|errors)\/|(?:^|\/)\.[^/]+\.[A-Za-z0-9]{6}$|\.tmp$|(?:^|\/)\.[^/]*lock$|^base\/\d{8}T\d{6}\/data\/pg_tblspc\/\d+$/,
    digestInName: null,
    pointOf,
    // A restore takes along what backups and logs build on.
    isPointId: () => false,
    foldersWith: clusterFolders,
    openFilesWaitMs: 60_000,
    // Where a database archives each minute, these are written to each minute, too. Barman renames what it archives into place, and its list gets a line at a time. It recovers
    // each segment that the list names, so none may wait behind the list.
    isFullSize: (path) =>
      path.startsWith('wals/') || OWN_FILE.test(path) || /^meta\/.*xlog\.db$/.test(path),
    keepRemovedForDays: 14,
    suspiciousShare: 0.5,
    keeps: { modes: true, times: true, links: false },
  },
  claim,
  confirm,
  scan,
};

function pointOf(path: string): string | null {
  return /^(?:base|meta)\/(?<id>\d{8}T\d{6})[/-]/.exec(path)?.groups?.id ?? null;
}

/** What people have noted of a backup they take off again (`barman keep --release`), and Barman moves it: it is no part of the backup. A release of Barman
 *  that keeps `backup.info` in `meta` moves it there, too. */
function backupOf(path: string): string | null {
  return NOTED.test(path) ? null : pointOf(path);
}

const NOTED = /^base\/[^/]+\/annotations\/|^meta\/\d{8}T\d{6}-(?!backup\.info$)/;

const OWN_FOLDERS: readonly string[] = ['base', 'errors', 'incoming', 'meta', 'streaming', 'wals'];
const OWN_FILE = /^(?:identity\.json|(?:[^/]+-)?xlog\.db)$/;

function claim({ files, folders }: FolderNames): Claim | null {
  if (!folders.includes('base') || !folders.includes('wals')) return null;
  return {
    files: files.filter((name) => OWN_FILE.test(name)),
    folders: folders.filter((name) => OWN_FOLDERS.includes(name)),
  };
}

/** Folders of such names may be anybody's: Barman's hold what tells of a backup. */
async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  const meta = await reader.list(joinPath(folder, 'meta'));
  for (const id of await idsOf(reader, folder, meta)) {
    const listed = await reader.orTell(() => reader.list(joinPath(folder, `base/${id}`)));
    if (listed !== null && infoPath(id, meta, listed) !== null) return claimed;
  }
  return null;
}

/** Of all backups that have a folder, or information. */
async function idsOf(
  reader: TreeReader,
  folder: string,
  meta: readonly RepositoryEntry[],
): Promise<string[]> {
  const ids = new Set<string>();
  for (const { type, name } of await reader.list(joinPath(folder, 'base')))
    if (type === 'folder' && isBarmanId(name)) ids.add(name);
  for (const { name } of meta) {
    const id = META.exec(name)?.groups?.id;
    if (id !== undefined) ids.add(id);
  }
  return [...ids].sort();
}

const META = /^(?<id>\d{8}T\d{6})-backup\.info$/;

/** null: there is none.
 *  @param listed in the folder of the backup */
function infoPath(
  id: string,
  meta: readonly RepositoryEntry[],
  listed: readonly RepositoryEntry[],
): string | null {
  const own = meta.find(({ name }) => name === `${id}-backup.info`);
  return (own ?? listed.find(({ name }) => name === 'backup.info'))?.path ?? null;
}

/** Faults of its data: of one that is done. */
interface FoundBackup extends BuiltBackup {
  readonly info: BarmanBackup | null;
  readonly wal: BarmanBackup['wal'];
  /** Of its information. */
  readonly fault: PointFault | null;
  /** Those of its folder, without its data. */
  readonly files: readonly TreeFile[];
  /** Only its folder is left: it is none. */
  readonly isEmpty: boolean;
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  const backups: FoundBackup[] = [];
  const meta = await reader.list(joinPath(folder, 'meta'));
  for (const id of await idsOf(reader, folder, meta))
    backups.push(await readBackup(reader, folder, id, meta));
  const there = backups.filter(({ info, isEmpty }) => info !== null || !isEmpty);
  const files = await filesBelow(reader, folder, 'wals');
  const segmentBytes = backups.findLast(({ info }) => info?.segmentBytes)?.info?.segmentBytes;
  const log = await readBackupLog(reader, files, {
    segmentBytes: segmentBytes ?? null,
    openMs: OPEN_MS,
  });
  const points = [...logPoints(log, backups.filter(isDone)), ...shortPoints(log)];
  for (const backup of there) points.push(backupPoint(backup, backups, log));
  return [
    {
      id: folderWorkloadId('barman', folder),
      name: folderName('Barman', folder),
      root: folder,
      within: [...claimed.files, ...(claimed.folders ?? [])],
      points: points.sort(oldestFirst),
    },
  ];
}

async function readBackup(
  reader: TreeReader,
  folder: string,
  label: string,
  meta: readonly RepositoryEntry[],
): Promise<FoundBackup> {
  const at = joinPath(folder, `base/${label}`);
  const listed = await reader.list(at);
  const files = listed
    .filter(({ type }) => type === 'file')
    .map((entry): TreeFile => ({ ...entry, within: entry.name }));
  const isEmpty = listed.length === 0 && infoPath(label, meta, listed) === null;
  const none = { label, info: null, wal: null, parent: null, files, dataFaults: [], isEmpty };
  try {
    const path = infoPath(label, meta, listed);
    if (path === null)
      return { ...none, fault: incomplete('it has no backup.info: it has not ended').fault };
    const bytes = await reader.read(path, 0, MAX_INFO_BYTES);
    const info = parseBarmanInfo(new TextDecoder().decode(bytes));
    if (info === null && !isText(bytes))
      return { ...none, fault: broken(`${path} is nothing that Barman writes`).fault };
    if (info === null) return { ...none, fault: incomplete(`${path} ends too soon`).fault };
    const found = { ...none, info, wal: info.wal, parent: info.parent, fault: null };
    if (!isDone(found)) return found;
    const data = [...listed, ...(await reader.list(joinPath(at, 'data')))];
    return { ...found, dataFaults: dataFaultsOf(data, info) };
  } catch (error) {
    return { ...none, fault: faultOfError(error).fault };
  }
}

const MAX_INFO_BYTES = 1024 * 1024;

function isDone({ info }: Pick<FoundBackup, 'info'>): boolean {
  return info?.status === 'DONE' || info?.status === 'WAITING_FOR_WALS';
}

function backupPoint(backup: FoundBackup, all: readonly FoundBackup[], log: BackupLog): TreePoint {
  const { label, info, fault, dataFaults, files } = backup;
  const { labels: needs, faults: below } = builtOn(backup, (of) => {
    const found = all.find((one) => one.label === of);
    return found !== undefined && isDone(found) ? found : null;
  });
  const faults = [fault, ...dataFaults].filter((one) => one !== null);
  if (info !== null) faults.push(...faultsOfState(info));
  if (isDone(backup)) faults.push(...missingLog(backup.wal, log), ...below);
  const gravest = gravestFault(faults);
  const ofData = files.length === 0 ? undefined : treeEvidence(files, null);
  const evidence = isDone(backup) ? logEvidence(backup.wal, log) : ofData;
  return {
    ...{ id: label, createdAtMs: info?.endedAtMs ?? namedMs(label) ?? writtenAtMs(files) },
    ...{ kind: needs.length === 0 ? 'full' : 'increment', needs },
    ...{ state: gravest?.state ?? 'complete', reason: gravest?.reason ?? null, files: null },
    sizeBytes: info?.sizeBytes ?? 0,
    ...(evidence === undefined ? {} : { evidence }),
  };
}

function faultsOfState({ status, error }: BarmanBackup): PointFault[] {
  if (status === 'DONE' || status === 'WAITING_FOR_WALS') return [];
  if (status === 'FAILED')
    return [broken(`Barman says that it has failed${error === null ? '' : `: ${error}`}`).fault];
  return [incomplete(`Barman says that it is ${status}: it has not ended`).fault];
}

/** The files of the cluster, or tars of them; for each tablespace a folder beside them, or a tar.
 *  @param entries of the folder of the backup, and of the cluster in it */
function dataFaultsOf(
  entries: readonly RepositoryEntry[],
  { tablespaces }: BarmanBackup,
): PointFault[] {
  const isData = ({ name }: { readonly name: string }): boolean =>
    name === 'PG_VERSION' || /^(?:base|data)(?:_\d{4})?\.tar(?:\.\w+)?$/.test(name);
  if (!entries.some(isData))
    return [broken('backup.info says that it is done, and its data are not there').fault];
  // What Barman deletes loses these first.
  const missing = tablespaces.find(
    (oid) => !entries.some(({ name }) => name === oid || name.startsWith(`${oid}.tar`)),
  );
  if (missing === undefined) return [];
  return [broken(`backup.info says that it is done, and tablespace ${missing} is not there`).fault];
}

function namedMs(label: string): number | null {
  const parts =
    /^(?<year>\d{4})(?<month>\d\d)(?<day>\d\d)T(?<hour>\d\d)(?<minute>\d\d)(?<second>\d\d)$/.exec(
      label,
    )?.groups;
  return parts === undefined ? null : namedDateMs(parts);
}
