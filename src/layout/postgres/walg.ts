import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import { joinPath } from '../../repository/repository-path.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { PLUG_IN_RULES } from '../trees/database-rules.js';
import { writtenAtMs } from '../names/named-date.js';
import { broken, gravestFault, incomplete, type PointFault } from '../point-fault.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import { filesBelow, type TreeFile } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import {
  logPoints,
  logWrittenUntilMs,
  missingLog,
  readBackupLog,
  shortPoints,
  type BackupLog,
} from './backup-log.js';
import { isText } from './text-file.js';
import { readFilesMetadata } from './files-metadata.js';
import { builtOn, type BuiltBackup } from './built-on.js';
import {
  DEFAULT_SEGMENT_BYTES,
  isWrittenOnce,
  parseSegment,
  segmentName,
  segmentsPerLog,
  walPathsIn,
} from './wal-names.js';
import { oldestFirst } from '../trees/point-order.js';

/** WAL-G writes under final names, and nothing tells the whole size of what is packed. */
const OPEN_MS = 60_000;

const WALS = walPathsIn('^wal_005/');

/** A store of WAL-G for PostgreSQL: `basebackups_005/<name>/tar_partitions/…`, beside each folder `<name>_backup_stop_sentinel.json`, which is written when all tars are there, and
 *  `wal_005/` with the write-ahead log, packed. It is copied as it lies, so WAL-G fetches from the copy.
 *
 *  A workload is a store. A restore point is a backup with its sentinel, the control file, which WAL-G packs last, and the tars that its sentinel, or `files_metadata.json`, names (their numbers have holes); one that was made as a delta (`…_D_…`) needs the one that the sentinel names. What the log adds is a point for
 *  each run of segments without a gap.
 *  Source: wal-g internal/databases/postgres (backup_sentinel_dto.go, backup_name.go), utility/utility.go (paths); no store that WAL-G wrote was at hand. */
export const walgLayout: TreeLayout = {
  name: 'wal-g',
  restoredWith: '`WALG_FILE_PREFIX=/restored wal-g backup-fetch $PGDATA LATEST`',
  linesInPlace: ['WALG_FILE_PREFIX={files} wal-g backup-fetch PGDATA {id}'],
  type: { id: 'wal-g', title: 'PostgreSQL (WAL-G)', rules: PLUG_IN_RULES },
  rules: {
    shape: 'store',
    classes: [
      { name: 'histories', match: WALS.history, content: 'replaced', isWrittenOnce },
      { name: 'log', match: WALS.segment, content: 'replaced', isWrittenOnce },
      // Labels, and what WAL-G notes of the pages that segments change (`_delta`).
      { name: 'notes', match: /^wal_005\/[0-9A-F]{24}[._].+$/, content: 'replaced' },
      {
        ...{ name: 'data', match: /^basebackups_005\/[^/]+\/.+/, content: 'replaced' },
        // `wal-g backup-mark` notes in it that a backup is to stay.
        isWrittenOnce: (path) => !path.endsWith('/metadata.json'),
        removal: { goesWith: pointOf },
      },
      {
        name: 'sentinels',
        match: /^basebackups_005\/[^/]+_backup_stop_sentinel\.json$/,
        content: 'replaced',
        removal: { goesWith: pointOf },
      },
    ],
    ignored: /\.tmp$/,
    digestInName: null,
    pointOf,
    // A restore takes along what deltas and logs build on.
    isPointId: () => false,
    openFilesWaitMs: OPEN_MS,
    keepRemovedForDays: 14,
    suspiciousShare: 0.5,
    keeps: { modes: true, times: true, links: false },
  },
  claim,
  confirm,
  scan,
};

function pointOf(path: string): string | null {
  const found = /^basebackups_005\/(?<name>[^/]+?)(?:\/|_backup_stop_sentinel\.json$)/.exec(path);
  return found?.groups?.name ?? null;
}

const [BACKUPS, LOG] = ['basebackups_005', 'wal_005'];
const SENTINEL = /^(?<name>base_[0-9A-F]{24}(?:_D_[0-9A-F]{24})?)_backup_stop_sentinel\.json$/;
const NAME = /^base_(?<start>[0-9A-F]{24})(?:_D_[0-9A-F]{24})?$/;
const SENTINEL_HEAD_BYTES = 4_096;
const MAX_SENTINEL_BYTES = 16 * 1024 * 1024;

