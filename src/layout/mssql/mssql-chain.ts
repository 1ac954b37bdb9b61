import type { TreePoint } from '../../domain/trees/source-tree.js';
import { compareLsn, lsnText, type Lsn, type MtfDatabase, type MtfKind } from './mtf.js';

/** A backup set as its own file shows it. */
export interface MssqlSet extends Pick<
  TreePoint,
  'id' | 'createdAtMs' | 'state' | 'reason' | 'evidence'
> {
  readonly kind: MtfKind;
  /** Neither the file nor its name tells whether this full is a differential. */
  readonly isKindUnknown?: boolean;
  /** As its name says. */
  readonly isCopyOnly: boolean;
  /** As its name says. */
  readonly isPartial?: boolean;
  readonly files: readonly string[];
  readonly sizeBytes: number;
  /** What may be missing of it, in plain words; absent: nothing. */
  readonly doubt?: string;
  /** Sets of its file before it that were not read, in plain words; absent: none. */
  readonly unread?: string;
  /** null: the file does not say, so that dates alone tell what follows what. */
  readonly database: MtfDatabase | null;
  /** What `database` says is of its first set, and nobody knows what others are behind it. */
  readonly mayHoldMore?: boolean;
}

/** What a set needs, and what is missing before it. */
interface Footing {
  readonly needs: readonly string[];
  readonly gap?: string | undefined;
}

/** The sets of one database as points, oldest first. A differential needs the full whose checkpoint it names, whatever was taken since (a
 *  copy-only full has another). A log needs the newest full that ended within it, or the log that ends where it begins: by their dates the newest
 *  before it, so that a database that was set back goes on from what it was set back to. Dates are local time, and clocks are put back in autumn.
 *  A set that does not tell its numbers is what another builds on only where none has the numbers that this one names; one that is not whole, because it is
 *  written or was never finished, only where nothing else is there.
 *  Source: learn.microsoft.com, RESTORE HEADERONLY (FirstLSN, LastLSN, CheckpointLSN, DatabaseBackupLSN). */
export function linkMssqlSets(sets: readonly MssqlSet[]): TreePoint[] {
  const ordered = [...sets].sort((a, b) => a.createdAtMs - b.createdAtMs || order(a.id, b.id));
  const byId = new Map(ordered.map((set) => [set.id, set]));
  const allFulls = ordered.filter(({ kind }) => kind === 'full');
  const before: Before = { fulls: [], logs: [], last: null };
  return ordered.map((set, index) => {
    const { id, createdAtMs, state, reason, files, sizeBytes, evidence } = set;
    const footing = footingOf(set, before, { ordered, index, byId, allFulls });
    if (set.kind === 'full') before.fulls.push(set);
    if (set.kind === 'log') before.logs.push(set);
    if (set.kind !== 'differential' && set.isPartial !== true)
      if (before.last === null || set.kind === 'log' || mayServe(set)) before.last = set;
    return {
      ...{ id, createdAtMs, kind: POINT_KIND[set.kind], ...footing },
      ...{ state, reason, files, sizeBytes, ...(evidence === undefined ? {} : { evidence }) },
      ...(set.isPartial === true ? { ofPart: SOME_FILEGROUPS } : {}),
    };
  });
}

/** What was taken before a set, oldest first: a database may have tens of thousands of logs. */
interface Before {
  readonly fulls: MssqlSet[];
  readonly logs: MssqlSet[];
  /** The newest of both, but for fulls that are not whole. */
  last: MssqlSet | null;
}

interface AllSets {
  /** Oldest first. */
  readonly ordered: readonly MssqlSet[];
  /** Of the set in question. */
  readonly index: number;
  readonly byId: ReadonlyMap<string, MssqlSet>;
  readonly allFulls: readonly MssqlSet[];
}

const SOME_FILEGROUPS = 'it holds some filegroups alone, and none of the rest';

const POINT_KIND = { full: 'full', differential: 'increment', log: 'log' } as const;

function footingOf(set: MssqlSet, before: Before, all: AllSets): Footing {
  const { byId, allFulls } = all;
  const found =
    set.kind === 'full'
      ? { needs: set.isKindUnknown === true ? baseBefore(before.fulls) : [] }
      : set.kind === 'differential'
        ? underDifferential(set, before.fulls, allFulls)
        : underLog(set, before, all);
  if (found.gap !== undefined) return withUnread(found, set);
  const bad = found.needs.flatMap((id) => byId.get(id) ?? []).find(isNotWhole);
  const gap =
    bad === undefined
      ? set.doubt
      : `${bad.id}, which it needs, is ${bad.state}: ${bad.reason ?? ''}`;
  return withUnread(gap === undefined ? found : { ...found, gap }, set);
}

function withUnread(footing: Footing, { unread }: MssqlSet): Footing {
  if (unread === undefined) return footing;
  return { ...footing, gap: footing.gap === undefined ? unread : `${footing.gap}; ${unread}` };
}

function isNotWhole({ state }: MssqlSet): boolean {
  return state !== 'complete';
}

/** What cannot be read just now may be whole. */
function mayServe({ state }: MssqlSet): boolean {
  return state === 'complete' || state === 'unknown';
}

/** By dates: the server does not take for a base what it could not finish. */
function likeliest(oldestFirst: readonly MssqlSet[]): MssqlSet | undefined {
  return oldestFirst.findLast(mayServe) ?? oldestFirst.at(-1);
}

