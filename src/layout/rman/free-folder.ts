import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { joinPath, lastName, parentFolder } from '../../repository/repository-path.js';
import type { FoundTree } from '../../domain/trees/source-tree.js';
import type { Claim, ClaimedNames, FolderNames } from '../backup-layout.js';
import { parseDatedName } from '../names/dated-name.js';
import { namesOf, type NamesIn } from '../names/names-in.js';
import { folderName } from '../names/workload-id.js';
import type { OtherLayouts, TreeLayout, TreeReader } from '../tree-layout.js';
import { ownPart } from '../trees/own-part.js';
import { claimedTreeFiles, type TreeFile } from '../trees/tree-files.js';
import {
  filesOfDates,
  freeDatabases,
  groupsOf,
  isDated,
  stemOf,
  type FreeDatabase,
} from './free-databases.js';
import { oracleFiles } from './oracle-files.js';
import { freePoints } from './rman-free.js';
import {
  freeAutobackup,
  isControl,
  isControlLike,
  isFreePiece,
  isPieceAmongOthers,
  isPieceLike,
} from './rman-names.js';
import { RMAN_RULES, RMAN_TYPE } from './rman.js';

/** Where configurations put control files, beside the folders of the pieces. */
const CONTROL_FOLDER = /^(?:control_?files?|ctl(?:_?files?)?|cf|(?:cf_?)?auto_?backups?)$/i;

/** A folder of pieces with names of free formats, known by the autobackups of the control file among them (`c-<database id>-<day>-<number>`, which is
 *  `%F`), or by a control file that is called so beside pieces. Where autobackups and pieces have folders of their own, the folder above these is the database.
 *
 *  A script may give each day a folder of its date: what lies in such folders under one name is one database, whose level 1s build on what lies in others of them. */
export const rmanFreeLayout: TreeLayout = {
  name: 'rman-free',
  restoredWith: '`rman`: `CATALOG START WITH`, `RESTORE DATABASE`',
  linesInPlace: [
    `echo "CATALOG START WITH '"{files}"/' NOPROMPT;" | rman target /`,
    'echo "RESTORE DATABASE; RECOVER DATABASE;" | rman target /',
  ],
  type: RMAN_TYPE,
  rules: RMAN_RULES,
  claim: ({ files, folders }: FolderNames): Claim | null => {
    const own = piecesAmong(files);
    const asked = isDatabase(own, folders) ? folders : folders.filter(isDated);
    return own.length + asked.length === 0 ? null : { files: own, folders: asked };
  },
  confirm: confirmFree,
  scan: async (reader, folder, claimed): Promise<FoundTree[]> => {
    const all = await claimedTreeFiles(reader, folder, claimed);
    const files = all.filter(({ name }) => isFreeName(name));
    const joined = await joinedDates(reader, folder, files);
    return freeDatabases(folder, files, joined).map((database) => treeOf(folder, database));
  },
};

function treeOf(folder: string, { id, otherIds, called, files }: FreeDatabase): FoundTree {
  const ids = new Set(files.flatMap(({ name }) => freeAutobackup(name)?.databaseId ?? []));
  const name = called === '' ? folderName('Oracle', folder) : called;
  return {
    id,
    ...(otherIds.length === 0 ? {} : { otherIds }),
    name: ids.size === 0 ? name : `${name} (database ${[...ids].join(', ')})`,
    root: folder,
    within: files.map(({ within }) => within),
    points: freePoints(files),
  };
}

/** Dates whose folder is of one database, with what goes with it of the folders in it (`databaseOfDate`). In any other each claimed folder is a database's own. */
async function joinedDates(
  reader: TreeReader,
  folder: string,
  files: readonly TreeFile[],
): Promise<Set<string>> {
  const joined = new Set<string>();
  for (const [date, own] of filesOfDates(files)) {
    const places = groupsOf(own, ({ within }) => parentFolder(within));
    // Without a file of its own it has autobackups in one folder that go with the pieces in another, as two databases might have them of which each lacks the other half.
    const inner = [...places].filter(([place]) => parentFolder(place) === date);
    const kinds = new Set(inner.map(([, entries]) => loneKind(entries)));
    const mayBeJoined = kinds.has('control') && kinds.has('pieces');
    const isJoined =
      places.has(date) ||
      (mayBeJoined && isDatabase([], namesOf(await reader.list(joinPath(folder, date))).folders));
    if (isJoined) joined.add(date);
  }
  return joined;
}

