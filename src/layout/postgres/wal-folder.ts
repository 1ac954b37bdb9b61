import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import { PLUG_IN_RULES } from '../trees/database-rules.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { writtenAtMs } from '../names/named-date.js';
import { claimedTreeFiles } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { joinPath } from '../../repository/repository-path.js';
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

/** How long a compressed segment may still be written: nothing tells its whole size. */
const OPEN_MS = 60_000;

const WALS = walPathsIn('(?:^|/)');

/** A folder into which PostgreSQL archives its write-ahead log (`archive_command`, `pg_receivewal`): segments, compressed or not, labels of base
 *  backups (`.backup`) and histories of timelines (`.history`). A segment that is still received ends in `.partial` and waits.
 *
 *  A workload is a folder, with the folders of its logs where an archive has such (`wals/0000000100000002/…` of Barman); a restore point a run of segments without a gap: until its last segment, the database can be rolled forward. All whole
 *  segments of a folder have one size, so a shorter one is cut off or still being written, and ends the run before it.
 *  It is log and nothing else: a job copies it when it copies transaction logs. */
export const walFolderLayout: TreeLayout = {
  name: 'postgres-wal',
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
      parseSegment(path.slice(path.lastIndexOf('/') + 1)) !== null && isSegmentSize(sizeBytes),
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
  if (folders.includes('archive_status')) return null;
  const own = files.filter(isWalName);
  const shards = folders.filter(isShard);
  if (shards.length > 0) return { files: own, folders: shards };
  return own.some((name) => storedSegment(name) !== null) ? { files: own } : null;
}

/** Folders of such names may be anybody's: those are, in which segments of their log lie. */
async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  if (claimed.folders === undefined) return claimed;
  const folders: string[] = [];
  for (const name of claimed.folders) {
    const entries = await reader.list(joinPath(folder, name));
    if (entries.some((entry) => entry.name.startsWith(name) && isWalName(entry.name)))
      folders.push(name);
  }
  const { files } = claimed;
  if (folders.length > 0) return { files, folders };
  return files.some((name) => storedSegment(name) !== null) ? { files } : null;
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
  const all = await claimedTreeFiles(reader, folder, claimed);
  const files = all.filter(({ name }) => isWalName(name));
  const log = await readBackupLog(reader, files, { segmentBytes: null, openMs: OPEN_MS });
  const histories = new Set(files.flatMap(({ name }) => historyTimeline(name) ?? []));
  const within = [...claimed.files, ...(claimed.folders ?? [])];
  const isAlone = (await reader.list(folder)).length === within.length;
  return [
    {
      id: folderWorkloadId('postgres-wal', folder),
      name: folderName('PostgreSQL WAL', folder),
      root: folder,
      ...(isAlone ? {} : { within }),
      points: [
        ...log.closedRuns.map((run) => runPoint(run, log, histories)),
        ...shortPoints(log),
      ].sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1)),
    },
  ];
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
