import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import { MAX_OPENING_BYTES } from '../../domain/trees/tree-rules.js';
import { PLUG_IN_RULES } from '../trees/database-rules.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { writtenAtMs } from '../names/named-date.js';
import { broken, faultOfError, gravestFault, incomplete, type PointFault } from '../point-fault.js';
import { wholeText } from '../trees/store-rules.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import { filesBelow, type TreeFile } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderWorkloadId } from '../names/workload-id.js';
import {
  isBackupLabelName,
  isEncrypted,
  listedBackups,
  parseInfo,
  type ListedBackup,
} from './backrest-info.js';
import { logPoints, missingLog, readBackupLog, type BackupLog } from './backup-log.js';
import { DEFAULT_SEGMENT_BYTES, isSegmentSize, parseSegment } from './wal-names.js';
import { joinPath } from '../../repository/repository-path.js';
import { oldestFirst } from '../trees/point-order.js';

/** A repository of pgBackRest: `backup/<stanza>/` with `backup.info`, a folder for each backup and their history, and `archive/<stanza>/` with the
 *  write-ahead log. It is copied as it lies, so pgBackRest restores from the copy.
 *
 *  A workload is a stanza. A restore point is a backup that `backup.info` lists and that has its `backup.manifest`: pgBackRest writes the manifest
 *  when all data are there, and lists it last. What the log adds is a point for each run of segments without a gap.
 *  What expires leaves `backup.info` first, and its files afterwards.
 *  The information file has a copy beside it and a digest inside; the first that is sound counts. */
export const pgBackRestLayout: TreeLayout = {
  name: 'pgbackrest',
  restoredWith: '`pgbackrest --stanza=main restore`',
  linesInPlace: [
    'pgbackrest --repo1-path={files} info',
    'pgbackrest --repo1-path={files} --stanza=STANZA restore',
  ],
  type: { id: 'pgbackrest', title: 'PostgreSQL (pgBackRest)', rules: PLUG_IN_RULES },
  rules: {
    shape: 'store',
    classes: [
      {
        ...{ name: 'log', match: /^archive\/[^/]+\/[^/]+\/.+/, content: 'immutable' },
        removal: { rewrites: /^backup\/[^/]+\/backup\.info$/ },
      },
      {
        name: 'data',
        match: /^backup\/[^/]+\/\d{8}-\d{6}F[^/]*\/(?!backup\.manifest(?:\.copy)?$).+/,
        content: 'immutable',
        removal: { goesWith: backupOf },
      },
      {
        name: 'manifests',
        match: /^backup\/[^/]+\/\d{8}-\d{6}F[^/]*\/.+/,
        content: 'replaced',
        // While a backup is made its copy is written again and again.
        isWrittenOnce: (path) => path.endsWith('/backup.manifest'),
        removal: { goesWith: backupOf },
      },
      { name: 'history', match: /^backup\/[^/]+\/backup\.history\/.+/, content: 'replaced' },
      {
        name: 'archive-information',
        match: /^archive\/[^/]+\/archive\.info(?:\.copy)?$/,
        content: 'replaced',
        opensStore: whatInfoIs,
      },
      {
        name: 'backup-information',
        match: /^backup\/[^/]+\/backup\.info(?:\.copy)?$/,
        content: 'replaced',
        opensStore: whatInfoIs,
      },
    ],
    // `latest` is a link to the newest backup for people; pgBackRest makes it anew and reads it never. So are links to tablespaces, which it makes where files are
    // hard links.
    ignored:
      /\.pgbackrest\.tmp$|^(?:lock|log)\/|^backup\/[^/]+\/latest$|^backup\/[^/]+\/\d{8}-\d{6}F[^/]*\/pg_data\/pg_tblspc\/\d+$/,
    digestInName: null,
    // What is not finished has a temporary name.
    openFilesWaitMs: 0,
    keepRemovedForDays: 14,
    suspiciousShare: 0.5,
    keeps: { modes: true, times: true, links: false },
  },
  claim,
  confirm,
  scan,
};

function backupOf(path: string): string | null {
  return path.split('/')[2] ?? null;
}