function isDatabase(files: readonly string[], folders: readonly string[]): boolean {
  return files.length > 0 || folders.some((name) => CONTROL_FOLDER.test(name));
}

function piecesAmong(files: readonly string[]): readonly string[] {
  return files.some((name) => freeAutobackup(name) !== null)
    ? files.filter(isFreeName)
    : piecesAmongOthers(files);
}

/** A word in one name does not make all that lies there Oracle's: it may be a folder of anything. */
function piecesAmongOthers(files: readonly string[]): string[] {
  const own = files.filter(isPieceAmongOthers);
  const hasPieces = own.some((name) => isPieceLike(name) && !isControlLike(name));
  return hasPieces && own.some(isControlLike) ? own : [];
}

function isFreeName(name: string): boolean {
  return freeAutobackup(name) !== null || isFreePiece(name);
}

/** Whether a name is of nobody but RMAN, in a folder of its pieces: what others know as theirs under any other is theirs. */
function isSurePiece(name: string): boolean {
  if (COPY_OF_DATA_FILE.test(name)) return true;
  return freeAutobackup(name) !== null || isPieceLike(name) || isControlLike(name);
}

/** `%U` of a copy of a data file. Source: RMAN reference, formatSpec. */
const COPY_OF_DATA_FILE = /(?:^|_)D-\w+_I-\d+_/;

async function confirmFree(
  reader: TreeReader,
  folder: string,
  { files, folders = [] }: Claim,
  others: OtherLayouts,
): Promise<Claim | null> {
  const here = isDatabase(files, folders)
    ? await databaseIn(reader, folder, { files, folders }, others)
    : null;
  const found: ClaimedNames[] = here === null ? [] : [here];
  const joined = new Set(found.flatMap((one) => [...one.files, ...one.folders]).map(firstName));
  const dated = folders.filter((name) => isDated(name) && !joined.has(name));
  const stems = new Set<string>();
  const left: string[] = [];
  for (const name of dated) {
    const own = await reader.orTell(() =>
      databaseOfDate(reader, folder, name, others, piecesAmong),
    );
    if (own === null) left.push(name);
    else {
      found.push(own);
      stems.add(parseDatedName(name)!.stem);
    }
  }
  const apart: string[] = [];
  for (const name of left) {
    // A run that has died, or whose control file came after midnight.
    const looked = stems.has(parseDatedName(name)!.stem)
      ? await reader.orTell(async () => ({
          own: await databaseOfDate(reader, folder, name, others, lonePieces),
        }))
      : NOTHING;
    // One that cannot be read may be of the chain: it is claimed, so that the scan fails on it.
    if (looked === null) found.push({ files: [], folders: [name] });
    else if (looked.own !== null) found.push(looked.own);
    else apart.push(name);
  }
  found.push(...(await databasesWithin(reader, folder, apart, others)));
  if (found.length === 0) return null;
  return {
    files: found.flatMap((one) => one.files),
    folders: found.flatMap((one) => one.folders),
  };
}

const NOTHING = { own: null };

/** Databases each of which has a folder of its own in those of dates: `2026-11-24/orcl`. Folders of dates hold backups of anything: of what is called the same in them the newest are
 *  looked at, and all only where one of these is a database. What is a date again (`2026-11-24/20261124T0130`) tells no database.
 *  @param dates folders of which nothing is claimed */
async function databasesWithin(
  reader: TreeReader,
  folder: string,
  dates: readonly string[],
  others: OtherLayouts,
): Promise<ClaimedNames[]> {
  const look = (place: string, ownOf: OwnOf) =>
    reader.orTell(async () => ({
      own: await databaseOfDate(reader, folder, place, others, ownOf),
    }));
  const isDatabaseIn = async (places: readonly string[]): Promise<boolean> => {
    for (const place of places) if ((await look(place, piecesAmong))?.own) return true;
    return false;
  };
  const { places, unread } = await placesWithin(reader, folder, dates);
  const found: ClaimedNames[] = [];
  for (const [called, own] of places) {
    if (!(await isDatabaseIn(own.slice(0, PLACES_LOOKED_INTO)))) continue;
    const doubtful = unread
      .filter((date) => stemOf(date) === parentFolder(called))
      .map((date) => `${date}/${lastName(called)}`);
    for (const place of [...own, ...doubtful]) {
      const whole = await look(place, piecesAmong);
      const looked = whole?.own === null ? await look(place, lonePieces) : whole;
      // One that cannot be read may be of the chain: it is claimed, so that the scan fails on it.
      if (looked === null) found.push({ files: [], folders: [place] });
      else if (looked.own !== null) found.push(looked.own);
    }
  }
  return found;
}

