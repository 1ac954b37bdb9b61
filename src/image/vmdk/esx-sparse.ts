import type { ByteSource } from '../byte-source.js';
import { checkInside, imageFault, limit } from '../image-fault.js';
import { checkApart, type FileArea, type GrainDirectory } from './grain-tables.js';
import { readTableOffsets } from './table-offsets.js';
import { getU64, GRAIN_ABSENT, GRAIN_ZERO, SECTOR_BYTES, viewOf } from './vmdk-bytes.js';

/** Deltas as ESX itself writes them, `-delta.vmdk` (COWD) and `-sesparse.vmdk`: read only. Source: QEMU 7.2 block/vmdk.c. */

const GRAINS_PER_TABLE = 4_096;
const MAX_TABLES = 2 ** 22;

/** `COWD` */
const COWD_MAGIC = 0x44574f43;
const COWD_ENTRY_BYTES = 4;
const MAX_COWD_GRAIN_SECTORS = 2_048;

/** @throws IMAGE_MAGIC_MISSING, IMAGE_VERSION_UNKNOWN, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED, IMAGE_TRUNCATED */
export async function readCowdDirectory(
  source: ByteSource,
  sizeBytes: number,
): Promise<GrainDirectory> {
  const view = viewOf(await readHeader(source, SECTOR_BYTES));
  if (view.getUint32(0, true) !== COWD_MAGIC) throw noMagic(source);
  if (view.getUint32(4, true) !== 1) throw unknownVersion(source, view.getUint32(4, true));
  checkCapacity(source, view.getUint32(12, true) * SECTOR_BYTES, sizeBytes, 12);
  const grainSectors = view.getUint32(16, true);
  limit(source, 'grain size', 16, grainSectors, 1, MAX_COWD_GRAIN_SECTORS);
  const grainBytes = grainSectors * SECTOR_BYTES;
  const tableCount = tablesFor(source, sizeBytes, grainBytes);
  const entries = view.getUint32(24, true);
  limit(source, 'entries of the grain directory', 24, entries, tableCount, MAX_TABLES);
  const directory = {
    name: 'the grain directory',
    offset: view.getUint32(20, true) * SECTOR_BYTES,
    bytes: tableCount * COWD_ENTRY_BYTES,
  };
  const areas = checkedAreas(source, [{ ...HEADER, bytes: 4 * SECTOR_BYTES }, directory]);
  const offsetOf = (words: DataView, at: number) => words.getUint32(at, true) * SECTOR_BYTES;
  const sizes = { entryBytes: COWD_ENTRY_BYTES, tableBytes: GRAINS_PER_TABLE * COWD_ENTRY_BYTES };
  return {
    ...{ source, sizeBytes, grainBytes, grainsPerTable: GRAINS_PER_TABLE, areas },
    entryBytes: COWD_ENTRY_BYTES,
    tables: await readTableOffsets(source, directory, sizes, offsetOf),
    isCompressed: false,
    decode: offsetOf, // 0 is GRAIN_ABSENT
  };
}

const SE_SPARSE_MAGIC = 0xcafebabe;
const SE_SPARSE_STATE_MAGIC = 0xcafecafe;
/** 2.1 */
const SE_SPARSE_VERSION = 2 ** 33 + 1;
const SE_SPARSE_GRAIN_SECTORS = 8;
const SE_SPARSE_ENTRY_BYTES = 8;
const SE_SPARSE_TABLE_BYTES = GRAINS_PER_TABLE * SE_SPARSE_ENTRY_BYTES;
const DIRECTORY_ENTRY_HIGH = 0x1000_0000;

