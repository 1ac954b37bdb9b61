import type { TreePoint } from '../../domain/trees/source-tree.js';
import { writtenAtMs } from '../names/named-date.js';
import { incomplete, type PointFault } from '../point-fault.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import type { TreeFile } from '../trees/tree-files.js';
import type { TreeReader } from '../tree-layout.js';
import { closedParts } from './closed-runs.js';
import { walSizes } from './wal-sizes.js';
import { timelineOrigins } from './timeline-origins.js';
import {
  missingText,
  parseSegment,
  placeOf,
  segmentName,
  segmentsPerLog,
  storedSegment,
  walRuns,
  type WalRun,
} from './wal-names.js';

/** The write-ahead log that a store keeps beside its backups. */
export interface BackupLog {
  readonly runs: readonly WalRun[];
  /** The same without segments at their ends that may still be written. */
  readonly closedRuns: readonly WalRun[];
  readonly perLog: number;
  /** Those that are whole, as far as they tell. */
  readonly fileOf: ReadonlyMap<string, TreeFile>;
  /** Those of which nothing tells that they are whole: they are packed, whatever their names say. */
  readonly packed: ReadonlySet<TreeFile>;
  /** Those that are neither packed nor of the size that segments have: they are cut off, or still arriving. */
  readonly short: readonly TreeFile[];
  readonly segmentBytes: number;
}

/** A backup, as far as its log is asked for. */
interface LoggedBackup {
  readonly label: string;
  /** Segments from which to which it needs the log; null: it was taken offline, or that is not known. */
  readonly wal: { readonly start: string; readonly stop: string } | null;
}

interface LogOptions {
  /** Of a segment that is not packed. null: the files tell. */
  readonly segmentBytes: number | null;
  /** How long a packed segment may still be written: nothing tells its whole size. Absent: its tool renames it into place. */
  readonly openMs?: number;
}

/** The log in `files`, which are all of its folder, at any depth. */
export async function readBackupLog(
  reader: TreeReader,
  files: readonly TreeFile[],
  { segmentBytes: known, openMs = 0 }: LogOptions,
): Promise<BackupLog> {
  const sizes = await walSizes(reader, files, known);
  const { segmentBytes } = sizes;
  const perLog = segmentsPerLog(segmentBytes);
  const isPlain = (file: TreeFile): boolean =>
    parseSegment(file.name) !== null && !sizes.packed.has(file);
  const isShort = (file: TreeFile): boolean =>
    isPlain(file) && file.stamp.sizeBytes !== segmentBytes;
  const stored = files.flatMap((file) => {
    const segment = isShort(file) ? null : storedSegment(file.name);
    return segment === null ? [] : [{ file, segment, mayBeOpen: !isPlain(file) }];
  });
  const segments = stored.map(({ segment }) => segment);
  const timelines = new Set(segments.map(({ timeline }) => timeline));
  const origins = await timelineOrigins(reader, files, timelines, segmentBytes);
  const runs = walRuns(segments, perLog, origins);
  return {
    ...{ runs, perLog, segmentBytes },
    closedRuns: openMs === 0 ? runs : runs.map(closedParts(stored, perLog, openMs)),
    fileOf: new Map(stored.map(({ file, segment }) => [segment.name, file])),
    packed: new Set(stored.flatMap(({ file, mayBeOpen }) => (mayBeOpen ? [file] : []))),
    short: files.filter(isShort),
  };
}

/** A point for each segment that is not whole. */
export function shortPoints({ short, segmentBytes }: BackupLog): TreePoint[] {
  return short.map((file) => ({
    ...{ id: file.within, createdAtMs: writtenAtMs([file]), kind: 'log', needs: [] },
    state: 'incomplete',
    reason: shortText(file, segmentBytes),
    files: null,
    evidence: treeEvidence([file], null),
  }));
}

function shortText({ within, stamp }: TreeFile, segmentBytes: number): string {
  return `${within} has ${stamp.sizeBytes} bytes, and the other segments have ${segmentBytes}`;
}

/** A backup is consistent when its log is there from where it began to where it ended. */
export function missingLog(
  wal: LoggedBackup['wal'],
  { runs, perLog, short, segmentBytes }: BackupLog,
): PointFault[] {
  const start = wal === null ? null : parseSegment(wal.start);
  const stop = wal === null ? null : parseSegment(wal.stop);
  if (start === null || stop === null) return [];
  const isHeld = runs.some(
    ({ first, last }) =>
      first.timeline === start.timeline &&
      placeOf(first, perLog) <= placeOf(start, perLog) &&
      placeOf(stop, perLog) <= placeOf(last, perLog),
  );
  if (isHeld) return [];
  const cut = short.find(({ name }) => start.name <= name && name <= stop.name);
  if (cut !== undefined) return [incomplete(shortText(cut, segmentBytes)).fault];
  const range = start.name === stop.name ? start.name : `${start.name} to ${stop.name}`;
  return [incomplete(`the archive does not hold its write-ahead log, ${range}`).fault];
}

/** When the last segment was written that a backup needs, of those that are there. Epoch milliseconds. */
export function logWrittenUntilMs(wal: NonNullable<LoggedBackup['wal']>, log: BackupLog): number {
  return logOf(wal, log).reduce((until, file) => Math.max(until, writtenAtMs([file])), -Infinity);
}

/** Whether the segments that a backup needs may still arrive, which nothing but time tells of packed ones. undefined: they are whole. */
export function logEvidence(wal: LoggedBackup['wal'], log: BackupLog): TreePoint['evidence'] {
  const packed = wal === null ? [] : logOf(wal, log).filter((file) => log.packed.has(file));
  return packed.length === 0 ? undefined : treeEvidence(packed, 'silent');
}

/** Segments from the beginning of a backup to its end, as far as they are there without a gap. */
function logOf(wal: NonNullable<LoggedBackup['wal']>, { perLog, fileOf }: BackupLog): TreeFile[] {
  const [start, stop] = [parseSegment(wal.start), parseSegment(wal.stop)];
  const files: TreeFile[] = [];
  if (start === null || stop === null) return files;
  for (let place = placeOf(start, perLog); place <= placeOf(stop, perLog); place++) {
    const file = fileOf.get(segmentName(start.timeline, place, perLog));
    if (file === undefined) break;
    files.push(file);
  }
  return files;
}

/** The runs that a backup can be rolled forward along: each is a point that ends with its last segment.
 *  @param backups oldest first */
export function logPoints(
  { closedRuns, perLog, fileOf }: BackupLog,
  backups: readonly LoggedBackup[],
): TreePoint[] {
  return closedRuns.map(({ first, last, after }) => {
    const newest = fileOf.get(last.name);
    const base = backups.findLast(({ wal }) => {
      const stop = wal === null ? null : parseSegment(wal.stop);
      return (
        stop?.timeline === first.timeline &&
        placeOf(first, perLog) <= placeOf(stop, perLog) &&
        placeOf(stop, perLog) <= placeOf(last, perLog)
      );
    });
    const missing =
      after !== null ? `the write-ahead log ${missingText(after, first, perLog)} is missing` : null;
    return {
      id: first.name,
      createdAtMs: newest === undefined ? 0 : writtenAtMs([newest]),
      kind: 'log',
      needs: base === undefined ? [] : [base.label],
      ...{ state: 'complete', reason: null, files: null },
      ...(missing === null ? {} : { gap: missing }),
    };
  });
}
