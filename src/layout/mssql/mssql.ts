import type { FoundTree } from '../../domain/trees/source-tree.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { PLUG_IN_RULES } from '../database-rules.js';
import { writtenAtMs } from '../named-date.js';
import { gravestFault, incomplete, type PointFault } from '../point-fault.js';
import { treeEvidence } from '../tree-evidence.js';
import { claimedTreeFiles, type TreeFile } from '../tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../workload-id.js';
import { joinServers, type DatabaseMedia } from './availability-groups.js';
import { linkMssqlSets, type MssqlSet } from './mssql-chain.js';
import { isMssqlName, parseMssqlName } from './mssql-names.js';
import { isMtfHead, isPackedHead, MAX_FILES_OF_SET, MTF_BLOCK_BYTES, type MtfKind } from './mtf.js';
import { readMssqlFile, type ReadFile } from './mssql-file.js';
import type { Medium } from './medium.js';
import { joinPath } from '../../repository/repository-path.js';

/** Backups of SQL Server to disk: `.bak`, `.dif`, `.trn`, under any name, in one folder or in Ola Hallengren’s `FULL`, `DIFF` and `LOG` below that of
 *  the database. Kind, database and log sequence numbers are read from the file; the name serves where the file does not say.
 *
 *  A workload is a database of a server in one folder, a restore point a backup set. A file may hold several sets, one behind the other
 *  (`NOINIT`), and a set may be striped over several files. The account that ran a backup stands in its file and is never read. */
export const mssqlLayout: TreeLayout = {
  name: 'mssql',
  type: { id: 'sql-server', title: 'Microsoft SQL Server', rules: PLUG_IN_RULES },
  rules: {
    shape: 'sets',
    // A file of its own name may be written anew (INIT) or grow (NOINIT).
    classes: [
      { name: 'data', match: /\.(?:bak|dif)$/i, content: 'rewritten' },
      { name: 'log', match: /\.trn$/i, content: 'rewritten' },
    ],
    ignored: null,
    digestInName: null,
    openFilesWaitMs: 60_000,
    keepRemovedForDays: 0,
    suspiciousShare: 0.5,
    keeps: { modes: false, times: true, links: false },
  },
  claim,
  confirm,
  scan,
};

const OLA_FOLDER = /^(?:(?:FULL|DIFF)(?:_PARTIAL)?|LOG)(?:_COPY_ONLY)?$/;

/** What lies beside them is walked. */
function claim({ files, folders }: FolderNames): Claim | null {
  const own = files.filter(isMssqlName);
  const ola = folders.filter((name) => OLA_FOLDER.test(name));
  if (own.length + ola.length === 0) return null;
  return { files: own, ...(ola.length > 0 ? { folders: ola } : {}) };
}

/** A `.bak` may be anything, and a folder `LOG` may hold any. */
async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  const files: string[] = [];
  for (const name of claimed.files)
    if (await isOwn(reader, name, joinPath(folder, name))) files.push(name);
  const folders: string[] = [];
  for (const name of claimed.folders ?? []) {
    const entries = await reader.list(joinPath(folder, name));
    if (entries.some((entry) => entry.type === 'file' && parseMssqlName(entry.name)?.server))
      folders.push(name);
  }
  return files.length + folders.length === 0 ? null : { files, folders };
}

/** Names that maintenance plans and Ola give are taken whatever the file says: what is wrong with it is to be told. */
async function isOwn(reader: TreeReader, name: string, path: string): Promise<boolean> {
  if (parseMssqlName(name)?.database) return true;
  const head = await reader.read(path, 0, MTF_BLOCK_BYTES);
  return isMtfHead(head) || isPackedHead(head);
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  const all = await claimedTreeFiles(reader, folder, claimed);
  const files = all.filter(({ name }) => isMssqlName(name));
  const media: Medium[] = [];
  for (const own of byStripe(files)) media.push(await readMedium(reader, own));
  return byDatabase(media).map(({ server, database, media: own }) => ({
    id: folderWorkloadId(['mssql', ...[server, database].flatMap(idPart)].join('-'), folder),
    name: nameOf(server, database) ?? folderName('mssql', folder),
    root: folder,
    within: own.flatMap((medium) => medium.files.map(({ within }) => within)),
    points: linkMssqlSets(own.flatMap(setsOf)),
  }));
}

function idPart(part: string | null): string[] {
  return part === null ? [] : [encodeURIComponent(part)];
}

function nameOf(server: string | null, database: string | null): string | null {
  if (database === null) return null;
  return server === null ? database : `${database} (${server})`;
}

/** The files of each set that is striped together, by number; every other file by itself. */
function byStripe(files: readonly TreeFile[]): TreeFile[][] {
  const sets = new Map<string, { number: number; file: TreeFile }[]>();
  for (const file of files) {
    const stripe = parseMssqlName(file.name)?.stripe ?? null;
    const folder = file.within.slice(0, -file.name.length);
    const key = stripe === null ? file.within : `${folder}${stripe.of}`;
    const number = stripe?.number ?? 0;
    sets.set(key, [...(sets.get(key) ?? []), { number, file }]);
  }
  return [...sets.values()].map((set) =>
    set.sort((a, b) => a.number - b.number).map(({ file }) => file),
  );
}

