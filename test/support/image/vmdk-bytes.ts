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

/** The extent of an ESX snapshot (COWD) of up to 4,096 grains of one sector. */
export function cowdFile(sectors: number, grains: ReadonlyMap<number, Buffer>): Buffer {
  const TABLE = 5;
  const DATA = TABLE + 32;
  const file = Buffer.alloc((DATA + grains.size) * SECTOR);
  file.write('COWD', 0, 'latin1');
  file.writeUInt32LE(1, 4);
  file.writeUInt32LE(3, 8);
  file.writeUInt32LE(sectors, 12);
  file.writeUInt32LE(1, 16);
  file.writeUInt32LE(4, 20);
  file.writeUInt32LE(1, 24);
  file.writeUInt32LE(DATA + grains.size, 28);
  file.writeUInt32LE(TABLE, 4 * SECTOR);
  for (const [slot, [grain, bytes]] of [...grains].entries()) {
    file.writeUInt32LE(DATA + slot, TABLE * SECTOR + grain * 4);
    bytes.copy(file, (DATA + slot) * SECTOR);
  }
  return file;
}
