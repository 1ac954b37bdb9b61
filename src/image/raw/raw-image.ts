import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import type { ByteSource } from '../byte-source.js';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  PLAIN_DIALECT,
  emptyBlockMap,
  type BlockMap,
  type DiskImage,
} from '../disk-image.js';

const SECTOR_BYTES = 512;

/** A raw disk: guest offset = file offset, whatever the content looks like (a guest may write a qcow2 header into its first sector).
 *  A size that is no multiple of 512 is rounded up and the rest reads as zeros, as QEMU does; the block that holds this rest is
 *  ENCODED, because it passes the end of the file. `virtualSizeBytes`: a disk shorter than the file.
 *  @throws IMAGE_TRUNCATED when the file has less than `virtualSizeBytes` */
export function openRawImage(source: ByteSource, virtualSizeBytes?: number): DiskImage {
  const fileDiskBytes = Math.ceil(source.sizeBytes / SECTOR_BYTES) * SECTOR_BYTES;
  const diskBytes = virtualSizeBytes ?? fileDiskBytes;
  if (diskBytes > fileDiskBytes)
    throw new BackupError(
      'IMAGE_TRUNCATED',
      `${source.label}: has ${source.sizeBytes} bytes, the disk ${diskBytes}`,
      { details: { path: source.label, offset: source.sizeBytes, sizeBytes: source.sizeBytes } },
    );
  return {
    format: 'raw',
    label: source.label,
    virtualSizeBytes: diskBytes,
    parent: null,
    linkId: null,
    dialect: PLAIN_DIALECT,
    mapBlocks: (firstBlock, count, reuse) =>
      Promise.resolve(mapRaw(diskBytes, source.sizeBytes, firstBlock, emptyBlockMap(count, reuse))),
    nextHeldBlock: (block) => block,
    read: async (target, offset) => {
      const stored = Math.min(diskBytes, source.sizeBytes) - offset;
      const bytes = Math.max(0, Math.min(target.length, stored));
      if (bytes > 0) await source.read(target.subarray(0, bytes), offset);
      target.fill(0, bytes);
    },
  };
}

function mapRaw(diskBytes: number, fileBytes: number, firstBlock: number, map: BlockMap): BlockMap {
  const { states, hostOffsets } = map;
  const blocks = Math.min(states.length, Math.ceil(diskBytes / BLOCK_BYTES) - firstBlock);
  for (let index = 0; index < blocks; index++) {
    const offset = (firstBlock + index) * BLOCK_BYTES;
    const isWhole = Math.min(offset + BLOCK_BYTES, diskBytes) <= fileBytes;
    states[index] = isWhole ? BLOCK_DIRECT : BLOCK_ENCODED;
    if (isWhole) hostOffsets[index] = offset;
  }
  return map;
}
