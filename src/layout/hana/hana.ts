import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import type { ByteSource } from '../../image/byte-source.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { LOGS_BEFORE_FULL_MS, PLUG_IN_RULES } from '../trees/database-rules.js';
import { claimedTreeFiles, type TreeFile } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { databasesIn, hasBackup, isDatabaseName, placesOf, sharedAreas } from './hana-areas.js';
import {
  isCatalogueOfStore,
  isOfOneBackup,
  mayBeOfOneDatabase,
  parseHanaName,
} from './hana-names.js';
import { doubtOfNext } from './hana-overwritten.js';
import { hanaPoints } from './hana-points.js';
import { joinPath, lastName } from '../../repository/repository-path.js';

/** Backups of SAP HANA to files: `<prefix>_databackup_<volume>_<part>`, deltas, `log_backup_…`, and the backup catalogue
 *  `log_backup_0_0_0_0.<id>`, which HANA writes after each backup.
 *
 *  A workload is a database: a folder with these files, or, of the folders `data`, `log` and `catalog` that HANA makes, the folders of one name
 *  (`SYSTEMDB`, `DB_<tenant>`) together, with what lies beside them, or in folders of dates, and can be of no other database; what can be of several is a workload for each area. A restore point is a data backup with its topology and all volumes, a delta, or a log backup.
 *  What a backint agent hands to another store is not on disk and not found. */
export const hanaLayout: TreeLayout = {
  name: 'hana',
  type: { id: 'sap-hana', title: 'SAP HANA', rules: PLUG_IN_RULES },
  rules: {
    shape: 'sets',
    classes: [
      // Scripts give each backup the same prefix, or one for each day of the week: then it is written over.
      {
        name: 'data',
        match: /(?:^|\/)[^/]+_databackup_[^/]+$/,
        content: 'rewritten',
        isWrittenOnce: (path) => isOfOneBackup(lastName(path)),
      },
      {
        name: 'logs',
        match: /(?:^|\/)log_backup_(?!0_0_0_0(?:\.|$))[^/]+$/,
        content: 'immutable',
      },
      {
        name: 'catalogue',
        match: /(?:^|\/)log_backup_0_0_0_0(?:\.\d{13})?$/,
        content: 'replaced',
        // Without an id each backup writes it anew.
        isOfStore: (path) => isCatalogueOfStore(lastName(path)),
      },
    ],
    ignored: /\.tmp$/,
    digestInName: null,
    openFilesWaitMs: 60_000,
    keepRemovedForDays: 0,
    logsBeforeFullMs: LOGS_BEFORE_FULL_MS,
    mayBeOfOneDatabase,
    doubtOfNext,
    suspiciousShare: 0.5,
    keeps: { modes: true, times: true, links: false },
  },
  claim,
  confirm,
  scan,
  // One that was written after a backup that is gone.
  isSpare: (name) => parseHanaName(name)?.is === 'catalogue',
};

/** Where HANA puts what, below its folder of backups. */
const AREAS: readonly string[] = ['data', 'log', 'catalog'];

function claim({ files, folders }: FolderNames): Claim | null {
  const own = files.filter((name) => parseHanaName(name) !== null);
  const areas = folders.filter((name) => AREAS.includes(name));
  if (areas.includes('data') && areas.length > 1) return { files: own, folders: areas };
  return own.length > 0 ? { files: own } : null;
}

/** Folders named `data` and `log` are HANA’s when they hold folders of databases. */
async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  if (claimed.folders === undefined) return claimed;
  const databases = await databasesIn(reader, folder, claimed.folders);
  if (databases.size > 0) return claimed;
  return claimed.files.length === 0 ? null : { files: claimed.files };
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  const trees: FoundTree[] = [];
  if (claimed.files.length > 0) {
    const files = await claimedTreeFiles(reader, folder, { files: claimed.files });
    const id = folderWorkloadId('hana', folder);
    const name = folderName('SAP HANA', folder);
    trees.push(await treeOf(reader, { id, name, folder }, files));
  }
  trees.push(...(await treesOfAreas(reader, folder, claimed)));
  return trees;
}

async function treesOfAreas(
  reader: TreeReader,
  folder: string,
  { files: beside, folders: areas = [] }: Claim,
): Promise<FoundTree[]> {
  const { databases, left } = await sharedAreas(reader, folder, areas);
  const leftIn = new Set([...left.values()].flatMap((files) => placesOf(files)));
  /** Each place was a workload of its own until a database had folders here. */
  const idOf = (place: string): string => folderWorkloadId('hana', joinPath(folder, place));
  const trees: FoundTree[] = [];
  for (const { name, folders, files, joined } of databases) {
    const id = folderWorkloadId(`hana-${encodeURIComponent(name)}`, folder);
    const tree = await reader.orTell(() =>
      treeOf(reader, { id, name, folder }, [...files, ...joined], joined.length === 0),
    );
    if (tree === null) continue;
    const places = placesOf(joined).filter((place) => !leftIn.has(place));
    // Where files of HANA lie beside its folders, these were told apart by where they lie.
    const former = [...(beside.length > 0 ? folders : []), ...places].map(idOf);
    const within = [...folders, ...joined.map((file) => file.within)];
    trees.push({ ...tree, within, ...(former.length === 0 ? {} : { otherIds: former }) });
  }
  for (const [area, files] of left) {
    if (!hasBackup(files)) continue;
    const id = folderWorkloadId(`hana-beside-${area}`, folder);
    const name = `${folderName('SAP HANA', folder)} (${area})`;
    const tree = await reader.orTell(() => treeOf(reader, { id, name, folder }, files, false));
    if (tree !== null) trees.push({ ...tree, otherIds: placesOf(files).map(idOf) });
  }
  return trees;
}

async function treeOf(
  reader: TreeReader,
  { id, name, folder }: { readonly id: string; readonly name: string; readonly folder: string },
  files: readonly TreeFile[],
  isAlone = true,
): Promise<FoundTree> {
  const isOnlyDatabase = isAlone && isDatabaseName(name);
  const points: TreePoint[] = hanaPoints(files, await backupIds(reader, files), isOnlyDatabase);
  return { id, name, root: folder, within: files.map(({ within }) => within), points };
}

/** Ids that the files of full backups have in their heads; names do not tell them. By the path of the file; null: it cannot be read. */
async function backupIds(
  reader: TreeReader,
  files: readonly TreeFile[],
): Promise<Map<string, string | null>> {
  const ids = new Map<string, string | null>();
  for (const file of files) {
    const parsed = parseHanaName(file.name);
    if (parsed?.is !== 'data' || parsed.delta !== null) continue;
    const found = await reader.orTell(() =>
      reader.factOf(file, 'id of a backup of HANA', idInHead),
    );
    if (found === null) ids.set(file.within, null);
    else if ('value' in found && found.value !== null) ids.set(file.within, found.value);
  }
  return ids;
}

async function idInHead(source: ByteSource): Promise<string | null> {
  const bytes = new Uint8Array(Math.min(source.sizeBytes, HEAD_BYTES));
  if (bytes.length > 0) await source.read(bytes, 0);
  const head = new TextDecoder('latin1').decode(bytes);
  return /\[BACKUPID\]\D{0,8}(?<id>\d{13})(?!\d)/.exec(head)?.groups?.id ?? null;
}

const HEAD_BYTES = 4096;
