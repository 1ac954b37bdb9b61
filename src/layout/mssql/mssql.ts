import { isFilePassedOver, isFolderPassedOver } from '../../domain/sources/passed-over.js';
import type { FoundTree } from '../../domain/trees/source-tree.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { PLUG_IN_RULES } from '../trees/database-rules.js';
import { parseDatedName } from '../names/dated-name.js';
import { writtenAtMs } from '../names/named-date.js';
import { gravestFault } from '../point-fault.js';
import { isSideFile } from '../names/side-files.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import { claimedTreeFiles, type TreeFile } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { byDatabase, type DatabaseMedia } from './database-media.js';
import { linkMssqlSets, type MssqlSet } from './mssql-chain.js';
import { isMssqlName, parseMssqlName } from './mssql-names.js';
import { isMtfHead, isPackedHead, MTF_BLOCK_BYTES, type MtfDatabase, type MtfKind } from './mtf.js';
import { readMssqlFile, type ReadFile } from './mssql-file.js';
import type { Medium } from './medium.js';
import { byStripe, joinStripes, missingNumbers } from './stripes.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { joinPath, lastName } from '../../repository/repository-path.js';

/** Backups of SQL Server to disk: `.bak`, `.dif`, `.trn`, under any name, in one folder or in folders for kinds of backups below it (Ola Hallengren’s `FULL`,
 *  `DIFF` and `LOG`, or what people call them). Kind, database and log sequence numbers are read from the file; the name serves where the file does not say.
 *
 *  A workload is a database in one folder and those of its kinds of backups, or of its days, a restore point a backup set. A file may hold several sets, one behind the other
 *  (`NOINIT`), and a set may be striped over several files. The account that ran a backup stands in its file and is never read. */
export const mssqlLayout: TreeLayout = {
  name: 'mssql',
  restoredWith: "`RESTORE DATABASE sales FROM DISK = 'sales.bak'`",
  linesInPlace: [
    'ls {files}',
    `sqlcmd -Q "RESTORE DATABASE [name] FROM DISK = N'FILE' WITH NORECOVERY"`,
  ],
  type: { id: 'sql-server', title: 'Microsoft SQL Server', rules: PLUG_IN_RULES },
  rules: {
    shape: 'sets',
    // A file may be written anew (INIT) or grow (NOINIT), also one with a date in its name: which backups it has stands in it.
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

/** Paths from the folder, and whether each is of SQL Server; null: it cannot be read. */
type Answers = Map<string, boolean | null>;

/** A `.bak` may be anything, and a folder `LOG` may hold any. What cannot be read lies among those that are, or among none: then it is left. */
async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  const files = await ownFiles(reader, folder, claimed.files);
  const folders: Answers = new Map();
  for (const name of claimed.folders ?? []) {
    const parts = await reader.orTell(() => partsOf(reader, folder, name));
    for (const [path, isIt] of parts?.files ?? []) files.set(path, isIt);
    for (const [path, isIt] of parts?.folders ?? [[name, null]]) folders.set(path, isIt);
  }
  if (![...files.values(), ...folders.values()].includes(true)) return null;
  return { files: notOthers(files), folders: notOthers(folders) };
}

async function ownFiles(
  reader: TreeReader,
  folder: string,
  paths: readonly string[],
): Promise<Answers> {
  const files: Answers = new Map();
  for (const path of paths)
    files.set(path, await reader.orTell(() => isOwn(reader, joinPath(folder, path))));
  return files;
}

function notOthers(answers: Answers): string[] {
  return [...answers].flatMap(([name, isOwn]) => (isOwn === false ? [] : [name]));
}

/** A folder for each run: the sets in one build on those in others, so that they are looked at together. */
function isOfDay(name: string): boolean {
  return !KIND_FOLDER.test(name) && parseDatedName(name) !== null;
}

/** What of a folder for a kind of backups, or for a run, is of SQL Server: all of it, where others have nothing in it; or files, and folders for each database. */
async function partsOf(
  reader: TreeReader,
  folder: string,
  name: string,
): Promise<{ readonly files: Answers; readonly folders: Answers }> {
  const entries = (await reader.list(joinPath(folder, name))).filter((one) => !isPassedOver(one));
  const files = entries.filter(({ type }) => type === 'file').map((entry) => entry.name);
  const folders: Answers = new Map();
  const shared: string[] = [];
  for (const entry of entries.filter(({ type }) => type === 'folder')) {
    const path = `${name}/${entry.name}`;
    const inner = await reader.orTell(() => reader.list(entry.path));
    if (inner?.length === 0) continue;
    const isIt = inner === null ? null : await holdsOwn(reader, inner);
    const isShared = isIt === true && (await holdsOthers(reader, inner!));
    folders.set(path, isShared ? false : isIt);
    for (const one of isShared ? inner! : [])
      if (one.type === 'file' && isMssqlName(one.name)) shared.push(`${path}/${one.name}`);
  }
  const hasOthers =
    [...folders.values()].includes(false) ||
    files.some((file) => !isMssqlName(file) && !isSideFile(file));
  if (hasOthers) {
    const paths = files.filter(isMssqlName).map((file) => `${name}/${file}`);
    return { files: await ownFiles(reader, folder, [...paths, ...shared]), folders };
  }
  const answers = [await holdsOwn(reader, entries), ...folders.values()];
  const isWhole = answers.includes(true) || (answers.includes(null) ? null : false);
  return { files: new Map(), folders: new Map([[name, isWhole]]) };
}

/** Whether in a folder, or at any depth below, there is what SQL Server does not call so. What cannot be listed is nobody's. */
async function holdsOthers(
  reader: TreeReader,
  entries: readonly RepositoryEntry[],
): Promise<boolean> {
  for (const entry of entries.filter((one) => !isPassedOver(one))) {
    if (entry.type === 'folder') {
      const inner = await reader.orTell(() => reader.list(entry.path));
      if (inner !== null && (await holdsOthers(reader, inner))) return true;
    } else if (!isMssqlName(entry.name) && !isSideFile(entry.name)) return true;
  }
  return false;
}

function isPassedOver({ type, name }: RepositoryEntry): boolean {
  return type === 'folder' ? isFolderPassedOver(name) : isFilePassedOver(name);
}

/** null: none of those that can be read is, and others cannot be read. */
async function holdsOwn(
  reader: TreeReader,
  entries: readonly RepositoryEntry[],
): Promise<boolean | null> {
  const files = entries.filter(({ type, name }) => type === 'file' && isMssqlName(name));
  if (files.some(({ name }) => isNamedByTool(name))) return true;
  let isRead = true;
  for (const { path } of files) {
    const isIt = await reader.orTell(() => isOwn(reader, path));
    if (isIt) return true;
    isRead &&= isIt !== null;
  }
  return isRead ? false : null;
}

/** Names that maintenance plans and Ola give are taken whatever the file says: what is wrong with it is to be told. */
async function isOwn(reader: TreeReader, path: string): Promise<boolean> {
  if (isNamedByTool(lastName(path))) return true;
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
      ...unreadBefore(medium, index),
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

/** Sets number themselves without a hole: where there is one its sets were not found, by file marks that are damaged or too many (`setStarts`). */
function unreadBefore({ id, sets }: Medium, index: number): Pick<MssqlSet, 'unread'> {
  const [before, own] = [sets[index - 1], sets[index]];
  const count = before === undefined || own === undefined ? 0 : own.number - before.number - 1;
  if (count <= 0) return {};
  const were = count === 1 ? '1 set' : `${count} sets`;
  return { unread: `${were} of ${id} before it could not be read and are no restore points` };
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
