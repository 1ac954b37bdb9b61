import { LONGEST_BACKUP_MS, WEEKS_MS } from '../../domain/trees/needed-points.js';
import type { TreePoint } from '../../domain/trees/source-tree.js';
import { isTooSmall, tooSmallText } from '../trees/database-rules.js';
import { firstFrom } from '../trees/first-from.js';
import { calledWithoutDates } from '../names/dated-name.js';
import { writtenAtMs } from '../names/named-date.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import type { TreeFile } from '../trees/tree-files.js';
import { isOfOneBackup, parseHanaName, seriesOf, type HanaName } from './hana-names.js';
import { oldestFirst } from '../trees/point-order.js';
import { parentFolder } from '../../repository/repository-path.js';

type DataName = Extract<HanaName, { is: 'data' }>;
type LogName = Extract<HanaName, { is: 'log' }>;

interface Named<N extends HanaName> {
  readonly file: TreeFile;
  readonly name: N;
}

/** A data backup: everything of one prefix, and of one delta. */
interface DataBackup {
  /** Path of the prefix, with the ids of a delta. */
  readonly key: string;
  /** Of its point: of one that is written over, each time another. */
  readonly pointId: string;
  readonly delta: DataName['delta'];
  /** Milliseconds since 1970 as digits; null: only its files’ times tell. */
  readonly id: string | null;
  readonly atMs: number;
  readonly parts: readonly Named<DataName>[];
  /** Alike of fulls that may be of one database (`seriesOf`). */
  readonly series: string;
  /** Path of a file that says to be of another backup: that had the same prefix, and was not all written over. */
  readonly stranger: string | null;
  /** All others beside it are of its database, too, whatever they are called. */
  readonly isOnlyDatabase: boolean;
  /** Path of a file that cannot be read, so that nobody knows of which backup it is. */
  readonly unread: string | null;
}

/** Pages of 4 KiB follow a head of one. */
const PAGE_BYTES = 4096;

/** Points of one database, oldest first. Each takes the catalogue along that was written next behind it: it is the first that knows of all of it.
 *  @param ids that the files of full backups tell, by their paths; null: of one that cannot be read
 *  @param isOnlyDatabase the folders say that all is of one database */
export function hanaPoints(
  files: readonly TreeFile[],
  ids: ReadonlyMap<string, string | null>,
  isOnlyDatabase: boolean,
): TreePoint[] {
  const named = files.flatMap((file) => {
    const name = parseHanaName(file.name);
    return name === null ? [] : [{ file, name }];
  });
  const catalogues = named
    .filter((one) => one.name.is === 'catalogue')
    .map(({ file, name }) => ({ file, atMs: idMs('id' in name ? name.id : null, [file]) }))
    .sort((a, b) => a.atMs - b.atMs);
  const catalogueOf = (atMs: number): TreeFile[] => {
    const next = catalogues[firstFrom(catalogues, atMs, atMsOf)] ?? catalogues.at(-1);
    return next === undefined ? [] : [next.file];
  };
  const backups = dataBackups(named.filter(isData), ids, isOnlyDatabase);
  const logs = named
    .filter(isLog)
    .map((one) => ({ ...one, atMs: idMs(one.name.id, [one.file]) }))
    .sort((a, b) => a.name.volume - b.name.volume || a.name.first - b.name.first);
  const lacks = lacksOf(backups);
  const points = [
    ...backups.map((backup) =>
      dataPoint(backup, backups, lacks.get(backup) ?? null, catalogueBehind(backup, catalogues)),
    ),
    ...logs.map((log, index) =>
      logPoint(log, logs[index - 1] ?? null, { backups, lacks, logs }, catalogueOf(log.atMs)),
    ),
  ];
  return points.sort(oldestFirst);
}

interface Catalogue {
  readonly file: TreeFile;
  readonly atMs: number;
}

const atMsOf = ({ atMs }: Catalogue): number => atMs;

/** A data backup is numbered by its beginning, and logs are backed up while it runs, with a catalogue each: the first that was written when its last file was.
 *  @returns null: none is there yet; undefined: there is no catalogue at all */
function catalogueBehind(
  { atMs, parts }: DataBackup,
  catalogues: readonly Catalogue[],
): TreeFile | null | undefined {
  if (catalogues.length === 0) return undefined;
  const lastMs = writtenAtMs(parts.map(({ file }) => file));
  const later = catalogues.slice(firstFrom(catalogues, atMs, atMsOf));
  // Files that were brought here without their times tell nothing of when they were written.
  if (lastMs > atMs + LONGEST_BACKUP_MS) return later[0]?.file ?? null;
  const behind = later.find((one) => one.atMs >= lastMs || writtenAtMs([one.file]) >= lastMs);
  return behind?.file ?? null;
}

