/** Names in a folder of write-ahead log. Source: PostgreSQL src/include/access/xlog_internal.h (XLogFileName, XLogFromFileName, BackupHistoryFileName,
 *  TLHistoryFileName). */

export interface WalSegment {
  /** 24 hexadecimal digits. */
  readonly name: string;
  /** First eight digits, as a number. */
  readonly timeline: number;
  /** The middle eight: which run of 4 GiB. */
  readonly log: number;
  /** The last eight: which segment of that run. */
  readonly segment: number;
}

/** Endings of what archives with: gzip, lz4, zstd, bzip2, xz; WAL-G also brotli, lzo and lzma. */
const PACKED = '(?:\\.(?:gz|lz4|zst|bz2|xz|br|lzo|lzma))?';

const SEGMENT = /^(?<timeline>[0-9A-F]{8})(?<log>[0-9A-F]{8})(?<segment>[0-9A-F]{8})$/;
/** Of a compressed archive, or of pgBackRest, which puts the SHA-1 of the segment behind its name. */
const STORED = new RegExp(`^(?<name>[0-9A-F]{24})(?:-(?<sha1>[0-9a-f]{40}))?${PACKED}$`);
const LABEL = new RegExp(`^[0-9A-F]{24}\\.[0-9A-F]{8}\\.backup${PACKED}$`);
const HISTORY = new RegExp(`^(?<timeline>[0-9A-F]{8})\\.history${PACKED}$`);
const PARTIAL = /^[0-9A-F]{24}(?:\.(?:gz|lz4|zst))?\.partial$/;
/** Barman and others lay segments into folders named by timeline and log. */
const SHARD = /^[0-9A-F]{16}$/;

/** The same of paths, for those that only copy them. */
interface WalPaths {
  readonly history: RegExp;
  readonly segment: RegExp;
  readonly label: RegExp;
}

/** @param folders what stands before a name, as a pattern */
export function walPathsIn(folders: string): WalPaths {
  const pathOf = ({ source }: RegExp): RegExp => new RegExp(source.replace('^', folders));
  return { history: pathOf(HISTORY), segment: pathOf(STORED), label: pathOf(LABEL) };
}

/** PostgreSQL never archives other bytes under a name: each of them is one stretch of one timeline. */
export function isWrittenOnce(): boolean {
  return true;
}

/** null: no name of a segment. */
export function parseSegment(name: string): WalSegment | null {
  const parts = SEGMENT.exec(name)?.groups;
  if (parts === undefined) return null;
  const [timeline, log, segment] = [parts.timeline, parts.log, parts.segment].map((digits) =>
    Number.parseInt(digits ?? '', 16),
  ) as [number, number, number];
  return { name, timeline, log, segment };
}

/** The segment that a file holds, compressed or not; null: it holds none. */
export function storedSegment(fileName: string): WalSegment | null {
  const name = STORED.exec(fileName)?.groups?.name;
  return name === undefined ? null : parseSegment(name);
}

/** A folder for the segments of one log of one timeline. */
export function isShard(folderName: string): boolean {
  return SHARD.test(folderName);
}

export function isBackupLabel(fileName: string): boolean {
  return LABEL.test(fileName);
}

/** The timeline whose beginning a file tells; null: it is no history file. */
export function historyTimeline(fileName: string): number | null {
  const digits = HISTORY.exec(fileName)?.groups?.timeline;
  return digits === undefined ? null : Number.parseInt(digits, 16);
}

/** A segment that is being received, or that a timeline left unfinished: the server renames it, or writes the whole one under another name. */
export function isPartial(fileName: string): boolean {
  return PARTIAL.test(fileName);
}

/** Segments of one timeline that follow one another without a gap. */
export interface WalRun {
  readonly first: WalSegment;
  readonly last: WalSegment;
  readonly count: number;
  /** The last segment before the gap that this run stands behind, of its timeline or of one that this has come from; null: there is none before it. */
  readonly after: WalSegment | null;
}

/** A timeline that another one has come from. */
export interface TimelineOrigin {
  readonly timeline: number;
  /** Of the segment in which it was left, which the next timeline has, too. */
  readonly place: number;
}

/** The runs of all timelines, by timeline and place.
 *  @param segments in any order, each once or more
 *  @param perLog segments in 4 GiB of log: 256 of 16 MiB
 *  @param origins of timelines, oldest first, as far as histories tell them */
