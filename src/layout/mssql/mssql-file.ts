import { broken, faultOfError, incomplete, type PointFault } from '../point-fault.js';
import type { TreeFile } from '../tree-files.js';
import type { TreeReader } from '../tree-layout.js';
import { parseMssqlName } from './mssql-names.js';
import {
  filesOfSet,
  firstMtfSet,
  isMtfHead,
  isPackedHead,
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
  /** What a compressed file says of its first set; others may be behind it. Absent: it does not tell, is not compressed, or its name tells all. */
  readonly packed?: MtfDatabase;
}

export async function readMssqlFile(reader: TreeReader, file: TreeFile): Promise<ReadFile> {
  try {
    return await readFile(reader, file);
  } catch (error) {
    return { sets: [], ...faultOfError(error), isSealed: true, fileCount: null };
  }
}

async function readFile(
  reader: TreeReader,
  { name, path, stamp: { sizeBytes } }: TreeFile,
): Promise<ReadFile> {
  let head = await reader.read(path, 0, MTF_SET_HEAD_BYTES);
  if (isPackedHead(head)) {
    // Where its name tells all, as those of thousands of logs do, nothing is unpacked.
    const { database, kind } = parseMssqlName(name) ?? {};
    const packed = database && kind ? null : readPackedHead(head);
    const found = { sets: [], fault: null, isSealed: false, fileCount: null };
    return packed === null ? found : { ...found, packed };
  }
  if (!isMtfHead(head))
    return { sets: [], fault: headFault(path, head), isSealed: true, fileCount: null };
  const blockBytes = mtfBlockBytes(head);
  if (firstMtfSet(head) === null) head = await reader.read(path, 0, mtfHeadBytes(blockBytes));
  const fileCount = filesOfSet(head);
  const first = firstMtfSet(head);
  const firstSet = first === null ? null : readMtfSet(head, first);
  const sets = firstSet === null ? [] : [firstSet];
  const tail = await reader.read(path, -MTF_TAIL_BYTES, MTF_TAIL_BYTES);
  const end = readMtfEnd(tail, sizeBytes, blockBytes);
  if ('fault' in end)
    return { sets, fault: incomplete(`${path}: ${end.fault}`).fault, isSealed: true, fileCount };
  for (const start of await setStarts(reader, path, end.mark)) {
    if (first !== null && start <= first) continue;
    const set = readMtfSet(await reader.read(path, start, MTF_SET_HEAD_BYTES), 0);
    if (set !== null) sets.push(set);
  }
  const fault =
    sets.length === 0 ? broken(`${path}: there is no backup set behind its head`).fault : null;
  return { sets, fault, isSealed: true, fileCount };
}

/** Where sets may begin, oldest first: behind each file mark. One names as many before it as it has room for, 55 in 512 bytes, which are 28 sets; the
 *  oldest of them knows those before. */
async function setStarts(reader: TreeReader, path: string, closing: MtfMark): Promise<number[]> {
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
        : readMtfMark(await reader.read(path, last, bytes), bytes);
  }
  return marks.reverse().map((address) => address + bytes);
}

/** A log each few minutes, for months. */
const MAX_MARKS = 20_000;

/** A file without a byte, or all zeros, may have been made room for. */
function headFault(path: string, head: Uint8Array): PointFault {
  if (head.every((byte) => byte === 0)) return incomplete(`${path} has no head yet`).fault;
  return broken(`${path} begins with neither TAPE nor MSSQLBAK: it is no backup of SQL Server`)
    .fault;
}
