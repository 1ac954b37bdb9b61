import { idOfAnyDate } from '../../domain/sources/any-date.js';
import { joinPath, lastName, parentFolder } from '../../repository/repository-path.js';
import { parseDatedName } from '../names/dated-name.js';
import { folderWorkloadId } from '../names/workload-id.js';
import type { TreeFile } from '../trees/tree-files.js';
import { isControl } from './rman-names.js';

/** One of the databases whose pieces lie in a folder, in it or in folders of dates. */
export interface FreeDatabase {
  readonly id: string;
  /** As `SourceWorkload.otherIds`, those without a date first. */
  readonly otherIds: readonly string[];
  /** What tells it from the others: of folders of dates what stays without the date, then the folder in them that is its own (`qa-2026-11-24/orcl` is `qa/orcl`). Empty: nothing does. */
  readonly called: string;
  readonly files: readonly TreeFile[];
}

/** @param folder path within the repository
 *  @param joined folders of dates that have one database each; in any other each folder is a database's own */
export function freeDatabases(
  folder: string,
  files: readonly TreeFile[],
  joined: ReadonlySet<string>,
): FreeDatabase[] {
  const isApart = ({ within }: TreeFile): boolean =>
    isDated(topOf(within)) && !joined.has(topOf(within));
  const stems = stemsWithBoth(files.filter((file) => !isApart(file)));
  const databases = groupsOf(files, (file) => {
    if (isApart(file)) return calledWithin(file.within);
    const stem = stemOf(topOf(file.within));
    return stems.has(stem) ? stem : '';
  });
  return [...databases].map(([called, own]) => {
    const id = idOf(folder, called);
    const former = [
      ...nameFromAbove(folder, called),
      ...otherNames(folder, called, own),
      ...formerIds(
        folder,
        own.map((file) => placesOf(file.within).slice(isApart(file) ? 1 : 0)),
      ),
    ];
    return { id, otherIds: [...new Set(former)].filter((one) => one !== id), called, files: own };
  });
}

function idOf(folder: string, called: string): string {
  const parts = called === '' ? [] : [encodeURIComponent(called)];
  return folderWorkloadId(['rman-free', ...parts].join('-'), folder);
}

/** What else it is called when folders of dates have other files: their name tells a database only once a control file lies with pieces in one of them, and a folder in them only where
 *  it does not go with another one. */
function otherNames(folder: string, called: string, files: readonly TreeFile[]): string[] {
  if (called !== '') return [idOf(folder, '')];
  const names = files.flatMap(({ within }) => [stemOf(topOf(within)), calledWithin(within)]);
  return [...new Set(names)].filter((name) => name !== '').map((name) => idOf(folder, name));
}

/** Each folder was a database of its own, and those that lie in it were when it lacked what makes it one; one of a date in it was called by what stays without that. Lists of ids are cut: first are those that
 *  stand for all dates.
 *  @param places of each file its database's folder, and those in it down to its own */
function formerIds(folder: string, places: readonly (readonly string[])[]): string[] {
  const tops = new Set(places.flatMap(([top]) => top ?? []));
  const deeper = [...new Set(places.flatMap(([, ...within]) => within))].flatMap((place) => {
    const path = joinPath(folder, place);
    const stem = stemOf(lastName(place));
    return [idOf(path, ''), ...(stem === '' ? [] : [idOf(parentFolder(path), stem)])];
  });
  const ids = [...tops].map((place) => idOf(joinPath(folder, place), ''));
  return [...[...ids, ...deeper].map(idOfAnyDate), ...ids];
}

/** As long as one date has what is a database the folders of its name are one; then the rest of them are found each by itself, and copies of the one are of these. */
function nameFromAbove(folder: string, called: string): string[] {
  const date = parentFolder(folder);
  if (called !== '' || !isDated(lastName(date)) || isDated(lastName(folder))) return [];
  return [idOf(parentFolder(date), calledWithin(`${lastName(date)}/${lastName(folder)}/`))];
}

/** Stems of folders of dates of which one has pieces and a control file. */
function stemsWithBoth(files: readonly TreeFile[]): Set<string> {
  const stems = [...filesOfDates(files)].flatMap(([date, own]) => {
    const controls = own.filter(({ name }) => isControl(name));
    return controls.length === 0 || controls.length === own.length ? [] : [stemOf(date)];
  });
  return new Set(stems);
}

/** By the folder of a date that they lie in; those that lie in none are left out. */
export function filesOfDates(files: readonly TreeFile[]): Map<string, TreeFile[]> {
  const dated = files.filter(({ within }) => isDated(topOf(within)));
  return groupsOf(dated, ({ within }) => topOf(within));
}

export function groupsOf(
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

export function isDated(name: string): boolean {
  return parseDatedName(name) !== null;
}

/** Of the name of a folder of a date what stays without it; empty: nothing does, or it has none. */
export function stemOf(name: string): string {
  return parseDatedName(name)?.stem ?? '';
}

/** The folder of a date that a file lies in, those in it down to the file's own; none: it lies in none. */
function placesOf(within: string): string[] {
  const parts = parentFolder(within).split('/');
  if (!isDated(parts[0]!)) return [];
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** By the folder that lies in that of a date; empty: the file lies in none. */
function calledWithin(within: string): string {
  const [, place] = placesOf(within);
  if (place === undefined) return '';
  return [stemOf(parentFolder(place)), lastName(place)].filter((part) => part !== '').join('/');
}

/** Empty: it lies in no folder. */
function topOf(within: string): string {
  return parentFolder(within).split('/', 1)[0]!;
}