/** The first file of a striped set speaks for it; each must be whole. */
async function readMedium(reader: TreeReader, files: readonly TreeFile[]): Promise<Medium> {
  const [first] = files as [TreeFile, ...TreeFile[]];
  const name = parseMssqlName(first.name)!;
  const found: ReadFile[] = [];
  for (const file of files) found.push(await readMssqlFile(reader, file));
  const faults = [...found.flatMap(({ fault }) => fault ?? []), ...missingStripes(files)];
  return {
    id: first.within,
    ...{ name, files, sets: found[0]!.sets, fault: gravestFault(faults) },
    isSealed: found.every(({ isSealed }) => isSealed),
    fileCount: found[0]!.fileCount,
    ...(found[0]!.packed === undefined ? {} : { packed: found[0]!.packed }),
  };
}

/** How many there are is not known; that numbers are missing between them is. */
function missingStripes(files: readonly TreeFile[]): PointFault[] {
  const numbers = files.flatMap(({ name }) => parseMssqlName(name)?.stripe?.number ?? []);
  const last = Math.max(0, ...numbers);
  if (last > MAX_FILES_OF_SET) return [incomplete(`its files are numbered up to ${last}`).fault];
  const missing = Array.from({ length: Math.max(last, numbers.length > 0 ? 2 : 0) })
    .map((_, index) => index + 1)
    .filter((number) => !numbers.includes(number));
  if (missing.length === 0) return [];
  return [incomplete(`it is striped, and file ${missing.join(', ')} is missing`).fault];
}

interface OpenGroup extends DatabaseMedia {
  readonly media: Medium[];
}

/** A file whose server is not known belongs to the one server that has a database of its name here. */
function byDatabase(media: readonly Medium[]): DatabaseMedia[] {
  const groups = new Map<string, OpenGroup>();
  const nameless: Medium[] = [];
  for (const medium of media) {
    const { server, database } = ownerOf(medium);
    if (server === null) nameless.push(medium);
    else addTo(groups, { server, database }, medium);
  }
  for (const medium of nameless) {
    const { database } = ownerOf(medium);
    const same = [...groups.values()].filter(
      (group) => database !== null && group.database?.toLowerCase() === database.toLowerCase(),
    );
    if (same.length === 1) same[0]!.media.push(medium);
    else addTo(groups, { server: null, database }, medium);
  }
  return joinServers([...groups.values()]);
}

function addTo(
  groups: Map<string, OpenGroup>,
  { server, database }: Pick<DatabaseMedia, 'server' | 'database'>,
  medium: Medium,
): void {
  const key = JSON.stringify([server, database]).toLowerCase();
  const group = groups.get(key);
  if (group === undefined) groups.set(key, { server, database, media: [medium] });
  else group.media.push(medium);
}

/** Of a file that does not say it its name tells, whoever gave that.
 *
 *  Ola writes an instance as `SERVER$INSTANCE`, and an availability group as `CLUSTER$GROUP`: whichever of its servers took a backup, the logs join. */
function ownerOf({ name, sets, packed }: Medium): Pick<DatabaseMedia, 'server' | 'database'> {
  const own = sets.find(({ database }) => database !== null)?.database ?? packed;
  const named = name.server?.replace('$', '\\') ?? null;
  if (own === undefined) return { server: named, database: name.stem === '' ? null : name.stem };
  const isOfGroup =
    name.server?.includes('$') === true && named?.toLowerCase() !== own.server.toLowerCase();
  return { server: isOfGroup ? name.server : own.server, database: own.name };
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
  const shown = sets.length === 0 ? [{ createdAtMs: null, database: null }] : sets;
  return shown.map(({ createdAtMs, database }, index) => {
    const atMs = createdAtMs ?? namedMs ?? writtenAtMs(files);
    const known = database?.kind ?? name.kind ?? packedKind(medium);
    return {
      id: setId(id, namedMs === null ? atMs : null, numbers[index] ?? 1),
      createdAtMs: atMs,
      kind: known ?? 'full',
      ...(known === null && fault === null ? { isKindUnknown: true } : {}),
      isCopyOnly: name.isCopyOnly,
      ...(name.isPartial ? { isPartial: true } : {}),
      ...{ database, files: paths, sizeBytes, ...states, ...evidence },
      ...doubtOf(medium, known === null && fault === null),
    };
  });
}

/** Of a `.bak` whose first set is a log nobody knows what else is in it, and a log would not be copied by every job. */
function packedKind({ packed }: Medium): MtfKind | null {
  return packed === undefined || packed.kind === 'log' ? null : packed.kind;
}

/** As the sets number themselves; one after the other where that makes no sense. */
function numbersOf(sets: Medium['sets']): number[] {
  const rise = sets.every(({ number }, index) => number > (sets[index - 1]?.number ?? 0));
  return sets.map(({ number }, index) => (rise ? number : index + 1));
}

/** Only names tell which files belong together: one that says it is spread over more is a warning, and is copied. */
function doubtOf({ files, fileCount }: Medium, isKindUnknown: boolean): Pick<MssqlSet, 'doubt'> {
  if (fileCount !== null && fileCount > files.length) {
    const here = files.length === 1 ? 'one is' : `${files.length} are`;
    return {
      doubt: `its head counts ${fileCount} files, of which ${here} known by name to belong to it: a stripe may be missing, and names such as <name>_1.bak keep stripes together`,
    };
  }
  return isKindUnknown ? { doubt: UNKNOWN_KIND } : {};
}

const UNKNOWN_KIND =
  'it is compressed or encrypted, and neither it nor its name says whether it is a full or a differential: what lies before it stays as long as it does, and names such as <database>_full_<date>.bak tell';

/** A name without a date may be given to another backup tomorrow.
 *  @param atMs when the set was made, or its file was last written; null: the name says */
function setId(id: string, atMs: number | null, number: number): string {
  const dated = atMs === null ? id : `${id}@${new Date(atMs).toISOString().slice(0, 19)}`;
  return number === 1 ? dated : `${dated}#${number}`;
}
