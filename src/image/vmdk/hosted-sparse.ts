import type { ByteSource } from '../byte-source.js';
import { checkInside, imageFault } from '../image-fault.js';
import { checkApart, type FileArea, type GrainDirectory } from './grain-tables.js';
import { ENTRIES_PER_TABLE, type SparseHeader } from './sparse-header.js';
import { GRAIN_ABSENT, GRAIN_ZERO, SECTOR_BYTES, viewOf } from './vmdk-bytes.js';

const ENTRY_BYTES = 4;
const TABLE_BYTES = ENTRIES_PER_TABLE * ENTRY_BYTES;
/** 64 TiB with the usual grain take 2^21. */
const MAX_TABLES = 2 ** 23;
const READ_BYTES = 1024 * 1024;

/** The directory of a hosted sparse extent (`KDMV`), of which `sizeBytes` belong to the disk.
 *  @throws IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED, IMAGE_TRUNCATED */
export async function readGrainDirectory(
  source: ByteSource,
  header: SparseHeader,
  sizeBytes: number,
): Promise<GrainDirectory> {
  const { capacityBytes, grainBytes, directoryOffset, hasZeroGrains } = header;
  if (sizeBytes > capacityBytes || capacityBytes - sizeBytes >= grainBytes)
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `the descriptor gives it ${sizeBytes} bytes, its header ${capacityBytes}`,
      { offset: 12 },
    );
  const tableCount = Math.ceil(capacityBytes / (ENTRIES_PER_TABLE * grainBytes));
  if (tableCount > MAX_TABLES)
    throw imageFault(
      source,
      'IMAGE_LIMIT_EXCEEDED',
      `has ${tableCount} grain tables; ${MAX_TABLES} are read`,
      { offset: 12 },
    );
  const directory = { offset: directoryOffset ?? 0, bytes: tableCount * ENTRY_BYTES };
  checkInside(source, 'the grain directory', directory.offset, directory.bytes);
  const areas: FileArea[] = [
    { name: 'the header', offset: 0, bytes: SECTOR_BYTES },
    ...(header.descriptor === null ? [] : [{ name: 'the descriptor', ...header.descriptor }]),
    { name: 'the grain directory', ...directory },
  ];
  if (header.spareDirectoryOffset !== null) {
    const spare = { offset: header.spareDirectoryOffset, bytes: directory.bytes };
    checkInside(source, 'the second grain directory', spare.offset, spare.bytes);
    areas.push({ name: 'the second grain directory', ...spare });
  }
  checkApart(source, areas); // before any of them is believed
  return {
    source,
    sizeBytes,
    grainBytes,
    grainsPerTable: ENTRIES_PER_TABLE,
    entryBytes: ENTRY_BYTES,
    tables: await readTableOffsets(source, directory),
    areas,
    isCompressed: header.isCompressed,
    decode: (view, at) => {
      const sector = view.getUint32(at, true);
      if (sector === 0) return GRAIN_ABSENT;
      return sector === 1 && hasZeroGrains ? GRAIN_ZERO : sector * SECTOR_BYTES;
    },
  };
}

async function readTableOffsets(
  source: ByteSource,
  directory: Omit<FileArea, 'name'>,
): Promise<Float64Array> {
  const tables = new Float64Array(directory.bytes / ENTRY_BYTES);
  const buffer = new Uint8Array(Math.min(READ_BYTES, directory.bytes));
  const view = viewOf(buffer);
  for (let done = 0; done < directory.bytes; done += READ_BYTES) {
    const bytes = Math.min(READ_BYTES, directory.bytes - done);
    await source.read(buffer.subarray(0, bytes), directory.offset + done);
    for (let at = 0; at < bytes; at += ENTRY_BYTES) {
      const offset = view.getUint32(at, true) * SECTOR_BYTES;
      if (offset === 0) continue;
      checkInside(source, 'a grain table', offset, TABLE_BYTES);
      tables[(done + at) / ENTRY_BYTES] = offset;
    }
  }
  return tables;
}
