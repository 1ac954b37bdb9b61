import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import type { ByteSource } from '../../../src/image/byte-source.js';
import { heldDisksOf, imageFormat } from '../../../src/image/formats.js';
import type { ImageFormat } from '../../../src/image/image-format.js';
import { SPARSE_WAYS } from '../../support/fuzz/tar-samples.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { guestDisk } from '../../support/image/guest-disk.js';
import { openedVhdx } from '../../support/image/open-vhdx.js';
import { requireTool } from '../../support/image/qemu.js';
import { streamFile as virtnbdStream, type StreamFrame } from '../../support/image/stream-file.js';
import { vmaFile } from '../../support/image/vma-file.js';
import { descriptorText, GRAIN, sparseFile, streamFile } from '../../support/image/vmdk-bytes.js';

const SECTOR = 512;
const BLOCK = 65_536;

export type DiskReader = Pick<ImageFormat, 'readHead' | 'open'>;

/** Disks as other tools leave them, which no composer of ours makes: each made from a disk by qemu-img, by tar, or by a generator after the page of the format. A
 *  new kind is tried by a row. */
export interface DiskRow {
  readonly name: string;
  /** By which the tables of the file that is broken are found (`tablePlaces`). */
  readonly format: FormatId;
  /** Format of the file that it is held in, of one that is kept as it is. */
  readonly heldIn?: FormatId;
  /** Program that makes it; absent: none is needed. */
  readonly madeBy?: string;
  /** The file, or that part of an image that is tried. */
  readonly make: (disk: Buffer) => Buffer;
  readonly readerOf: (file: ByteSource) => DiskReader;
  /** Where the map says that blocks lie, of a disk that is held in another file. */
  readonly directIn?: (file: MemoryBytes) => Pick<ByteSource, 'read'>;
  /** How qemu-img reads it; null: it does not, or it has made it. */
  readonly qemuFormat: string | null;
}

/** Several tables, and a last block and a last grain that are cut off. */
export const DISK_BYTES = 70 * BLOCK + 3 * SECTOR;

export const DISK_ROWS: readonly DiskRow[] = [
  ...(['footer', 'both', 'front'] as const).map((shape): DiskRow => ({
    ...held('vmdk-stream', null),
    name: `vmdk, streamOptimized, ${shape}`,
    make: (disk) => streamFile({ sectors: disk.length / SECTOR, grains: grainsOf(disk), shape }),
    qemuFormat: 'vmdk',
  })),
  {
    ...held('vmdk-stream', null),
    name: 'vmdk, streamOptimized, of QEMU',
    ...byQemu('vmdk', 'subformat=streamOptimized'),
  },
  {
    ...{ name: 'vmdk, twoGbMaxExtentSparse', format: 'vmdk', qemuFormat: null },
    make: (disk) => sparseFile(SECOND_SECTORS, grainsOf(disk.subarray(FIRST_BYTES))),
    readerOf: (file) => extentsReader(file, 'twoGbMaxExtentSparse'),
  },
  {
    ...{ name: 'vmdk, flat', format: 'file', qemuFormat: null },
    make: (disk) => Buffer.concat([Buffer.alloc(FLAT_START, 0xee), disk.subarray(FIRST_BYTES)]),
    readerOf: (file) => extentsReader(file, 'twoGbMaxExtentFlat'),
  },
  {
    ...{ name: 'vmdk, vmfs', format: 'file', qemuFormat: null },
    make: (disk) => disk,
    readerOf: (file) => vmfsReader(file),
  },
  { ...own('vhdx'), name: 'vhdx, fixed', ...byQemu('vhdx', 'subformat=fixed,block_size=1M') },
  { ...own('vhdx'), name: 'vhdx, dynamic, of QEMU', ...byQemu('vhdx', 'block_size=1M') },
  {
    ...own('vhdx'),
    ...{ name: 'vhdx, with a log', madeBy: 'qemu-img', qemuFormat: null },
    make: (disk) => loggedVhdx(byQemu('vhdx', 'block_size=1M').make(disk)),
  },
  { ...own('vhd'), name: 'vhd, fixed, of QEMU', ...byQemu('vpc', 'subformat=fixed,force_size=on') },
  {
    ...own('vhd'),
    name: 'vhd, dynamic, of QEMU',
    ...byQemu('vpc', 'subformat=dynamic,force_size=on'),
  },
  ...['compression_type=zlib', 'compression_type=zstd'].map((type): DiskRow => ({
    ...own('qcow2'),
    name: `qcow2, ${type}`,
    ...byQemu('qcow2', type, '-c'),
  })),
  {
    ...own('qcow2'),
    name: 'qcow2, extended L2 entries',
    ...byQemu('qcow2', 'extended_l2=on,cluster_size=128k'),
  },
  { ...own('qcow2'), name: 'qcow2, clusters of 4 KiB', ...byQemu('qcow2', 'cluster_size=4k') },
  ...[false, true].map((isWoven): DiskRow => ({
    ...held('vma', 'drive-scsi1'),
    name: `vma, ${isWoven ? 'woven' : 'one after the other'}`,
    make: (disk) => {
      const other = guestDisk(3, 1).subarray(0, 3 * BLOCK);
      const devices = [
        { name: 'drive-scsi0', disk: other },
        { name: 'drive-scsi1', disk },
      ];
      return vmaFile({ devices, isWoven, config: 'name: web01\n' }).bytes;
    },
    qemuFormat: null,
  })),
  ...SPARSE_WAYS.map((way): DiskRow => ({
    ...held('ova', 'disk1.img'),
    ...{ name: `ova, behind a sparse file, ${way.join(' ')}`, qemuFormat: null },
    make: (disk) => packageOf(disk, way),
    directIn: (file) => partAt(file, file.bytes.lastIndexOf(MARK) + SECTOR),
  })),
  {
    ...held('ova', 'disk1.vmdk'),
    ...{ name: 'ova, of a streamOptimized disk', madeBy: 'qemu-img', qemuFormat: null },
    make: (disk) => {
      const { make } = byQemu('vmdk', 'subformat=streamOptimized');
      return packageOf(make(disk), ['--format=ustar'], 'disk1.vmdk');
    },
  },
  {
    ...own('virtnbd'),
    ...{ name: 'virtnbd, lz4', qemuFormat: null },
    make: (disk) =>
      virtnbdStream({
        ...{ virtualSize: disk.length, frames: framesOf(disk), compressedBy: 3 * BLOCK + 512 },
      }),
  },
];

