import { isFolderPassedOver } from '../../domain/sources/passed-over.js';
import type { FormatId } from '../../domain/sources/source-workload.js';
import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import type { TreeRules } from '../../domain/trees/tree-rules.js';
import { packerOf } from '../../image/stream/packed-start.js';
import { doubtOfShorter } from '../trees/overwritten.js';
import { dateInPathMs } from '../trees/backup-folders.js';
import type { Claim, ClaimedNames, FolderNames } from '../backup-layout.js';
import { parseDatedName } from '../names/dated-name.js';
import { writtenAtMs } from '../names/named-date.js';
import { faultOfError, type PointFault } from '../point-fault.js';
import { isSideFile } from '../names/side-files.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import { claimedTreeFiles, type TreeFile } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { unzippedHead } from '../trees/unzipped-head.js';
import {
  ARCHIVE_HEAD_BYTES,
  ARCHIVE_TAIL_BYTES,
  archiveFault,
  holdsArchive,
  isArchive,
  isGzip,
} from './mongodump-archive.js';
import {
  baseOf,
  isArchiveName,
  isOfAnybody,
  isPacked,
  namesMongo,
  stemOfArchive,
} from './mongodump-names.js';
import { MONGODB_TYPE } from './pbm.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { joinPath } from '../../repository/repository-path.js';
import { oldestFirst } from '../trees/point-order.js';

const RULES: TreeRules = {
  shape: 'sets',
  // One without a date in its name is written over by the next.
  classes: [{ name: 'dumps', match: /(?:)/, content: 'rewritten', isWrittenOnce: isDated }],
  ignored: null,
  digestInName: null,
  openFilesWaitMs: 60_000,
  keepRemovedForDays: 0,
  suspiciousShare: 0.5,
  // An archive that is not packed ends with a block that the tool writes at its end.
  doubtOfNext: doubtOfShorter((path) => /\.(?:archive|mongodump)$/i.test(path)),
  keeps: { modes: false, times: true, links: false },
};

const DUMPED = /^(?<collection>.+)\.(?<of>bson|metadata\.json)(?:\.gz)?$/;
/** What stands beside the folders of the databases. */
const OF_ALL = /^(?:oplog\.bson|prelude\.json)(?:\.gz)?$/;

/** `mongodump`, to archives (`.archive`, `.archive.gz`, `.agz`, and what has one in it under a name that says less, as `.gz`, `.dump` or a date alone), to folders of a date (`20261124/<database>/<collection>.bson`),
 *  or into a folder itself. Each is a full.
 *
 *  A workload is what has one name but for the date, in one folder. An archive is whole when it ends with the block that closes a collection, a
 *  compressed one when the packed stream has its end (which the tool also writes when it fails: only unpacking it would tell). Of a
 *  folder the tool leaves no sign that it has ended. All wait until nothing changes any more. */
export const mongodumpLayout: TreeLayout = {
  name: 'mongodump',
  restoredWith: '`mongorestore --archive=shop.archive`',
  linesInPlace: ['# of mongodump:', 'mongorestore --dir {files}'],
  type: MONGODB_TYPE,
  rules: RULES,
  claim,
  confirm,
  scan,
};

function claim({ folder, files, folders }: FolderNames): Claim | null {
  const isRoot = files.some((name) => OF_ALL.test(name));
  const isDatabase = holdsCollection(files);
  const own = files.filter(
    (name) =>
      isArchiveName(name) ||
      isOfAnybody(name) ||
      (isDatabase && DUMPED.test(name)) ||
      (isRoot && OF_ALL.test(name)),
  );
  const dumps = folders.filter((name) => isRoot || isDumpName(folder, name) !== null);
  return own.length + dumps.length === 0 ? null : { files: own, folders: dumps };
}

function isDated(path: string): boolean {
  return parseDatedName(baseOf(path.split('/', 1)[0]!)) !== null;
}

/** Whether the word stands in a name, or before its date in the folder that it lies in. A date alone says nothing. null: neither word nor date */
function isDumpName(folder: string, name: string): 'word' | 'date' | null {
  const dated = parseDatedName(name);
  if (dated === null) return /^(?:mongo)?dump$/i.test(name) ? 'word' : null;
  const stem = dated.stem === '' ? folder.slice(folder.lastIndexOf('/') + 1) : dated.stem;
  return /mongo|dump/i.test(stem) ? 'word' : 'date';
}