/** @throws as `readCowdDirectory`; IMAGE_CORRUPT also when its journal was not replayed */
export async function readSeSparseDirectory(
  source: ByteSource,
  sizeBytes: number,
): Promise<GrainDirectory> {
  const view = viewOf(await readHeader(source, 2 * SECTOR_BYTES));
  if (getU64(view, 0) !== SE_SPARSE_MAGIC) throw noMagic(source);
  if (getU64(view, 8) !== SE_SPARSE_VERSION) throw unknownVersion(source, getU64(view, 8));
  checkCapacity(source, getU64(view, 16) * SECTOR_BYTES, sizeBytes, 16);
  limit(
    source,
    'grain size',
    24,
    getU64(view, 24),
    SE_SPARSE_GRAIN_SECTORS,
    SE_SPARSE_GRAIN_SECTORS,
  );
  const tableSectors = SE_SPARSE_TABLE_BYTES / SECTOR_BYTES;
  limit(source, 'size of a grain table', 32, getU64(view, 32), tableSectors, tableSectors);
  if (getU64(view, 40) !== 0) throw unknownVersion(source, getU64(view, 40));
  checkState(source, view);
  const grainBytes = SE_SPARSE_GRAIN_SECTORS * SECTOR_BYTES;
  const tableCount = tablesFor(source, sizeBytes, grainBytes);
  const [directoryOffset, tablesOffset, grainsOffset] = [128, 144, 192].map(
    (at) => getU64(view, at) * SECTOR_BYTES,
  ) as [number, number, number];
  const directory = {
    name: 'the grain directory',
    offset: directoryOffset,
    bytes: tableCount * SE_SPARSE_ENTRY_BYTES,
  };
  const areas = checkedAreas(source, [{ ...HEADER, bytes: 2 * SECTOR_BYTES }, directory]);
  const sizes = { entryBytes: SE_SPARSE_ENTRY_BYTES, tableBytes: SE_SPARSE_TABLE_BYTES };
  return {
    ...{ source, sizeBytes, grainBytes, grainsPerTable: GRAINS_PER_TABLE, areas },
    entryBytes: SE_SPARSE_ENTRY_BYTES,
    tables: await readTableOffsets(source, directory, sizes, (words, at) => {
      const [low, high] = [words.getUint32(at, true), words.getUint32(at + 4, true)];
      if (low === 0 && high === 0) return 0;
      return high === DIRECTORY_ENTRY_HIGH ? tablesOffset + low * SE_SPARSE_TABLE_BYTES : null;
    }),
    isCompressed: false,
    decode: (words, at) => seSparseGrain(words, at, grainsOffset),
  };
}

/** The highest four bits are the kind of grain; the next twelve are the low bits of its number. */
function seSparseGrain(words: DataView, at: number, grainsOffset: number): number | null {
  const [low, high] = [words.getUint32(at, true), words.getUint32(at + 4, true)];
  const kind = high >>> 28;
  if (kind === 0) return high === 0 && low === 0 ? GRAIN_ABSENT : null;
  if (kind === 1 || kind === 2) return GRAIN_ZERO; // unmapped by the guest, or zeros
  if (kind !== 3) return null;
  const grain = ((high >>> 16) & 0xfff) + ((high & 0xffff) * 2 ** 32 + low) * 4_096;
  return grainsOffset + grain * SE_SPARSE_GRAIN_SECTORS * SECTOR_BYTES;
}

function checkState(source: ByteSource, view: DataView): void {
  if (getU64(view, SECTOR_BYTES) !== SE_SPARSE_STATE_MAGIC)
    throw imageFault(source, 'IMAGE_CORRUPT', 'its second header is missing', {
      offset: SECTOR_BYTES,
    });
  if (getU64(view, SECTOR_BYTES + 24) !== 0)
    throw imageFault(source, 'IMAGE_CORRUPT', 'has a journal that its host must replay first', {
      offset: SECTOR_BYTES + 24,
    });
}

const HEADER = { name: 'the header', offset: 0 } as const;

async function readHeader(source: ByteSource, bytes: number): Promise<Uint8Array> {
  const header = new Uint8Array(bytes);
  await source.read(header, 0);
  return header;
}

function checkedAreas(source: ByteSource, areas: readonly FileArea[]): readonly FileArea[] {
  for (const { name, offset, bytes } of areas) checkInside(source, name, offset, bytes);
  checkApart(source, areas);
  return areas;
}

function tablesFor(source: ByteSource, sizeBytes: number, grainBytes: number): number {
  const count = Math.ceil(sizeBytes / (GRAINS_PER_TABLE * grainBytes));
  limit(source, 'number of grain tables', 12, count, 1, MAX_TABLES);
  return count;
}

function checkCapacity(source: ByteSource, own: number, sizeBytes: number, offset: number): void {
  if (own !== sizeBytes)
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `the descriptor gives it ${sizeBytes} bytes, its header ${own}`,
      { offset },
    );
}

function noMagic(source: ByteSource): Error {
  return imageFault(source, 'IMAGE_MAGIC_MISSING', 'no header of its kind at byte 0', {
    offset: 0,
  });
}

function unknownVersion(source: ByteSource, seen: number): Error {
  return imageFault(source, 'IMAGE_VERSION_UNKNOWN', `version or flags ${seen}`, { offset: 4 });
}
