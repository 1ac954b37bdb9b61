import type { TreePoint } from '../../domain/trees/source-tree.js';
import type { FormatId } from '../../domain/sources/source-workload.js';
import type { NamedBackup } from '../trees/backup-folders.js';
import { isFilePassedOver } from '../../domain/sources/passed-over.js';
import { isSideFile } from '../names/side-files.js';
import { writtenAtMs } from '../names/named-date.js';
import { faultOfError, incomplete, type PointFault } from '../point-fault.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import type { TreeFile } from '../trees/tree-files.js';
import type { TreeReader } from '../tree-layout.js';
import {
  checkpointsWithin,
  endsAsStream,
  parseCheckpoints,
  positionsInInfo,
  type LogPositions,
} from './xtrabackup-info.js';

/** What the tool writes at the end. */
export const CLOSING = /^(?:xtrabackup|mariadb_backup)_(?:checkpoints|info)(?:\.\w+)*$/;

/** What every backup has in its own folder: its settings, which the tool writes for each, or files of the server. */
export const DATA =
  /^(?:backup-my\.cnf|ibdata\d+|ib_logfile\d+|xtrabackup_logfile|mysql\.ibd)(?:\.\w+)*$/;

/** A stream by its name, packed or not. */
export const STREAM = /\.(?:(?:xb|mb)stream|xbs?)(?:\.(?:gz|zst|lz4|xz|bz2))?$/i;

/** What the tool tells of a backup: its positions, and what replication needs. */
const TELLING = /^(?:xtrabackup|mariadb_backup)_\w+(?:\.\w+)*$/;
const OF_SCRIPT =
  /^readme$|\.(?:sh|pl|py|cmd|bat|ps1|cnf|conf|ini|ok|done|ready|flag|lock|pid|key)$/i;

/** Files that may hold what the two last files tell of, whatever a script has called them: a stream that is encrypted, packed by another program, or has a name of its own. */
export function unnamedStreams(names: readonly string[]): string[] {
  return names.filter(
    (name) =>
      !TELLING.test(name) && !OF_SCRIPT.test(name) && !isSideFile(name) && !isFilePassedOver(name),
  );
}

export interface XtraBackup extends NamedBackup {
  /** It is one file. Absent: it is a folder. */
  readonly isStream?: true;
}

interface JudgedBackup {
  readonly backup: XtraBackup;
  readonly id: string;
  readonly atMs: number;
  /** null: nothing tells. */
  readonly positions: LogPositions | null;
  readonly fault: PointFault | null;
  readonly closing: TreeFile | 'silent';
}

/** Points of one workload, oldest first. */
export async function xtraPoints(
  reader: TreeReader,
  backups: readonly XtraBackup[],
): Promise<TreePoint[]> {
  const judged: JudgedBackup[] = [];
  for (const backup of backups) judged.push(await judge(reader, backup));
  judged.sort(
    (a, b) => a.atMs - b.atMs || byPositions(a.positions, b.positions) || (a.id < b.id ? -1 : 1),
  );
  return judged.map((one, index) => pointOf(one, judged.slice(0, index)));
}

/** Several may be of one date: a day's full and its increments in the folder of the day. */
function byPositions(a: LogPositions | null, b: LogPositions | null): number {
  return (a?.from ?? 0) - (b?.from ?? 0) || (a?.to ?? 0) - (b?.to ?? 0);
}

async function judge(reader: TreeReader, backup: XtraBackup): Promise<JudgedBackup> {
  const { name, createdAtMs, files, isStream } = backup;
  const own = files.filter(({ within }) => !withoutName(within, name).includes('/'));
  const [info] = own.filter((file) => CLOSING.test(file.name) && file.name.includes('_info'));
  const atMs = createdAtMs ?? writtenAtMs(info === undefined ? files : [info]);
  const called = name === '' ? 'backup' : name;
  const id = createdAtMs === null ? `${called}@${new Date(atMs).toISOString().slice(0, 19)}` : name;
  const facts = { backup, id, atMs, closing: info ?? ('silent' as const) };
  try {
    const found =
      isStream === true
        ? await judgeStream(reader, files[0]!)
        : await judgeFolder(reader, own, info);
    return { ...facts, ...found };
  } catch (error) {
    return { ...facts, positions: null, fault: faultOfError(error).fault };
  }
}

function withoutName(within: string, name: string): string {
  return name === '' ? within : within.slice(name.length + 1);
}

type Judged = Pick<JudgedBackup, 'positions' | 'fault'> & Partial<Pick<JudgedBackup, 'closing'>>;

const TEXT_BYTES = 64 * 1024;
/** Between the checkpoints and the end of a stream lies the list of pages in memory, a megabyte for eight gigabytes. */
const TAIL_BYTES = 1024 * 1024;

