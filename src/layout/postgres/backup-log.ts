import type { TreePoint } from '../../domain/trees/source-tree.js';
import { writtenAtMs } from '../named-date.js';
import { incomplete, type PointFault } from '../point-fault.js';
import type { TreeFile } from '../tree-files.js';
import type { TreeReader } from '../tree-layout.js';
import { closedParts } from './closed-runs.js';
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
  readonly fileOf: ReadonlyMap<string, TreeFile>;
}

/** A backup, as far as its log is asked for. */
export interface LoggedBackup {
  readonly label: string;
  /** Segments from which to which it needs the log; null: it was taken offline, or that is not known. */
  readonly wal: { readonly start: string; readonly stop: string } | null;
}

/** @param files those of the log, at any depth
 *  @param segmentBytes of one that is not compressed
 *  @param openMs how long a compressed segment may still be written; 0: its tool renames it into place */
export async function readBackupLog(
  reader: TreeReader,
  files: readonly TreeFile[],
  segmentBytes: number,
  openMs = 0,
): Promise<BackupLog> {
  const perLog = segmentsPerLog(segmentBytes);
  const stored = files.flatMap((file) => {
    const segment = storedSegment(file.name);
    return segment === null ? [] : [{ file, segment }];
  });
  const segments = stored.map(({ segment }) => segment);
  const timelines = new Set(segments.map(({ timeline }) => timeline));
  const origins = await timelineOrigins(reader, files, timelines, segmentBytes);
  const runs = walRuns(segments, perLog, origins);
  return {
    runs,
    closedRuns: openMs === 0 ? runs : runs.map(closedParts(stored, perLog, openMs)),
    perLog,
    fileOf: new Map(stored.map(({ file, segment }) => [segment.name, file])),
  };
}

/** A backup is consistent when its log is there from where it began to where it ended. */
export function missingLog(
  wal: LoggedBackup['wal'],
  { runs, perLog }: Pick<BackupLog, 'runs' | 'perLog'>,
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
  const range = start.name === stop.name ? start.name : `${start.name} to ${stop.name}`;
  return [incomplete(`the archive does not hold its write-ahead log, ${range}`).fault];
}

/** When the last segment was written that a backup needs, of those that are there. Epoch milliseconds. */
export function logWrittenUntilMs(
  wal: NonNullable<LoggedBackup['wal']>,
  { perLog, fileOf }: Pick<BackupLog, 'perLog' | 'fileOf'>,
): number {
  const [start, stop] = [parseSegment(wal.start), parseSegment(wal.stop)];
  if (start === null || stop === null) return -Infinity;
  let untilMs = -Infinity;
  for (let place = placeOf(start, perLog); place <= placeOf(stop, perLog); place++) {
    const file = fileOf.get(segmentName(start.timeline, place, perLog));
    if (file === undefined) break;
    untilMs = Math.max(untilMs, writtenAtMs([file]));
  }
  return untilMs;
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
