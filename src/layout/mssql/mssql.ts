import { isFilePassedOver, isFolderPassedOver } from '../../domain/sources/passed-over.js';
import type { FoundTree } from '../../domain/trees/source-tree.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { PLUG_IN_RULES } from '../database-rules.js';
import { parseDatedName } from '../dated-name.js';
import { writtenAtMs } from '../named-date.js';
import { gravestFault } from '../point-fault.js';
import { treeEvidence } from '../tree-evidence.js';
import { claimedTreeFiles, type TreeFile } from '../tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../workload-id.js';
import { byDatabase, type DatabaseMedia } from './database-media.js';
import { linkMssqlSets, type MssqlSet } from './mssql-chain.js';
import { isMssqlName, parseMssqlName } from './mssql-names.js';
import { isMtfHead, isPackedHead, MTF_BLOCK_BYTES, type MtfDatabase, type MtfKind } from './mtf.js';
import { readMssqlFile, type ReadFile } from './mssql-file.js';
import type { Medium } from './medium.js';
import { byStripe, joinStripes, missingNumbers } from './stripes.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { joinPath } from '../../repository/repository-path.js';

/** Backups of SQL Server to disk: `.bak`, `.dif`, `.trn`, under any name, in one folder or in folders for kinds of backups below it (Ola Hallengren’s `FULL`,
 *  `DIFF` and `LOG`, or what people call them). Kind, database and log sequence numbers are read from the file; the name serves where the file does not say.
 *
 *  A workload is a database in one folder and those of its kinds of backups, or of its days, a restore point a backup set. A file may hold several sets, one behind the other
 *  (`NOINIT`), and a set may be striped over several files. The account that ran a backup stands in its file and is never read. */
export const mssqlLayout: TreeLayout = {
  name: 'mssql',
  type: { id: 'sql-server', title: 'Microsoft SQL Server', rules: PLUG_IN_RULES },
  rules: {
    shape: 'sets',
    // A file of its own name may be written anew (INIT) or grow (NOINIT).
    classes: [
      { name: 'data', match: /\.(?:bak|bkp|diff?)$/i, content: 'rewritten' },
      { name: 'log', match: /\.(?:trn|tlog)$/i, content: 'rewritten' },
    ],
    ignored: null,
    digestInName: null,
    openFilesWaitMs: 60_000,
    keepRemovedForDays: 0,
    hasOneLog: true,
    suspiciousShare: 0.5,
    keeps: { modes: false, times: true, links: false },
  },
  claim,
  confirm,
  scan,
};

/** As Ola Hallengren and people call folders for each kind of backup. */
const KIND_FOLDER =
  /^(?:(?:full|diff)(?:_partial)?(?:_copy_only)?|fulls|diffs|differentials?|t?logs?(?:_copy_only)?|trn|transaction[-_ ]?logs?)(?:[-_ ]?backups?)?$/i;

/** What lies beside them is walked. */
function claim({ files, folders }: FolderNames): Claim | null {
  const own = files.filter(isMssqlName);
  const kinds = folders.filter((name) => KIND_FOLDER.test(name) || isOfDay(name));
  if (own.length + kinds.length === 0) return null;
  return { files: own, ...(kinds.length > 0 ? { folders: kinds } : {}) };
}

/** A `.bak` may be anything, and a folder `LOG` may hold any. What cannot be read lies among those that are, or among none: then it is left. */
async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  const files = new Map<string, boolean | null>();
  for (const name of claimed.files)
    files.set(name, await reader.orTell(() => isOwn(reader, name, joinPath(folder, name))));
  const folders = new Map<string, boolean | null>();
  for (const name of claimed.folders ?? [])
    folders.set(name, await reader.orTell(() => isOwnFolder(reader, folder, name)));
  if (![...files.values(), ...folders.values()].includes(true)) return null;
  return { files: notOthers(files), folders: notOthers(folders) };
}

function notOthers(answers: ReadonlyMap<string, boolean | null>): string[] {
  return [...answers].flatMap(([name, isOwn]) => (isOwn === false ? [] : [name]));
}

