import type { ByteSource } from '../../image/byte-source.js';
import {
  gzipStart,
  lz4Start,
  unpackedStart,
  zstdStart,
  type UnpackStart,
} from '../../image/stream/packed-start.js';
import { joinPath } from '../../repository/repository-path.js';
import type { TreeReader } from '../tree-layout.js';

/** Endings of disks of machines that people give to pieces and to copies of data files, too (`datafile_1_system.img`, `full_1.tar.gz`). */
const LIKE_DISKS = /\.(?:img|raw|tar|tgz)(?:\.(?:gz|zst|lz4))?$/i;
/** Whose they are is told by more than the ending. */
const OF_OTHERS = /^(?:vzdump-|(?:base|pg_wal|\d+)\.(?:tar|tgz)(?:\.|$))/;

const PACKERS: readonly (readonly [start: string, unpack: UnpackStart])[] = [
  ['\x1f\x8b\x08', gzipStart],
  ['\x28\xb5\x2f\xfd', zstdStart],
  ['\x04\x22\x4d\x18', lz4Start],
];

const HEAD_BYTES = 2048;

/** How a disk begins, or what lies on it without partitions, or the archive of a disk that Google Cloud exports; by offsets.
 *  Sources: QEMU docs/interop/qcow2.txt; MS-VHD, MS-VHDX; VMware Virtual Disk Format 1.1; UEFI 2.10, 5.2 (master boot record); libblkid (ext, XFS, LVM); Google Cloud, manual import of
 *  virtual disks. */
const MACHINES: readonly (readonly [offset: number, start: string])[] = [
  [0, 'QFI\xfb'],
  [0, 'vhdxfile'],
  [0, 'conectix'],
  [0, 'KDMV'],
  [510, '\x55\xaa'],
  [1080, '\x53\xef'],
  [0, 'XFSB'],
  [512, 'LABELONE'],
  [0, 'disk.raw\0'],
  [0, './disk.raw\0'],
];

/** Of files in a folder of pieces that are called like disks of machines those that do not begin as one: a point that lacks a piece is worth nothing. One that cannot be read stays, too, and
 *  whoever scans tells of it.
 *  @throws what the repository throws */
export async function oracleFiles(
  reader: TreeReader,
  folder: string,
  files: readonly string[],
): Promise<ReadonlySet<string>> {
  const own = new Set<string>();
  for (const name of files) {
    if (!LIKE_DISKS.test(name) || OF_OTHERS.test(name)) continue;
    const path = joinPath(folder, name);
    const isDisk = await reader.orTell(() => reader.look(path, beginsAsMachine));
    if (isDisk !== true) own.add(name);
  }
  return own;
}

async function beginsAsMachine(source: ByteSource): Promise<boolean> {
  const head = await headOf(source);
  const unpack = PACKERS.find(([start]) => head.startsWith(start))?.[1];
  const within = unpack === undefined ? null : await unpackedStart(source, unpack);
  const start = within === null ? head : await headOf(within);
  return MACHINES.some(([offset, bytes]) => start.startsWith(bytes, offset));
}

/** One character for each byte. */
async function headOf(source: ByteSource): Promise<string> {
  const bytes = Buffer.alloc(Math.min(HEAD_BYTES, source.sizeBytes));
  await source.read(bytes, 0);
  return bytes.toString('latin1');
}