/** Each backup writes it anew, with the passphrase of what is in the repository: it stays what it is, encrypted or whole. */
function whatInfoIs(path: string, bytes: Uint8Array): string {
  if (isEncrypted(bytes)) return 'encrypted';
  return parseInfo(new TextDecoder().decode(bytes)) === null ? wholeText(path, bytes) : 'whole';
}

const FOLDERS = ['archive', 'backup'] as const;

function claim({ folders }: FolderNames): Claim | null {
  return FOLDERS.every((name) => folders.includes(name)) ? { files: [], folders: FOLDERS } : null;
}

/** Of a stanza that cannot be listed its log tells: that is nobody else’s. */
async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  for (const { name, path, type } of await reader.list(joinPath(folder, 'backup'))) {
    if (type !== 'folder') continue;
    const archive = joinPath(folder, `archive/${name}`);
    const isStanza =
      (await hasInfo(reader, path, 'backup.info')) ??
      (await hasInfo(reader, archive, 'archive.info'));
    if (isStanza === true) return claimed;
  }
  return null;
}

/** null: it cannot be listed. */
async function hasInfo(reader: TreeReader, path: string, info: string): Promise<boolean | null> {
  const entries = await reader.orTell(() => reader.list(path));
  return entries?.some(({ name }) => name === info || name === `${info}.copy`) ?? null;
}

async function stanzasOf(reader: TreeReader, folder: string): Promise<string[]> {
  const stanzas: string[] = [];
  for (const { name, path, type } of await reader.list(joinPath(folder, 'backup'))) {
    if (type === 'folder' && (await hasInfo(reader, path, 'backup.info'))) stanzas.push(name);
  }
  return stanzas;
}

async function scan(reader: TreeReader, folder: string): Promise<FoundTree[]> {
  const trees: FoundTree[] = [];
  for (const stanza of await stanzasOf(reader, folder)) {
    const points = await reader.orTell(() => pointsOf(reader, folder, stanza));
    if (points === null) continue;
    trees.push({
      id: folderWorkloadId(`pgbackrest-${encodeURIComponent(stanza)}`, folder),
      name: stanza,
      root: folder,
      within: [`archive/${stanza}`, `backup/${stanza}`],
      points: points.sort(oldestFirst),
    });
  }
  return trees;
}

async function pointsOf(reader: TreeReader, folder: string, stanza: string): Promise<TreePoint[]> {
  const at = joinPath(folder, `backup/${stanza}`);
  const entries = await reader.list(at);
  const folders = entries.filter(({ type, name }) => type === 'folder' && isBackupLabelName(name));
  const listed = await readListed(reader, at);
  if ('fault' in listed) return [unreadableStore(listed.fault, entries)];
  const log = await readLog(reader, folder, stanza, listed.backups);
  const points = [...logPoints(log, listed.backups)];
  for (const backup of listed.backups)
    points.push(await backupPoint(reader, at, backup, listed.backups, log));
  for (const { name } of folders)
    if (!listed.backups.some(({ label }) => label === name))
      points.push(await unlistedPoint(reader, at, name));
  return points;
}

type Listed = { readonly backups: readonly ListedBackup[] } | { readonly fault: PointFault };

/** The first of the two that is sound: pgBackRest writes one after the other. */
async function readListed(reader: TreeReader, at: string): Promise<Listed> {
  let fault: PointFault = incomplete(`${at}/backup.info is missing`).fault;
  for (const name of ['backup.info', 'backup.info.copy']) {
    const path = `${at}/${name}`;
    try {
      const bytes = await readAll(reader, path);
      if (bytes === null) fault = broken(`${path} has more than ${MAX_OPENING_BYTES} bytes`).fault;
      else if (isEncrypted(bytes))
        fault = {
          state: 'unknown',
          reason: `${path} is encrypted, so that its backups are not known`,
        };
      else {
        const info = parseInfo(new TextDecoder().decode(bytes));
        if (info !== null) return { backups: listedBackups(info) };
        fault = broken(`${path} does not have the digest that it claims`).fault;
      }
    } catch (error) {
      fault = faultOfError(error).fault;
    }
  }
  return { fault };
}

