import { deflateSync } from 'node:zlib';
import type { ImageExtents } from '../../../src/image/image-format.js';
import { BackupError } from '../../../src/domain/errors.js';
import { MemoryBytes } from './byte-files.js';

/** VMDK files made by hand after VMware's Virtual Disk Format 5.0: what QEMU does not write. */

const SECTOR = 512;
const GRAIN_SECTORS = 128;
export const GRAIN = GRAIN_SECTORS * SECTOR;

interface StreamParts {
  readonly sectors: number;
  /** Guest grain → what it holds. */
  readonly grains: ReadonlyMap<number, Buffer>;
  /** `footer`: the front header names no directory; `both`: it does, and a footer follows; `front`: the tables lie before the grains. */
  readonly shape: 'footer' | 'both' | 'front';
}

/** A streamOptimized disk of up to 512 grains. */
export function streamFile({ sectors, grains, shape }: StreamParts): Buffer {
  const parts: Buffer[] = [Buffer.alloc(SECTOR), descriptorSector(sectors)];
  let at = 2;
  const push = (bytes: Buffer): number => {
    const start = at;
    const padded = Buffer.alloc(Math.ceil(bytes.length / SECTOR) * SECTOR);
    bytes.copy(padded);
    parts.push(padded);
    at += padded.length / SECTOR;
    return start;
  };
  const table = Buffer.alloc(4 * SECTOR);
  const directory = Buffer.alloc(SECTOR);
  let directoryAt = 0;
  if (shape === 'front') {
    directoryAt = push(directory);
    directory.writeUInt32LE(push(table), 0);
  }
  for (const [grain, bytes] of grains) {
    const stored = deflateSync(bytes);
    const marker = Buffer.alloc(12);
    marker.writeBigUInt64LE(BigInt(grain * GRAIN_SECTORS), 0);
    marker.writeUInt32LE(stored.length, 8);
    table.writeUInt32LE(push(Buffer.concat([marker, stored])), grain * 4);
  }
  if (shape === 'front') {
    // The tables were pushed as copies: put them in place now that they are known.
    table.copy(parts[3]!);
    directory.copy(parts[2]!);
    return Buffer.concat([headerSector(sectors, directoryAt), ...parts.slice(1)]);
  }
  push(markerSector(4, 1));
  directory.writeUInt32LE(push(table), 0);
  push(markerSector(1, 2));
  directoryAt = push(directory);
  push(markerSector(1, 3));
  push(headerSector(sectors, directoryAt));
  push(Buffer.alloc(SECTOR));
  const front = headerSector(sectors, shape === 'both' ? directoryAt : null);
  return Buffer.concat([front, ...parts.slice(1)]);
}

function markerSector(sectors: number, type: number): Buffer {
  const marker = Buffer.alloc(SECTOR);
  marker.writeBigUInt64LE(BigInt(sectors), 0);
  marker.writeUInt32LE(type, 12);
  return marker;
}

function headerSector(sectors: number, directory: number | null): Buffer {
  const header = Buffer.alloc(SECTOR);
  header.write('KDMV', 0, 'latin1');
  header.writeUInt32LE(3, 4);
  header.writeUInt32LE(0x30001, 8);
  header.writeBigUInt64LE(BigInt(sectors), 12);
  header.writeBigUInt64LE(BigInt(GRAIN_SECTORS), 20);
  header.writeBigUInt64LE(1n, 28);
  header.writeBigUInt64LE(1n, 36);
  header.writeUInt32LE(512, 44);
  header.writeBigUInt64LE(directory === null ? 0xffff_ffff_ffff_ffffn : BigInt(directory), 56);
  header.writeBigUInt64LE(2n, 64);
  header.write('\n \r\n', 73, 'latin1');
  header.writeUInt16LE(1, 77);
  return header;
}

function descriptorSector(sectors: number): Buffer {
  const sector = Buffer.alloc(SECTOR);
  const extent = `RDONLY ${sectors} SPARSE "call-me-stream.vmdk"`;
  sector.write(
    descriptorText({ extents: [extent], createType: 'streamOptimized', cid: '7e5b80a7' }),
  );
  return sector;
}

interface DescriptorParts {
  readonly extents: readonly string[];
  readonly createType?: string;
  readonly cid?: string;
  readonly more?: readonly string[];
}

/** As VMware's tools write it: comments between the keys, and a blank at the end of some lines. */
export function descriptorText({
  extents,
  createType = 'vmfs',
  cid = '0172e8a4',
  more = [],
}: DescriptorParts): string {
  return [
    '# Disk DescriptorFile',
    'version=1 ',
    `CID=${cid} `,
    '# Indicates no parent',
    ...(more.some((line) => line.startsWith('parentCID')) ? [] : ['parentCID=ffffffff']),
    `createType="${createType}" `,
    ...more,
    '',
    '# Extent description',
    ...extents,
    '',
    '# The Disk Data Base ',
    '#DDB',
    '',
    'ddb.adapterType = "lsilogic"',
    'ddb.longContentID = "c493b057f416b9534001df440172e8a4"',
    '',
  ].join('\n');
}

/** The further files of an image, as a layout would have listed them. */
export function extentsOf(files: Readonly<Record<string, Uint8Array>>): ImageExtents {
  return {
    open: (name) => {
      const bytes = files[name];
      return bytes === undefined
        ? Promise.reject(new BackupError('IMAGE_EXTENT_MISSING', `no file ${name} was listed`))
        : Promise.resolve(new MemoryBytes(bytes, name));
    },
  };
}