/** A folder for each run: the sets in one build on those in others, so that they are looked at together. */
function isOfDay(name: string): boolean {
  return !KIND_FOLDER.test(name) && parseDatedName(name) !== null;
}

/** In a folder for each run may lie anything that is backed up: it is one only when nothing else is in it. */
async function isOwnFolder(
  reader: TreeReader,
  folder: string,
  name: string,
): Promise<boolean | null> {
  const path = joinPath(folder, name);
  if (!isOfDay(name)) return isOfKind(reader, path);
  const entries = (await reader.list(path)).filter((entry) => !isPassedOver(entry));
  const hasOthers = entries.some(
    ({ type, name }) => type !== 'file' || !(isMssqlName(name) || SIDE_FILE.test(name)),
  );
  return !hasOthers && (await holdsOwn(reader, entries)) === true;
}

/** What scripts leave beside the backups of a day: it is named, and makes the folder no other's. */
const SIDE_FILE = /\.(?:log|txt|md5|sha\d+(?:sum)?|asc|sig|json|xml|sql)$|^(?:md5|sha\d+)sums?$/i;

function isPassedOver({ type, name }: RepositoryEntry): boolean {
  return type === 'folder' ? isFolderPassedOver(name) : isFilePassedOver(name);
}

/** Whether the first files of a folder are of SQL Server, or those of the folders for each database within it: where others have a folder there, all is theirs. */
async function isOfKind(reader: TreeReader, path: string): Promise<boolean | null> {
  const entries = (await reader.list(path)).filter((entry) => !isPassedOver(entry));
  if (entries.some(({ type, name }) => type === 'file' && isNamedByTool(name))) return true;
  let hasOwn = await holdsOwn(reader, entries);
  for (const folder of entries.filter(({ type }) => type === 'folder').slice(0, MAX_LOOKS)) {
    const within = await reader.orTell(() => reader.list(folder.path));
    if (within?.length === 0) continue;
    const isOwn = within === null ? null : await holdsOwn(reader, within);
    if (isOwn === false) return false;
    hasOwn = hasOwn === true || isOwn === true ? true : null;
  }
  return hasOwn;
}

/** null: none of those that can be read is, and others cannot be read. */
async function holdsOwn(
  reader: TreeReader,
  entries: readonly RepositoryEntry[],
): Promise<boolean | null> {
  const files = entries.filter(({ type, name }) => type === 'file' && isMssqlName(name));
  if (files.some(({ name }) => isNamedByTool(name))) return true;
  let isRead = true;
  for (const { name, path } of files.slice(0, MAX_LOOKS)) {
    const isIt = await reader.orTell(() => isOwn(reader, name, path));
    if (isIt) return true;
    isRead &&= isIt !== null;
  }
  return isRead ? false : null;
}

/** What is no backup of SQL Server may have a folder `logs` of any size. */
const MAX_LOOKS = 20;

/** Names that maintenance plans and Ola give are taken whatever the file says: what is wrong with it is to be told. */
async function isOwn(reader: TreeReader, name: string, path: string): Promise<boolean> {
  if (isNamedByTool(name)) return true;
  const head = await reader.read(path, 0, MTF_BLOCK_BYTES);
  return isMtfHead(head) || isPackedHead(head);
}

function isNamedByTool(name: string): boolean {
  return (parseMssqlName(name)?.database ?? null) !== null;
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  const all = await claimedTreeFiles(reader, folder, claimed);
  const files = all.filter(({ name }) => isMssqlName(name));
  const media: Medium[] = [];
  for (const own of byStripe(files)) {
    const medium = await readMedium(reader, own);
    if (medium.isForeign !== true) media.push(medium);
  }
  return byDatabase(joinStripes(media)).map((found) => ({
    id: folderWorkloadId(['mssql', ...idParts(found)].join('-'), folder),
    name: nameOf(found) ?? folderName('mssql', folder),
    root: folder,
    within: found.media.flatMap((medium) => medium.files.map(({ within }) => within)),
    points: linkMssqlSets(found.media.flatMap(setsOf)),
  }));
}

function idParts({ database, apart }: DatabaseMedia): string[] {
  const parts = [database?.toLowerCase() ?? '', apart.id];
  return parts.filter((part) => part !== '').map(encodeURIComponent);
}

