import type { ByteSource } from '../../../src/image/byte-source.js';
import { heldDisksOf, imageFormat } from '../../../src/image/formats.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { descriptorText, streamFile } from '../../support/image/vmdk-bytes.js';
import type { DiskReader } from './disk-rows.js';
import { largestCompressedStream, largestVma } from './largest-archives.js';
import { largestFixedVhdx, largestLoggedVhdx } from './largest-vhdx.js';

const SECTOR = 512;
const GRAIN_BYTES = 65_536;
const TERABYTE = 1e12;

/** The largest disk of a kind, with data from its start to its end. */
export interface Largest {
  readonly reader: DiskReader;
  readonly file: ByteSource;
  readonly sizeBytes: number;
  /** Blocks of 64 KiB that have one byte all over, by their offset. */
  readonly data: readonly (readonly [offset: number, byte: number])[];
  /** That it may take. Absent: as much as any. */
  readonly memoryBytes?: number;
}

export const LARGEST_ROWS: readonly {
  readonly name: string;
  readonly largest: () => Largest;
  /** Program that makes it. Absent: none is needed. */
  readonly madeBy?: string;
}[] = [
  { name: 'vmdk, streamOptimized', largest: largestStream },
  { name: 'vmdk, vmfs', largest: largestFlat },
  { name: 'vmdk, twoGbMaxExtentSparse', largest: largestInParts },
  { name: 'ova', largest: largestPackage },
  { name: 'vma', largest: largestVma },
  { name: 'vhdx, fixed', largest: largestFixedVhdx, madeBy: 'qemu-img' },
  { name: 'vhdx, with a log', largest: largestLoggedVhdx, madeBy: 'qemu-img' },
  { name: 'virtnbd, lz4', largest: largestCompressedStream },
];

/** A file that is zeros but for some pieces. */
function piecesOf(sizeBytes: number, pieces: readonly (readonly [number, Buffer])[]): ByteSource {
  return {
    ...{ label: 'largest.img', sizeBytes },
    read: (target, offset) => {
      target.fill(0);
      for (const [at, bytes] of pieces) {
        const from = Math.max(at, offset);
        const to = Math.min(at + bytes.length, offset + target.length);
        if (from < to) target.set(bytes.subarray(from - at, to - at), from - offset);
      }
      return Promise.resolve();
    },
  };
}

function spread(sizeBytes: number): [offset: number, byte: number][] {
  const blocks = Math.floor(sizeBytes / GRAIN_BYTES);
  return Array.from({ length: 50 }, (_, i) => [
    Math.floor((i * (blocks - 1)) / 49) * GRAIN_BYTES,
    i + 1,
  ]);
}

/** Directory and tables before the grains, 60 TB. */
function largestStream(): Largest {
  const tableCount = Math.floor((60 * TERABYTE) / (512 * GRAIN_BYTES));
  const sizeBytes = tableCount * 512 * GRAIN_BYTES;
  const sectors = sizeBytes / SECTOR;
  const data = spread(sizeBytes);
  const small = streamFile({ sectors, grains: new Map([[0, Buffer.alloc(1)]]), shape: 'front' });
  const header = Buffer.from(small.subarray(0, 2 * SECTOR));
  const directoryAt = 2;
  const tablesAt = directoryAt + Math.ceil((tableCount * 4) / SECTOR);
  const grainsAt = tablesAt + tableCount * 4;
  header.writeBigUInt64LE(BigInt(grainsAt), 64);
  const pieces: [number, Buffer][] = [[0, header]];
  const directory = Buffer.alloc(tableCount * 4);
  for (let table = 0; table < tableCount; table++)
    directory.writeUInt32LE(tablesAt + table * 4, table * 4);
  pieces.push([directoryAt * SECTOR, directory]);
  let at = grainsAt;
  for (const [offset, byte] of data) {
    const grain = offset / GRAIN_BYTES;
    const stream = streamFile({
      ...{ sectors: 128, grains: new Map([[0, Buffer.alloc(GRAIN_BYTES, byte)]]), shape: 'front' },
    }).subarray(7 * SECTOR);
    const stored = Buffer.from(stream);
    stored.writeBigUInt64LE(BigInt(offset / SECTOR), 0);
    pieces.push([at * SECTOR, stored]);
    const entry = Buffer.alloc(4);
    entry.writeUInt32LE(at, 0);
    pieces.push([tablesAt * SECTOR + grain * 4, entry]);
    at += Math.ceil(stored.length / SECTOR);
  }
  const open: DiskReader['open'] = (file) => heldDisksOf('vmdk-stream')!.open(file, null);
  const { readHead } = imageFormat('vmdk-stream');
  return { reader: { readHead, open }, file: piecesOf(at * SECTOR, pieces), sizeBytes, data };
}

