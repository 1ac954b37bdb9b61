/** Microsoft Tape Format as SQL Server writes it: blocks of 512 bytes and more, each descriptor with a type, a checksum and an address. The media's head and
 *  the file marks fill a block each, of the size that the device or `BLOCKSIZE` gave (512 bytes, 4 KiB on disks with such sectors and on Linux, up to 64 KiB);
 *  within a set descriptors stand 1 KiB apart.
 *
 *  What is not read, because it is a person's: the account that ran the backup (SSET at 76, the TSMP block between the ETSET blocks).
 *  Sources: Microsoft Tape Format Specification 1.00a (common block header, TAPE, SSET, ESET, SFMB); the SQL Server fields (`ScinOffset`) were
 *  worked out on eight files of SQL Server 2008 R2, where log sequence numbers of full, differential and logs join. */

export const MTF_BLOCK_BYTES = 512;

/** Of a set's head: where it begins, its label, and what SQL Server says of the database come within this; before the first set lie the media's head and
 *  a file mark (`mtfHeadBytes`). */
export const MTF_SET_HEAD_BYTES = 32 * 1024;
/** A format block may have 64 KiB, and ESET and SFMB each fill one. */
export const MTF_TAIL_BYTES = 160 * 1024;

/** Log sequence number: file, block and slot, in the notation of SQL Server's own messages. Ordered by `compareLsn`. */
export interface Lsn {
  readonly file: number;
  readonly block: number;
  readonly slot: number;
}

export type MtfKind = 'full' | 'differential' | 'log';

/** What one backup set says of itself. */
export interface MtfSet {
  /** Which one of its media it is, from 1: stays the same while others are appended. */
  readonly number: number;
  /** Local time of the server, without a zone: taken for UTC. */
  readonly createdAtMs: number | null;
  /** null: SQL Server’s own block is not laid out as it is known. */
  readonly database: MtfDatabase | null;
}

export interface MtfDatabase {
  readonly kind: MtfKind;
  readonly name: string;
  readonly server: string;
  readonly firstLsn: Lsn;
  /** First number after this backup: where the next log begins. */
  readonly lastLsn: Lsn;
  readonly checkpointLsn: Lsn;
  /** Checkpoint of the full that a differential builds on. */
  readonly databaseLsn: Lsn;
  /** Two ids that all backups of one database have in common, and those of no other; null: it does not say. */
  readonly family: string | null;
}

export function isMtfHead(head: Uint8Array): boolean {
  return isBlock(head, 0, 'TAPE');
}

/** Over how many files the head of one says that its set is spread: striped, or mirrored. Behind the media set's id (16 bytes of the stream `RAID` of
 *  the TAPE block) and four bytes that never change stand three numbers of 16 bits, which are 1 in every file that is alone; which of them counts what was
 *  not seen, so the greatest counts. null: the head does not say. */
export function filesOfSet(head: Uint8Array): number | null {
  const at = RAID_AT + STREAM_HEADER_BYTES;
  if (head.length < MTF_BLOCK_BYTES || latin1(head, RAID_AT, 4) !== 'RAID') return null;
  const view = viewOf(head);
  const counts = [20, 22, 24].map((offset) => view.getUint16(at + offset, true));
  return counts.every((count) => count >= 1 && count <= MAX_FILES_OF_SET)
    ? Math.max(...counts)
    : null;
}

/** The id that a head gives its media set: all files over which its sets are spread have the same, and no others. null: the head does not say. */
export function mediaSetId(head: Uint8Array): string | null {
  const at = RAID_AT + STREAM_HEADER_BYTES;
  if (head.length < MTF_BLOCK_BYTES || latin1(head, RAID_AT, 4) !== 'RAID') return null;
  const id = head.subarray(at, at + GUID_BYTES);
  return id.every((byte) => byte === 0) ? null : Buffer.from(id).toString('hex');
}

/** The software's name, which stands before it, is the same in all of them. */
const RAID_AT = 0x8c;
const STREAM_HEADER_BYTES = 22;
/** SQL Server takes at most 64 backup devices. */
export const MAX_FILES_OF_SET = 64;

/** Compressed and encrypted sets lie in a container of their own (`packed-file.ts`). */
export function isPackedHead(head: Uint8Array): boolean {
  return latin1(head, 0, 8) === 'MSSQLBAK';
}

/** Size of the blocks that the file was written in: that of its file marks, in units of 512 bytes. Eight files of SQL Server 2008 R2 have a 1 there. */
export function mtfBlockBytes(head: Uint8Array): number {
  if (head.length < MTF_BLOCK_BYTES) return MTF_BLOCK_BYTES;
  const bytes = viewOf(head).getUint16(64, true) * MTF_BLOCK_BYTES;
  return BLOCK_SIZES.includes(bytes) ? bytes : MTF_BLOCK_BYTES;
}

