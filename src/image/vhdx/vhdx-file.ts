import type { ByteSource } from '../byte-source.js';
import { guidText } from '../guid.js';
import { checkInside, imageFault, limit } from '../image-fault.js';
import { structureChecksum } from './crc32c.js';
import {
  BAT_REGION,
  FILE_MAGIC,
  HEADER_AREA_BYTES,
  HEADER_BYTES,
  HEADER_MAGIC,
  HEADER_OFFSETS,
  MAX_TABLE_ENTRIES,
  METADATA_REGION,
  MIB,
  NO_GUID,
  REGION_MAGIC,
  REGION_OFFSETS,
  TABLE_BYTES,
  VERSION,
  asciiAt,
  getU64,
  viewOf,
} from './numbers.js';
import { replayLog, withoutLog, type ReplayedSource } from './log-overlay.js';

/** Which state of the content a file holds: changed before the first write after it was opened. */
interface VhdxHeader {
  readonly sequence: bigint;
  /** Another for each time that the file is opened to write. */
  readonly fileWriteGuid: string;
  readonly dataWriteGuid: string;
  /** null: the log holds nothing. */
  readonly logGuid: string | null;
  readonly log: Region;
}

export interface Region {
  readonly offset: number;
  readonly length: number;
}

/** A file behind its header: its log is replayed in memory. */
export interface VhdxFile {
  readonly source: ReplayedSource;
  readonly header: VhdxHeader;
  readonly bat: Region;
  readonly metadata: Region;
}

/** `ImageFormat.writeMark`: whoever opens a file to write gives it another FileWriteGuid first, and each header that is written another number. */
export function writeMarkOf({ sequence, fileWriteGuid }: VhdxHeader): string {
  return `${sequence} ${fileWriteGuid}`;
}

/** @throws IMAGE_MAGIC_MISSING, IMAGE_VERSION_UNKNOWN, IMAGE_CORRUPT. Source: [MS-VHDX] 2.2.2 */
export async function readWriteMark(file: ByteSource): Promise<string> {
  await checkMagic(file);
  return writeMarkOf(await readHeader(file));
}

/** @throws IMAGE_MAGIC_MISSING, IMAGE_VERSION_UNKNOWN, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED, IMAGE_TRUNCATED. Source: [MS-VHDX] 2.2, 2.3 */
export async function openVhdxFile(file: ByteSource): Promise<VhdxFile> {
  await checkMagic(file);
  const header = await readHeader(file);
  const { logGuid, log } = header;
  const source =
    logGuid === null
      ? withoutLog(file)
      : await replayLog(file, { offset: log.offset, length: log.length, guid: logGuid });
  const regions = await readRegions(source);
  const area = { offset: 0, length: HEADER_AREA_BYTES, name: 'the header' };
  const all = [
    area,
    { ...regions.bat, name: 'the BAT' },
    { ...regions.metadata, name: 'metadata' },
  ];
  if (log.length > 0) all.push({ ...log, name: 'the log' });
  refuseOverlap(source, all);
  return { source, header, ...regions };
}

async function checkMagic(source: ByteSource): Promise<void> {
  const magic = new Uint8Array(FILE_MAGIC.length);
  await source.read(magic, 0);
  const seen = asciiAt(magic, 0, magic.length);
  if (seen !== FILE_MAGIC)
    throw imageFault(
      source,
      'IMAGE_MAGIC_MISSING',
      `starts with ${JSON.stringify(seen)}, a VHDX file with "${FILE_MAGIC}"`,
      { offset: 0 },
    );
}

/** The newer of both copies; a writer that was stopped leaves one of them broken. */
async function readHeader(source: ByteSource): Promise<VhdxHeader> {
  const found: { bytes: Uint8Array; header: VhdxHeader }[] = [];
  for (const offset of HEADER_OFFSETS) {
    const bytes = new Uint8Array(HEADER_BYTES);
    await source.read(bytes, offset);
    if (!isWhole(bytes, HEADER_MAGIC)) continue;
    found.push({ bytes, header: parseHeader(source, bytes, offset) });
  }
  const [first, second] = found;
  if (first === undefined)
    throw imageFault(source, 'IMAGE_CORRUPT', 'neither copy of its header has a right checksum', {
      offset: HEADER_OFFSETS[0],
    });
  if (second === undefined) return first.header;
  // Equal numbers occur in the wild, on equal copies (disk2vhd).
  if (
    first.header.sequence === second.header.sequence &&
    !Buffer.from(first.bytes).equals(second.bytes)
  )
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `both copies of its header have the number ${first.header.sequence}, and they differ`,
      { offset: HEADER_OFFSETS[1] },
    );
  return first.header.sequence >= second.header.sequence ? first.header : second.header;
}

