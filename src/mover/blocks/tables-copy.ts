import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { BLOCK_BYTES } from '../../domain/digest.js';
import type { ReadableFile, WritableFile } from '../../repository/backup-repository.js';

/** Copy of the units of a backup file that hold no guest data (header, tables, reference counts), so that a damaged one can be healed
 *  without any source (docs/FORMAT.md, Tables copy). It needs no digest of its own: a unit counts only if it has the digest that the digest
 *  table gives for it.
 *
 *  Header of 64 bytes: magic `LHTABLES`, u32 version 1, u32 count; then for each unit: u64 unit number, u32 length, that many bytes of raw
 *  deflate. Little-endian. */
const MAGIC = 'LHTABLES';
const VERSION = 1;
const HEADER_BYTES = 64;
const ENTRY_BYTES = 12;

export class TablesCopyWriter {
  private offset = HEADER_BYTES;
  private count = 0;

  constructor(private readonly file: WritableFile) {}

  async add(unit: number, bytes: Buffer): Promise<void> {
    const packed = deflateRawSync(bytes, { level: 1 });
    const entry = Buffer.alloc(ENTRY_BYTES + packed.length);
    entry.writeBigUInt64LE(BigInt(unit), 0);
    entry.writeUInt32LE(packed.length, 8);
    packed.copy(entry, ENTRY_BYTES);
    await this.file.write(entry, this.offset);
    this.offset += entry.length;
    this.count++;
  }

  /** Writes the header and makes the copy durable. */
  async finish(): Promise<void> {
    const header = Buffer.alloc(HEADER_BYTES);
    header.write(MAGIC, 0, 'latin1');
    header.writeUInt32LE(VERSION, 8);
    header.writeUInt32LE(this.count, 12);
    await this.file.write(header, 0);
    await this.file.truncate(this.offset);
    await this.file.sync();
  }
}

/** The copy of one unit; null when the file has none or is damaged there. */
export async function readTablesCopy(file: ReadableFile, unit: number): Promise<Buffer | null> {
  const header = Buffer.alloc(HEADER_BYTES);
  await file.read(header, 0);
  if (header.toString('latin1', 0, 8) !== MAGIC || header.readUInt32LE(8) !== VERSION) return null;
  const count = header.readUInt32LE(12);
  const entry = Buffer.alloc(ENTRY_BYTES);
  for (let i = 0, offset = HEADER_BYTES; i < count; i++) {
    if ((await file.read(entry, offset)) < ENTRY_BYTES) return null;
    const length = entry.readUInt32LE(8);
    if (length > BLOCK_BYTES * 2) return null;
    if (entry.readBigUInt64LE(0) === BigInt(unit))
      return unpack(file, offset + ENTRY_BYTES, length);
    offset += ENTRY_BYTES + length;
  }
  return null;
}

async function unpack(file: ReadableFile, offset: number, length: number): Promise<Buffer | null> {
  const packed = Buffer.alloc(length);
  if ((await file.read(packed, offset)) < length) return null;
  try {
    const bytes = inflateRawSync(packed, { maxOutputLength: BLOCK_BYTES });
    return bytes.length === BLOCK_BYTES ? bytes : null;
  } catch {
    return null;
  }
}