const BLOCK_SIZES: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7].map((power) => 512 << power);

/** How much of a file tells of its media and its first set. */
export function mtfHeadBytes(blockBytes: number): number {
  return 2 * blockBytes + MTF_SET_HEAD_BYTES;
}

/** A file mark: the block behind which a set, or the end of one, begins. */
export interface MtfMark {
  /** Its own size. */
  readonly bytes: number;
  /** Where the marks before it stand, newest first. */
  readonly before: readonly number[];
  /** There may be more of them: the oldest that it names knows those. */
  readonly isFull: boolean;
}

/** Whether the file ends as the tool ends it: with the file mark that closes its last set, and the end of that set before it.
 *  @param tail the last bytes of the file, at most `MTF_TAIL_BYTES` */
export function readMtfEnd(
  tail: Uint8Array,
  sizeBytes: number,
  blockBytes: number,
): { readonly mark: MtfMark } | { readonly fault: string } {
  if (sizeBytes % MTF_BLOCK_BYTES !== 0)
    return { fault: `${sizeBytes} bytes are no whole number of blocks: it is cut off` };
  const sizes = [blockBytes, ...BLOCK_SIZES];
  const bytes = sizes.find((size) => markAt(tail, tail.length - size, size, blockBytes) !== null);
  if (bytes === undefined) return { fault: 'the block that closes its last set is not written' };
  const last = tail.length - bytes;
  const mark = markAt(tail, last, bytes, blockBytes)!;
  // Behind the mark before it, where it is near enough to be seen, stands the end of the set, and not another set's beginning.
  const from = (mark.before[0] ?? 0) + bytes - (sizeBytes - tail.length);
  if (!hasBlockBetween(tail, Math.max(0, from), last, 'ESET'))
    return { fault: 'the end of its last set does not stand before its closing block' };
  return { mark };
}

/** @param bytes from where a file mark may begin
 *  @param size of the marks of this file
 *  @returns null: none begins there */
export function readMtfMark(bytes: Uint8Array, size: number): MtfMark | null {
  return markAt(bytes, 0, size, size);
}

/** A mark of another size than the file's head says must say itself how large it is: so many entries, each of eight bytes, fill it. */
function markAt(bytes: Uint8Array, at: number, size: number, usual: number): MtfMark | null {
  if (at < 0 || at + size > bytes.length || !isBlock(bytes, at, 'SFMB')) return null;
  const view = viewOf(bytes);
  const entries = view.getUint32(at + 52, true);
  const room = (size - FILE_MARKS_AT) / 8;
  if (entries !== room && size !== usual) return null;
  const used = Math.min(view.getUint32(at + 56, true), room);
  const before: number[] = [];
  for (let index = 0; index < used; index++) {
    const address = Number(view.getBigUint64(at + FILE_MARKS_AT + 8 * index, true));
    // Newest first, so each lies before the last one.
    if (address > 0 && address % MTF_BLOCK_BYTES === 0 && address < (before.at(-1) ?? Infinity))
      before.push(address);
  }
  return { bytes: size, before, isFull: used === Math.min(entries, room) };
}

const FILE_MARKS_AT = 72;

/** @param head bytes from where a set may begin, or from the start of the file
 *  @returns null: no set begins there */
export function readMtfSet(head: Uint8Array, start: number): MtfSet | null {
  if (!isBlock(head, start, 'SSET')) return null;
  return {
    number: viewOf(head).getUint16(start + 62, true),
    createdAtMs: mtfDateMs(head, start + 88),
    database: databaseOf(head, start),
  };
}

/** What descriptors say that were unpacked one after the other; null: there is no set with a database among them. */
export function packedDatabase(bytes: Uint8Array): MtfDatabase | null {
  const start = firstMtfSet(bytes);
  return start === null ? null : databaseOf(bytes, start);
}

/** Where the first set of a file begins; null: not in its head. */
export function firstMtfSet(head: Uint8Array): number | null {
  return findBlock(head, 0, 'SSET');
}

export function compareLsn(a: Lsn, b: Lsn): number {
  return a.file - b.file || a.block - b.block || a.slot - b.slot;
}

export function lsnText({ file, block, slot }: Lsn): string {
  return `${file}:${block}:${slot}`;
}

/** Fields of SQL Server’s description of the database, from where `SCIN` stands. */
const ScinOffset = {
  length: 4,
  firstLsn: 32,
  lastLsn: 42,
  checkpointLsn: 52,
  databaseLsn: 62,
  kind: 87,
  nameBytes: 104,
  name: 106,
  serverBytes: 108,
  server: 110,
  end: 112,
  families: [156, 224],
} as const;
const GUID_BYTES = 16;

