import type { ByteSource } from '../byte-source.js';
import type { StreamLinks } from '../image-format.js';
import { COMPOUND, RECORD_BYTES, SUBSTREAM, isLittleEndian, recordAt } from './zfs-record.js';

const AT = { payloadBytes: 4, version: 16, to: 40, from: 48 } as const;
/** Flag 20; flag 0 is bit 2. */
const RESUMING = 1n << 22n;
/** Most of a list of snapshots that is looked at: names and guids of some ten thousand. */
const MAX_LIST_BYTES = 1024 * 1024;
/** Of a pair of an nvlist in XDR: a number of 64 bits, one of it. */
const UINT64_PAIR = [8, 1] as const;
const XDR = 1;
const WORD_BYTES = 4;

/** A snapshot is known by its guid, wherever it was received. A stream of several (`-R`, `-I`, `-p`) begins with the list of all snapshots that its
 *  file systems have, and what it builds on is what the first stream within does. null: it is no stream of zfs send.
 *  Source: OpenZFS include/sys/zfs_ioctl.h, lib/libzfs/libzfs_sendrecv.c, lib/libnvpair (nvs_xdr). */
export async function zfsLinks(source: ByteSource): Promise<StreamLinks | null> {
  const begin = await recordAt(source, 0);
  if (begin.byteLength < RECORD_BYTES) return null;
  const isLittle = isLittleEndian(begin);
  if (isLittle === null) return null;
  const version = begin.getBigUint64(AT.version, isLittle);
  if ((version & 3n) === SUBSTREAM) return linksOf(begin, isLittle);
  if ((version & 3n) !== COMPOUND) return null;
  const listBytes = begin.getUint32(AT.payloadBytes, isLittle);
  const first = await recordAt(source, RECORD_BYTES + listBytes + RECORD_BYTES);
  const isBegun = first.byteLength === RECORD_BYTES && isLittleEndian(first) === isLittle;
  if (!isBegun) return null; // of what was packed the start alone is here
  const within = linksOf(first, isLittle);
  const { guids, isCutShort } = await listedGuids(source, listBytes);
  const holds = [...new Set([...within.holds, ...guids])].filter((held) => held !== within.from);
  return { ...within, holds, ...(isCutShort ? { isCutShort } : {}) };
}

function linksOf(begin: DataView, isLittle: boolean): StreamLinks {
  const [version, to, from] = [AT.version, AT.to, AT.from].map((at) =>
    begin.getBigUint64(at, isLittle),
  ) as [bigint, bigint, bigint];
  return {
    from: from === 0n ? null : snapshotName(from),
    holds: [snapshotName(to)],
    ...((version & RESUMING) === 0n ? {} : { isRest: true }),
  };
}

function snapshotName(guid: bigint): string {
  return `snapshot with the guid ${guid}`;
}

/** Every number of 64 bits in the list that is not 0: guids, and a few others that no snapshot has. */
async function listedGuids(
  source: ByteSource,
  listBytes: number,
): Promise<{ readonly guids: readonly string[]; readonly isCutShort: boolean }> {
  const held = Math.max(0, Math.min(listBytes, source.sizeBytes - RECORD_BYTES));
  const bytes = new Uint8Array(Math.min(held, MAX_LIST_BYTES));
  await source.read(bytes, RECORD_BYTES);
  const isCutShort = bytes.length < listBytes;
  if (bytes[0] !== XDR) return { guids: [], isCutShort };
  const list = new DataView(bytes.buffer);
  const guids: string[] = [];
  for (let at = 0; at + 4 * WORD_BYTES <= list.byteLength; at += WORD_BYTES) {
    const isNumber = UINT64_PAIR.every(
      (word, index) => list.getUint32(at + index * WORD_BYTES) === word,
    );
    const value = isNumber ? list.getBigUint64(at + 2 * WORD_BYTES) : 0n;
    if (value !== 0n) guids.push(snapshotName(value));
  }
  return { guids, isCutShort };
}
