import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import { PLUG_IN_RULES } from '../database-rules.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { writtenAtMs } from '../named-date.js';
import { treeEvidence } from '../tree-evidence.js';
import { claimedTreeFiles, type TreeFile } from '../tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../workload-id.js';
import {
  DEFAULT_SEGMENT_BYTES,
  historyTimeline,
  isBackupLabel,
  isPartial,
  isSegmentSize,
  missingText,
  parseSegment,
  segmentsPerLog,
  storedSegment,
  walRuns,
  type WalRun,
} from './wal-names.js';

/** PostgreSQL never archives other bytes under a name: each of them is one stretch of one timeline. */
const isWrittenOnce = (): boolean => true;

/** A folder into which PostgreSQL archives its write-ahead log (`archive_command`, `pg_receivewal`): segments, compressed or not, labels of base
 *  backups (`.backup`) and histories of timelines (`.history`). A segment that is still received ends in `.partial` and waits.
 *
 *  A workload is a folder; a restore point a run of segments without a gap: until its last segment, the database can be rolled forward. All whole
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
      { name: 'histories', match: /^[0-9A-F]{8}\.history$/, content: 'replaced', isWrittenOnce },
      {
        name: 'segments',
        match: /^[0-9A-F]{24}(?:\.(?:gz|lz4|zst|bz2|xz))?$/,
        content: 'replaced',
        isWrittenOnce,
      },
      {
        name: 'labels',
        match: /^[0-9A-F]{24}\.[0-9A-F]{8}\.backup$/,
        content: 'replaced',
        isWrittenOnce,
      },
    ],
    ignored: /\.partial$|\.tmp$/,
    digestInName: null,
    openFilesWaitMs: 60_000,
    // A busy database archives one each few seconds. One that only passes through such a size is another file when it has been read.
    isFullSize: (path, sizeBytes) => parseSegment(path) !== null && isSegmentSize(sizeBytes),
    keepRemovedForDays: 14,
    suspiciousShare: 0.5,
    keeps: { modes: false, times: true, links: false },
  },
  claim,
  scan,
};

function claim({ files }: FolderNames): Claim | null {
  const own = files.filter(isWalName);
  return own.some((name) => storedSegment(name) !== null) ? { files: own } : null;
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
  const files = await claimedTreeFiles(reader, folder, claimed);
  const segmentBytes = sizeOfSegments(files);
  const perLog = segmentsPerLog(segmentBytes);
  const isWhole = ({ name, stamp }: TreeFile): boolean =>
    parseSegment(name) === null || stamp.sizeBytes === segmentBytes;
  const whole = files.filter(isWhole);
  const stored = whole.flatMap((file) => {
    const segment = storedSegment(file.name);
    return segment === null ? [] : [{ file, segment }];
  });
  const runs = walRuns(
    stored.map(({ segment }) => segment),
    perLog,
  );
  const fileOf = new Map(stored.map(({ file, segment }) => [segment.name, file]));
  const short = files.filter((file) => !isWhole(file));
  const histories = new Set(files.flatMap(({ name }) => historyTimeline(name) ?? []));
  const isAlone = (await reader.list(folder)).length === files.length;
  return [
    {
      id: folderWorkloadId('postgres-wal', folder),
      name: folderName('PostgreSQL WAL', folder),
      root: folder,
      ...(isAlone ? {} : { within: files.map(({ within }) => within) }),
      points: [
        ...runs.map((run) => runPoint(run, fileOf, histories, perLog)),
        ...short.map((file) => shortPoint(file, segmentBytes)),
      ].sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1)),
    },
  ];
}

/** The size that most of the uncompressed segments have. */
function sizeOfSegments(files: readonly TreeFile[]): number {
  const counts = new Map<number, number>();
  for (const { name, stamp } of files)
    if (parseSegment(name) !== null && isSegmentSize(stamp.sizeBytes))
      counts.set(stamp.sizeBytes, (counts.get(stamp.sizeBytes) ?? 0) + 1);
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most?.[0] ?? DEFAULT_SEGMENT_BYTES;
}

/** Named after its first segment: it stays the same point while it grows. */
function runPoint(
  { first, last, count, after }: WalRun,
  fileOf: ReadonlyMap<string, TreeFile>,
  histories: ReadonlySet<number>,
  perLog: number,
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

function shortPoint(file: TreeFile, segmentBytes: number): TreePoint {
  const { within, stamp } = file;
  return {
    ...{ id: within, createdAtMs: writtenAtMs([file]), kind: 'log', needs: [] },
    state: 'incomplete',
    reason: `${within} has ${stamp.sizeBytes} bytes, and the other segments have ${segmentBytes}`,
    files: null,
    evidence: treeEvidence([file], null),
  };
}