function own(format: FormatId): Pick<DiskRow, 'format' | 'readerOf'> {
  return { format, readerOf: () => imageFormat(format) };
}

function held(
  format: FormatId,
  name: string | null,
): Pick<DiskRow, 'format' | 'heldIn' | 'readerOf'> {
  const { readHead } = imageFormat(format);
  const open: DiskReader['open'] = (file) => heldDisksOf(format)!.open(file, name);
  return { format, heldIn: format, readerOf: () => ({ readHead, open }) };
}

/** What is not all zeros. */
function grainsOf(disk: Buffer): Map<number, Buffer> {
  const grains = new Map<number, Buffer>();
  for (let at = 0; at < disk.length; at += GRAIN) {
    const grain = Buffer.alloc(GRAIN);
    disk.copy(grain, 0, at, at + GRAIN);
    if (grain.some((byte) => byte !== 0)) grains.set(at / GRAIN, grain);
  }
  return grains;
}

function framesOf(disk: Buffer): StreamFrame[] {
  const FRAME = 8 * BLOCK + 4_096;
  const frames: StreamFrame[] = [];
  for (let start = 0; start < disk.length; start += FRAME) {
    const data = disk.subarray(start, start + FRAME);
    frames.push({ start, data: data.every((byte) => byte === 0) ? data.length : data });
  }
  return frames;
}

/** A disk in two parts: the first is always the same, the second is what is tried. */
const FIRST_BYTES = 33 * BLOCK;
const SECOND_SECTORS = (DISK_BYTES - FIRST_BYTES) / SECTOR;
const FLAT_START = 5 * SECTOR;

let firstPart = Buffer.alloc(0);

/** The disk that the rows are tried with. */
export function trialDisk(): Buffer {
  const disk = Buffer.alloc(DISK_BYTES);
  const noise = guestDisk(5, 1);
  for (let at = 0; at < disk.length; at += BLOCK) {
    const from = (at * 7) % (noise.length - BLOCK);
    if ((at / BLOCK) % 3 !== 1) noise.copy(disk, at, from, from + BLOCK);
  }
  // Zeros within blocks, and data at both ends.
  for (const [at, bytes] of [
    [2 * BLOCK + 512, 4_096],
    [5 * BLOCK + 8_192, 40_000],
    [40 * BLOCK - 100, 200],
  ] as const)
    disk.fill(0, at, at + bytes);
  disk.fill(0x5a, disk.length - 700);
  disk.write(MARK_IN_DISK);
  firstPart = Buffer.from(disk.subarray(0, FIRST_BYTES));
  return disk;
}

