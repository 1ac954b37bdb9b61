import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import type { TreeRules } from '../../domain/trees/tree-rules.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { parseDatedName } from '../dated-name.js';
import { writtenAtMs } from '../named-date.js';
import { faultOfError, type PointFault } from '../point-fault.js';
import { treeEvidence } from '../tree-evidence.js';
import { claimedTreeFiles, filesBelow, type TreeFile } from '../tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../workload-id.js';
import {
  ARCHIVE_HEAD_BYTES,
  ARCHIVE_TAIL_BYTES,
  archiveFault,
  isArchive,
  isGzip,
} from './mongodump-archive.js';
import { MONGODB_TYPE } from './pbm.js';
import { joinPath } from '../../repository/repository-path.js';

const RULES: TreeRules = {
  shape: 'sets',
  // One without a date in its name is written over by the next.
  classes: [{ name: 'dumps', match: /(?:)/, content: 'rewritten', isWrittenOnce: isDated }],
  ignored: null,
  digestInName: null,
  openFilesWaitMs: 60_000,
  keepRemovedForDays: 0,
  suspiciousShare: 0.5,
  keeps: { modes: false, times: true, links: false },
};

const ARCHIVE = /^(?<base>.+?)\.(?:archive|mongodump|agz)(?:\.gz)?$/i;
const DUMPED = /\.(?:bson|metadata\.json)(?:\.gz)?$/;

/** `mongodump`, to archives (`.archive`, `.archive.gz`, `.agz`) or to folders of a date (`dump-2026-11-24/<database>/<collection>.bson`). Each is a full.
 *
 *  A workload is what has one name but for the date, in one folder. An archive is whole when it ends with the block that closes a collection, a
 *  compressed one when the packed stream has its end (which the tool also writes when it fails: only unpacking it would tell). Of a
 *  folder the tool leaves no sign that it has ended. All wait until nothing changes any more. */
export const mongodumpLayout: TreeLayout = {
  name: 'mongodump',
  type: MONGODB_TYPE,
  rules: RULES,
  claim,
  confirm,
  scan,
};

function claim({ folder, files, folders }: FolderNames): Claim | null {
  const archives = files.filter((name) => ARCHIVE.test(name));
  const dumps = folders.filter((name) => isDumpName(folder, name));
  return archives.length + dumps.length === 0 ? null : { files: archives, folders: dumps };
}

function isDated(path: string): boolean {
  const name = path.split('/', 1)[0]!;
  return parseDatedName(ARCHIVE.exec(name)?.groups?.base ?? name) !== null;
}

/** A date alone says nothing, so the word must stand before it, or in the name of the folder that it lies in. */
function isDumpName(folder: string, name: string): boolean {
  const dated = parseDatedName(name);
  if (dated === null) return /^(?:mongo)?dump$/i.test(name);
  const stem = dated.stem === '' ? folder.slice(folder.lastIndexOf('/') + 1) : dated.stem;
  return /mongo|dump/i.test(stem);
}

async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  const files: string[] = [];
  for (const name of claimed.files) {
    const head = await reader.read(joinPath(folder, name), 0, ARCHIVE_HEAD_BYTES);
    if (isArchive(head) || isGzip(head)) files.push(name);
  }
  const folders: string[] = [];
  for (const name of claimed.folders ?? [])
    if (await isDump(reader, joinPath(folder, name))) folders.push(name);
  return files.length + folders.length === 0 ? null : { files, folders };
}

/** A dump has files of collections in it, or in a folder for each database. */
async function isDump(reader: TreeReader, path: string): Promise<boolean> {
  const entries = await reader.list(path);
  if (entries.some(({ type, name }) => type === 'file' && DUMPED.test(name))) return true;
  for (const { type, path: within } of entries) {
    if (type !== 'folder') continue;
    if ((await reader.list(within)).some(({ name }) => DUMPED.test(name))) return true;
  }
  return false;
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  const workloads = new Map<string, { within: string[]; points: TreePoint[] }>();
  const add = (stem: string, within: string, point: TreePoint): void => {
    const known = workloads.get(stem) ?? { within: [], points: [] };
    known.within.push(within);
    known.points.push(point);
    workloads.set(stem, known);
  };
  for (const file of await claimedTreeFiles(reader, folder, { files: claimed.files })) {
    const base = ARCHIVE.exec(file.name)?.groups?.base ?? file.name;
    add(parseDatedName(base)?.stem ?? base, file.within, await archivePoint(reader, base, file));
  }
  for (const name of claimed.folders ?? []) {
    const files = await filesBelow(reader, folder, name);
    add(parseDatedName(name)?.stem ?? name, name, dumpPoint(name, files));
  }
  return [...workloads].map(([stem, { within, points }]) => ({
    id: folderWorkloadId(['mongodump', ...nameParts(stem)].join('-'), folder),
    name: stem === '' ? folderName('MongoDB', folder) : stem,
    root: folder,
    within,
    points: points.sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1)),
  }));
}

function nameParts(stem: string): string[] {
  return stem === '' ? [] : [encodeURIComponent(stem)];
}

async function archivePoint(reader: TreeReader, base: string, file: TreeFile): Promise<TreePoint> {
  let fault: PointFault | null;
  try {
    const head = await reader.read(file.path, 0, ARCHIVE_HEAD_BYTES);
    fault = isGzip(head)
      ? await reader.wholeFault(file, 'gzip')
      : archiveFault(
          file.within,
          await reader.read(file.path, -ARCHIVE_TAIL_BYTES, ARCHIVE_TAIL_BYTES),
        );
  } catch (error) {
    fault = faultOfError(error).fault;
  }
  return {
    ...pointOf(file.within, parseDatedName(base)?.createdAtMs ?? null, [file]),
    ...{ state: fault?.state ?? 'complete', reason: fault?.reason ?? null },
    evidence: treeEvidence([file], fault === null ? 'silent' : null),
  };
}

function dumpPoint(name: string, files: readonly TreeFile[]): TreePoint {
  const hasData = files.some(({ within }) => DUMPED.test(within));
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