function isData(one: Named<HanaName>): one is Named<DataName> {
  return one.name.is === 'data';
}

function isLog(one: Named<HanaName>): one is Named<LogName> {
  return one.name.is === 'log';
}

function idMs(id: string | null, files: readonly TreeFile[]): number {
  return id === null ? writtenAtMs(files) : Number(id);
}

/** Oldest first. */
function dataBackups(
  parts: readonly Named<DataName>[],
  ids: ReadonlyMap<string, string | null>,
  isOnlyDatabase: boolean,
): DataBackup[] {
  const byKey = new Map<string, Named<DataName>[]>();
  for (const part of parts) {
    const key = part.file.within.replace(/_\d+_\d+$/, '');
    byKey.set(key, [...(byKey.get(key) ?? []), part]);
  }
  const backups = [...byKey].map(([key, own]): DataBackup => {
    const { delta } = own[0]!.name;
    const topology = own.find(({ name }) => name.volume === 0)?.file.within ?? '';
    const unread = own.find(({ file }) => ids.get(file.within) === null)?.file.within ?? null;
    // The others were written with a topology that cannot be read.
    const others = own.flatMap(({ file }) => ids.get(file.within) ?? []).sort();
    const known = ids.get(topology) === null ? others.at(-1) : ids.get(topology);
    const id = delta?.to ?? known ?? null;
    const isOther = ({ file }: Named<DataName>): boolean =>
      id !== null && (ids.get(file.within) ?? id) !== id;
    const stranger = own.find(isOther)?.file.within ?? null;
    const files = own.map(({ file }) => file);
    const atMs = idMs(id, files);
    const isLasting = isOfOneBackup(own[0]!.file.name);
    const pointId = isLasting ? key : `${key}@${new Date(atMs).toISOString().slice(0, 19)}`;
    const series = seriesKey(own[0]!);
    return { key, pointId, delta, id, atMs, parts: own, series, stranger, isOnlyDatabase, unread };
  });
  return backups.sort((a, b) => a.atMs - b.atMs || (a.key < b.key ? -1 : 1));
}

function dataPoint(
  backup: DataBackup,
  all: readonly DataBackup[],
  lacking: string | null,
  catalogue: TreeFile | null | undefined,
): TreePoint {
  const { pointId, delta, atMs, parts } = backup;
  const files = parts.map(({ file }) => file);
  const lack = lacking ?? (catalogue === null ? NO_CATALOGUE : null);
  const unread = backup.unread === null ? null : `${backup.unread} cannot be read`;
  const reason = unread ?? lack;
  const closing = catalogue === undefined ? 'silent' : catalogue;
  return {
    ...{ id: pointId, createdAtMs: atMs, kind: delta === null ? 'full' : 'increment' },
    ...(delta === null ? { needs: [] } : underDelta(backup, delta, all)),
    ...{ state: unread !== null ? 'unknown' : lack === null ? 'complete' : 'incomplete', reason },
    ...contentOf([...files, ...(catalogue ? [catalogue] : [])]),
    evidence: treeEvidence(files, reason === null ? closing : null),
  };
}

const NO_CATALOGUE = 'no backup catalogue was written after it';

/** What is missing of each; null: nothing that names could tell.
 *  @param all oldest first */
function lacksOf(all: readonly DataBackup[]): ReadonlyMap<DataBackup, string | null> {
  const lacks = new Map<DataBackup, string | null>();
  // One that may have died says nothing of the next, which may die of the same.
  const fulls: DataBackup[] = [];
  /** When the first was made that may have died, by the one that it is held against. */
  const doubtedMs = new Map<DataBackup, number>();
  for (const backup of all) {
    const before = fulls.findLast(
      ({ atMs, ...other }) => atMs < backup.atMs && mayBeOfOne(other, backup),
    );
    const own = lackOf(backup);
    const doubted = own ?? lackOfFull(backup, before, all);
    if (own === null && before !== undefined && doubted !== null && !doubtedMs.has(before))
      doubtedMs.set(before, backup.atMs);
    const isOld =
      before !== undefined && backup.atMs >= (doubtedMs.get(before) ?? Infinity) + WEEKS_MS;
    const lack = isOld ? own : doubted;
    lacks.set(backup, lack);
    if (lack === null && backup.delta === null) fulls.push(backup);
  }
  return lacks;
}

