import type { ByteSource } from '../byte-source.js';
import { guidText } from '../guid.js';
import { imageFault } from '../image-fault.js';
import { structureChecksum } from './crc32c.js';
import {
  LOG_DATA_DESCRIPTOR,
  LOG_DATA_SECTOR,
  LOG_MAGIC,
  LOG_ZERO_DESCRIPTOR,
  asciiAt,
  getU64,
  viewOf,
} from './numbers.js';

export const LOG_SECTOR_BYTES = 4_096;
const ENTRY_HEADER_BYTES = 64;
const DESCRIPTOR_BYTES = 32;
/** Of a log that was written over again and again, the rest of older entries is looked at too, but never so often its own size. */
const MOST_LOOKS = 16;

/** One write that the log holds: `bytes` of one sector, or zeros. */
export interface LogWrite {
  readonly offset: number;
  readonly length: number;
  /** null: zeros. */
  readonly bytes: Uint8Array | null;
}

export interface LogEntry {
  readonly at: number;
  readonly length: number;
  readonly sequence: bigint;
  /** Where the oldest entry lies that was not written back when this one was logged. */
  readonly tail: number;
  /** What the file had at least when this one was logged. */
  readonly flushedBytes: number;
  readonly bytes: Uint8Array;
}

/** The newest sequence of entries that is whole, oldest first. Source: [MS-VHDX] 2.3.3, Log replay.
 *  @throws IMAGE_CORRUPT when there is none */
export function activeSequence(
  source: ByteSource,
  log: Uint8Array,
  logGuid: string,
): readonly LogEntry[] {
  let best: readonly LogEntry[] = [];
  const byOffset = new Map<number, LogEntry | null>();
  let lookedAtBytes = 0;
  let wholeBytes = 0;
  const entryAt = (at: number): LogEntry | null => {
    const known = byOffset.get(at);
    if (known !== undefined) return known;
    const length = entryLength(log, at, logGuid);
    lookedAtBytes += length ?? 0;
    const entry = length === null ? null : readEntry(log, at, length);
    wholeBytes += entry?.length ?? 0;
    // Who writes an entry over another one breaks that one's checksum.
    if (wholeBytes > log.length || lookedAtBytes > MOST_LOOKS * log.length)
      throw imageFault(source, 'IMAGE_CORRUPT', 'has a log whose entries lie in each other');
    byOffset.set(at, entry);
    return entry;
  };
  for (let start = 0; start < log.length; start += LOG_SECTOR_BYTES) {
    const sequence = sequenceFrom(entryAt, start, log.length);
    const last = sequence.at(-1);
    if (last === undefined) continue;
    const first = sequence.findIndex(({ at }) => at === last.tail);
    if (first < 0 || last.sequence <= (best.at(-1)?.sequence ?? -1n)) continue;
    best = sequence.slice(first);
  }
  if (best.length > 0) return best;
  throw imageFault(
    source,
    'IMAGE_CORRUPT',
    'has a log to be replayed, and no entry of it is whole',
  );
}

/** Entries that follow each other in place and number. Ends where it began at the latest: an entry has one number. */
function sequenceFrom(
  entryAt: (at: number) => LogEntry | null,
  start: number,
  logBytes: number,
): LogEntry[] {
  const sequence: LogEntry[] = [];
  for (let at = start; ;) {
    const entry = entryAt(at);
    const before = sequence.at(-1);
    if (entry === null) return sequence;
    if (before !== undefined && entry.sequence !== before.sequence + 1n) return sequence;
    sequence.push(entry);
    at = (at + entry.length) % logBytes;
  }
}

/** null: no entry of this log starts here. */
function entryLength(log: Uint8Array, at: number, logGuid: string): number | null {
  if (asciiAt(log, at, 4) !== LOG_MAGIC) return null;
  const length = viewOf(log).getUint32(at + 8, true);
  if (length < LOG_SECTOR_BYTES || length % LOG_SECTOR_BYTES !== 0 || length > log.length)
    return null;
  return guidText(log.subarray(at + 32, at + 48)) === logGuid ? length : null;
}

