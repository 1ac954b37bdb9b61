import { joinPath, parentFolder } from '../../repository/repository-path.js';
import type { FoundTree } from '../../domain/trees/source-tree.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { parseDatedName } from '../names/dated-name.js';
import { namesOf, type NamesIn } from '../names/names-in.js';
import { folderName, folderWorkloadId, formerIdsOfDates } from '../names/workload-id.js';
import type { OtherLayouts, TreeLayout, TreeReader } from '../tree-layout.js';
import { ownPart } from '../trees/own-part.js';
import { claimedTreeFiles, type TreeFile } from '../trees/tree-files.js';
import { oracleFiles } from './oracle-files.js';
import { freePoints } from './rman-free.js';
import {
  freeAutobackup,
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
    const databases = byName(all.filter(({ name }) => isFreeName(name)));
    return [...databases].map(([called, own]) =>
      treeOf(folder, called, own, (other) => !databases.has(other)),
    );
  },
};

function idOf(folder: string, called: string): string {
  const parts = called === '' ? [] : [encodeURIComponent(called)];
  return folderWorkloadId(['rman-free', ...parts].join('-'), folder);
}

/** @param isFree whether no other database of the folder is called so now */
function treeOf(
  folder: string,
  called: string,
  files: readonly TreeFile[],
  isFree: (called: string) => boolean,
): FoundTree {
  const ids = new Set(files.flatMap(({ name }) => freeAutobackup(name)?.databaseId ?? []));
  const name = called === '' ? folderName('Oracle', folder) : called;
  // Each folder of a date was a database of its own, and so was each folder in it.
  const places = files.map(({ within }) => placeOf(within)).filter((place) => place !== '');
  const former = [
    ...formerIdsOfDates('rman-free', folder, places),
    ...otherNames(called, files)
      .filter(isFree)
      .map((other) => idOf(folder, other)),
  ];
  return {
    id: idOf(folder, called),
    ...(former.length === 0 ? {} : { otherIds: former }),
    name: ids.size === 0 ? name : `${name} (database ${[...ids].join(', ')})`,
    root: folder,
    within: files.map(({ within }) => within),
    points: freePoints(files),
  };
}

/** What else the database was called when folders of dates had other files: their name tells a database only once a control file lies with pieces in one of them. */
function otherNames(called: string, files: readonly TreeFile[]): string[] {
  if (called !== '') return [''];
  return [...new Set(files.map(({ within }) => stemOf(within)))].filter((stem) => stem !== '');
}

/** What lies in the folder itself, and in folders of autobackups or pieces alone that go with it, has no name. */
function byName(files: readonly TreeFile[]): Map<string, TreeFile[]> {
  const databases = namesWithBoth(files, topOf, stemOf);
  const within = namesWithBoth(files, placeOf, nameWithin);
  return groupsOf(files, (file) => {
    const [stem, name] = [stemOf(file.within), nameWithin(file.within)];
    if (within.has(name)) return name;
    return databases.has(stem) ? stem : '';
  });
}

/** Names of databases by folders of dates, or in them, that have pieces and a control file. */
function namesWithBoth(
  files: readonly TreeFile[],
  folderOf: (within: string) => string,
  nameOf: (within: string) => string,
): Set<string> {
  const groups = groupsOf(files, ({ within }) => folderOf(within));
  const named = [...groups.values()].flatMap((own) => {
    const controls = own.filter(({ name }) => isControl(name));
    const hasBoth = controls.length > 0 && controls.length < own.length;
    return hasBoth && isDated(topOf(own[0]!.within)) ? [nameOf(own[0]!.within)] : [];
  });
  return new Set(named.filter((name) => name !== ''));
}

/** Of the folder of a date that a file lies in, without the date; empty: it lies in none, or that is a date alone. */
function stemOf(within: string): string {
  return parseDatedName(topOf(within))?.stem ?? '';
}

/** Of the folder that lies in that of a date: `orcl` of `2026-11-24/orcl`; empty: it lies in none. */
function nameWithin(within: string): string {
  const [, name = ''] = placeOf(within).split('/');
  return [stemOf(within), name].filter((part) => part !== '' && name !== '').join('/');
}

/** The folder of a date that a file lies in, with the one in it; empty: it lies in none. */
function placeOf(within: string): string {
  const parts = parentFolder(within).split('/');
  return isDated(parts[0]!) ? parts.slice(0, 2).join('/') : '';
}

function groupsOf(
  files: readonly TreeFile[],
  nameOf: (file: TreeFile) => string,
): Map<string, TreeFile[]> {
  const groups = new Map<string, TreeFile[]>();
  for (const file of files) {
    const own = groups.get(nameOf(file));
    if (own === undefined) groups.set(nameOf(file), [file]);
    else own.push(file);
  }
  return groups;
}

