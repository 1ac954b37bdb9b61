import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { PLUG_IN_RULES } from '../trees/database-rules.js';
import { writtenAtMs } from '../names/named-date.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import { claimedTreeFiles, type TreeFile } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { calledWithoutDates, parseDatedName } from '../names/dated-name.js';
import { namesOf } from '../names/names-in.js';
import { folderName, folderWorkloadId, formerIdsOfDates } from '../names/workload-id.js';
import { joinPath, parentFolder } from '../../repository/repository-path.js';
import { missingLogs } from './rman-logs.js';
import { readRedoHead, type RedoHead } from './redo-head.js';
import {
  parseRedoLog,
  REDO_PATHS,
  redoRuns,
  type RedoLog,
  type RedoRun,
  type WrittenRedoLog,
} from './redo-names.js';
import { oldestFirst } from '../trees/point-order.js';

/** How long a log may still be written: it gets its name at once. */
const OPEN_MS = 60_000;

/** A folder into which Oracle archives its redo logs (`LOG_ARCHIVE_DEST`) under the names of `LOG_ARCHIVE_FORMAT`.
 *
 *  A workload is a folder, and what lies in folders of dates in it under one name, as a script puts it there; a restore point a run of logs of one thread without a gap: until its last the database can be rolled forward. The head of a log tells
 *  its number and its blocks, so one that is cut off, or is another, ends the run before it; of those that are packed names alone tell.
 *  It is log and nothing else: a job copies it when it copies transaction logs. */
export const redoFolderLayout: TreeLayout = {
  name: 'oracle-logs',
  restoredWith: "`rman`: `CATALOG START WITH '/restored/arch/'`, `RECOVER DATABASE`",
  linesInPlace: [
    `echo "CATALOG START WITH '"{files}"/' NOPROMPT;" | rman target /`,
    'echo "RECOVER DATABASE;" | rman target /',
  ],
  type: {
    id: 'oracle-logs',
    title: 'Oracle (archived logs)',
    rules: { ...PLUG_IN_RULES, logsOnly: true },
  },
  rules: {
    shape: 'store',
    // Oracle never archives other bytes under a name.
    classes: [{ name: 'logs', match: REDO_PATHS, content: 'replaced', isWrittenOnce: () => true }],
    ignored: /\.tmp$/,
    digestInName: null,
    openFilesWaitMs: OPEN_MS,
    keepRemovedForDays: 14,
    suspiciousShare: 0.5,
    keeps: { modes: false, times: true, links: false },
  },
  claim: ({ files, folders }: FolderNames): Claim | null => {
    const own = files.filter(isRedoName);
    const dated = folders.filter((name) => parseDatedName(name) !== null);
    return own.length + dated.length === 0 ? null : { files: own, folders: dated };
  },
  confirm,
  scan,
};

function isRedoName(name: string): boolean {
  return parseRedoLog(name) !== null;
}

async function confirm(
  reader: TreeReader,
  folder: string,
  { files, folders = [] }: Claim,
): Promise<Claim | null> {
  const own = (await areLogs(reader, folder, files)) ? [...files] : [];
  for (const name of folders)
    for (const file of (await reader.orTell(() => logsOfDate(reader, folder, name))) ?? [])
      own.push(`${name}/${file}`);
  return own.length === 0 ? null : { files: own };
}

/** Names of three numbers may be anybody's: those are, of which the first few that are not packed have no head of a log. */
async function areLogs(
  reader: TreeReader,
  folder: string,
  files: readonly string[],
): Promise<boolean> {
  const plain = files.filter((name) => parseRedoLog(name)?.isPacked === false);
  for (const name of plain.slice(0, HEADS_TRIED)) {
    const isLog = await reader.orTell(
      async () => (await reader.look(joinPath(folder, name), readRedoHead)) !== null,
    );
    // What cannot be read is told by the scan.
    if (isLog !== false) return true;
  }
  return plain.length === 0 && files.length > 0;
}

const HEADS_TRIED = 3;

/** Logs of one database, however many days they are of. Of pieces of RMAN that they lie among they are none in a folder of any name. */
async function logsOfDate(
  reader: TreeReader,
  folder: string,
  name: string,
): Promise<readonly string[]> {
  const path = joinPath(folder, name);
  const own = namesOf(await reader.list(path)).files.filter(isRedoName);
  return (await areLogs(reader, path, own)) ? own : [];
}