/** null: it has more than is read. */
async function readAll(reader: TreeReader, path: string): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (;;) {
    const part = await reader.read(path, offset, PART_BYTES);
    offset += part.length;
    parts.push(part);
    if (part.length < PART_BYTES) return Buffer.concat(parts);
    if (offset > MAX_OPENING_BYTES) return null;
  }
}

const PART_BYTES = 1024 * 1024;

/** What cannot be told apart is one point: an encrypted repository travels as it is, dated by its information file. */
function unreadableStore(
  { state, reason }: PointFault,
  entries: readonly Pick<TreeFile, 'name' | 'stamp'>[],
): TreePoint {
  const isSealed = state === 'unknown';
  const createdAtMs = writtenAtMs(entries.filter(({ name }) => name.startsWith('backup.info')));
  return {
    id: isSealed ? new Date(createdAtMs).toISOString() : 'backup.info',
    createdAtMs,
    kind: 'snapshot',
    needs: [],
    state: isSealed ? 'complete' : state,
    reason: isSealed ? null : reason,
    files: null,
  };
}

async function backupPoint(
  reader: TreeReader,
  at: string,
  backup: ListedBackup,
  all: readonly ListedBackup[],
  log: BackupLog,
): Promise<TreePoint> {
  const { label, kind, references, endedAtMs, sizeBytes } = backup;
  const names = (await reader.list(`${at}/${label}`)).map(({ name }) => name);
  const faults: PointFault[] = [];
  if (!names.includes('backup.manifest'))
    faults.push(broken(`backup.info lists it, and it has no backup.manifest`).fault);
  if (backup.error) faults.push(broken('pgBackRest found invalid pages in it').fault);
  for (const reference of references)
    if (!all.some((one) => one.label === reference))
      faults.push(broken(`it needs ${reference}, which backup.info does not list`).fault);
  faults.push(...missingLog(backup.wal, log));
  const fault = gravestFault(faults);
  return {
    ...{ id: label, createdAtMs: endedAtMs, kind: kind === 'full' ? 'full' : 'increment' },
    ...{ needs: references, state: fault?.state ?? 'complete', reason: fault?.reason ?? null },
    ...{ files: null, sizeBytes },
  };
}

/** Killed, or running: the manifest is written when all data are there, and its copy before. */
async function unlistedPoint(reader: TreeReader, at: string, label: string): Promise<TreePoint> {
  const files = (await reader.list(`${at}/${label}`))
    .filter(({ type }) => type === 'file')
    .map((entry) => ({ ...entry, within: entry.name }));
  const hasManifest = files.some(({ name }) => name === 'backup.manifest');
  return {
    id: label,
    createdAtMs: writtenAtMs(files),
    kind: label.endsWith('F') ? 'full' : 'increment',
    needs: [],
    state: 'incomplete',
    reason: `backup.info does not list it${hasManifest ? '' : ', and it has no backup.manifest'}: it has not ended`,
    files: null,
    isUnlisted: true,
    ...(files.length === 0 ? {} : { evidence: treeEvidence(files, null) }),
  };
}

/** Segments of every version and system of the stanza: names of one stanza are of one line of databases. */
async function readLog(
  reader: TreeReader,
  folder: string,
  stanza: string,
  backups: readonly ListedBackup[],
): Promise<BackupLog> {
  const files = await filesBelow(reader, folder, `archive/${stanza}`);
  return readBackupLog(reader, files, { segmentBytes: segmentBytesOf(backups) });
}

/** Stored segments are compressed; where a backup began, in bytes and as a segment, tells their size. */
function segmentBytesOf(backups: readonly ListedBackup[]): number {
  const known = backups.flatMap(({ wal, startLsn }) => {
    const segment = wal === null ? null : parseSegment(wal.start);
    const low = Number.parseInt(startLsn?.split('/')[1] ?? '', 16);
    return segment === null || Number.isNaN(low) ? [] : [{ segment: segment.segment, low }];
  });
  for (let bytes = 1024 * 1024; isSegmentSize(bytes) && known.length > 0; bytes *= 2)
    if (known.every(({ segment, low }) => Math.floor(low / bytes) === segment)) return bytes;
  return DEFAULT_SEGMENT_BYTES;
}