function claim({ folders }: FolderNames): Claim | null {
  const isOwn = folders.includes(BACKUPS) && folders.includes(LOG);
  return isOwn ? { files: [], folders: [BACKUPS, LOG] } : null;
}

/** WAL-G keeps backups of other databases in a folder of the same name. */
async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  const entries = await reader.list(joinPath(folder, BACKUPS));
  return entries.some(({ name }) => SENTINEL.test(name) || NAME.test(name)) ? claimed : null;
}

interface FoundBackup extends BuiltBackup {
  readonly sentinel: TreeFile | null;
  readonly values: Readonly<Record<string, unknown>>;
  /** Something else has written over its sentinel. */
  readonly isNoText: boolean;
  readonly wal: { readonly start: string; readonly stop: string } | null;
  readonly files: readonly TreeFile[];
}

async function scan(reader: TreeReader, folder: string): Promise<FoundTree[]> {
  const all = await reader.list(joinPath(folder, BACKUPS));
  const labels = all.flatMap(({ name }) => SENTINEL.exec(name)?.groups?.name ?? []);
  const begun = all.flatMap(({ type, name }) => (type === 'folder' && NAME.test(name) ? name : []));
  const backups: FoundBackup[] = [];
  for (const label of [...new Set([...labels, ...begun])].sort()) {
    const entry = all.find(({ name }) => name === `${label}_backup_stop_sentinel.json`);
    const sentinel = entry === undefined ? null : { ...entry, within: entry.name };
    const read =
      sentinel && (await reader.orTell(() => reader.readJson(sentinel.path, MAX_SENTINEL_BYTES)));
    const values =
      typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : {};
    const files = await filesBelow(reader, folder, `${BACKUPS}/${label}`);
    // Of a backup that WAL-G has removed folders may stay.
    if (sentinel === null && files.length === 0) continue;
    const head =
      sentinel !== null && read === null
        ? await reader.orTell(() => reader.read(sentinel.path, 0, SENTINEL_HEAD_BYTES))
        : null;
    const isNoText = head !== null && !isText(head);
    backups.push({
      ...{ label, sentinel, values, isNoText, files, wal: logOf(label, values) },
      parent: typeof values['DeltaFrom'] === 'string' ? values['DeltaFrom'] : null,
      dataFaults: faultsOfTars(
        { sentinel, values, isNoText, files },
        await tarsListed(reader, { values, files }),
      ),
    });
  }
  const log = await readBackupLog(reader, await filesBelow(reader, folder, LOG), {
    segmentBytes: null,
    openMs: OPEN_MS,
  });
  const finished = backups.filter(({ sentinel }) => sentinel !== null);
  const byLabel = new Map(backups.map((backup) => [backup.label, backup]));
  const points = [
    ...logPoints(log, finished),
    ...shortPoints(log),
    ...backups.map((backup) => backupPoint(backup, byLabel, log)),
  ];
  return [
    {
      id: folderWorkloadId('wal-g', folder),
      name: folderName('WAL-G', folder),
      ...{ root: folder, within: [BACKUPS, LOG] },
      points: points.sort(oldestFirst),
    },
  ];
}

/** A backup is named by the segment in which it began; where it ended stands in its sentinel. That is a number beyond those that JSON keeps to the digit, which tells the segment all the
 *  same. Segments of another size than the usual one are not told by anything: then only that of its beginning counts. */
function logOf(label: string, { LSN, FinishLSN }: FoundBackup['values']): FoundBackup['wal'] {
  const start = parseSegment(NAME.exec(label)?.groups?.start ?? '');
  if (start === null) return null;
  const isUsual =
    typeof LSN === 'number' &&
    nameAt(start.timeline, LSN) === start.name &&
    typeof FinishLSN === 'number';
  return { start: start.name, stop: isUsual ? nameAt(start.timeline, FinishLSN - 1) : start.name };
}

/** Of the segment that holds a position. */
function nameAt(timeline: number, position: number): string {
  const place = Math.floor(position / DEFAULT_SEGMENT_BYTES);
  return segmentName(timeline, place, segmentsPerLog(DEFAULT_SEGMENT_BYTES));
}