interface FoundLog {
  readonly log: RedoLog;
  readonly file: TreeFile;
  /** null: it is whole, as far as its head tells. */
  readonly fault: string | null;
}

interface WholeLog extends WrittenRedoLog {
  readonly file: TreeFile;
}

async function scan(reader: TreeReader, folder: string, { files }: Claim): Promise<FoundTree[]> {
  const trees: FoundTree[] = [];
  for (const [name, own] of byName(files)) {
    const tree = await reader.orTell(() => treeOf(reader, folder, name, own));
    if (tree !== null) trees.push(tree);
  }
  return trees;
}

/** The logs of each name that folders have without their dates: empty for what lies in the folder itself. */
function byName(files: readonly string[]): Map<string, string[]> {
  const logs = new Map<string, string[]>();
  for (const path of files) {
    const name = calledWithoutDates(parentFolder(path));
    const known = logs.get(name);
    if (known === undefined) logs.set(name, [path]);
    else known.push(path);
  }
  return logs;
}

async function treeOf(
  reader: TreeReader,
  folder: string,
  called: string,
  files: readonly string[],
): Promise<FoundTree> {
  const logs: FoundLog[] = [];
  for (const file of await claimedTreeFiles(reader, folder, { files })) {
    const log = parseRedoLog(file.name);
    if (log === null) continue;
    logs.push({ log, file, fault: log.isPacked ? null : await faultOf(reader, file, log) });
  }
  const whole = logs.flatMap(({ log, file, fault }) =>
    fault === null ? [{ ...log, file, writtenMs: writtenAtMs([file]) }] : [],
  );
  const isInTop = files.every((path) => !path.includes('/'));
  const isAlone = isInTop && (await reader.list(folder)).length === files.length;
  const former = formerIds(folder, files);
  const parts = called === '' ? [] : [encodeURIComponent(called)];
  return {
    id: folderWorkloadId(['oracle-logs', ...parts].join('-'), folder),
    ...(former.length === 0 ? {} : { otherIds: former }),
    name: called === '' ? folderName('Oracle logs', folder) : called,
    root: folder,
    ...(isAlone ? {} : { within: files }),
    points: [
      ...redoRuns(whole).map(runPoint),
      ...logs.flatMap(({ file, fault }) => (fault === null ? [] : [faultyPoint(file, fault)])),
    ].sort(oldestFirst),
  };
}

/** Each folder of a date was a log of its own. */
function formerIds(folder: string, files: readonly string[]): string[] {
  const places = files.map(parentFolder).filter((place) => place !== '');
  return formerIdsOfDates('oracle-logs', folder, places);
}

async function faultOf(reader: TreeReader, file: TreeFile, log: RedoLog): Promise<string | null> {
  const found = await reader.orTell(() =>
    reader.factOf<RedoHead | null>(file, 'head of a redo log', readRedoHead),
  );
  // One that cannot be read was told.
  if (found === null) return null;
  if ('fault' in found) return found.fault.reason;
  const { within, stamp } = file;
  const head = found.value;
  if (head === null) return `${within} does not begin as a redo log does`;
  if (head.sequence !== log.sequence)
    return `${within} holds log ${head.sequence}, not ${log.sequence}`;
  if (head.sizeBytes === null) return `${within} is still written by the database`;
  return stamp.sizeBytes < head.sizeBytes
    ? `${within} has ${stamp.sizeBytes} bytes and is to have ${head.sizeBytes}`
    : null;
}

/** Named after its first log: it stays the same point while it grows. */
function runPoint({ logs, missing }: RedoRun<WholeLog>): TreePoint {
  const first = logs[0]!;
  const thread = `${first.thread} (resetlogs ${first.resetlogs})`;
  return {
    id: first.id,
    createdAtMs: logs.at(-1)!.writtenMs,
    kind: 'log',
    needs: [],
    ...{ state: 'complete', reason: null, files: null },
    sizeBytes: logs.reduce((sum, { file }) => sum + file.stamp.sizeBytes, 0),
    ...(missing === null ? {} : { gap: missingLogs(thread, missing.first, missing.last) }),
  };
}

function faultyPoint(file: TreeFile, reason: string): TreePoint {
  return {
    ...{ id: file.within, createdAtMs: writtenAtMs([file]), kind: 'log', needs: [] },
    ...{ state: 'incomplete', reason, files: null },
    evidence: treeEvidence([file], null),
  };
}