/** The tool writes what is in a collection, and what it is like. */
function holdsCollection(files: readonly string[]): boolean {
  const namesOf = (kind: string): string[] =>
    files.flatMap((name) => {
      const parts = DUMPED.exec(name)?.groups;
      return parts?.of === kind ? [parts.collection ?? ''] : [];
    });
  const described = new Set(namesOf('metadata.json'));
  return namesOf('bson').some((collection) => described.has(collection));
}

async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  const files: string[] = [];
  const unread: string[] = [];
  const isOwnOf = new OwnFiles(reader, folder);
  const others = await ofOthers(claimed.files, isOwnOf);
  for (const name of claimed.files) {
    if (others.has(name)) continue;
    const isOwn = await isOwnOf.ask(name);
    if (isOwn) files.push(name);
    else if (isOwn === null && !isOfAnybody(name)) unread.push(name);
  }
  const folders: string[] = [];
  const isOfAll = files.some((name) => OF_ALL.test(name));
  for (const name of claimed.folders ?? []) {
    const isCalledDump = isOfAll || isDumpName(folder, name) === 'word';
    const own = await reader.orTell(() => dumpIn(reader, folder, name, isCalledDump));
    for (const file of own?.files ?? []) files.push(file);
    for (const within of own?.folders ?? []) folders.push(within);
    // Without a database that cannot be listed nobody knows what the dump of all of them holds.
    if (own === null && isOfAll) folders.push(name);
  }
  if (files.length + folders.length === 0) return null;
  // Beside others it is one of them.
  return { files: [...files, ...unread].sort(), folders };
}

function holdsDumped(files: readonly string[]): boolean {
  return files.some((name) => DUMPED.test(name));
}

/** Whether files of a folder are the tool's; each is opened once. */
class OwnFiles {
  readonly #asked = new Map<string, boolean | null>();

  constructor(
    private readonly reader: TreeReader,
    private readonly folder: string,
  ) {}

  /** null: it cannot be read, which is told */
  async ask(name: string): Promise<boolean | null> {
    const known = this.#asked.get(name);
    if (known !== undefined) return known;
    const path = joinPath(this.folder, name);
    const isOwn = await this.reader.orTell(() => isOwnFile(this.reader, name, path));
    this.#asked.set(name, isOwn);
    return isOwn;
  }
}

/** More of them are no dumps that somebody has named: pieces of another tool, each with a number of its own. */
const MOST_STEMS = 100;

/** Of what is called the same but for the date the oldest and the last two tell for all: nobody's logs of a year are opened at every look. */
async function ofOthers(names: readonly string[], isOwnOf: OwnFiles): Promise<Set<string>> {
  const byStem = new Map<string, string[]>();
  for (const name of names.filter((one) => isOfAnybody(one) && !isPacked(one))) {
    const stem = stemOfArchive(name);
    byStem.set(stem, [...(byStem.get(stem) ?? []), name]);
  }
  const others = new Set<string>();
  for (const [stem, alike] of byStem) {
    const isAsked = byStem.size <= MOST_STEMS || namesMongo(stem);
    const asked = isAsked ? new Set([alike[0]!, ...alike.slice(-2)]) : [];
    const answers: (boolean | null)[] = [];
    for (const name of asked) answers.push(await isOwnOf.ask(name));
    if (answers.every((isOwn) => isOwn === false)) for (const name of alike) others.add(name);
  }
  return others;
}

/** Also by a gzip of an unknown method, which is damage, and no file of another kind. */
function packerIn(head: Uint8Array): FormatId | null {
  return isGzip(head) ? 'gzip' : packerOf(Buffer.from(head).toString('latin1'));
}

async function isOwnFile(reader: TreeReader, name: string, path: string): Promise<boolean> {
  if (isOfDump(name)) return true;
  const head = await reader.read(path, 0, ARCHIVE_HEAD_BYTES);
  if (isArchive(head)) return true;
  if (isGzip(head)) return isArchiveName(name) || isArchive(unzippedHead(head));
  return packerIn(head) !== null && (await reader.look(path, holdsArchive));
}

/** A dump has files of collections in it, or in a folder for each database. What its name does not tell must show a whole collection. Where others have something beside
 *  them, it is these, and what was dumped beside them. */