/** null: it is not whole. */
function readEntry(log: Uint8Array, at: number, length: number): LogEntry | null {
  const untilEnd = log.subarray(at, Math.min(at + length, log.length));
  const fromStart = log.subarray(0, length - untilEnd.length);
  const view = viewOf(untilEnd);
  if (structureChecksum(untilEnd, fromStart) !== view.getUint32(4, true)) return null;
  const bytes = fromStart.length === 0 ? untilEnd : joined(untilEnd, fromStart);
  const tail = view.getUint32(12, true);
  const sequence = view.getBigUint64(16, true);
  return { at, length, tail, sequence, flushedBytes: getU64(view, 48), bytes };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

/** Writes of one entry, in their order.
 *  @throws IMAGE_CORRUPT, although the checksum is right */
export function logWrites(source: ByteSource, entry: LogEntry): LogWrite[] {
  const { bytes, sequence } = entry;
  const view = viewOf(bytes);
  const count = view.getUint32(24, true);
  const headBytes =
    Math.ceil((ENTRY_HEADER_BYTES + count * DESCRIPTOR_BYTES) / LOG_SECTOR_BYTES) *
    LOG_SECTOR_BYTES;
  const refuse = (what: string): never => {
    throw imageFault(source, 'IMAGE_CORRUPT', `log entry ${sequence} ${what}`, {
      offset: entry.at,
    });
  };
  if (headBytes > bytes.length) refuse(`has ${count} descriptors in ${bytes.length} bytes`);
  const writes: LogWrite[] = [];
  let dataAt = headBytes;
  for (let index = 0; index < count; index++) {
    const at = ENTRY_HEADER_BYTES + index * DESCRIPTOR_BYTES;
    const kind = asciiAt(bytes, at, 4);
    const offset = getU64(view, at + 16);
    if (view.getBigUint64(at + 24, true) !== sequence)
      refuse(`has a descriptor of another sequence number`);
    if (offset % LOG_SECTOR_BYTES !== 0) refuse(`writes to ${offset}, inside a sector`);
    if (kind === LOG_ZERO_DESCRIPTOR) {
      const length = getU64(view, at + 8);
      if (length % LOG_SECTOR_BYTES !== 0) refuse(`writes ${length} zeros, no whole sectors`);
      writes.push({ offset, length, bytes: null });
    } else if (kind === LOG_DATA_DESCRIPTOR) {
      if (dataAt + LOG_SECTOR_BYTES > bytes.length) refuse('lacks a data sector');
      const sector = bytes.subarray(dataAt, dataAt + LOG_SECTOR_BYTES);
      if (!isSectorOf(sector, sequence)) refuse('has a data sector of another sequence number');
      writes.push({
        offset,
        length: LOG_SECTOR_BYTES,
        bytes: sectorContent(bytes.subarray(at, at + DESCRIPTOR_BYTES), sector),
      });
      dataAt += LOG_SECTOR_BYTES;
    } else refuse(`has a descriptor of the kind ${JSON.stringify(kind)}`);
  }
  return writes;
}

function isSectorOf(sector: Uint8Array, sequence: bigint): boolean {
  const view = viewOf(sector);
  return (
    asciiAt(sector, 0, 4) === LOG_DATA_SECTOR &&
    view.getUint32(4, true) === Number(sequence >> 32n) &&
    view.getUint32(LOG_SECTOR_BYTES - 4, true) === Number(sequence & 0xffff_ffffn)
  );
}

/** The first eight and the last four bytes gave way to the marks of the log; the descriptor keeps them. */
function sectorContent(descriptor: Uint8Array, sector: Uint8Array): Uint8Array {
  const content = Uint8Array.from(sector);
  content.set(descriptor.subarray(8, 16), 0);
  content.set(descriptor.subarray(4, 8), LOG_SECTOR_BYTES - 4);
  return content;
}
