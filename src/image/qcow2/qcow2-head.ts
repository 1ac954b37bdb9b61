import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import type { ByteSource } from '../byte-source.js';
import type { ImageHead } from '../disk-image.js';
import { endsInsideCluster } from './counted-end.js';
import { checkInside, headOf, readQcow2Header, type Qcow2Header } from './header.js';
import { openQcow2Image } from './qcow2-image.js';

/** Most of the L1 table that is looked at: it covers 64 TiB of a disk with clusters of 64 KiB. */
const L1_READ_BYTES = 1024 * 1024;
const L2_OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;

/** Reads the header (one cluster, at most 2 MiB), the start of the L1 table and the end of the reference counts of a qcow2 file.
 *  A file whose tables pass its end is still being written, or was cut off. Where it ends inside a cluster, the last L2 table is read too:
 *  data that were written in the order of the disk end there. That every entry of all L2 tables lies inside the file is seen when its copy is
 *  planned: a look at each of them would read far too much.
 *  @throws IMAGE_TRUNCATED, and what `readQcow2Header` throws */
export async function readQcow2Head(source: ByteSource): Promise<ImageHead> {
  const header = await readQcow2Header(source);
  const lastL2 = await checkL2TablesInside(source, header);
  if (await endsInsideCluster(source, header)) await checkDataInside(source, header, lastL2);
  return headOf(header);
}

/** @returns index of the last one; null: there is none */
async function checkL2TablesInside(
  source: ByteSource,
  header: Qcow2Header,
): Promise<number | null> {
  let last: number | null = null;
  const l1 = new Uint8Array(Math.min(header.l1.entries * 8, L1_READ_BYTES));
  await source.read(l1, header.l1.offset);
  const view = new DataView(l1.buffer);
  for (let at = 0; at < l1.length; at += 8) {
    const offset = Number(view.getBigUint64(at) & L2_OFFSET_MASK);
    if (offset === 0) continue;
    checkInside(source, 'an L2 table', offset, 2 ** header.clusterBits);
    last = at / 8;
  }
  return last;
}

/** @throws IMAGE_TRUNCATED when data that the table names pass the end of the file */
async function checkDataInside(
  source: ByteSource,
  { clusterBits, extendedL2 }: Qcow2Header,
  l2Index: number | null,
): Promise<void> {
  if (l2Index === null) return;
  const image = await openQcow2Image(source);
  const spanBytes = 2 ** (2 * clusterBits) / (extendedL2 ? 16 : 8);
  const first = Math.floor((l2Index * spanBytes) / BLOCK_BYTES);
  const end = Math.ceil(Math.min((l2Index + 1) * spanBytes, image.virtualSizeBytes) / BLOCK_BYTES);
  if (end > first) await image.mapBlocks(first, end - first);
}
