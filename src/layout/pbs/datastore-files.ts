import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { NamingFile, NamingFiles } from '../../domain/trees/tree-rules.js';

/** What the files of a datastore hold, as far as it tells whether they are whole and which chunks a snapshot needs.
 *  Source: proxmox-backup pbs-datastore/src/file_formats.rs, fixed_index.rs, dynamic_index.rs, data_blob.rs. */

/** Magic numbers of blobs and chunks, and bytes of their heads: plain, packed (zstd), encrypted, packed and encrypted. */
const BLOB_HEADS: ReadonlyMap<string, number> = new Map([
  ['42ab3807be8370a1', 12],
  ['31b958426fb6a37f', 12],
  ['7b6785be222d4cf0', 44],
  ['e6591bbf0bbfd80b', 44],
]);
const MAGIC_BYTES = 8;

/** A blob, a chunk: magic number, CRC-32 of what lies behind the head. A server that lost power leaves empty ones. */
export function isSoundBlob(path: string, bytes: Uint8Array): boolean {
  if (!BLOB_OR_CHUNK.test(path)) return true;
  const headBytes = BLOB_HEADS.get(hexOf(bytes.subarray(0, MAGIC_BYTES)));
  if (headBytes === undefined || bytes.length < headBytes) return false;
  const told = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC_BYTES, true);
  return crc32(bytes.subarray(headBytes)) === told;
}

const CHUNK = /^\.chunks\/[0-9a-f]{4}\/[0-9a-f]{64}$/;
const BLOB_OR_CHUNK = /^\.chunks\/[0-9a-f]{4}\/[0-9a-f]{64}$|\.blob$/;

/** Indexes of disks (`.fidx`) and of archives (`.didx`): a page of head, then a digest for each chunk, of archives behind where the chunk ends. */
export const CHUNK_INDEXES: NamingFiles = { match: /\.[fd]idx$/, named: CHUNK, read: readIndex };

const HEAD_BYTES = 4_096;
const FIXED_MAGIC = '2f7f41ed91fd0fcd';
const DYNAMIC_MAGIC = '1c914ea519bab3cd';
const SUM_AT = 32;
const SIZE_AT = 64;
const CHUNK_SIZE_AT = 72;
const DIGEST_BYTES = 32;
const END_BYTES = 8;
/** Whole entries of either kind, below what is read at once. */
const READ_BYTES = 160 * 4_096;

async function readIndex(file: NamingFile, name: (path: string) => void): Promise<string | null> {
  if (file.sizeBytes < HEAD_BYTES) return 'has no whole head';
  const head = await file.read(0, HEAD_BYTES);
  const magic = hexOf(head.subarray(0, MAGIC_BYTES));
  if (magic !== FIXED_MAGIC && magic !== DYNAMIC_MAGIC) return 'is no index of chunks';
  const digestAt = magic === FIXED_MAGIC ? 0 : END_BYTES;
  const entryBytes = digestAt + DIGEST_BYTES;
  const listBytes = file.sizeBytes - HEAD_BYTES;
  const isOfSize =
    magic === FIXED_MAGIC
      ? BigInt(listBytes) === BigInt(entryBytes) * chunkCount(head)
      : listBytes % entryBytes === 0;
  if (!isOfSize) return 'has another length than its head says';
  const sum = createHash('sha256');
  for (let at = HEAD_BYTES; at < file.sizeBytes;) {
    const partBytes = Math.min(READ_BYTES, file.sizeBytes - at);
    const part = await file.read(at, partBytes);
    if (part.length < partBytes) return 'ends before its list does';
    sum.update(part);
    for (let entry = digestAt; entry < part.length; entry += entryBytes) {
      const digest = hexOf(part.subarray(entry, entry + DIGEST_BYTES));
      name(`.chunks/${digest.slice(0, 4)}/${digest}`);
    }
    at += part.length;
  }
  const isOfSum = sum.digest('hex') === hexOf(head.subarray(SUM_AT, SUM_AT + DIGEST_BYTES));
  return isOfSum ? null : 'does not have the sum that its head says';
}

/** -1: its head makes no sense. */
function chunkCount(head: Uint8Array): bigint {
  const view = new DataView(head.buffer, head.byteOffset);
  const chunkBytes = view.getBigUint64(CHUNK_SIZE_AT, true);
  if (chunkBytes === 0n) return -1n;
  return (view.getBigUint64(SIZE_AT, true) + chunkBytes - 1n) / chunkBytes;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