async function dumpIn(
  reader: TreeReader,
  folder: string,
  name: string,
  isCalledDump: boolean,
): Promise<ClaimedNames> {
  const has = isCalledDump ? holdsDumped : holdsCollection;
  const entries = (await reader.list(joinPath(folder, name))).filter(
    (entry) => entry.type === 'file' || !isFolderPassedOver(entry.name),
  );
  const names = fileNames(entries);
  const databases: string[] = [];
  let isShown = has(names);
  const otherFiles = names.filter((one) => !isOfDump(one) && !isSideFile(one));
  let hasOthers = otherFiles.length > 0;
  for (const { path, name: one } of entries.filter(({ type }) => type === 'folder')) {
    const inner = await reader.orTell(() => reader.list(path));
    isShown ||= inner !== null && has(fileNames(inner));
    // An empty one is of a database without a collection, and what cannot be listed is told with them.
    if (inner === null || inner.length === 0 || holdsDumped(fileNames(inner)))
      databases.push(`${name}/${one}`);
    else hasOthers = true;
  }
  if (isShown && !hasOthers) return { files: [], folders: [name] };
  const isOwn = (one: string): boolean => isOfDump(one) || isSideOfDump(one, otherFiles);
  const own = isShown ? names.filter(isOwn) : [];
  const archives = await archivesOfDate(reader, joinPath(folder, name), names);
  const files = [...own, ...archives].map((one) => `${name}/${one}`);
  return { files, folders: isShown ? databases : [] };
}

/** What describes a machine, or is called after a file of somebody else, goes with that: its layout needs it. */
function isSideOfDump(name: string, others: readonly string[]): boolean {
  if (!isSideFile(name)) return false;
  if (others.length === 0) return true;
  const stem = stemOf(name);
  return !OF_OTHERS.test(name) && !others.some((other) => stem.startsWith(stemOf(other)));
}

/** Of machines, of MySQL, and the log of each run of virtnbdbackup. */
const OF_OTHERS = /\.(?:xml|json|sql)$|^backup\.[a-z]+\.\d{14}\.log$/i;

/** Without its endings; what begins with a dot is called by its whole name. */
function stemOf(name: string): string {
  const dot = name.indexOf('.');
  return dot > 0 ? name.slice(0, dot) : name;
}

/** A folder for each run: what is called the same in the next one is the same at another time. */
async function archivesOfDate(
  reader: TreeReader,
  folder: string,
  names: readonly string[],
): Promise<string[]> {
  if (parseDatedName(folder.slice(folder.lastIndexOf('/') + 1)) === null) return [];
  const own: string[] = [];
  for (const name of names.filter(isArchiveName)) {
    const isOwn = await reader.orTell(() => isOwnFile(reader, name, joinPath(folder, name)));
    // What cannot be read is told with them.
    if (isOwn !== false) own.push(name);
  }
  return own;
}

function isOfDump(name: string): boolean {
  return DUMPED.test(name) || OF_ALL.test(name);
}

function fileNames(entries: readonly RepositoryEntry[]): string[] {
  return entries.flatMap(({ type, name }) => (type === 'file' ? [name] : []));
}

/** What is claimed of the folder itself, with archives wherever they lie, and of each folder in it. */
function byFolder({ files, folders = [] }: Claim): {
  readonly here: readonly string[];
  readonly inFolders: ReadonlyMap<string, ClaimedNames>;
} {
  const inFolders = new Map<string, { files: string[]; folders: string[] }>();
  const add = (kind: 'files' | 'folders', path: string): void => {
    const [name] = path.split('/', 1) as [string];
    const known = inFolders.get(name) ?? { files: [], folders: [] };
    known[kind].push(path);
    inFolders.set(name, known);
  };
  for (const path of folders) add('folders', path);
  const isHere = (path: string): boolean => !path.includes('/') || isArchiveName(path);
  for (const path of files) if (!isHere(path)) add('files', path);
  return { here: files.filter(isHere), inFolders };
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  const workloads = new Map<string, { within: string[]; points: TreePoint[] }>();
  const add = (stem: string, within: readonly string[], point: TreePoint): void => {
    const known = workloads.get(stem) ?? { within: [], points: [] };
    known.within.push(...within);
    known.points.push(point);
    workloads.set(stem, known);
  };
  const { here, inFolders } = byFolder(claimed);
  const own = await claimedTreeFiles(reader, folder, { files: here });
  const isPart = ({ name }: TreeFile): boolean => isOfDump(name);
  for (const file of own.filter((one) => !isPart(one))) {
    const point = await archivePoint(reader, baseOf(file.name), file);
    add(stemOfArchive(file.name), [file.within], point);
  }
  const isOfAll = (name: string): boolean => isDumpName(folder, name) === null;
  const databases: ClaimedNames[] = [];
  for (const [name, claim] of inFolders) {
    if (isOfAll(name)) {
      databases.push(claim);
      continue;
    }
    const within = [...claim.files, ...claim.folders];
    const point = await readDump(reader, folder, name, claim);
    if (point !== null) add(parseDatedName(name)?.stem ?? name, within, point);
  }
  // Written into this folder itself: each time over what was there.
  const parts = own.filter(isPart);
  if (parts.length + databases.length > 0) {
    const below: TreeFile[] = [];
    for (const claim of databases)
      for (const file of await claimedTreeFiles(reader, folder, claim)) below.push(file);
    const point = dumpPoint(folderName('dump', folder), [...parts, ...below]);
    const within = databases.flatMap(({ files, folders }) => [...files, ...folders]);
    add('', [...parts.map((file) => file.within), ...within], point);
  }
  return [...workloads].map(([stem, { within, points }]) => ({
    id: folderWorkloadId(['mongodump', ...nameParts(stem)].join('-'), folder),
    name: stem === '' ? folderName('MongoDB', folder) : stem,
    root: folder,
    within,
    points: points.sort(oldestFirst),
  }));
}