function largestFlat(): Largest {
  const sizeBytes = 62 * 2 ** 40;
  const data = spread(sizeBytes);
  const bytes = data.map(([at, byte]) => [at, Buffer.alloc(GRAIN_BYTES, byte)] as const);
  const text = descriptorText({ extents: [`RW ${sizeBytes / SECTOR} VMFS "d-flat.vmdk"`] });
  const extents = { open: () => Promise.resolve(piecesOf(sizeBytes, bytes)) };
  const { readHead, open } = imageFormat('vmdk');
  return {
    reader: { readHead: (file) => readHead(file, extents), open: (file) => open(file, extents) },
    file: new MemoryBytes(Buffer.from(text), 'd.vmdk'),
    ...{ sizeBytes, data },
  };
}

/** As many parts as a descriptor may name, each with its first grain. */
function largestInParts(): Largest {
  const partSectors = 8_323_072; // as VMware makes them
  const parts = 4_096;
  const tableCount = partSectors / 128 / 512;
  const header = Buffer.from(
    streamFile({ sectors: partSectors, grains: new Map(), shape: 'front' }).subarray(0, SECTOR),
  );
  header.writeUInt32LE(1, 4);
  header.writeUInt32LE(1, 8);
  for (const at of [28, 36, 48]) header.writeBigUInt64LE(0n, at);
  header.writeBigUInt64LE(1n, 56);
  header.writeBigUInt64LE(1_024n, 64);
  header.writeUInt16LE(0, 77);
  const directory = Buffer.alloc(tableCount * 4);
  for (let table = 0; table < tableCount; table++)
    directory.writeUInt32LE(4 + table * 4, table * 4);
  const entry = Buffer.alloc(4);
  entry.writeUInt32LE(1_024, 0);
  const grains = Array.from({ length: 251 }, (_, byte) => Buffer.alloc(GRAIN_BYTES, byte));
  const part = (byte: number): ByteSource =>
    piecesOf((1_024 + 128) * SECTOR, [
      [0, header],
      [SECTOR, directory],
      [4 * SECTOR, entry],
      [1_024 * SECTOR, grains[byte]!],
    ]);
  const lines = Array.from({ length: parts }, (_, i) => `RW ${partSectors} SPARSE "d-s${i}.vmdk"`);
  const text = descriptorText({ createType: 'twoGbMaxExtentSparse', extents: lines });
  const byteOf = (index: number): number => (index % 250) + 1;
  const extents = {
    open: (name: string) => Promise.resolve(part(byteOf(Number(/\d+/.exec(name)![0])))),
  };
  const { readHead, open } = imageFormat('vmdk');
  const shown = [0, 1, 2_047, 4_000, 4_095].map(
    (index) => [index * partSectors * SECTOR, byteOf(index)] as const,
  );
  return {
    reader: { readHead: (file) => readHead(file, extents), open: (file) => open(file, extents) },
    file: new MemoryBytes(Buffer.from(text), 'd.vmdk'),
    sizeBytes: parts * partSectors * SECTOR,
    data: shown,
  };
}

/** A raw disk of 60 TB behind a header of POSIX whose size is in base 256. */
function largestPackage(): Largest {
  const sizeBytes = 60 * TERABYTE;
  const data = spread(sizeBytes);
  const header = Buffer.alloc(SECTOR);
  header.write('disk1.raw', 0);
  header.writeUInt8(0x80, 124);
  header.writeBigUInt64BE(BigInt(sizeBytes), 128);
  header.write('0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  const end = SECTOR + Math.ceil(sizeBytes / SECTOR) * SECTOR;
  const pieces = data.map(([at, byte]) => [SECTOR + at, Buffer.alloc(GRAIN_BYTES, byte)] as const);
  const open: DiskReader['open'] = (file) => heldDisksOf('ova')!.open(file, 'disk1.raw');
  const { readHead } = imageFormat('ova');
  const file = piecesOf(end + 2 * SECTOR, [[0, header], ...pieces]);
  return { reader: { readHead, open }, file, sizeBytes, data };
}
