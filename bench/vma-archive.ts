import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';

/** Source: vma_spec.txt of pve-qemu-kvm. */
const CLUSTER_BYTES = 65_536;
const BLOCK_BYTES = 4_096;
const CLUSTERS_OF_AN_EXTENT = 59;
const HEADER_BYTES = 12_800;
const BLOBS_AT = 12_288;
const ID = Buffer.alloc(16, 7);
const DEVICE = 'drive-scsi0\0';

/** Writes an archive of one disk, extent by extent, as `vzdump` does: blocks of zeros are left out. */
export async function writeArchive(raw: string, archive: string): Promise<void> {
  const [from, to] = [await open(raw), await open(archive, 'w')];
  try {
    const { size } = await from.stat();
    await to.write(header(size));
    const clusters = Math.ceil(size / CLUSTER_BYTES);
    for (let first = 0; first < clusters; first += CLUSTERS_OF_AN_EXTENT)
      await writeExtent(from, to, first, Math.min(CLUSTERS_OF_AN_EXTENT, clusters - first));
  } finally {
    await from.close();
    await to.close();
  }
}

function header(diskBytes: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write('VMA\0', 0, 'latin1');
  bytes.writeUInt32BE(1, 4);
  ID.copy(bytes, 8);
  bytes.writeUInt32BE(BLOBS_AT, 48);
  bytes.writeUInt32BE(HEADER_BYTES - BLOBS_AT, 52);
  bytes.writeUInt32BE(HEADER_BYTES, 56);
  bytes.writeUInt16LE(DEVICE.length, BLOBS_AT + 1);
  bytes.write(DEVICE, BLOBS_AT + 3);
  bytes.writeUInt32BE(1, 4_096 + 32);
  bytes.writeBigUInt64BE(BigInt(diskBytes), 4_096 + 40);
  return signed(bytes, 32);
}

async function writeExtent(
  from: FileHandle,
  to: FileHandle,
  first: number,
  count: number,
): Promise<void> {
  const data = Buffer.alloc(count * CLUSTER_BYTES);
  await from.read(data, 0, data.length, first * CLUSTER_BYTES);
  const head = Buffer.alloc(512);
  head.write('VMAE', 0, 'latin1');
  ID.copy(head, 8);
  const stored: Buffer[] = [];
  for (let cluster = 0; cluster < count; cluster++) {
    let mask = 0;
    for (let block = 0; block < CLUSTER_BYTES / BLOCK_BYTES; block++) {
      const at = cluster * CLUSTER_BYTES + block * BLOCK_BYTES;
      const bytes = data.subarray(at, at + BLOCK_BYTES);
      if (bytes.equals(ZEROS)) continue;
      mask |= 1 << block;
      stored.push(bytes);
    }
    head.writeUInt16BE(mask, 40 + cluster * 8);
    head.writeUInt8(1, 40 + cluster * 8 + 3);
    head.writeUInt32BE(first + cluster, 40 + cluster * 8 + 4);
  }
  head.writeUInt16BE(stored.length, 6);
  await to.write(signed(head, 24));
  await to.write(Buffer.concat(stored));
}

const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** With the MD5 of its bytes, which are zeros in its place. */
function signed(bytes: Buffer, at: number): Buffer {
  createHash('md5').update(bytes).digest().copy(bytes, at);
  return bytes;
}
