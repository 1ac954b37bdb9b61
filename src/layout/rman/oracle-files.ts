import type { ByteSource } from '../../image/byte-source.js';
import { unpackedStart, unpackerOf } from '../../image/stream/packed-start.js';
import { joinPath } from '../../repository/repository-path.js';
import { formatOfStart } from '../images/image-head.js';
import type { TreeReader } from '../tree-layout.js';

/** Endings of disks of machines that people give to pieces and to copies of data files, too (`datafile_1_system.img`, `full_1.tar.gz`). */
const LIKE_DISKS = /\.(?:img|raw|tar|tgz)(?:\.(?:gz|zst|lz4))?$/i;
/** Whose they are is told by more than the ending. */
const OF_OTHERS = /^(?:vzdump-|(?:base|pg_wal|\d+)\.(?:tar|tgz)(?:\.|$))/;

const HEAD_BYTES = 2048;

/** How a raw disk begins, or what lies on it without partitions, or the archive of one that Google Cloud exports; by offsets.
 *  Sources: UEFI 2.10, 5.2 (master boot record); libblkid (ext, XFS, LVM); Google Cloud, manual import of
 *  virtual disks. */
const RAW_DISKS: readonly (readonly [offset: number, start: string])[] = [
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
  const unpack = unpackerOf(head);
  const within = unpack === null ? null : await unpackedStart(source, unpack);
  const start = within === null ? head : await headOf(within);
  return (
    formatOfStart(start) !== null ||
    RAW_DISKS.some(([offset, bytes]) => start.startsWith(bytes, offset))
  );
}

/** One character for each byte. */
async function headOf(source: ByteSource): Promise<string> {
  const bytes = Buffer.alloc(Math.min(HEAD_BYTES, source.sizeBytes));
  await source.read(bytes, 0);
  return bytes.toString('latin1');
}
