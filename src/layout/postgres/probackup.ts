import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import { joinPath, lastName } from '../../repository/repository-path.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { folderWorkloadId } from '../names/workload-id.js';
import { broken, faultOfError, gravestFault, incomplete, type PointFault } from '../point-fault.js';
import { PLUG_IN_RULES } from '../trees/database-rules.js';
import { filesBelow } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import {
  logEvidence,
  logPoints,
  missingLog,
  readBackupLog,
  shortPoints,
  type BackupLog,
} from './backup-log.js';
import { builtOn, type BuiltBackup } from './built-on.js';
import {
  isProbackupId,
  parseProbackupControl,
  probackupIdMs,
  segmentBytesIn,
  type ProbackupBackup,
} from './probackup-control.js';
import { isText } from './text-file.js';
import {
  isSegmentSize,
  isWrittenOnce,
  parseSegment,
  segmentName,
  segmentsPerLog,
  walPathsIn,
} from './wal-names.js';
import { oldestFirst } from '../trees/point-order.js';

/** What copies a catalogue brings packed segments bit by bit. */
const OPEN_MS = 60_000;

const [BACKUPS, LOG] = ['backups', 'wal'];
const CONFIGURATION = 'pg_probackup.conf';
const CONTROL = 'backup.control';
/** Of the files of a backup: where each lies, its size and its sum. */
const CONTENT = 'backup_content.control';

const WALS = walPathsIn('^wal/[^/]+/(?:[^/]+/)*');

/** The catalogue of pg_probackup: `backups/<instance>/` with `pg_probackup.conf` and a folder for each backup (`<id>/database/…`, `backup_content.control`, `backup.control`, which
 *  it writes last), and `wal/<instance>/` with the write-ahead log. Each page of a data file stands behind a head of its own, so `database` is no cluster that a server starts from. It is copied as it lies, so
 *  pg_probackup restores from the copy.
 *
 *  A workload is an instance. A restore point is a backup of which its control file says that it is `OK` or `DONE`, with its list of files, and with the log from its beginning to its end, in itself (`--stream`) or in the
 *  archive; one of `PAGE`, `DELTA` or `PTRACK` needs its parent. What the log adds is a point for each run of segments without a gap.
 *  Source: pg_probackup src/catalog.c, src/init.c, src/archive.c; no catalogue that pg_probackup wrote was at hand. */
export const probackupLayout: TreeLayout = {
  name: 'pg-probackup',
  restoredWith: '`pg_probackup restore -B /restored --instance node -D $PGDATA`',
  linesInPlace: ['pg_probackup restore -B {files} --instance INSTANCE -D PGDATA -i {id}'],
  type: { id: 'pg-probackup', title: 'PostgreSQL (pg_probackup)', rules: PLUG_IN_RULES },
  rules: {
    shape: 'store',
    classes: [
      { name: 'configuration', match: /^backups\/[^/]+\/pg_probackup\.conf$/, content: 'replaced' },
      { name: 'histories', match: WALS.history, content: 'replaced', isWrittenOnce },
      { name: 'log', match: WALS.segment, content: 'replaced', isWrittenOnce },
      { name: 'labels', match: WALS.label, content: 'replaced', isWrittenOnce },
      // A merge alone writes the files of a full anew, and of both backups their control files tell (`remadePoints`).
      {
        name: 'data',
        match: /^backups\/[^/]+\/[0-9A-Z]{6,7}\/(?!backup(?:_content)?\.control$).+/,
        content: 'replaced',
        isWrittenOnce,
        removal: { goesWith: pointOf },
      },
      {
        name: 'contents',
        match: /^backups\/[^/]+\/[0-9A-Z]{6,7}\/backup_content\.control$/,
        content: 'replaced',
        isWrittenOnce,
        removal: { goesWith: pointOf },
      },
      {
        name: 'controls',
        match: /^backups\/[^/]+\/[0-9A-Z]{6,7}\/backup\.control$/,
        content: 'replaced',
        removal: { goesWith: pointOf },
      },
    ],
    ignored:
      /^wal\/.+\.(?:part|partial|tmp)$|^backups\/[^/]+\/(?:pg_probackup\.conf\.tmp|[^/]+\/(?:backup(?:_ro)?\.pid|page_header_map_tmp|backup(?:_content)?\.control\.tmp))$/,
    digestInName: null,
    pointOf,
    // A restore takes along what backups and logs build on.
    isPointId: () => false,
    openFilesWaitMs: OPEN_MS,
    // It renames segments into place, as many a minute as the database writes.
    isFullSize: (path, sizeBytes) =>
      path.startsWith('wal/') && parseSegment(lastName(path)) !== null && isSegmentSize(sizeBytes),
    keepRemovedForDays: 14,
    suspiciousShare: 0.5,
    keeps: { modes: true, times: true, links: false },
  },
  claim: ({ folders }: FolderNames): Claim | null => {
    const own = folders.filter((name) => name === BACKUPS || name === LOG);
    return own.length === 0 ? null : { files: [], folders: own };
  },
  confirm,
  scan,
};