function isUntold({ database, mayHoldMore = false }: MssqlSet): boolean {
  return database === null || mayHoldMore;
}

/** What a differential would build on; what is the first of all can only be a full. */
function baseBefore(fulls: readonly MssqlSet[]): string[] {
  const base = likeliest(fulls.filter(({ isCopyOnly }) => !isCopyOnly));
  return base === undefined ? [] : [base.id];
}

function underDifferential(
  { database, isPartial = false }: MssqlSet,
  before: readonly MssqlSet[],
  all: readonly MssqlSet[],
): Footing {
  const isNamed = (full: MssqlSet): boolean =>
    database !== null &&
    full.database !== null &&
    isSame(full.database.checkpointLsn, database.databaseLsn);
  // The same backup may lie here twice, and one of the files be cut off.
  const isWhole = (full: MssqlSet): boolean => isNamed(full) && mayServe(full);
  const named =
    before.findLast(isWhole) ??
    all.findLast(isWhole) ??
    before.findLast(isNamed) ??
    all.findLast(isNamed);
  const mayBe = (full: MssqlSet): boolean =>
    (database === null || isUntold(full)) &&
    !full.isCopyOnly &&
    (full.isPartial ?? false) === isPartial;
  const base = named ?? likeliest(before.filter(mayBe));
  if (base !== undefined) return { needs: [base.id] };
  const which = database === null ? '' : ` (checkpoint ${lsnText(database.databaseLsn)})`;
  return { needs: [], gap: `the full backup that it builds on${which} is not here` };
}

function underLog(
  { database, createdAtMs }: MssqlSet,
  { fulls, logs, last }: Before,
  { ordered, index }: AllSets,
): Footing {
  if (database === null) return last === null ? { needs: [], gap: NO_FULL } : { needs: [last.id] };
  const { firstLsn, lastLsn } = database;
  const endsWithin = (one: MssqlSet): boolean =>
    one.database !== null && isBetween(one.database.lastLsn, firstLsn, lastLsn);
  const reaches = (one: MssqlSet): boolean =>
    one.database !== null && isBetween(firstLsn, one.database.firstLsn, one.database.lastLsn);
  const isBefore = (one: MssqlSet): boolean =>
    one.database !== null && compareLsn(one.database.firstLsn, firstLsn) < 0;
  // An empty log may end where the full ends, and still follow another log.
  const joined = (isMeant: (one: MssqlSet) => boolean): MssqlSet | undefined =>
    fulls.findLast((full) => isMeant(full) && endsWithin(full)) ??
    logs.findLast((log) => isMeant(log) && reaches(log)) ??
    datedAfter(ordered, index, createdAtMs).find(
      (one) =>
        isMeant(one) &&
        (one.kind === 'full'
          ? endsWithin(one)
          : one.kind === 'log' && isBefore(one) && reaches(one)),
    );
  const under = joined(mayServe) ?? joined(() => true);
  if (under !== undefined) return { needs: [under.id] };
  const gap = gapBefore(firstLsn, [...fulls, ...logs]);
  const untold = newestUntold(fulls, logs);
  if (untold === undefined) return { needs: [], gap };
  // What was taken since tells where it ends, and this log does not join it.
  const told = logs.findLast((log) => !isUntold(log));
  const isOlder = told !== undefined && told.createdAtMs > untold.createdAtMs;
  return isOlder ? { needs: [untold.id], gap } : { needs: [untold.id] };
}

/** By its date a log goes on from it. */
function newestUntold(fulls: readonly MssqlSet[], logs: readonly MssqlSet[]): MssqlSet | undefined {
  const full = likeliest(fulls.filter((one) => isUntold(one) && one.isPartial !== true));
  const log = logs.findLast(isUntold);
  if (full === undefined || log === undefined) return full ?? log;
  return mayServe(full) && full.createdAtMs > log.createdAtMs ? full : log;
}

/** Sets that may have been taken before one although they are dated after it, because clocks were put back in between. */
function datedAfter(ordered: readonly MssqlSet[], index: number, createdAtMs: number): MssqlSet[] {
  const sets: MssqlSet[] = [];
  for (let next = index + 1; next < ordered.length; next++) {
    if (ordered[next]!.createdAtMs > createdAtMs + CLOCKS_PUT_BACK_MS) break;
    sets.push(ordered[next]!);
  }
  return sets;
}

/** The most that any zone puts its clocks back at once (Antarctica/Troll). */
const CLOCKS_PUT_BACK_MS = 2 * 60 * 60_000;

const NO_FULL = 'no full backup of this database is here';

function gapBefore(firstLsn: Lsn, before: readonly MssqlSet[]): string {
  const ends = before.flatMap(({ id, database }) =>
    database !== null && compareLsn(database.lastLsn, firstLsn) < 0
      ? [{ id, lsn: database.lastLsn }]
      : [],
  );
  const last = ends.sort((a, b) => compareLsn(a.lsn, b.lsn)).at(-1);
  if (last === undefined) return NO_FULL;
  return `the log from ${lsnText(last.lsn)} (where ${last.id} ends) to ${lsnText(firstLsn)} is missing`;
}

function isBetween(lsn: Lsn, first: Lsn, last: Lsn): boolean {
  return compareLsn(first, lsn) <= 0 && compareLsn(lsn, last) <= 0;
}

function isSame(a: Lsn, b: Lsn): boolean {
  return compareLsn(a, b) === 0;
}

function order(a: string, b: string): number {
  return a < b ? -1 : 1;
}
