import type { ByteSource } from '../byte-source.js';
import type { ImageHead } from '../disk-image.js';
import { BlockAllocationTable } from './bat.js';
import { dialectOf } from './dialect.js';
import { MIB } from './numbers.js';
import { openVhdxFile, type VhdxFile } from './vhdx-file.js';
import { readMetadata, type VhdxMetadata } from './metadata.js';

/** Most of the BAT that is looked at: it covers 128 GiB of a disk with blocks of 1 MiB, 4 TiB with those of 32 MiB. */
const BAT_LOOK_BYTES = MIB;

/** Reads headers, region table, metadata, the start of the BAT, and the log where one was not written back. A file whose structures or first
 *  blocks pass its end is still being written, or was cut off.
 *  @throws IMAGE_TRUNCATED, and what `openVhdxImage` throws */
export async function readVhdxHead(source: ByteSource): Promise<ImageHead> {
  const file = await openVhdxFile(source);
  const metadata = await readMetadata(file);
  await BlockAllocationTable.checkStart(file, metadata.geometry, BAT_LOOK_BYTES);
  return vhdxHead(file, metadata);
}

/** The DataWriteGuid changes before the content does, so it tells contents apart; while a log waits to be written back the file is in use. */
export function vhdxHead({ header }: VhdxFile, metadata: VhdxMetadata): ImageHead {
  const { dataWriteGuid, logGuid } = header;
  return {
    virtualSizeBytes: metadata.geometry.virtualSizeBytes,
    parent: metadata.parent,
    linkId: dataWriteGuid,
    dialect: dialectOf(metadata),
    ...(logGuid === null ? {} : { isOpen: true }),
  };
}
