import type { ByteSource } from '../../image/byte-source.js';

/** What the two first blocks of a redo log tell. Source: OpenLogReplicator src/reader/Reader.cpp (the only public reader of them). */
export interface RedoHead {
  readonly sequence: number;
  /** So many bytes it has at the least. null: it is being written. */
  readonly sizeBytes: number | null;
}

/** Blocks of 512, 1,024 or 4,096 bytes; the second byte tells which. */
const KINDS: Readonly<Record<number, readonly number[]>> = { 0x22: [512, 1024], 0x82: [4096] };
const HEAD_BYTES = 32;
const MAGIC = 0x7a7b7c7d;
/** The number of blocks of a log that is being written. */
const OPEN = 0xffff_ffff;

/** null: it is no redo log, or too short to tell. Never throws for what it reads. */
export async function readRedoHead(source: ByteSource): Promise<RedoHead | null> {
  if (source.sizeBytes < HEAD_BYTES) return null;
  const head = Buffer.alloc(HEAD_BYTES);
  await source.read(head, 0);
  const isLittle = head.readUInt32LE(28) === MAGIC;
  if (head[0] !== 0 || (!isLittle && head.readUInt32BE(28) !== MAGIC)) return null;
  const blockBytes = isLittle ? head.readUInt32LE(20) : head.readUInt32BE(20);
  if (KINDS[head[1]!]?.includes(blockBytes) !== true || source.sizeBytes < 2 * blockBytes)
    return null;
  const block = Buffer.alloc(164);
  await source.read(block, blockBytes);
  const at = (offset: number): number =>
    isLittle ? block.readUInt32LE(offset) : block.readUInt32BE(offset);
  const blocks = at(156);
  return { sequence: at(8), sizeBytes: blocks === OPEN ? null : blocks * blockBytes };
}