function pointOf(path: string): string | null {
  return /^backups\/[^/]+\/(?<id>[0-9A-Z]{6,7})\//.exec(path)?.groups?.id ?? null;
}

/** Instances by their configuration; what lies beside them in folders of such names is not theirs. Each has a folder for its log from the beginning: so of the many
 *  folders that one called `backups` may have no other is looked into. */
async function confirm(
  reader: TreeReader,
  folder: string,
  { folders: claimed = [] }: Claim,
): Promise<Claim | null> {
  const [backups, logs] = await Promise.all(
    [BACKUPS, LOG].map(async (name) => {
      const entries = await reader.list(joinPath(folder, name));
      return entries.flatMap(({ type, name: own }) => (type === 'folder' ? [own] : []));
    }),
  );
  const folders: string[] = [];
  for (const name of logs!.filter((own) => backups!.includes(own))) {
    const entries = await reader.orTell(() => reader.list(joinPath(folder, `${BACKUPS}/${name}`)));
    if (entries?.some((entry) => entry.name === CONFIGURATION) !== true) continue;
    for (const area of claimed) folders.push(`${area}/${name}`);
  }
  return folders.length === 0 ? null : { files: [], folders: folders.sort() };
}

async function scan(
  reader: TreeReader,
  folder: string,
  { folders = [] }: Claim,
): Promise<FoundTree[]> {
  const trees: FoundTree[] = [];
  for (const name of new Set(folders.map(lastName))) {
    const points = await reader.orTell(() => pointsOf(reader, folder, name));
    if (points === null) continue;
    trees.push({
      id: folderWorkloadId(`pg-probackup-${encodeURIComponent(name)}`, folder),
      name,
      ...{ root: folder, within: folders.filter((path) => lastName(path) === name) },
      points: points.sort(oldestFirst),
    });
  }
  return trees;
}

interface FoundBackup extends BuiltBackup {
  readonly control: ProbackupBackup | null;
  readonly wal: { readonly start: string; readonly stop: string } | null;
  /** Of its control file. */
  readonly fault: PointFault | null;
  /** Only its folder is left: it is none. */
  readonly isEmpty?: true;
}

async function pointsOf(reader: TreeReader, folder: string, name: string): Promise<TreePoint[]> {
  const at = joinPath(folder, `${BACKUPS}/${name}`);
  const configuration = await reader.read(joinPath(at, CONFIGURATION), 0, MAX_CONTROL_BYTES);
  const files = await filesBelow(reader, folder, `${LOG}/${name}`);
  const log = await readBackupLog(reader, files, {
    segmentBytes: segmentBytesIn(new TextDecoder().decode(configuration)),
    openMs: OPEN_MS,
  });
  const backups: FoundBackup[] = [];
  for (const { type, name: id } of await reader.list(at))
    if (type === 'folder' && isProbackupId(id)) backups.push(await readBackup(reader, at, id, log));
  const done = backups.filter(isDone);
  const there = backups.filter(({ isEmpty }) => isEmpty !== true);
  return [
    ...logPoints(log, done),
    ...shortPoints(log),
    ...there.map((backup) => backupPoint(backup, backups, log)),
  ];
}