/** As its own files tell. */
function lackOf({ parts, delta, stranger }: DataBackup): string | null {
  const empty = parts.find(({ file }) => file.stamp.sizeBytes === 0);
  if (empty !== undefined) return `${empty.file.within} is empty`;
  if (stranger !== null) return `${stranger} is of another backup than its topology`;
  const volumes = new Set(parts.map(({ name }) => name.volume));
  // A delta has no topology of its own in every release.
  if (delta === null && !volumes.has(0)) return 'its topology (volume 0) is not there';
  if (![...volumes].some((volume) => volume > 0)) return 'none of its data volumes is there';
  for (const volume of volumes) {
    const numbers = parts.flatMap(({ name }) => (name.volume === volume ? [name.part] : []));
    const missing = Array.from({ length: Math.min(Math.max(...numbers), MAX_PARTS) })
      .map((_, index) => index + 1)
      .find((part) => !numbers.includes(part));
    if (missing !== undefined) return `part ${missing} of volume ${volume} is not there`;
  }
  return null;
}

/** What the full before it has more. */
function lackOfFull(
  backup: DataBackup,
  before: DataBackup | undefined,
  all: readonly DataBackup[],
): string | null {
  const { parts, delta } = backup;
  if (delta !== null || before === undefined) return null;
  const lacking = before.parts.find(
    ({ name }) => name.volume > 0 && !hasVolume(backup, name.volume),
  );
  if (lacking !== undefined)
    return `volume ${lacking.name.volume}, which the full backup before it has, is not there`;
  // All files of one that was killed are there, and a catalogue behind it: that of the next logs.
  const isDoubtful = isTooSmall(dataBytes(parts), dataBytes(before.parts));
  return isDoubtful && !isConfirmed(backup, all) ? TOO_SMALL : null;
}

/** Whether two fulls are of one database, as far as names tell: the system database (volume 1) and a tenant (volume 2 and more) may be written into one
 *  folder, and so may two tenants, under prefixes of their own. */
function mayBeOfOne(
  one: Pick<DataBackup, 'parts' | 'isOnlyDatabase' | 'series'>,
  other: DataBackup,
): boolean {
  return shareVolume(one, other) && (one.isOnlyDatabase || one.series === other.series);
}

/** Each has a topology, whatever its database. */
function shareVolume({ parts }: Pick<DataBackup, 'parts'>, other: DataBackup): boolean {
  return parts.some(({ name }) => name.volume > 0 && hasVolume(other, name.volume));
}

function seriesKey({ file, name }: Named<DataName>): string {
  return `${calledWithoutDates(parentFolder(file.within))}/${seriesOf(name.prefix)}`;
}

function hasVolume({ parts }: DataBackup, volume: number): boolean {
  return parts.some(({ name }) => name.volume === volume);
}

/** Whether what came later shows that a small full did not die: HANA builds deltas on none that failed. That a later one is as small shows nothing: it may
 *  still be written, and a full disk ends both at one size. Where data were archived or are packed since, fulls are held back until a delta follows one, until
 *  the larger ones have gone, or for five weeks from the first of them. */
function isConfirmed(backup: DataBackup, all: readonly DataBackup[]): boolean {
  const { id } = backup;
  return id !== null && all.some((other) => other.delta?.from === id && shareVolume(other, backup));
}

const TOO_SMALL = tooSmallText('the full backup before it');

function dataBytes(parts: readonly Named<DataName>[]): number {
  return parts.reduce(
    (sum, { file, name }) => (name.volume > 0 ? sum + file.stamp.sizeBytes : sum),
    0,
  );
}

const MAX_PARTS = 9_999;

/** An incremental follows any data backup, a differential a full; both name what they follow by its id. */
function underDelta(
  backup: DataBackup,
  { from }: NonNullable<DataBackup['delta']>,
  all: readonly DataBackup[],
): Pick<TreePoint, 'needs' | 'gap'> {
  // Backups of two databases may begin at one instant.
  const alike = all.filter(({ id }) => id === from);
  const named = alike.find((other) => shareVolume(other, backup));
  if (named !== undefined) return { needs: [named.pointId] };
  // A full whose head does not tell its id is the one that was taken by then.
  const full = all.findLast(
    (other) =>
      other.delta === null &&
      other.id === null &&
      other.atMs < backup.atMs &&
      shareVolume(other, backup),
  );
  if (full !== undefined) return { needs: [full.pointId] };
  return { needs: [], gap: `the backup that it builds on (id ${from}) is not here` };
}

