import type { ByteSource } from '../byte-source.js';
import { checkInside, imageFault } from '../image-fault.js';
import { checkApart, type FileArea, type GrainDirectory } from './grain-tables.js';
import { ENTRIES_PER_TABLE, type SparseHeader } from './sparse-header.js';
import { readTableOffsets } from './table-offsets.js';
import { GRAIN_ZERO, SECTOR_BYTES } from './vmdk-bytes.js';

const ENTRY_BYTES = 4;
/** 64 TiB with the usual grain take 2^21. */
const MAX_TABLES = 2 ** 23;
const SIZES = { entryBytes: ENTRY_BYTES, tableBytes: ENTRIES_PER_TABLE * ENTRY_BYTES };

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
    tables: await readTableOffsets(source, directory, SIZES, offsetOf),
    areas,
    isCompressed: header.isCompressed,
    decode: (view, at) => {
      const offset = offsetOf(view, at); // 0 is GRAIN_ABSENT
      return offset === SECTOR_BYTES && hasZeroGrains ? GRAIN_ZERO : offset;
    },
  };
}

function offsetOf(view: DataView, at: number): number {
  return view.getUint32(at, true) * SECTOR_BYTES;
}