/** A month of runs that have died. */
const PLACES_LOOKED_INTO = 30;

/** Folders in those of dates, the newest first, by what they are called; and dates that cannot be read. */
async function placesWithin(
  reader: TreeReader,
  folder: string,
  dates: readonly string[],
): Promise<{ readonly places: Map<string, string[]>; readonly unread: string[] }> {
  const atMs = (date: string): number => parseDatedName(date)!.createdAtMs;
  const places = new Map<string, string[]>();
  const unread: string[] = [];
  for (const date of [...dates].sort((a, b) => atMs(b) - atMs(a))) {
    const entries = await reader.orTell(() => reader.list(joinPath(folder, date)));
    if (entries === null) unread.push(date);
    for (const name of namesOf(entries ?? []).folders.filter((one) => !isDated(one))) {
      const called = `${stemOf(date)}/${name}`;
      const known = places.get(called);
      if (known === undefined) places.set(called, [`${date}/${name}`]);
      else known.push(`${date}/${name}`);
    }
  }
  return { places, unread };
}

/** Of names that lie together, those of RMAN. */
type OwnOf = (files: readonly string[]) => readonly string[];

function firstName(path: string): string {
  return path.split('/', 1)[0]!;
}

/** Beside folders of other dates that are a database's. */
function lonePieces(files: readonly string[]): readonly string[] {
  const isShown = files.some((name) => isPieceLike(name) || isControl(name));
  return isShown ? files.filter(isPieceAmongOthers) : [];
}

async function databaseOfDate(
  reader: TreeReader,
  folder: string,
  name: string,
  others: OtherLayouts,
  ownOf: OwnOf,
): Promise<ClaimedNames | null> {
  const path = joinPath(folder, name);
  const names = namesOf(await reader.list(path));
  const files = ownOf(names.files);
  if (!isDatabase(files, names.folders)) return null;
  const own = await databaseIn(reader, path, { files, folders: names.folders }, others);
  const inIt = (paths: readonly string[]) => paths.map((one) => `${name}/${one}`);
  return own === null ? null : { files: inIt(own.files), folders: inIt(own.folders) };
}

/** What a folder has of autobackups and pieces where it has one without the other; null: it has both or none. */
function loneKind(
  entries: readonly Pick<RepositoryEntry, 'name' | 'type'>[],
): 'control' | 'pieces' | null {
  const hasControl = entries.some(({ name }) => freeAutobackup(name) !== null);
  const hasPieces = entries.some(({ name, type }) => type === 'file' && isPieceLike(name));
  if (hasControl === hasPieces) return null;
  return hasControl ? 'control' : 'pieces';
}

/** Folders of autobackups alone go with those of pieces alone. One that has both is a database of its own, and so is one of autobackups that no pieces lie
 *  beside. */
async function databaseIn(
  reader: TreeReader,
  folder: string,
  { files: named, folders }: NamesIn,
  others: OtherLayouts,
): Promise<ClaimedNames | null> {
  const listed = (_: TreeReader, path: string, names: NamesIn) =>
    oracleFiles(reader, path, names.files);
  const kind = { isOwnName: isSurePiece, listed, others };
  const left = await ownPart(reader, folder, { files: named, folders: [] }, kind);
  const files = left?.files ?? named;
  const [controls, pieces]: [string[], string[]] = [[], []];
  for (const name of folders) {
    const own = (await reader.orTell(() => reader.list(joinPath(folder, name)))) ?? [];
    const lone = loneKind(own);
    if (lone === 'control') controls.push(name);
    if (lone === 'pieces') pieces.push(name);
  }
  const isWithAutobackups = files.some((name) => freeAutobackup(name) !== null);
  const isWithPieces = files.some(isPieceLike);
  const joined = [
    ...(pieces.length > 0 || isWithPieces ? controls : []),
    ...(controls.length > 0 || isWithAutobackups ? pieces : []),
  ].sort();
  if (joined.length === 0) return files.length === 0 ? null : { files, folders: [] };
  const claim = { files: [...files], folders: [] as string[] };
  for (const name of joined) {
    const path = joinPath(folder, name);
    const own = await ownPart(reader, path, namesOf(await reader.list(path)), kind);
    if (own === null) claim.folders.push(name);
    for (const file of own?.files ?? []) claim.files.push(`${name}/${file}`);
    for (const within of own?.folders ?? []) claim.folders.push(`${name}/${within}`);
  }
  return claim;
}
