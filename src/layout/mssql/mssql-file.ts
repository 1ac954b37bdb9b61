import type { BackupError } from '../../domain/errors.js';
import { broken, faultOfError, incomplete, type PointFault } from '../point-fault.js';
import type { TreeFile } from '../trees/tree-files.js';
import type { ByteSource } from '../../image/byte-source.js';
import type { TreeReader } from '../tree-layout.js';
import { parseMssqlName } from './mssql-names.js';
import {
  filesOfSet,
  firstMtfSet,
  isMtfHead,
  isPackedHead,
  mediaSetId,
  MTF_SET_HEAD_BYTES,
  MTF_TAIL_BYTES,
  mtfBlockBytes,
  mtfHeadBytes,
  readMtfEnd,
  readMtfMark,
  readMtfSet,
  type MtfDatabase,
  type MtfMark,
  type MtfSet,
} from './mtf.js';
import { readPackedHead } from './packed-file.js';

/** What one file says. */
export interface ReadFile {
  /** Oldest first. */
  readonly sets: readonly MtfSet[];
  readonly fault: PointFault | null;
  /** The tool ends it with a block that says so. */
  readonly isSealed: boolean;
  /** `filesOfSet`. */
  readonly fileCount: number | null;
  /** It begins like no backup of SQL Server, and with data. */
  readonly isForeign?: boolean;
  /** `mediaSetId`. Absent: the head does not say. */
  readonly mediaSet?: string;
  /** What a compressed file says of its first set; others may be behind it. Absent: it does not tell, is not compressed, or its name tells all. */
  readonly packed?: MtfDatabase;
}

/** Read once as long as the file is the same. One that cannot be read may be all that there is of a database, whatever its name says: who scans is told.
 *  @throws what the repository throws that is not about this file alone */
export async function readMssqlFile(reader: TreeReader, file: TreeFile): Promise<ReadFile> {
  try {
    const found = await reader.factOf(file, 'sets of SQL Server', (source) =>
      readFile(source, file),
    );
    return 'value' in found ? found.value : { ...UNTOLD, ...found };
  } catch (error) {
    const { fault } = faultOfError(error);
    if (fault.state === 'unknown') await reader.orTell(() => Promise.reject(error as BackupError));
    return { ...UNTOLD, fault };
  }
}

const UNTOLD = { sets: [], isSealed: true, fileCount: null } as const;

async function readFile(source: ByteSource, { name, path }: TreeFile): Promise<ReadFile> {
  const { sizeBytes } = source;
  let head = await partOf(source, 0, MTF_SET_HEAD_BYTES);
  if (isPackedHead(head)) {
    // Of a log whose name tells all, as those of thousands do, nothing is unpacked.
    const { database, kind } = parseMssqlName(name) ?? {};
    const packed = database && kind === 'log' ? null : readPackedHead(head);
    return { sets: [], fault: null, isSealed: false, fileCount: null, ...packed };
  }
  if (!isMtfHead(head)) {
    const fault = headFault(path, head);
    return { ...UNTOLD, fault, ...(fault.state === 'broken' ? { isForeign: true } : {}) };
  }
  const blockBytes = mtfBlockBytes(head);
  if (firstMtfSet(head) === null) head = await partOf(source, 0, mtfHeadBytes(blockBytes));
  const fileCount = filesOfSet(head);
  const mediaSet = mediaSetId(head);
  const media = { isSealed: true, fileCount, ...(mediaSet === null ? {} : { mediaSet }) };
  const first = firstMtfSet(head);
  const firstSet = first === null ? null : readMtfSet(head, first);
  const sets = firstSet === null ? [] : [firstSet];
  const tail = await partOf(source, Math.max(0, sizeBytes - MTF_TAIL_BYTES), MTF_TAIL_BYTES);
  const end = readMtfEnd(tail, sizeBytes, blockBytes);
  if ('fault' in end) return { sets, fault: incomplete(`${path}: ${end.fault}`).fault, ...media };
  for (const start of await setStarts(source, end.mark)) {
    if (first !== null && start <= first) continue;
    const set = readMtfSet(await partOf(source, start, MTF_SET_HEAD_BYTES), 0);
    if (set !== null) sets.push(set);
  }
  const fault =
    sets.length === 0 ? broken(`${path}: there is no backup set behind its head`).fault : null;
  return { sets, fault, ...media };
}

/** Where sets may begin, oldest first: behind each file mark. One names as many before it as it has room for, 55 in 512 bytes, which are 28 sets; the
 *  oldest of them knows those before. */
async function setStarts(source: ByteSource, closing: MtfMark): Promise<number[]> {
  const { bytes } = closing;
  const marks: number[] = [];
  let mark: MtfMark | null = closing;
  while (mark !== null && marks.length < MAX_MARKS) {
    const oldest: number = marks.at(-1) ?? Infinity;
    const added: number[] = mark.before.filter((address) => address < oldest);
    marks.push(...added);
    const last = added.at(-1);
    mark =
      last === undefined || !mark.isFull
        ? null
        : readMtfMark(await partOf(source, last, bytes), bytes);
  }
  return marks.reverse().map((address) => address + bytes);
}

/** As much of it as the file has. */
async function partOf(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, Math.min(length, source.sizeBytes - offset)));
  if (bytes.length > 0) await source.read(bytes, offset);
  return bytes;
}

/** A log each few minutes, for months. */
const MAX_MARKS = 20_000;

/** A file without a byte, or all zeros, may have been made room for. */
function headFault(path: string, head: Uint8Array): PointFault {
  if (head.every((byte) => byte === 0)) return incomplete(`${path} has no head yet`).fault;
  return broken(`${path} begins with neither TAPE nor MSSQLBAK: it is no backup of SQL Server`)
    .fault;
}
