import { filesOfSet, isMtfHead, mediaSetId, packedDatabase, type MtfDatabase } from './mtf.js';
import { isXpressTable, TABLE_BYTES, unpackXpress } from './xpress.js';

/** What can be told of a compressed file without unpacking more than its first pieces. */
interface PackedHead {
  readonly packed?: MtfDatabase;
  readonly mediaSet?: string;
  readonly fileCount?: number;
}

/** What the container of a compressed backup says of its media and of its first set. It begins with `MSSQLBAK` and a version; records follow, each a head and one packed
 *  piece of what an unpacked file would hold, and the first pieces are the descriptors. An encrypted one says nothing.
 *
 *  Source: notes of a public reader of such files (rsleedbx/mssqlbak-tests, docs/spec/01_CONTAINER.md: SQL Server 2012 to 2025), which calls them
 *  observed, not documented. So what comes out counts only with the checksums of its descriptors and a description of the database that makes sense.
 *  @param head the first bytes of the file
 *  @returns null: it does not tell */
export function readPackedHead(head: Uint8Array): PackedHead | null {
  const pieces = firstPieces(head);
  if (pieces === null) return null;
  const [media] = pieces.parts;
  const isMedia = media !== undefined && isMtfHead(media);
  const [mediaSet, fileCount] = isMedia ? [mediaSetId(media), filesOfSet(media)] : [null, null];
  return {
    ...(pieces.database === null ? {} : { packed: pieces.database }),
    ...(mediaSet === null ? {} : { mediaSet }),
    ...(fileCount === null ? {} : { fileCount }),
  };
}

/** Pieces up to the one that tells the database, or those that may. */
function firstPieces(
  head: Uint8Array,
): { readonly parts: readonly Buffer[]; readonly database: MtfDatabase | null } | null {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < FIRST_RECORD) return null;
  const record = view.getUint32(8, true) <= 1 ? OLD_RECORD : RECORD;
  const pieces: Buffer[] = [];
  let at = FIRST_RECORD;
  while (at + record.data + TABLE_BYTES < head.length && pieces.length < MAX_PIECES) {
    const size = recordSize(head, view, at, record);
    const from = at + record.data;
    const piece =
      size === null ? null : unpackXpress(head.subarray(from, from + size), PIECE_BYTES);
    if (size === null || piece === null) {
      // Between records stand file marks and what fills their blocks.
      at++;
      continue;
    }
    pieces.push(padded(piece));
    const database = packedDatabase(Buffer.concat(pieces));
    if (database !== null) return { parts: pieces, database };
    at += record.step + size;
  }
  return { parts: pieces, database: null };
}

/** Behind magic number and versions. */
const FIRST_RECORD = 16;
const PIECE_BYTES = 64 * 1024;
const MAX_PIECES = 4;

interface RecordShape {
  /** Where the size stands, in the upper half of a word. */
  readonly size: number;
  /** Where a word of zeros stands. null: nowhere */
  readonly zeros: number | null;
  readonly data: number;
  /** From one head to the next, beside the size. */
  readonly step: number;
}

/** Until SQL Server 2012, and since. */
const OLD_RECORD: RecordShape = { size: 0, zeros: null, data: 8, step: 8 };
const RECORD: RecordShape = { size: 4, zeros: 24, data: 32, step: 28 };

function recordSize(
  head: Uint8Array,
  view: DataView,
  at: number,
  { size: sizeAt, zeros, data }: RecordShape,
): number | null {
  const size = view.getUint16(at + sizeAt + 2, true);
  if (size <= TABLE_BYTES) return null;
  if (zeros !== null && view.getUint32(at + zeros, true) !== 0) return null;
  return isXpressTable(head, at + data) ? size : null;
}

/** Descriptors stand in blocks of 512 bytes. */
function padded(piece: Uint8Array): Buffer {
  return Buffer.concat([piece], Math.ceil(piece.length / 512) * 512);
}
