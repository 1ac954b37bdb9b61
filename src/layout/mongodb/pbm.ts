import type { PointEvidence } from '../../domain/sources/point-state.js';
import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import { firstTexts } from '../../domain/sentences.js';
import { ALL_ALLOWED, type WorkloadTypeFacts } from '../../domain/sources/workload-rules.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { writtenAtMs } from '../names/named-date.js';
import { broken, faultOfError, gravestFault, type PointFault } from '../point-fault.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import { filesBelow, type TreeFile } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { CHUNK_FOLDER, parsePbmChunk, type PbmChunk } from './pbm-chunks.js';
import { pbmFaults } from './pbm-files.js';
import { compareTime, parsePbmMetadata, timeText, type PbmMetadata } from './pbm-metadata.js';
import { joinPath } from '../../repository/repository-path.js';
import { oldestFirst } from '../trees/point-order.js';

export const MONGODB_TYPE: WorkloadTypeFacts = {
  id: 'mongodb',
  title: 'MongoDB',
  rules: ALL_ALLOWED,
};

/** A store of Percona Backup for MongoDB: `<name>.pbm.json` for each backup that has ended, its data in `<name>/` or, of early releases, in
 *  `<name>_<replica set>.*`, and pieces of the oplog between backups in `pbmPitr/`.
 *
 *  A workload is a store, so a cluster; a restore point a backup of all its replica sets, or a piece of the oplog of one.
 *  A backup is whole when its status is `done` and what it names is there: its description is written last. Whatever it names is looked for
 *  among the files of the store alone. */