function parseHeader(source: ByteSource, bytes: Uint8Array, at: number): VhdxHeader {
  const view = viewOf(bytes);
  const version = view.getUint16(66, true);
  const logVersion = view.getUint16(64, true);
  const logGuid = guidText(bytes.subarray(48, 64));
  if (version !== VERSION || (logGuid !== NO_GUID && logVersion !== 0))
    throw imageFault(
      source,
      'IMAGE_VERSION_UNKNOWN',
      `is VHDX version ${version} with a log of version ${logVersion}; 1 and 0 are known`,
      { offset: at + 64 },
    );
  const log = { length: view.getUint32(68, true), offset: getU64(view, 72) };
  checkRegion(source, 'the log', log, at + 68);
  return {
    sequence: view.getBigUint64(8, true),
    fileWriteGuid: guidText(bytes.subarray(16, 32)),
    dataWriteGuid: guidText(bytes.subarray(32, 48)),
    logGuid: logGuid === NO_GUID ? null : logGuid,
    log,
  };
}

async function readRegions(source: ByteSource): Promise<{ bat: Region; metadata: Region }> {
  const table = new Uint8Array(TABLE_BYTES);
  const whole = await firstWhole(source, table);
  const view = viewOf(table);
  const count = view.getUint32(8, true);
  limit(source, 'number of regions', whole + 8, count, 0, MAX_TABLE_ENTRIES);
  const found = new Map<string, Region>();
  for (let index = 0; index < count; index++) {
    const at = 16 + index * 32;
    const guid = guidText(table.subarray(at, at + 16));
    const isRequired = (view.getUint32(at + 28, true) & 1) !== 0;
    if (guid !== BAT_REGION && guid !== METADATA_REGION) {
      if (!isRequired) continue;
      throw imageFault(
        source,
        'IMAGE_VERSION_UNKNOWN',
        `has a region ${guid} that a reader must know`,
        { offset: whole + at },
      );
    }
    if (found.has(guid))
      throw imageFault(source, 'IMAGE_CORRUPT', `names the region ${guid} twice`, {
        offset: whole + at,
      });
    const region = { offset: getU64(view, at + 16), length: view.getUint32(at + 24, true) };
    checkRegion(source, `the region ${guid}`, region, whole + at);
    found.set(guid, region);
  }
  const bat = found.get(BAT_REGION);
  const metadata = found.get(METADATA_REGION);
  if (bat === undefined || metadata === undefined)
    throw imageFault(source, 'IMAGE_CORRUPT', 'its region table names no BAT or no metadata', {
      offset: whole,
    });
  return { bat, metadata };
}

/** @returns offset of the first copy of the region table that has a right checksum, which then fills `table` */
async function firstWhole(source: ByteSource, table: Uint8Array): Promise<number> {
  for (const offset of REGION_OFFSETS) {
    await source.read(table, offset);
    if (isWhole(table, REGION_MAGIC)) return offset;
  }
  throw imageFault(
    source,
    'IMAGE_CORRUPT',
    'neither copy of its region table has a right checksum',
    { offset: REGION_OFFSETS[0] },
  );
}

function isWhole(bytes: Uint8Array, magic: string): boolean {
  return (
    asciiAt(bytes, 0, 4) === magic && structureChecksum(bytes) === viewOf(bytes).getUint32(4, true)
  );
}

function checkRegion(source: ByteSource, what: string, region: Region, at: number): void {
  const { offset, length } = region;
  if (offset % MIB !== 0 || length % MIB !== 0 || (offset < HEADER_AREA_BYTES && length > 0))
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `${what} lies at ${offset} with ${length} bytes; both must be multiples of 1 MiB behind the first`,
      { offset: at },
    );
  checkInside(source, what, offset, length);
}

function refuseOverlap(source: ByteSource, regions: readonly (Region & { name: string })[]): void {
  const sorted = [...regions].sort((a, b) => a.offset - b.offset);
  for (const [index, { offset, name }] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before !== undefined && before.offset + before.length > offset)
      throw imageFault(source, 'IMAGE_CORRUPT', `${before.name} and ${name} overlap`, { offset });
  }
}