async function judgeFolder(
  reader: TreeReader,
  own: readonly TreeFile[],
  info: TreeFile | undefined,
): Promise<Judged> {
  const checkpoints = own.find((file) => CLOSING.test(file.name) && file.name.includes('_check'));
  if (checkpoints === undefined || info === undefined) {
    const lacking = checkpoints === undefined ? 'xtrabackup_checkpoints' : 'xtrabackup_info';
    const fault = incomplete(`${lacking}, which is written at the end, is not there`).fault;
    return { positions: null, fault };
  }
  let isSilent = false;
  if (!own.some((file) => DATA.test(file.name))) {
    const names = new Set(unnamedStreams(own.map(({ name }) => name)));
    for (const file of own.filter(({ name }) => names.has(name))) {
      const isStream = STREAM.test(file.name) || (await beginsAsStream(reader, file));
      const fault = isStream ? (await judgeStream(reader, file)).fault : null;
      if (fault !== null) return { positions: null, fault };
      if (!isStream) isSilent = true;
    }
  }
  // They are written beside it, and do not close what nothing here can read.
  const closing = isSilent ? { closing: 'silent' as const } : {};
  if (checkpoints.name.endsWith('.xbcrypt')) return { positions: null, fault: null, ...closing };
  const bytes = await reader.read(checkpoints.path, 0, TEXT_BYTES);
  const positions = parseCheckpoints(new TextDecoder('latin1').decode(bytes));
  const fault = positions === null ? incomplete(`${checkpoints.path} ends too soon`).fault : null;
  return { positions, fault, ...closing };
}

async function beginsAsStream(reader: TreeReader, file: TreeFile): Promise<boolean> {
  const start = await reader.read(file.path, 0, CHUNK.length);
  return new TextDecoder('latin1').decode(start) === CHUNK;
}

const CHUNK = 'XBSTCK01';

const FORMATS: Readonly<Record<string, FormatId>> = {
  ...{ gz: 'gzip', lz4: 'lz4', zst: 'zstd', xz: 'xz', bz2: 'bzip2' },
};

/** The information is the last file of a stream. Where it is packed (`--compress`) the checkpoints a few files before are not. */
async function judgeStream(reader: TreeReader, file: TreeFile): Promise<Judged> {
  const format = FORMATS[file.name.slice(file.name.lastIndexOf('.') + 1).toLowerCase()];
  if (format !== undefined)
    return { positions: null, fault: await reader.wholeFault(file, format) };
  const tail = await reader.read(file.path, -TAIL_BYTES, TAIL_BYTES);
  if (!endsAsStream(tail))
    return {
      positions: null,
      fault: incomplete(`${file.within} does not end with the end of a file`).fault,
    };
  const text = new TextDecoder('latin1').decode(tail);
  return { positions: positionsInInfo(text) ?? checkpointsWithin(text), fault: null };
}

/** @param before oldest first */
function pointOf(one: JudgedBackup, before: readonly JudgedBackup[]): TreePoint {
  const { backup, id, atMs, fault, closing } = one;
  const { files } = backup;
  const kind = kindOf(one);
  return {
    ...{ id, createdAtMs: atMs, kind: kind ?? 'full' },
    ...(kind === 'increment' ? underIncrement(one, before) : { needs: [] }),
    ...(kind === null && fault === null ? { gap: UNTOLD } : {}),
    ...{ state: fault?.state ?? 'complete', reason: fault?.reason ?? null },
    files: files.map(({ within }) => within),
    sizeBytes: files.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
    evidence: treeEvidence(files, fault === null ? closing : null),
  };
}

const UNTOLD =
  'nothing tells whether it is a full or builds on another backup: call it full or inc, or do not pack the whole stream';

/** null: nothing tells. */
function kindOf({ backup, positions }: JudgedBackup): 'full' | 'increment' | null {
  if (positions !== null) return positions.from > 0 ? 'increment' : 'full';
  const { name, files, isStream } = backup;
  // Of a stream its folder may tell what its name does not.
  const folder = isStream === true ? (files[0]!.path.split('/').at(-2) ?? '') : '';
  for (const called of [name, folder]) {
    if (INCREMENT.test(called)) return 'increment';
    if (FULL.test(called)) return 'full';
  }
  if (isStream === true) return null;
  return files.some((file) => DELTA.test(file.name)) ? 'increment' : 'full';
}

/** Of those that tell nothing of themselves. */
const INCREMENT = /(?<![a-z])(?:incr?(?:emental)?|diff(?:erential)?)[-_]?\d*(?![a-z])/i;
const FULL = /(?<![a-z])(?:full|base)[-_]?\d*(?![a-z])/i;
/** What an increment has of the pages of a file. */
const DELTA = /\.delta(?:\.\w+)*$/;

/** Of several that ended at one position each would do: the newest is the one that was meant where each builds on the one before. */
function underIncrement(
  { positions }: JudgedBackup,
  before: readonly JudgedBackup[],
): Pick<TreePoint, 'needs' | 'gap'> {
  if (positions === null) return { needs: [], gap: 'nothing tells which backup it builds on' };
  const { from } = positions;
  const base = before.findLast((other) => other.positions?.to === from);
  if (base === undefined)
    return {
      needs: [],
      gap: `the backup that it builds on (log sequence number ${from}) is not here`,
    };
  if (base.positions?.type === 'full-prepared')
    return {
      needs: [base.id],
      gap: `${base.id}, which it builds on, was prepared without --apply-log-only: nothing can be applied to it any more`,
    };
  return { needs: [base.id] };
}