const KINDS: Readonly<Record<string, MtfKind>> = { D: 'full', I: 'differential', L: 'log' };

function databaseOf(head: Uint8Array, start: number): MtfDatabase | null {
  const block = findBlock(head, start, 'MSCI');
  if (block === null) return null;
  const view = viewOf(head);
  // A stream header of 22 bytes stands between the block and its data.
  const at = block + view.getUint16(block + 8, true) + STREAM_HEADER_BYTES;
  if (at + ScinOffset.end > head.length || latin1(head, at, 4) !== 'SCIN') return null;
  const length = view.getUint16(at + ScinOffset.length, true);
  const name = textAt(head, at, length, ScinOffset.nameBytes);
  const server = textAt(head, at, length, ScinOffset.serverBytes);
  const kind = KINDS[latin1(head, at + ScinOffset.kind, 1)];
  if (kind === undefined || name === null || server === null) return null;
  const lsn = (offset: number): Lsn => ({
    file: view.getUint32(at + offset, true),
    block: view.getUint32(at + offset + 4, true),
    slot: view.getUint16(at + offset + 8, true),
  });
  const firstLsn = lsn(ScinOffset.firstLsn);
  const lastLsn = lsn(ScinOffset.lastLsn);
  // Another version may lay it out otherwise: then nothing of it is believed.
  if (lastLsn.file === 0 || compareLsn(firstLsn, lastLsn) > 0) return null;
  return {
    ...{ kind, name, server, firstLsn, lastLsn },
    checkpointLsn: lsn(ScinOffset.checkpointLsn),
    databaseLsn: lsn(ScinOffset.databaseLsn),
    family: familyAt(head.subarray(at, Math.min(head.length, at + length))),
  };
}

/** Both are equal where a database was never set back to a point in time. */
function familyAt(scin: Uint8Array): string | null {
  const ids = ScinOffset.families.map((offset) => scin.subarray(offset, offset + GUID_BYTES));
  if (ids.some((id) => id.length < GUID_BYTES || id.every((byte) => byte === 0))) return null;
  return ids.map((id) => Buffer.from(id).toString('hex')).join('-');
}

/** A text of UTF-16LE whose length and place within the block stand at `field`. */
function textAt(bytes: Uint8Array, at: number, blockBytes: number, field: number): string | null {
  const view = viewOf(bytes);
  const size = view.getUint16(at + field, true);
  const from = view.getUint16(at + field + 2, true);
  if (size === 0 || size % 2 !== 0 || from < ScinOffset.end || from + size > blockBytes)
    return null;
  if (at + from + size > bytes.length) return null;
  const text = new TextDecoder('utf-16le').decode(bytes.subarray(at + from, at + from + size));
  return /^[^\p{Cc}\p{Surrogate}\uFFFD]+$/u.test(text) ? text : null;
}

/** Five bytes: year (14 bits), month (4), day (5), hour (5), minute (6), second (6). null: no date. */
function mtfDateMs(bytes: Uint8Array, at: number): number | null {
  if (at + 5 > bytes.length) return null;
  let value = 0n;
  for (let i = 0; i < 5; i++) value = (value << 8n) | BigInt(bytes[at + i]!);
  const bits = (shift: number, count: number): number =>
    Number((value >> BigInt(shift)) & ((1n << BigInt(count)) - 1n));
  const [year, month, day] = [bits(26, 14), bits(22, 4), bits(17, 5)];
  const ms = Date.UTC(year, month - 1, day, bits(12, 5), bits(6, 6), bits(0, 6));
  const isDate = year >= 1980 && month >= 1 && month <= 12 && new Date(ms).getUTCDate() === day;
  return isDate ? ms : null;
}

function findBlock(bytes: Uint8Array, from: number, type: string): number | null {
  for (let at = from; at + MTF_BLOCK_BYTES <= bytes.length; at += MTF_BLOCK_BYTES)
    if (isBlock(bytes, at, type)) return at;
  return null;
}

function hasBlockBetween(bytes: Uint8Array, first: number, end: number, type: string): boolean {
  for (let at = end - MTF_BLOCK_BYTES; at >= first; at -= MTF_BLOCK_BYTES)
    if (isBlock(bytes, at, type)) return true;
  return false;
}

/** The last of its first 26 little-endian words is the XOR of the others. */
function isBlock(bytes: Uint8Array, at: number, type: string): boolean {
  if (at + MTF_BLOCK_BYTES > bytes.length || latin1(bytes, at, 4) !== type) return false;
  const view = viewOf(bytes);
  let sum = 0;
  for (let word = 0; word < 26; word++) sum ^= view.getUint16(at + 2 * word, true);
  return sum === 0;
}

function latin1(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
