import { joinPath, lastName, parentFolder } from '../../repository/repository-path.js';
import { parseDatedName } from '../names/dated-name.js';
import { filesBelow, type TreeFile } from '../trees/tree-files.js';
import type { TreeReader } from '../tree-layout.js';
import { parseHanaName, volumesOf } from './hana-names.js';

/** A database that has folders of its own in the areas of HANA (`data/DB_HDB`, `log/DB_HDB`). */
export interface AreaDatabase {
  readonly name: string;
  /** Its folders. */
  readonly folders: readonly string[];
  readonly files: readonly TreeFile[];
}

/** What HANA has put into its areas. All paths are from the folder that has them. */
interface SharedAreas {
  readonly databases: readonly (AreaDatabase & { readonly joined: readonly TreeFile[] })[];
  /** Files that lie in no folder of a database and may be of several, by area. */
  readonly left: ReadonlyMap<string, readonly TreeFile[]>;
}

const DATABASE = /^(?:SYSTEMDB|DB_.+)$/;

/** Whether a folder of an area is of one database. */
export function isDatabaseName(name: string): boolean {
  return DATABASE.test(name);
}

/** Paths of the folders of each database, by its name. */
export async function databasesIn(
  reader: TreeReader,
  folder: string,
  areas: readonly string[],
): Promise<Map<string, string[]>> {
  const databases = new Map<string, string[]>();
  for (const area of areas)
    for (const { name, type } of await reader.list(joinPath(folder, area)))
      if (type === 'folder' && isDatabaseName(name))
        databases.set(name, [...(databases.get(name) ?? []), `${area}/${name}`]);
  return databases;
}

/** HANA itself puts what it backs up into folders of databases; what is backed up under a prefix with a path (`BACKUP DATA USING FILE ('/backup/data/HDB')`) lies beside these, or in a folder of its
 *  date. Where a database cannot be read nobody knows whose that is.
 *  @throws what the repository throws */
export async function sharedAreas(
  reader: TreeReader,
  folder: string,
  areas: readonly string[],
): Promise<SharedAreas> {
  const databases: AreaDatabase[] = [];
  const named = await databasesIn(reader, folder, areas);
  for (const [name, folders] of named) {
    const files = await reader.orTell(async () => {
      const found: TreeFile[][] = [];
      for (const path of folders) found.push(await filesBelow(reader, folder, path));
      return found.flat();
    });
    if (files !== null) databases.push({ name, folders, files });
  }
  const beside = databases.length < named.size ? [] : await filesBeside(reader, folder, areas);
  const joined = new Map<AreaDatabase, TreeFile[]>(databases.map((one) => [one, []]));
  const left = new Map<string, TreeFile[]>();
  for (const group of backupsOf(beside)) {
    const owner = ownerOf(group, databases);
    const area = group[0]!.within.split('/', 1)[0]!;
    const own = owner === null ? (left.get(area) ?? []) : joined.get(owner)!;
    if (owner === null) left.set(area, own);
    own.push(...group);
  }
  return { databases: databases.map((one) => ({ ...one, joined: joined.get(one)! })), left };
}

/** In the areas, and in folders of dates in them. */
async function filesBeside(
  reader: TreeReader,
  folder: string,
  areas: readonly string[],
): Promise<TreeFile[]> {
  const files: TreeFile[] = [];
  const waiting = [...areas];
  for (let within = waiting.shift(); within !== undefined; within = waiting.shift()) {
    const path = joinPath(folder, within);
    for (const entry of (await reader.orTell(() => reader.list(path))) ?? []) {
      const own = joinPath(within, entry.name);
      if (entry.type === 'file' && parseHanaName(entry.name) !== null)
        files.push({ ...entry, within: own });
      const isOfDate = areas.includes(within) && parseDatedName(entry.name) !== null;
      if (entry.type === 'folder' && isOfDate && !isDatabaseName(entry.name)) waiting.push(own);
    }
  }
  return files;
}

/** The files of each data backup together, as they have one prefix; all others alone. */
function backupsOf(files: readonly TreeFile[]): TreeFile[][] {
  const groups = new Map<string, TreeFile[]>();
  for (const file of files) {
    const isData = parseHanaName(file.name)?.is === 'data';
    const key = isData ? file.within.replace(/_\d+_\d+$/, '') : file.within;
    const own = groups.get(key);
    if (own === undefined) groups.set(key, [file]);
    else own.push(file);
  }
  return [...groups.values()];
}

/** The system database has volume 1 alone, a tenant 2 and more; the volumes of two tenants are alike. null: it may be of several, or of one that has no folder. */
function ownerOf(
  group: readonly TreeFile[],
  databases: readonly AreaDatabase[],
): AreaDatabase | null {
  const volumes = volumesOf(group.map(({ within }) => within));
  const tenants = databases.filter(({ name }) => name !== SYSTEM);
  const [tenant] = tenants;
  if (volumes.length === 0) return databases.length === 1 ? databases[0]! : null;
  const system = databases.find(({ name }) => name === SYSTEM);
  if (volumes.every((volume) => volume === 1)) {
    if (system !== undefined) return system;
    // Of a system without tenants it is that of its only database.
    const isOfOne = volumesOf((tenant?.files ?? []).map(({ within }) => within)).includes(1);
    return tenants.length === 1 && isOfOne ? tenant! : null;
  }
  return tenants.length === 1 ? tenant! : null;
}

const SYSTEM = 'SYSTEMDB';

/** Folders in which files lie, each once. */
export function placesOf(files: readonly TreeFile[]): string[] {
  return [...new Set(files.map(({ within }) => parentFolder(within)))];
}

/** Whether a tree of these would have a point: a catalogue alone is none. */
export function hasBackup(files: readonly TreeFile[]): boolean {
  return files.some(({ within }) => parseHanaName(lastName(within))?.is !== 'catalogue');
}