function nameParts(stem: string): string[] {
  return stem === '' ? [] : [encodeURIComponent(stem)];
}

async function archivePoint(reader: TreeReader, base: string, file: TreeFile): Promise<TreePoint> {
  let fault: PointFault | null;
  try {
    const head = await reader.read(file.path, 0, ARCHIVE_HEAD_BYTES);
    const packer = packerIn(head);
    fault =
      packer !== null
        ? await reader.wholeFault(file, packer)
        : archiveFault(
            file.within,
            await reader.read(file.path, -ARCHIVE_TAIL_BYTES, ARCHIVE_TAIL_BYTES),
          );
  } catch (error) {
    fault = faultOfError(error).fault;
  }
  return {
    ...pointOf(file.within, parseDatedName(base)?.createdAtMs ?? dateInPathMs(file.within), [file]),
    ...{ state: fault?.state ?? 'complete', reason: fault?.reason ?? null },
    evidence: treeEvidence([file], fault === null ? 'silent' : null),
  };
}

/** A dump under a date is there, whatever of it cannot be read: a point that is not known is none that is gone. null: nothing tells when it was made */
async function readDump(
  reader: TreeReader,
  root: string,
  name: string,
  { files, folders }: ClaimedNames,
): Promise<TreePoint | null> {
  const found: TreeFile[] = [];
  const unread: string[] = [];
  const ofFolders = folders.map((path): Claim => ({ files: [], folders: [path] }));
  for (const part of [{ files }, ...ofFolders] as Claim[]) {
    const read = await reader.orTell(() => claimedTreeFiles(reader, root, part));
    if (read === null) unread.push(part.folders?.[0] ?? name);
    else for (const file of read) found.push(file);
  }
  const [first] = unread;
  if (first === undefined) return dumpPoint(name, found);
  if (parseDatedName(name) === null) return null;
  const may = first === name ? '' : ', and may be a database of it';
  return {
    ...dumpPoint(name, found),
    ...{ state: 'unknown', reason: `${first} cannot be read${may}` },
    evidence: treeEvidence(found, null),
  };
}

function dumpPoint(name: string, files: readonly TreeFile[]): TreePoint {
  const hasData = files.some((file) => DUMPED.test(file.name));
  return {
    ...pointOf(name, parseDatedName(name)?.createdAtMs ?? null, files),
    state: hasData ? 'complete' : 'incomplete',
    reason: hasData ? null : `${name} holds no collection`,
    evidence: treeEvidence(files, 'silent'),
  };
}

/** What has no date in its name is written again: each time it is another point. */
function pointOf(
  name: string,
  namedAtMs: number | null,
  files: readonly TreeFile[],
): Pick<TreePoint, 'id' | 'createdAtMs' | 'kind' | 'needs' | 'files' | 'sizeBytes'> {
  const createdAtMs = namedAtMs ?? writtenAtMs(files);
  return {
    id: namedAtMs === null ? `${name}@${new Date(createdAtMs).toISOString().slice(0, 19)}` : name,
    ...{ createdAtMs, kind: 'full', needs: [] },
    files: files.map(({ within }) => within),
    sizeBytes: files.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
  };
}
