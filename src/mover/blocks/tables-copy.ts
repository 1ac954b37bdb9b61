import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { isUnreadable } from '../../domain/errors.js';
import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import type { FileRange } from '../../domain/targets/file-units.js';
import type { ReadableFile, WritableFile } from '../../repository/backup-repository.js';
import { AppendedBytes } from './appended-bytes.js';

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

/** Up to here zlib takes longer than it saves: 20 µs for each of the prefixes of a stream, which has one for each block. */
const STORED_BYTES = 64;

export class TablesCopyWriter {
  private readonly entries: AppendedBytes;
  private count = 0;

  constructor(private readonly file: WritableFile) {
    this.entries = new AppendedBytes(file, HEADER_BYTES);
  }

  /** @param bytes as they are digested (`FileUnits.digestedBytes`) */
  async add(unit: number, bytes: Buffer): Promise<void> {
    const packed =
      bytes.length <= STORED_BYTES ? stored(bytes) : deflateRawSync(bytes, { level: 1 });
    const entry = Buffer.alloc(ENTRY_BYTES + packed.length);
    entry.writeBigUInt64LE(BigInt(unit), 0);
    entry.writeUInt32LE(packed.length, 8);
    packed.copy(entry, ENTRY_BYTES);
    await this.entries.append(entry);
    this.count++;
  }

  /** Writes the header and makes the copy durable. */
  async finish(): Promise<void> {
    const header = Buffer.alloc(HEADER_BYTES);
    header.write(MAGIC, 0, 'latin1');
    header.writeUInt32LE(VERSION, 8);
    header.writeUInt32LE(this.count, 12);
    const end = await this.entries.flush();
    await this.file.write(header, 0);
    await this.file.truncate(end);
    await this.file.sync();
  }

  /** Its memory is free again. */
  close(): Promise<void> {
    return Promise.resolve(this.entries.close());
  }
}

/** One block of deflate that is stored as it is, the last one (RFC 1951, 3.2.4). */
function stored(bytes: Buffer): Buffer {
  const header = Buffer.from([1, 0, 0, 0, 0]);
  header.writeUInt16LE(bytes.length, 1);
  header.writeUInt16LE(~bytes.length & 0xffff, 3);
  return Buffer.concat([header, bytes]);
}

export class TablesCopyReader {
  private constructor(
    private readonly file: ReadableFile,
    /** Where the copies of these units lie. */
    private readonly places: ReadonlyMap<number, FileRange>,
  ) {}

  /** Looks for the copies of these units, in one walk through the file. It ends where the file is damaged or cannot be read. */
  static async open(file: ReadableFile, units: Iterable<number>): Promise<TablesCopyReader> {
    const places = new Map<number, FileRange>();
    try {
      await findCopies(file, new Set(units), places);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
    return new TablesCopyReader(file, places);
  }

  /** The copy of one of the units, of which its digest covers `unitBytes`; null when the file has none or is damaged there. */
  async read(unit: number, unitBytes: number): Promise<Buffer | null> {
    const place = this.places.get(unit);
    return place === undefined ? null : unpack(this.file, place, unitBytes);
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

async function findCopies(
  file: ReadableFile,
  units: ReadonlySet<number>,
  places: Map<number, FileRange>,
): Promise<void> {
  const header = Buffer.alloc(HEADER_BYTES);
  await file.read(header, 0);
  if (header.toString('latin1', 0, 8) !== MAGIC || header.readUInt32LE(8) !== VERSION) return;
  const count = header.readUInt32LE(12);
  const entry = Buffer.alloc(ENTRY_BYTES);
  for (let i = 0, offset = HEADER_BYTES; i < count && places.size < units.size; i++) {
    if ((await file.read(entry, offset)) < ENTRY_BYTES) return;
    const length = entry.readUInt32LE(8);
    if (length > BLOCK_BYTES * 2) return;
    const unit = Number(entry.readBigUInt64LE(0));
    if (units.has(unit) && !places.has(unit))
      places.set(unit, { offset: offset + ENTRY_BYTES, length });
    offset += ENTRY_BYTES + length;
  }
}

async function unpack(
  file: ReadableFile,
  { offset, length }: FileRange,
  unitBytes: number,
): Promise<Buffer | null> {
  const packed = Buffer.alloc(length);
  if ((await file.read(packed, offset)) < length) return null;
  try {
    const bytes = inflateRawSync(packed, { maxOutputLength: unitBytes });
    return bytes.length === unitBytes ? bytes : null;
  } catch {
    return null;
  }
}