const MARK_IN_DISK = 'the first bytes of the disk';

function extentsReader(
  file: ByteSource,
  createType: 'twoGbMaxExtentSparse' | 'twoGbMaxExtentFlat',
): DiskReader {
  const isFlat = createType.endsWith('Flat');
  const firstSectors = FIRST_BYTES / SECTOR;
  const extents = isFlat
    ? [`RW ${firstSectors} FLAT "d-f001.vmdk" 0`, `RW ${SECOND_SECTORS} FLAT "d-f002.vmdk" 5`]
    : [`RW ${firstSectors} SPARSE "d-s001.vmdk"`, `RW ${SECOND_SECTORS} SPARSE "d-s002.vmdk"`];
  const first = isFlat ? firstPart : sparseFile(firstSectors, grainsOf(firstPart));
  return describedBy(descriptorText({ createType, extents }), (name) =>
    name.endsWith('1.vmdk') ? new MemoryBytes(first, name) : file,
  );
}

/** A part that is read as zeros stands where the disk has none but zeros. */
function vmfsReader(file: ByteSource): DiskReader {
  const from = (1 * BLOCK) / SECTOR;
  const zeros = BLOCK / SECTOR;
  const rest = DISK_BYTES / SECTOR - from - zeros;
  const extents = [
    `RW ${from} VMFS "d-flat.vmdk" 0`,
    `RW ${zeros} ZERO`,
    `RW ${rest} VMFS "d-flat.vmdk" ${from + zeros}`,
  ];
  return describedBy(descriptorText({ createType: 'vmfs', extents }), () => file);
}

function describedBy(text: string, fileOf: (name: string) => ByteSource): DiskReader {
  const descriptor = new MemoryBytes(Buffer.from(text), 'd.vmdk');
  const extents = { open: (name: string) => Promise.resolve(fileOf(name)) };
  const { readHead, open } = imageFormat('vmdk');
  return {
    readHead: () => readHead(descriptor, extents),
    open: () => open(descriptor, extents),
  };
}

function byQemu(
  format: string,
  options: string,
  ...args: readonly string[]
): Pick<DiskRow, 'madeBy' | 'make' | 'qemuFormat'> {
  const make = (disk: Buffer): Buffer =>
    inFolder((folder) => {
      writeFileSync(join(folder, 'raw'), disk);
      const line = ['convert', '-f', 'raw', '-O', format, ...args, '-o', options, 'raw', 'made'];
      execFileSync('qemu-img', line, { cwd: folder });
      return readFileSync(join(folder, 'made'));
    });
  return { madeBy: 'qemu-img', make, qemuFormat: null };
}

/** What the file does not show any more stands in its log: its first block, whose place is overwritten. */
function loggedVhdx(closed: Buffer): Buffer {
  const at = closed.indexOf(MARK_IN_DISK);
  const sector = Buffer.from(closed.subarray(at, at + 4_096));
  const file = openedVhdx(closed, [{ offset: at, bytes: sector }]);
  file.fill(0xdd, at, at + 4_096);
  return file;
}

const MARK = 'disk1.img\0';

/** @param way in which GNU tar stores the sparse file before the disk */
function packageOf(disk: Buffer, way: readonly string[], name = 'disk1.img'): Buffer {
  return inFolder((folder) => {
    writeFileSync(join(folder, 'web.ovf'), '<Envelope/>');
    execFileSync('truncate', ['-s', '1M', 'holes.bin'], { cwd: folder });
    writeFileSync(join(folder, 'holes.bin'), 'a piece', { flag: 'a' });
    writeFileSync(join(folder, name), disk);
    const isSparse = SPARSE_WAYS.includes(way);
    const names = ['web.ovf', ...(isSparse ? ['holes.bin'] : []), name];
    // The disk itself has zeros, and is not stored as a sparse file.
    const first = [
      ...way,
      ...(isSparse ? ['--sparse'] : []),
      '--mtime=@0',
      '-cf',
      'made',
      ...names.slice(0, -1),
    ];
    execFileSync('tar', first, { cwd: folder });
    execFileSync('tar', [...way, '--mtime=@0', '-rf', 'made', name], { cwd: folder });
    return readFileSync(join(folder, 'made'));
  });
}

function partAt(file: MemoryBytes, start: number): Pick<ByteSource, 'read'> {
  return { read: (target, offset) => file.read(target, start + offset) };
}

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'longhaul-rows-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Whether what makes a row can be run here. */
export function canBeMade({ madeBy }: DiskRow): boolean {
  return madeBy === undefined || requireTool(madeBy);
}