export const pbmLayout: TreeLayout = {
  name: 'pbm',
  restoredWith: '`pbm restore <name>`',
  linesInPlace: [
    'pbm config --set storage.type=filesystem --set storage.filesystem.path={files}',
    'pbm restore {id}',
  ],
  type: MONGODB_TYPE,
  rules: {
    shape: 'sets',
    classes: [
      {
        name: 'data',
        match: /^(?!pbmPitr\/|[^/]+\.pbm\.json$)/,
        content: 'immutable',
        isOfStore: (path) => path === STORE_MARK,
      },
      { name: 'oplog', match: /^pbmPitr\//, content: 'immutable' },
      { name: 'metadata', match: /^[^/]+\.pbm\.json$/, content: 'replaced' },
    ],
    // What nodes tell each other during a restore; a file on its way.
    ignored: /^\.pbm\.restore\/|\.tmp$/,
    digestInName: null,
    openFilesWaitMs: 60_000,
    keepRemovedForDays: 0,
    suspiciousShare: 0.5,
    keeps: { modes: true, times: true, links: false },
  },
  claim,
  scan,
};

const DESCRIPTION = /^(?<base>.+)\.pbm\.json$/;
const STORE_MARK = '.pbm.init';
/** Early physical backups list their files in it: 100,000 have about 20 MiB. */
const MAX_DESCRIPTION_BYTES = 64 * 1024 * 1024;
/** Folder of a backup that may still be running. */
const BACKUP_FOLDER = /^\d{4}-\d\d-\d\dT\d\d[:.]\d\d[:.]\d\dZ$/;

/** The whole folder is its own: what else lies there, no other tool looks for. */
function claim({ files, folders }: FolderNames): Claim | null {
  const isOwn = files.some((name) => DESCRIPTION.test(name)) || folders.includes(CHUNK_FOLDER);
  return isOwn ? { files, folders } : null;
}

interface PbmBackup {
  readonly base: string;
  readonly files: readonly TreeFile[];
  /** null: it could not be read, or is not written yet. */
  readonly metadata: PbmMetadata | null;
  readonly faults: readonly PointFault[];
}

async function scan(reader: TreeReader, folder: string): Promise<FoundTree[]> {
  const entries = await reader.list(folder);
  const here = entries
    .filter(({ type }) => type === 'file')
    .map((entry) => ({ ...entry, within: entry.name }));
  const folders = entries.filter(({ type }) => type === 'folder').map(({ name }) => name);
  const backups: PbmBackup[] = [];
  for (const base of basesOf(here, folders)) {
    const below = folders.includes(base) ? await filesBelow(reader, folder, base) : [];
    const beside = here.filter(
      ({ name }) => name === `${base}.pbm.json` || name.startsWith(`${base}_`),
    );
    backups.push(await readBackup(reader, folder, base, [...beside, ...below]));
  }
  const chunks = folders.includes(CHUNK_FOLDER)
    ? await filesBelow(reader, folder, CHUNK_FOLDER)
    : [];
  const mark = here.filter(({ name }) => name === STORE_MARK);
  const points = [
    ...backups.map((one) => backupPoint(one, backups, mark)),
    ...chunkPoints(chunks, backups),
  ];
  return [
    {
      id: folderWorkloadId('pbm', folder),
      name: folderName('MongoDB', folder),
      root: folder,
      points: points.sort(oldestFirst),
    },
  ];
}

/** Names of the backups; one without a description lies in a folder of its own. */
function basesOf(files: readonly TreeFile[], folders: readonly string[]): string[] {
  const described = files.flatMap(({ name }) => DESCRIPTION.exec(name)?.groups?.base ?? []);
  return [...new Set([...described, ...folders.filter((name) => BACKUP_FOLDER.test(name))])].sort();
}

async function readBackup(
  reader: TreeReader,
  root: string,
  base: string,
  files: readonly TreeFile[],
): Promise<PbmBackup> {
  const name = `${base}.pbm.json`;
  if (!files.some(({ within }) => within === name)) {
    const reason = `${name} is not written: the backup has not ended`;
    return { base, files, metadata: null, faults: [{ state: 'incomplete', reason }] };
  }
  try {
    const json = await reader.readJson(joinPath(root, name), MAX_DESCRIPTION_BYTES);
    const metadata = parsePbmMetadata(json);
    if (typeof metadata === 'string')
      return { base, files, metadata: null, faults: [broken(`${name} ${metadata}`).fault] };
    if (metadata.name.replaceAll(':', '.') !== base.replaceAll(':', '.')) {
      const fault = broken(`${name} describes ${JSON.stringify(metadata.name)}`).fault;
      return { base, files, metadata, faults: [fault] };
    }
    const byPath = new Map(files.map((file) => [file.within, file]));
    const faults =
      metadata.status === 'done' ? await pbmFaults(reader, root, base, metadata, byPath) : [];
    return { base, files, metadata, faults };
  } catch (error) {
    return { base, files, metadata: null, faults: [faultOfError(error).fault] };
  }
}

const ENDED_BADLY: readonly string[] = ['error', 'partlyDone', 'cancelled', 'canceled'];

function stateOf({ metadata, faults }: PbmBackup): Pick<TreePoint, 'state' | 'reason'> {
  const { status, error } = metadata ?? { status: 'done', error: null };
  if (faults.length === 0 && status !== 'done') {
    const reason = `its status is ${status}${error === null ? '' : `: ${error}`}`;
    return { state: ENDED_BADLY.includes(status) ? 'broken' : 'inProgress', reason };
  }
  const fault = gravestFault(faults);
  return { state: fault?.state ?? 'complete', reason: fault?.reason ?? null };
}

function backupPoint(
  backup: PbmBackup,
  all: readonly PbmBackup[],
  mark: readonly TreeFile[],
): TreePoint {
  const { base, files, metadata } = backup;
  const source = metadata?.source ?? null;
  const below = all.find((one) => one !== backup && one.metadata?.name === source);
  const gap = source === null ? null : sourceGap(source, below);
  const namespaces = metadata?.namespaces ?? [];
  return {
    id: base,
    createdAtMs: createdAtMs(backup),
    kind: source === null ? 'full' : 'increment',
    needs: below === undefined ? [] : [below.base],
    ...stateOf(backup),
    files: [...mark, ...files].map(({ within }) => within),
    sizeBytes: [...mark, ...files].reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
    evidence: evidenceOf(backup),
    ...(gap === null ? {} : { gap }),
    ...(namespaces.length === 0
      ? {}
      : { ofPart: `it holds ${firstTexts(namespaces).join(', ')} alone, and none of the rest` }),
  };
}

/** Its description is written when it has ended. */
function evidenceOf({ base, files }: PbmBackup): PointEvidence {
  const name = `${base}.pbm.json`;
  const record = files.find(({ within }) => within === name) ?? null;
  return treeEvidence(
    files.filter((file) => file !== record),
    record,
  );
}

function sourceGap(source: string, below: PbmBackup | undefined): string | null {
  if (below === undefined) return `the backup that it builds on, ${source}, is not here`;
  const { state, reason } = stateOf(below);
  return state === 'complete'
    ? null
    : `${source}, which it builds on, is ${state}: ${reason ?? ''}`;
}

function createdAtMs({ metadata, files }: PbmBackup): number {
  if (metadata === null) return writtenAtMs(files);
  return metadata.lastWrite.seconds > 0 ? metadata.lastWrite.seconds * 1000 : metadata.startedAtMs;
}

/** A piece of the oplog needs the newest backup whose state lies within it, or the piece that ends where it begins. */
function chunkPoints(files: readonly TreeFile[], backups: readonly PbmBackup[]): TreePoint[] {
  const sizes = new Map(files.map(({ within, stamp }) => [within, stamp.sizeBytes]));
  const chunks = files
    .flatMap(({ within }) => parsePbmChunk(within) ?? [])
    .sort((a, b) => compareTime(a.start, b.start) || compareTime(a.end, b.end));
  // PBM replays the oplog on none that holds a part of the namespaces.
  const bases = backups.filter(
    (one) => stateOf(one).state === 'complete' && one.metadata?.namespaces.length === 0,
  );
  const last = new Map<string, PbmChunk>();
  return chunks.map((chunk) => {
    const before = last.get(chunk.replicaSet);
    if (before === undefined || compareTime(chunk.end, before.end) >= 0)
      last.set(chunk.replicaSet, chunk);
    const base = bases.findLast(
      ({ metadata }) => metadata !== null && holds(chunk, metadata.lastWrite),
    );
    const sizeBytes = sizes.get(chunk.path) ?? 0;
    return {
      id: chunk.path,
      createdAtMs: chunk.end.seconds * 1000,
      kind: 'log',
      ...footingOf(chunk, base, before),
      state: sizeBytes === 0 ? 'incomplete' : 'complete',
      reason: sizeBytes === 0 ? `${chunk.path} is empty` : null,
      files: [chunk.path],
      sizeBytes,
    };
  });
}

function footingOf(
  chunk: PbmChunk,
  base: PbmBackup | undefined,
  before: PbmChunk | undefined,
): Pick<TreePoint, 'needs' | 'gap'> {
  const joins = before !== undefined && compareTime(chunk.start, before.end) <= 0;
  if (base !== undefined) return { needs: [base.base] };
  if (joins) return { needs: [before.path] };
  const missing =
    before === undefined
      ? `no backup reaches to where its oplog of ${chunk.replicaSet} begins (${timeText(chunk.start)})`
      : `the oplog of ${chunk.replicaSet} from ${timeText(before.end)} to ${timeText(chunk.start)} is missing`;
  return { needs: [], gap: missing };
}

function holds({ start, end }: PbmChunk, time: PbmMetadata['lastWrite']): boolean {
  return compareTime(start, time) <= 0 && compareTime(time, end) <= 0;
}