/** Empty: it lies in no folder. */
function topOf(within: string): string {
  return parentFolder(within).split('/', 1)[0]!;
}

function isDated(name: string): boolean {
  return parseDatedName(name) !== null;
}

function isControl(name: string): boolean {
  return freeAutobackup(name) !== null || isControlLike(name);
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
  const found: Required<Claim>[] = here === null ? [] : [here];
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
  found.push(...(await databasesWithin(reader, folder, left, others)));
  // A run that has died, or whose control file came after midnight.
  for (const name of left.filter((one) => stems.has(parseDatedName(one)!.stem))) {
    const looked = await reader.orTell(async () => ({
      own: await databaseOfDate(reader, folder, name, others, lonePieces),
    }));
    // One that cannot be read may be of the chain: it is claimed, so that the scan fails on it.
    if (looked === null) found.push({ files: [], folders: [name] });
    else if (looked.own !== null) found.push(looked.own);
  }
  if (found.length === 0) return null;
  return {
    files: found.flatMap((one) => one.files),
    folders: found.flatMap((one) => one.folders),
  };
}

/** Databases each of which has a folder of its own in those of dates: `2026-11-24/orcl`. Folders of dates hold backups of anything: what the newest of them have is looked at, and of
 *  the others only what is called so. */
async function databasesWithin(
  reader: TreeReader,
  folder: string,
  dated: readonly string[],
  others: OtherLayouts,
): Promise<Required<Claim>[]> {
  const stemOfDate = (date: string) => parseDatedName(date)!.stem;
  const look = (place: string, ownOf = piecesAmong) =>
    reader.orTell(async () => ({
      own: await databaseOfDate(reader, folder, place, others, ownOf),
    }));
  const known = new Set<string>();
  for (const date of dated.slice(-DATES_LOOKED_INTO)) {
    const entries = (await reader.orTell(() => reader.list(joinPath(folder, date)))) ?? [];
    for (const { type, name } of entries)
      if (type === 'folder' && !known.has(`${stemOfDate(date)}/${name}`))
        if ((await look(`${date}/${name}`))?.own) known.add(`${stemOfDate(date)}/${name}`);
  }
  const found: Required<Claim>[] = [];
  for (const date of known.size === 0 ? [] : dated)
    for (const called of known) {
      const [stem, name] = called.split('/') as [string, string];
      if (stem !== stemOfDate(date)) continue;
      const place = `${date}/${name}`;
      const looked = (await look(place)) ?? 'unread';
      const own =
        looked === 'unread' ? looked : (looked.own ?? (await look(place, lonePieces))?.own);
      // One that cannot be read may be of the chain: it is claimed, so that the scan fails on it.
      if (own === 'unread') found.push({ files: [], folders: [place] });
      else if (own !== null && own !== undefined) found.push(own);
    }
  return found;
}

/** A month of runs that have died. */
const DATES_LOOKED_INTO = 30;

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
  ownOf: (files: readonly string[]) => readonly string[],
): Promise<Required<Claim> | null> {
  const path = joinPath(folder, name);
  const names = namesOf(await reader.list(path));
  const files = ownOf(names.files);
  if (!isDatabase(files, names.folders)) return null;
  const own = await databaseIn(reader, path, { files, folders: names.folders }, others);
  const inIt = (paths: readonly string[]) => paths.map((one) => `${name}/${one}`);
  return own === null ? null : { files: inIt(own.files), folders: inIt(own.folders) };
}

/** Folders of autobackups alone go with those of pieces alone. One that has both is a database of its own, and so is one of autobackups that no pieces lie
 *  beside. */
async function databaseIn(
  reader: TreeReader,
  folder: string,
  { files: named, folders }: NamesIn,
  others: OtherLayouts,
): Promise<Required<Claim> | null> {
  const listed = (_: TreeReader, path: string, names: NamesIn) =>
    oracleFiles(reader, path, names.files);
  const kind = { isOwnName: isSurePiece, listed, others };
  const left = await ownPart(reader, folder, { files: named, folders: [] }, kind);
  const files = left?.files ?? named;
  const [controls, pieces]: [string[], string[]] = [[], []];
  for (const name of folders) {
    const own = (await reader.orTell(() => reader.list(joinPath(folder, name)))) ?? [];
    const hasControl = own.some((entry) => freeAutobackup(entry.name) !== null);
    const hasPieces = own.some((entry) => entry.type === 'file' && isPieceLike(entry.name));
    if (hasControl && !hasPieces) controls.push(name);
    if (hasPieces && !hasControl) pieces.push(name);
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