/** A monolithicSparse disk of up to 512 grains: descriptor from sector 1 on, directory in sector 21, its table behind it, grains from sector 128 on. */
export function sparseFile(
  sectors: number,
  grains: ReadonlyMap<number, Buffer>,
  grainSectors = GRAIN_SECTORS,
): Buffer {
  const header = headerSector(sectors, 21);
  header.writeUInt32LE(1, 4);
  header.writeUInt32LE(3, 8);
  header.writeBigUInt64LE(BigInt(grainSectors), 20);
  header.writeBigUInt64LE(20n, 36);
  header.writeBigUInt64LE(26n, 48);
  header.writeUInt16LE(0, 77);
  const file = Buffer.alloc((GRAIN_SECTORS + grains.size * grainSectors) * SECTOR);
  header.copy(file);
  const extents = [`RW ${sectors} SPARSE "renamed-since.vmdk"`];
  file.write(descriptorText({ extents, createType: 'monolithicSparse' }), SECTOR);
  file.writeUInt32LE(22, 21 * SECTOR);
  file.writeUInt32LE(27, 26 * SECTOR);
  for (const [slot, [grain, bytes]] of [...grains].entries()) {
    const sector = GRAIN_SECTORS + slot * grainSectors;
    for (const table of [22, 27]) file.writeUInt32LE(sector, table * SECTOR + grain * 4);
    bytes.copy(file, sector * SECTOR);
  }
  return file;
}

/** The extent of an ESX snapshot (COWD) of up to 256 MiB, with grains of one sector. */
export function cowdFile(sectors: number, grains: ReadonlyMap<number, Buffer>): Buffer {
  const TABLE_SECTORS = 32;
  const used = tablesOf(grains);
  const data = COWD_TABLES + TABLE_SECTORS * used.length;
  const file = Buffer.alloc((data + grains.size) * SECTOR);
  cowdHeader(sectors).copy(file);
  file.writeUInt32LE(data + grains.size, 28);
  for (const [slot, [grain, bytes]] of [...grains].entries()) {
    const index = Math.floor(grain / ENTRIES);
    const table = COWD_TABLES + TABLE_SECTORS * used.indexOf(index);
    file.writeUInt32LE(table, 4 * SECTOR + index * 4);
    file.writeUInt32LE(data + slot, table * SECTOR + (grain % ENTRIES) * 4);
    bytes.copy(file, (data + slot) * SECTOR);
  }
  return file;
}

const ENTRIES = 4_096;
const COWD_TABLES = 5;

/** @returns the first sector: its directory follows in sector 4 */
export function cowdHeader(sectors: number): Buffer {
  const header = Buffer.alloc(SECTOR);
  header.write('COWD', 0, 'latin1');
  header.writeUInt32LE(1, 4);
  header.writeUInt32LE(3, 8);
  header.writeUInt32LE(sectors, 12);
  header.writeUInt32LE(1, 16);
  header.writeUInt32LE(4, 20);
  header.writeUInt32LE(Math.ceil(sectors / ENTRIES), 24);
  return header;
}

/** The extent of a snapshot of ESXi 6.5 (seSparse) of up to 1 GiB, with grains of 4 KiB. */
export function seSparseFile(
  sectors: number,
  grains: ReadonlyMap<number, Buffer | 'zero' | 'unmapped'>,
): Buffer {
  const TABLE_SECTORS = 64;
  const GRAIN_BYTES = 4_096;
  const used = tablesOf(grains);
  const stored = [...grains].filter((entry): entry is [number, Buffer] =>
    Buffer.isBuffer(entry[1]),
  );
  const places = { directory: 2, tables: 3, grains: 3 + TABLE_SECTORS * used.length };
  const file = Buffer.alloc(places.grains * SECTOR + stored.length * GRAIN_BYTES);
  seSparseHeader(sectors, places).copy(file);
  for (const [grain, content] of grains) {
    const index = Math.floor(grain / ENTRIES);
    const table = used.indexOf(index);
    file.writeUInt32LE(table, places.directory * SECTOR + index * 8);
    file.writeUInt32LE(0x1000_0000, places.directory * SECTOR + index * 8 + 4);
    const slot = stored.findIndex(([held]) => held === grain);
    const at = (places.tables + TABLE_SECTORS * table) * SECTOR + (grain % ENTRIES) * 8;
    const kind = content === 'unmapped' ? 1 : content === 'zero' ? 2 : 3;
    file.writeUInt32LE(slot < 0 ? 0 : Math.floor(slot / 4_096), at);
    file.writeUInt32LE(kind * 0x1000_0000 + (slot < 0 ? 0 : slot % 4_096) * 0x1_0000, at + 4);
    if (Buffer.isBuffer(content)) content.copy(file, places.grains * SECTOR + slot * GRAIN_BYTES);
  }
  return file;
}

/** @returns the first two sectors
 *  @param places of the directory, its tables and the grains, in sectors */
export function seSparseHeader(
  sectors: number,
  places: { readonly directory: number; readonly tables: number; readonly grains: number },
): Buffer {
  const header = Buffer.alloc(2 * SECTOR);
  const directorySectors = Math.ceil(sectors / 8 / ENTRIES / 64);
  for (const [at, value] of [
    [0, 0xcafe_babe],
    [8, 2 ** 33 + 1],
    [16, sectors],
    [24, 8],
    [32, 64],
    [80, 1],
    [88, 1],
    [128, places.directory],
    [136, directorySectors],
    [144, places.tables],
    [152, places.grains - places.tables],
    [192, places.grains],
    [SECTOR, 0xcafe_cafe],
  ] as const)
    header.writeBigUInt64LE(BigInt(value), at);
  return header;
}

/** Which tables these grains need, sorted. */
function tablesOf(grains: ReadonlyMap<number, unknown>): number[] {
  return [...new Set([...grains.keys()].map((grain) => Math.floor(grain / ENTRIES)))].sort(
    (a, b) => a - b,
  );
}