function backupPoint(
  backup: FoundBackup,
  all: ReadonlyMap<string, FoundBackup>,
  log: BackupLog,
): TreePoint {
  const { label, sentinel, wal, files, dataFaults } = backup;
  const { labels: needs, faults: below } = builtOn(backup, (of) => {
    const found = all.get(of);
    return found === undefined || found.sentinel === null ? null : found;
  });
  const faults = [...dataFaults, ...below];
  if (sentinel !== null) faults.push(...missingLog(wal, log));
  const fault = gravestFault(faults);
  return {
    ...{ id: label, createdAtMs: writtenAtMs(sentinel === null ? files : [sentinel]) },
    ...{ kind: needs.length === 0 ? 'full' : 'increment', needs },
    ...{ state: fault?.state ?? 'complete', reason: fault?.reason ?? null, files: null },
    sizeBytes: files.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
    ...(sentinel !== null || files.length === 0 ? {} : { evidence: treeEvidence(files, null) }),
    // It ends when its log is archived.
    ...(sentinel === null || wal === null
      ? {}
      : { writtenUntilMs: Math.max(writtenAtMs([sentinel]), logWrittenUntilMs(wal, log)) }),
  };
}

/** @param listed names of tars, as `tarsListed` tells */
function faultsOfTars(
  { sentinel, values, isNoText, files }: Omit<FoundBackup, keyof BuiltBackup | 'wal'>,
  listed: TarsListed,
): PointFault[] {
  if (sentinel === null) return [incomplete('it has no sentinel: it has not ended').fault];
  const faults: PointFault[] = [];
  if (sentinel.stamp.sizeBytes > MAX_SENTINEL_BYTES)
    faults.push({
      state: 'unknown',
      reason: `its sentinel has ${sentinel.stamp.sizeBytes} bytes, of which at most ${MAX_SENTINEL_BYTES} are read: what it needs is not known`,
    });
  else if (isNoText) faults.push(broken('its sentinel is nothing that WAL-G writes').fault);
  else if (Object.keys(values).length === 0)
    faults.push(incomplete('its sentinel ends too soon').fault);
  const tars = files.flatMap(({ within, name }) => (within.includes(TARS) ? [name] : []));
  const missing = listed.names.find((name) => !tars.includes(name));
  if (tars.length === 0)
    faults.push(broken('it has a sentinel, and none of its tars is there').fault);
  else if (!tars.some((name) => /^pg_control\.tar(?:\.|$)/.test(name)))
    faults.push(broken('it has a sentinel, and the tar of its control file is not there').fault);
  else if (missing !== undefined)
    faults.push(broken(`its ${listed.by} names ${missing}, which is not there`).fault);
  if (listed.fault !== null) faults.push(listed.fault);
  return faults;
}

interface TarsListed {
  readonly by: 'sentinel' | 'files_metadata.json';
  readonly names: readonly string[];
  /** Of what lists them. */
  readonly fault: PointFault | null;
}

/** Sentinels of older releases name the tars and what lies in them; since then a file beside the tars does, unless that was turned off. */
async function tarsListed(
  reader: TreeReader,
  { values, files }: Pick<FoundBackup, 'values' | 'files'>,
): Promise<TarsListed> {
  const ofSentinel = listedTars(values);
  const metadata = files.find(({ within, name }) => name === METADATA && !within.includes(TARS));
  if (ofSentinel.length > 0 || metadata === undefined)
    return { by: 'sentinel', names: ofSentinel, fault: null };
  const by = METADATA;
  const found = await reader.orTell(() =>
    reader.factOf(metadata, 'tars of a backup of WAL-G', readFilesMetadata),
  );
  if (found === null) return { by, names: [], fault: unreadFault(metadata) };
  if ('fault' in found) return { by, names: [], fault: found.fault };
  const { isWhole, tars: names } = found.value;
  return { by, names, fault: isWhole ? null : incomplete(`its ${METADATA} ends too soon`).fault };
}

function unreadFault({ within }: TreeFile): PointFault {
  return { state: 'unknown', reason: `${within} cannot be read` };
}

const METADATA = 'files_metadata.json';
const TARS = '/tar_partitions/';

function listedTars({ TarFileSets }: FoundBackup['values']): string[] {
  return typeof TarFileSets === 'object' && TarFileSets !== null ? Object.keys(TarFileSets) : [];
}
