import type { TreeFile } from '../trees/tree-files.js';
import type { TreeReader } from '../tree-layout.js';
import { unzippedHead } from '../trees/unzipped-head.js';
import {
  DEFAULT_SEGMENT_BYTES,
  isSegmentSize,
  parseSegment,
  perLogOfNames,
  storedSegment,
} from './wal-names.js';

/** What the files of a folder of write-ahead log are. */
interface WalSizes {
  /** Of each segment, unpacked. */
  readonly segmentBytes: number;
  /** Files that are packed although their names do not say it: `gzip < %p > /archive/%f`. */
  readonly packed: ReadonlySet<TreeFile>;
}

/** The size of segments is that of most unpacked ones; where all are packed, what the head of one says, or how they are numbered.
 *  @param known size of a segment that is not packed. null: the files tell */
export async function walSizes(
  reader: TreeReader,
  files: readonly TreeFile[],
  known: number | null,
): Promise<WalSizes> {
  const isOdd = (sizeBytes: number): boolean =>
    known === null ? !isSegmentSize(sizeBytes) : sizeBytes !== known;
  const packed = await packedFiles(
    reader,
    files.filter(({ name, stamp }) => parseSegment(name) !== null && isOdd(stamp.sizeBytes)),
  );
  if (known !== null) return { segmentBytes: known, packed };
  const counts = new Map<number, number>();
  for (const { name, stamp } of files)
    if (parseSegment(name) !== null && isSegmentSize(stamp.sizeBytes))
      counts.set(stamp.sizeBytes, (counts.get(stamp.sizeBytes) ?? 0) + 1);
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  if (most !== undefined) return { segmentBytes: most[0], packed };
  const segmentBytes =
    (await sizeInHead(reader, [...packed, ...files.filter(({ name }) => name.endsWith('.gz'))])) ??
    sizeOfNames(files) ??
    DEFAULT_SEGMENT_BYTES;
  return { segmentBytes, packed };
}

function sizeOfNames(files: readonly TreeFile[]): number | null {
  const perLog = perLogOfNames(files.flatMap(({ name }) => storedSegment(name) ?? []));
  return perLog === null ? null : 2 ** 32 / perLog;
}

/** A folder whose command packs packs all of them: of many the first and the last speak for the others, among which one may be without a byte yet. */
async function packedFiles(
  reader: TreeReader,
  odd: readonly TreeFile[],
): Promise<ReadonlySet<TreeFile>> {
  const looked =
    odd.length <= 2 * LOOKED_AT ? odd : [...odd.slice(0, LOOKED_AT), ...odd.slice(-LOOKED_AT)];
  const packed = new Set<TreeFile>();
  const strange = new Set<TreeFile>();
  for (const file of looked) {
    const head = await reader.read(file.path, 0, HEAD_BYTES);
    if (isPacked(head)) packed.add(file);
    else if (isStrange(head)) strange.add(file);
  }
  // One alone may be anything: what a proxy answered instead of a segment.
  if (strange.size > 1) for (const file of strange) packed.add(file);
  const unseen = packed.size > looked.length / 2 ? odd.slice(LOOKED_AT, -LOOKED_AT) : [];
  return new Set([...packed, ...unseen]);
}

const LOOKED_AT = 32;
const HEAD_BYTES = 6;

/** gzip, lz4, zstd, xz, bzip2. */
const MAGIC: readonly string[] = ['1f8b08', '04224d18', '28b52ffd', 'fd377a585a00', '425a68'];

function isPacked(head: Uint8Array): boolean {
  const hex = Buffer.from(head).toString('hex');
  return MAGIC.some((magic) => hex.startsWith(magic));
}

/** Whether a file does not begin as a segment does: encrypted, or packed by a program that nobody here knows. A page begins with XLOG_PAGE_MAGIC, which is 0xD0.. or
 *  0xD1.., and flags of four bits, in the order of the machine's bytes; what is not written yet is zeros. Source: PostgreSQL src/include/access/xlog_internal.h (0xD061 of
 *  9.0 to 0xD118 of 18); Barman 3.14, encryption: a segment keeps its name. */
function isStrange([first = 0, second = 0, third = 0, fourth = 0]: Uint8Array): boolean {
  const isPage = (magic: number, low: number, high: number): boolean =>
    (magic === 0xd0 || magic === 0xd1) && low <= 0x0f && high === 0;
  const isEmpty = [first, second, third, fourth].every((byte) => byte === 0);
  return !isEmpty && !isPage(second, third, fourth) && !isPage(first, fourth, third);
}

/** The first page of a segment has a long head, with the size of segments. Source: PostgreSQL src/include/access/xlog_internal.h
 *  (XLogLongPageHeaderData). */
async function sizeInHead(reader: TreeReader, files: readonly TreeFile[]): Promise<number | null> {
  for (const { path } of files.slice(0, HEADS_TRIED)) {
    const head = unzippedHead(await reader.read(path, 0, 8192));
    if (head.length < 40 || (head.readUInt16LE(2) & XLP_LONG_HEADER) === 0) continue;
    const bytes = head.readUInt32LE(32);
    if (isSegmentSize(bytes)) return bytes;
  }
  return null;
}

const HEADS_TRIED = 3;
const XLP_LONG_HEADER = 2;
