import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import type { ByteSource } from '../../image/byte-source.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { LOGS_BEFORE_FULL_MS, PLUG_IN_RULES } from '../trees/database-rules.js';
import { claimedTreeFiles, type TreeFile } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { calledWithoutDates, parseDatedName } from '../names/dated-name.js';
import { namesOf } from '../names/names-in.js';
import { folderName, folderWorkloadId, formerIdsOfDates } from '../names/workload-id.js';
import { databasesIn, hasBackup, isDatabaseName, placesOf, sharedAreas } from './hana-areas.js';
import {
  isCatalogueOfStore,
  isOfOneBackup,
  mayBeOfOneDatabase,
  parseHanaName,
} from './hana-names.js';
import { doubtOfNext } from './hana-overwritten.js';
import { hanaPoints } from './hana-points.js';
import { joinPath, lastName, parentFolder } from '../../repository/repository-path.js';

/** Backups of SAP HANA to files: `<prefix>_databackup_<volume>_<part>`, deltas, `log_backup_…`, and the backup catalogue
 *  `log_backup_0_0_0_0.<id>`, which HANA writes after each backup.
 *
 *  A workload is a database: a folder with these files, and with those in folders of dates under one name, or, of the folders `data`, `log` and `catalog` that HANA makes, the folders of one name
 *  (`SYSTEMDB`, `DB_<tenant>`) together, with what lies beside them, or in folders of dates, and can be of no other database; what can be of several is a workload for each area. A restore point is a data backup with its topology and all volumes, a delta, or a log backup.
 *  What a backint agent keeps has a format of the agent: it is named (`unrecognised.ts`), and not copied. */
export const hanaLayout: TreeLayout = {
  name: 'hana',
  restoredWith: '`hdbsql`: `RECOVER DATABASE`',
  linesInPlace: ['hdbbackupdiag --check -d {files}'],
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
        isWrittenOnce: (path) => !isCatalogueOfStore(lastName(path)),
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
  const own = files.filter(isHanaName);
  const areas = folders.filter(isArea);
  const isWithAreas = areas.includes('data') && areas.length > 1;
  const asked = [...(isWithAreas ? areas : []), ...folders.filter(isOfDate)];
  if (asked.length === 0) return own.length > 0 ? { files: own } : null;
  return { files: own, folders: asked };
}

function isHanaName(name: string): boolean {
  return parseHanaName(name) !== null;
}

function isArea(name: string): boolean {
  return AREAS.includes(name);
}

function isOfDate(name: string): boolean {
  return parseDatedName(name) !== null && !isDatabaseName(name);
}

/** Folders named `data` and `log` are HANA’s when they hold folders of databases, and of those of dates its files are. */
async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  const files = [...claimed.files];
  const unread: string[] = [];
  for (const name of (claimed.folders ?? []).filter(isOfDate)) {
    const entries = await reader.orTell(() => reader.list(joinPath(folder, name)));
    if (entries === null) unread.push(name);
    for (const file of namesOf(entries ?? []).files.filter(isHanaName))
      files.push(`${name}/${file}`);
  }
  // One that cannot be read may be of a database that other dates show: it is claimed, so that the scan fails on it.
  const shown = new Set(files.map((path) => calledWithoutDates(parentFolder(path))));
  const dates = unread.filter((name) => shown.has(calledWithoutDates(name)));
  const areas = (claimed.folders ?? []).filter(isArea);
  // Where these cannot be listed, the scan tells.
  const databases = await reader.orTell(() => databasesIn(reader, folder, areas));
  if (databases?.size !== 0) return { files, folders: [...areas, ...dates] };
  if (files.length === 0) return null;
  return dates.length === 0 ? { files } : { files, folders: dates };
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  const trees: FoundTree[] = [];
  const dates = (claimed.folders ?? []).filter(isOfDate);
  const all = await claimedTreeFiles(reader, folder, { files: claimed.files, folders: dates });
  const files = all.filter(({ name }) => isHanaName(name));
  for (const [called, own] of byName(files)) {
    // Folders of databases have ids of their own.
    const id = folderWorkloadId(idWithoutDates(called), folder);
    const name = called === '' ? folderName('SAP HANA', folder) : called;
    const tree = await reader.orTell(() => treeOf(reader, { id, name, folder }, own));
    if (tree === null) continue;
    // Each folder of a date was a database of its own.
    const places = placesOf(own).filter((place) => place !== '');
    const former = formerIdsOfDates('hana', folder, places);
    trees.push({ ...tree, ...(former.length === 0 ? {} : { otherIds: former }) });
  }
  trees.push(...(await treesOfAreas(reader, folder, claimed)));
  return trees;
}

/** The files of each name that folders have without their dates: empty for what lies in the folder itself. */
function byName(files: readonly TreeFile[]): Map<string, TreeFile[]> {
  const databases = new Map<string, TreeFile[]>();
  for (const file of files) {
    const name = calledWithoutDates(parentFolder(file.within));
    const own = databases.get(name);
    if (own === undefined) databases.set(name, [file]);
    else own.push(file);
  }
  return databases;
}

function idWithoutDates(called: string): string {
  return called === '' ? 'hana' : `hana-dated-${encodeURIComponent(called)}`;
}

async function treesOfAreas(
  reader: TreeReader,
  folder: string,
  { files, folders = [] }: Claim,
): Promise<FoundTree[]> {
  const areas = folders.filter(isArea);
  const hasBeside = files.some((name) => !name.includes('/'));
  const { databases, left } = await sharedAreas(reader, folder, areas);
  const leftIn = new Set([...left.values()].flatMap((files) => placesOf(files)));
  /** Each place was a workload of its own until a database had folders here, or all places of an area that are called the same were. */
  const idsOf = (places: readonly string[]): string[] => [
    ...formerIdsOfDates('hana', folder, places),
    ...places
      .filter((place) => place.includes('/'))
      .map((place) => {
        const [area, ...dated] = place.split('/');
        const called = calledWithoutDates(dated.join('/'));
        return folderWorkloadId(idWithoutDates(called), joinPath(folder, area!));
      }),
  ];
  const trees: FoundTree[] = [];
  for (const { name, folders, files, joined } of databases) {
    const id = folderWorkloadId(`hana-${encodeURIComponent(name)}`, folder);
    const tree = await reader.orTell(() =>
      treeOf(reader, { id, name, folder }, [...files, ...joined], joined.length === 0),
    );
    if (tree === null) continue;
    const places = placesOf(joined).filter((place) => !leftIn.has(place));
    // Where files of HANA lie beside its folders, these were told apart by where they lie.
    const former = [
      ...(hasBeside ? folders.map((path) => folderWorkloadId('hana', joinPath(folder, path))) : []),
      ...idsOf(places),
    ];
    const within = [...folders, ...joined.map((file) => file.within)];
    trees.push({
      ...tree,
      within,
      ...(former.length === 0 ? {} : { otherIds: [...new Set(former)] }),
    });
  }
  for (const [area, own] of left) {
    if (!hasBackup(own)) continue;
    const id = folderWorkloadId(`hana-beside-${area}`, folder);
    const name = `${folderName('SAP HANA', folder)} (${area})`;
    const tree = await reader.orTell(() => treeOf(reader, { id, name, folder }, own, false));
    if (tree !== null) trees.push({ ...tree, otherIds: idsOf(placesOf(own)) });
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
