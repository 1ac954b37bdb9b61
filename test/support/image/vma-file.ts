import { createHash } from 'node:crypto';

/** A VMA archive by hand, from vma_spec.txt of pve-qemu-kvm: nothing here is shared with what Longhaul reads. */
interface VmaOptions {
  readonly devices: readonly { readonly name: string; readonly disk: Buffer }[];
  readonly config?: string;
  readonly uuid?: Buffer;
  /** Clusters of the devices in turn, and of each the last first: as a guest writes that is backed up meanwhile. */
  readonly isWoven?: boolean;
}

const CLUSTER = 65_536;
const BLOCK = 4_096;
const PER_EXTENT = 59;

export interface Vma {
  readonly bytes: Buffer;
  /** Where each extent begins. */
  readonly extents: readonly number[];
}

export function vmaFile({
  devices,
  config,
  uuid = Buffer.alloc(16, 7),
  isWoven = false,
}: VmaOptions): Vma {
  const header = Buffer.alloc(12_800);
  let used = 1;
  const blob = (bytes: Buffer): number => {
    const at = used;
    header.writeUInt16LE(bytes.length, 12_288 + at);
    bytes.copy(header, 12_288 + at + 2);
    used += 2 + bytes.length;
    return at;
  };
  header.write('VMA\0', 0, 'latin1');
  header.writeUInt32BE(1, 4);
  uuid.copy(header, 8);
  header.writeBigUInt64BE(1_795_501_800n, 24);
  header.writeUInt32BE(12_288, 48);
  header.writeUInt32BE(512, 52);
  header.writeUInt32BE(12_800, 56);
  if (config !== undefined) {
    header.writeUInt32BE(blob(Buffer.from('qemu-server.conf\0')), 2_044);
    header.writeUInt32BE(blob(Buffer.from(config)), 3_068);
  }
  for (const [index, { name, disk }] of devices.entries()) {
    const at = 4_096 + (index + 1) * 32;
    header.writeUInt32BE(blob(Buffer.from(`${name}\0`)), at);
    header.writeBigUInt64BE(BigInt(disk.length), at + 8);
  }
  sign(header, 32);
  const parts: Buffer[] = [header];
  const extents: number[] = [];
  let offset = header.length;
  const clusters = devices.flatMap(({ disk }, index) =>
    Array.from({ length: Math.ceil(disk.length / CLUSTER) }, (_, n) => ({
      id: index + 1,
      disk,
      n,
    })),
  );
  if (isWoven) clusters.sort((a, b) => b.n - a.n || a.id - b.id);
  for (let first = 0; first < clusters.length; first += PER_EXTENT) {
    const extent = extentOf(uuid, clusters.slice(first, first + PER_EXTENT));
    extents.push(offset);
    parts.push(extent);
    offset += extent.length;
  }
  return { bytes: Buffer.concat(parts), extents };
}

function extentOf(uuid: Buffer, clusters: { id: number; disk: Buffer; n: number }[]): Buffer {
  const header = Buffer.alloc(512);
  header.write('VMAE', 0, 'latin1');
  uuid.copy(header, 8);
  const data: Buffer[] = [];
  for (const [i, { id, disk, n }] of clusters.entries()) {
    let mask = 0;
    for (let k = 0; k < 16; k++) {
      const block = Buffer.alloc(BLOCK);
      disk.subarray(n * CLUSTER + k * BLOCK, n * CLUSTER + (k + 1) * BLOCK).copy(block);
      if (block.every((byte) => byte === 0)) continue;
      mask |= 1 << k;
      data.push(block);
    }
    header.writeUInt16BE(mask, 40 + i * 8);
    header.writeUInt16BE(id, 40 + i * 8 + 2);
    header.writeUInt32BE(n, 40 + i * 8 + 4);
  }
  header.writeUInt16BE(data.length, 6);
  sign(header, 24);
  return Buffer.concat([header, ...data]);
}

/** MD5 of the bytes with zeros in its place. */
export function sign(bytes: Buffer, at: number): void {
  bytes.fill(0, at, at + 16);
  createHash('md5').update(bytes).digest().copy(bytes, at);
}