function nameOf({ database, apart }: DatabaseMedia): string | null {
  return database === null || apart.name === '' ? database : `${database} (${apart.name})`;
}

/** The first file of a striped set speaks for it; each must be whole. */
async function readMedium(reader: TreeReader, files: readonly TreeFile[]): Promise<Medium> {
  const [first] = files as [TreeFile, ...TreeFile[]];
  const name = parseMssqlName(first.name)!;
  const found: ReadFile[] = [];
  for (const file of files) found.push(await readMssqlFile(reader, file));
  const faults = [...found.flatMap(({ fault }) => fault ?? []), ...missingNumbers(files)];
  return {
    id: first.within,
    ...{ name, files, sets: found[0]!.sets, fault: gravestFault(faults) },
    isSealed: found.every(({ isSealed }) => isSealed),
    fileCount: found[0]!.fileCount,
    ...(found[0]!.isForeign === true && name.database === null ? { isForeign: true } : {}),
    ...(found[0]!.packed === undefined ? {} : { packed: found[0]!.packed }),
    ...(found[0]!.mediaSet === undefined ? {} : { mediaSet: found[0]!.mediaSet }),
  };
}

function setsOf(medium: Medium): MssqlSet[] {
  const { id, name, files, sets, fault, isSealed } = medium;
  const sizeBytes = files.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0);
  const paths = files.map(({ within }) => within);
  const states = { state: fault?.state ?? 'complete', reason: fault?.reason ?? null } as const;
  const evidence =
    isSealed && fault === null ? {} : { evidence: treeEvidence(files, isSealed ? null : 'silent') };
  const numbers = numbersOf(sets);
  const namedMs = name.createdAtMs ?? (sets.length === 0 ? name.datedMs : null);
  const shown = sets.length === 0 ? [{ createdAtMs: null, database: packedOne(medium) }] : sets;
  return shown.map(({ createdAtMs, database }, index) => {
    const atMs = createdAtMs ?? namedMs ?? writtenAtMs(files);
    const known = database?.kind ?? name.kind;
    return {
      id: setId(id, namedMs === null ? atMs : null, numbers[index] ?? 1),
      createdAtMs: atMs,
      kind: known ?? 'full',
      ...(known === null && fault === null ? { isKindUnknown: true } : {}),
      isCopyOnly: name.isCopyOnly,
      ...(name.isPartial ? { isPartial: true } : {}),
      ...{ database, files: paths, sizeBytes, ...states, ...evidence },
      ...(sets.length === 0 && database !== null ? { mayHoldMore: true } : {}),
      ...(known === null && fault === null
        ? { doubt: sets.length === 0 ? PACKED_KIND : UNKNOWN_KIND }
        : {}),
    };
  });
}

/** Of a `.bak` whose first set is a log nobody knows what else is in it, and a log would not be copied by every job. */
function packedOne({ packed, name }: Medium): MtfDatabase | null {
  if (packed === undefined) return null;
  const kind: MtfKind | null = name.kind ?? (packed.kind === 'log' ? null : packed.kind);
  return packed.kind === kind ? packed : null;
}

/** As the sets number themselves; one after the other where that makes no sense. */
function numbersOf(sets: Medium['sets']): number[] {
  const rise = sets.every(({ number }, index) => number > (sets[index - 1]?.number ?? 0));
  return sets.map(({ number }, index) => (rise ? number : index + 1));
}

const UNKNOWN_KIND =
  'neither it nor its name says whether it is a full or a differential: what lies before it stays as long as it does, and names such as <database>_full_<date>.bak tell';
/** Of what does not show its sets. */
const PACKED_KIND = `it is compressed or encrypted, and ${UNKNOWN_KIND}`;

/** A name without a date may be given to another backup tomorrow.
 *  @param atMs when the set was made, or its file was last written; null: the name says */
function setId(id: string, atMs: number | null, number: number): string {
  const dated = atMs === null ? id : `${id}@${new Date(atMs).toISOString().slice(0, 19)}`;
  return number === 1 ? dated : `${dated}#${number}`;
}