interface DatedLog extends Named<LogName> {
  readonly atMs: number;
}

interface Judged {
  readonly backups: readonly DataBackup[];
  /** Of each what is missing. */
  readonly lacks: ReadonlyMap<DataBackup, string | null>;
  readonly logs: readonly DatedLog[];
}

function logPoint(
  log: DatedLog,
  last: DatedLog | null,
  judged: Judged,
  catalogue: readonly TreeFile[],
): TreePoint {
  const { file, name, atMs } = log;
  const before = last?.name.volume === name.volume ? last : null;
  const { sizeBytes } = file.stamp;
  const isCut = sizeBytes === 0 || sizeBytes % PAGE_BYTES !== 0;
  return {
    ...{ id: file.within, createdAtMs: atMs, kind: 'log' },
    ...underLog(log, before, judged),
    state: isCut ? 'incomplete' : 'complete',
    reason: isCut ? `${file.within} has ${sizeBytes} bytes, no whole number of pages` : null,
    ...contentOf([file, ...catalogue]),
    evidence: treeEvidence([file], isCut ? null : (catalogue[0] ?? 'silent')),
  };
}

/** Logs of a volume join end to start. The first that is there needs the newest full before it, if there is one; and so does the first behind the oldest full, for those before it
 *  roll nothing forward. */
function underLog(
  log: DatedLog,
  before: DatedLog | null,
  { backups, lacks, logs }: Judged,
): Pick<TreePoint, 'needs' | 'gap'> {
  const { name, atMs } = log;
  const { volume, first } = name;
  const fulls = backups.filter((backup) => backup.delta === null && backup.atMs <= atMs);
  if (before !== null && before.name.last >= first) {
    const oldest = fulls.find((backup) => hasVolume(backup, volume));
    const isFirstBehind =
      oldest !== undefined &&
      lacks.get(oldest) === null &&
      oldest.id !== null &&
      before.atMs < oldest.atMs &&
      isWrittenAsNamed(before) &&
      !isTurned(log, oldest, logs);
    return { needs: [isFirstBehind ? oldest.pointId : before.file.within] };
  }
  if (before !== null)
    return {
      needs: [],
      gap: `the log of volume ${volume} from ${before.name.last} to ${first} is missing`,
    };
  // Of another database that is backed up to the same folder it is no log; a volume may be newer than the full of its database.
  const full =
    fulls.findLast((backup) => hasVolume(backup, volume)) ??
    fulls.findLast(({ isOnlyDatabase }) => isOnlyDatabase);
  if (full === undefined) return { needs: [], gap: NO_FULL };
  return isTurned(log, full, logs) ? { needs: [], gap: TURNED } : { needs: [full.pointId] };
}

/** Whether a log is dated by a clock that was ahead, and may have been written before the full that its date tells: what follows it is dated before it. */
function isTurned(log: DatedLog, full: DataBackup, logs: readonly DatedLog[]): boolean {
  const nextMs = behindMs(log, logs);
  if (isWrittenAsNamed(log) || nextMs >= log.atMs - CLOCKS_MS) return false;
  return Math.min(nextMs, writtenAtMs([log.file])) <= full.atMs + CLOCKS_MS;
}

/** The earliest date of the logs that follow one in its volume, by their positions. */
function behindMs({ name: { volume, first } }: DatedLog, logs: readonly DatedLog[]): number {
  return logs.reduce(
    (earliest, { name, atMs }) =>
      name.volume === volume && name.first > first ? Math.min(earliest, atMs) : earliest,
    Infinity,
  );
}

/** Not by a clock that was turned back: then it may have been written behind a full that is dated after it. */
function isWrittenAsNamed({ file, name: { id }, atMs }: DatedLog): boolean {
  return id !== null && Math.abs(writtenAtMs([file]) - atMs) <= CLOCKS_MS;
}

const CLOCKS_MS = 15 * 60_000;

const NO_FULL = 'no full backup of the database lies before it';
const TURNED =
  'logs that follow it are dated before it, as by a clock that was wrong, so that nothing tells which full backup it builds on';

function contentOf(files: readonly TreeFile[]): Pick<TreePoint, 'files' | 'sizeBytes'> {
  return {
    files: files.map(({ within }) => within),
    sizeBytes: files.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
  };
}