export function walRuns(
  segments: readonly WalSegment[],
  perLog: number,
  origins: ReadonlyMap<number, readonly TimelineOrigin[]> = new Map(),
): WalRun[] {
  const ordered = [...segments].sort((a, b) => (a.name < b.name ? -1 : 1));
  const runs: WalRun[] = [];
  for (const [index, segment] of ordered.entries()) {
    const open = runs.at(-1);
    if (open?.last.timeline !== segment.timeline) {
      const older = ordered.slice(0, index);
      const after = lastBeforeSwitch(segment, older, perLog, origins.get(segment.timeline));
      runs.push({ first: segment, last: segment, count: 1, after });
    } else if (placeOf(segment, perLog) <= placeOf(open.last, perLog)) continue;
    else if (placeOf(segment, perLog) === placeOf(open.last, perLog) + 1)
      runs[runs.length - 1] = { ...open, last: segment, count: open.count + 1 };
    else runs.push({ first: segment, last: segment, count: 1, after: open.last });
  }
  return runs;
}

/** The last segment before a gap in front of the first of a timeline; null: it follows, or nothing lies before it. A timeline begins with the segment in
 *  which the one before it was left. Without its history any older one may be that: it may have come from an earlier one than the last.
 *  @param older segments of older timelines */
function lastBeforeSwitch(
  first: WalSegment,
  older: readonly WalSegment[],
  perLog: number,
  origins?: readonly TimelineOrigin[],
): WalSegment | null {
  const place = placeOf(first, perLog);
  const isOfLine = (segment: WalSegment): boolean =>
    origins?.some(
      (origin) => origin.timeline === segment.timeline && placeOf(segment, perLog) <= origin.place,
    ) ?? true;
  let last: WalSegment | null = null;
  for (const segment of older) {
    const at = placeOf(segment, perLog);
    if (at < place && isOfLine(segment) && (last === null || at >= placeOf(last, perLog)))
      last = segment;
  }
  if (last === null) return null;
  const beginsAt = origins?.at(-1)?.place ?? place;
  if (place > beginsAt && placeOf(last, perLog) >= beginsAt - 1)
    return parseSegment(segmentName(first.timeline, beginsAt - 1, perLog));
  return placeOf(last, perLog) < place - 1 ? last : null;
}

/** What lies between two segments, named by the timeline of the first: `000000010000000000000009 to 00000001000000000000000B`, one name when it is one. */
export function missingText(after: WalSegment, before: WalSegment, perLog: number): string {
  const first = placeOf(after, perLog) + 1;
  const last = placeOf(before, perLog) - 1;
  const nameAt = (place: number): string => segmentName(after.timeline, place, perLog);
  return first === last ? nameAt(first) : `${nameAt(first)} to ${nameAt(last)}`;
}

/** Segments of 1 MiB to 1 GiB: so many fit into 4 GiB. */
export function segmentsPerLog(segmentBytes: number): number {
  return 2 ** 32 / segmentBytes;
}

export const DEFAULT_SEGMENT_BYTES = 16 * 1024 * 1024;

/** A power of two from 1 MiB to 1 GiB. */
export function isSegmentSize(bytes: number): boolean {
  const mebibytes = bytes / (1024 * 1024);
  return Number.isInteger(Math.log2(mebibytes)) && mebibytes >= 1 && mebibytes <= 1024;
}

/** Segments in 4 GiB of log by their names alone: behind the last of one log stands the first of the next. null: they do not tell. */
export function perLogOfNames(segments: readonly WalSegment[]): number | null {
  const lastOf = new Map<string, number>();
  const begun = new Set<string>();
  let highest = 0;
  for (const { timeline, log, segment } of segments) {
    const key = `${timeline}:${log}`;
    lastOf.set(key, Math.max(lastOf.get(key) ?? 0, segment));
    if (segment === 0) begun.add(`${timeline}:${log - 1}`);
    highest = Math.max(highest, segment);
  }
  const counts = [...lastOf].flatMap(([key, last]) => (begun.has(key) ? [last + 1] : []));
  const most = counts.reduce((max, count) => Math.max(max, count), 0);
  if (most > highest && isSegmentSize(2 ** 32 / most)) return most;
  // More than a log of the usual segments has.
  const least = 2 ** Math.ceil(Math.log2(highest + 1));
  return least > segmentsPerLog(DEFAULT_SEGMENT_BYTES) && isSegmentSize(2 ** 32 / least)
    ? least
    : null;
}

export function placeOf({ log, segment }: WalSegment, perLog: number): number {
  return log * perLog + segment;
}

export function segmentName(timeline: number, place: number, perLog: number): string {
  return [timeline, Math.floor(place / perLog), place % perLog]
    .map((part) => part.toString(16).toUpperCase().padStart(8, '0'))
    .join('');
}
