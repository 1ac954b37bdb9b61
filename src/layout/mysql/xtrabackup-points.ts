import type { TreePoint } from '../../domain/trees/source-tree.js';
import type { FormatId } from '../../domain/sources/source-workload.js';
import { writtenAtMs } from '../named-date.js';
import { faultOfError, incomplete, type PointFault } from '../point-fault.js';
import { treeEvidence } from '../tree-evidence.js';
import type { TreeFile } from '../tree-files.js';
import type { TreeReader } from '../tree-layout.js';
import {
  endsAsStream,
  parseCheckpoints,
  positionsInInfo,
  type LogPositions,
} from './xtrabackup-info.js';

/** What the tool writes at the end. */
export const CLOSING = /^(?:xtrabackup|mariadb_backup)_(?:checkpoints|info(?:\.\w+)?)$/;

export interface XtraBackup {
  /** Path from the root of the tree; empty: it is that. */
  readonly name: string;
  /** As its name tells. null: it does not. */
  readonly createdAtMs: number | null;
  readonly files: readonly TreeFile[];
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
  judged.sort((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1));
  return judged.map((one) => pointOf(one, judged));
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

type Judged = Pick<JudgedBackup, 'positions' | 'fault'>;

const TEXT_BYTES = 64 * 1024;

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
  const bytes = await reader.read(checkpoints.path, 0, TEXT_BYTES);
  const positions = parseCheckpoints(new TextDecoder('latin1').decode(bytes));
  const fault = positions === null ? incomplete(`${checkpoints.path} ends too soon`).fault : null;
  return { positions, fault };
}

const FORMATS: Readonly<Record<string, FormatId>> = {
  ...{ gz: 'gzip', lz4: 'lz4', zst: 'zstd', xz: 'xz', bz2: 'bzip2' },
};

/** The information is the last file of a stream. */
async function judgeStream(reader: TreeReader, file: TreeFile): Promise<Judged> {
  const format = FORMATS[file.name.slice(file.name.lastIndexOf('.') + 1).toLowerCase()];
  if (format !== undefined)
    return { positions: null, fault: await reader.wholeFault(file, format) };
  const tail = await reader.read(file.path, -TEXT_BYTES, TEXT_BYTES);
  if (!endsAsStream(tail))
    return {
      positions: null,
      fault: incomplete(`${file.within} does not end with the end of a file`).fault,
    };
  return { positions: positionsInInfo(new TextDecoder('latin1').decode(tail)), fault: null };
}

function pointOf(one: JudgedBackup, all: readonly JudgedBackup[]): TreePoint {
  const { backup, id, atMs, positions, fault, closing } = one;
  const { files } = backup;
  const isIncrement = positions === null ? INCREMENT.test(backup.name) : positions.from > 0;
  return {
    ...{ id, createdAtMs: atMs, kind: isIncrement ? 'increment' : 'full' },
    ...(isIncrement ? underIncrement(one, all) : { needs: [] }),
    ...{ state: fault?.state ?? 'complete', reason: fault?.reason ?? null },
    files: files.map(({ within }) => within),
    sizeBytes: files.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
    evidence: treeEvidence(files, fault === null ? closing : null),
  };
}

/** Of one that tells nothing of itself. */
const INCREMENT = /(?<![a-z])(?:incr?|incremental|diff)(?![a-z])/i;

/** Of several that ended at one position each would do: the newest is the one that was meant where each builds on the one before. */
function underIncrement(
  { atMs, positions }: JudgedBackup,
  all: readonly JudgedBackup[],
): Pick<TreePoint, 'needs' | 'gap'> {
  if (positions === null) return { needs: [], gap: 'nothing tells which backup it builds on' };
  const { from } = positions;
  const base = all.findLast((other) => other.atMs < atMs && other.positions?.to === from);
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