async function readBackup(
  reader: TreeReader,
  at: string,
  label: string,
  log: BackupLog,
): Promise<FoundBackup> {
  const none = { label, control: null, parent: null, wal: null, dataFaults: [] };
  try {
    const names = (await reader.list(joinPath(at, label))).map(({ name }) => name);
    if (!names.includes(CONTROL))
      return {
        ...{ ...none, fault: incomplete(`it has no ${CONTROL}: it has not ended`).fault },
        ...(names.length === 0 ? { isEmpty: true } : {}),
      };
    const bytes = await reader.read(joinPath(at, `${label}/${CONTROL}`), 0, MAX_CONTROL_BYTES);
    const control = parseProbackupControl(new TextDecoder().decode(bytes));
    if (control === null && !isText(bytes))
      return { ...none, fault: broken(`its ${CONTROL} is nothing that pg_probackup writes`).fault };
    if (control === null)
      return { ...none, fault: incomplete(`its ${CONTROL} ends too soon`).fault };
    const found = { ...none, control, parent: control.parent, wal: segmentsOf(control, log) };
    if (!isDone(found)) return { ...found, fault: null };
    const lacking = [CONTENT, 'database'].find((name) => !names.includes(name));
    const dataFaults =
      lacking === undefined
        ? await faultsOfOwnLog(reader, joinPath(at, `${label}/database`), found)
        : [
            broken(`its ${CONTROL} says that it is ${control.status}, and ${lacking} is not there`)
              .fault,
          ];
    return { ...found, dataFaults, fault: null };
  } catch (error) {
    return { ...none, fault: faultOfError(error).fault };
  }
}

const MAX_CONTROL_BYTES = 1024 * 1024;

function isDone({ control }: Pick<FoundBackup, 'control'>): boolean {
  return control?.status === 'OK' || control?.status === 'DONE';
}

/** The last position is where the next record begins. */
function segmentsOf({ log }: ProbackupBackup, { segmentBytes }: BackupLog): FoundBackup['wal'] {
  if (log === null) return null;
  const nameAt = (position: number): string =>
    segmentName(log.timeline, Math.floor(position / segmentBytes), segmentsPerLog(segmentBytes));
  return { start: nameAt(log.from), stop: nameAt(log.to - 1) };
}

/** What a backup with its own log holds of it. */
async function faultsOfOwnLog(
  reader: TreeReader,
  database: string,
  { control, wal }: Pick<FoundBackup, 'control' | 'wal'>,
): Promise<PointFault[]> {
  if (control?.hasOwnLog !== true || wal === null) return [];
  const held = new Set<string>();
  for (const name of ['pg_wal', 'pg_xlog'])
    for (const entry of await reader.list(joinPath(database, name))) held.add(entry.name);
  const missing = [wal.start, wal.stop].find((name) => !held.has(name));
  return missing === undefined
    ? []
    : [broken(`it was made with its write-ahead log, of which ${missing} is not there`).fault];
}

function backupPoint(backup: FoundBackup, all: readonly FoundBackup[], log: BackupLog): TreePoint {
  const { label, control, wal, fault, dataFaults } = backup;
  const { labels: needs, faults: below } = builtOn(backup, (of) => {
    const found = all.find((one) => one.label === of);
    return found !== undefined && isDone(found) ? found : null;
  });
  const faults = [fault, ...dataFaults].filter((one) => one !== null);
  if (control !== null) faults.push(...faultsOfState(control));
  const isArchived = isDone(backup) && control?.hasOwnLog === false;
  if (isDone(backup)) faults.push(...(isArchived ? missingLog(wal, log) : []), ...below);
  const gravest = gravestFault(faults);
  const evidence = isArchived ? logEvidence(wal, log) : undefined;
  return {
    ...{ id: label, createdAtMs: control?.endedAtMs ?? probackupIdMs(label) },
    ...{ kind: backup.parent === null ? 'full' : 'increment', needs },
    ...{ state: gravest?.state ?? 'complete', reason: gravest?.reason ?? null, files: null },
    sizeBytes: control?.sizeBytes ?? 0,
    ...(evidence === undefined ? {} : { evidence }),
    ...(REMADE.has(control?.status ?? '') ? { isUnlisted: true } : {}),
  };
}

/** Files of it are written anew and removed. Source: src/merge.c, src/delete.c. */
const REMADE: ReadonlySet<string> = new Set(['MERGING', 'MERGED', 'DELETING', 'DELETED']);

const FAILED: ReadonlyMap<string, string> = new Map([
  ['ERROR', 'it has failed'],
  ['CORRUPT', 'files of it are damaged'],
  ['ORPHAN', 'one that it builds on is damaged or gone'],
  ['DELETING', 'it is being deleted'],
  ['DELETED', 'it was deleted'],
]);

function faultsOfState({ status }: ProbackupBackup): PointFault[] {
  if (status === 'OK' || status === 'DONE') return [];
  const failure = FAILED.get(status);
  if (failure !== undefined)
    return [broken(`pg_probackup says that it is ${status}: ${failure}`).fault];
  return [incomplete(`pg_probackup says that it is ${status}: it has not ended`).fault];
}
