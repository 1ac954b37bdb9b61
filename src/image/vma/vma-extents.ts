import type { ByteSource } from '../byte-source.js';
import { HeaderReader } from '../header-reader.js';
import { checkInside, imageFault } from '../image-fault.js';
import { checkMd5, type VmaDevice, type VmaHeader } from './vma-header.js';

const MAGIC = 0x564d_4145; // `VMAE`
export const EXTENT_HEADER_BYTES = 512;
const MD5_OFFSET = 24;
const CLUSTERS_OFFSET = 40;
const CLUSTERS = 59;
export const BLOCK_BYTES = 4_096;
export const CLUSTER_BYTES = 65_536;
/** The memory of a machine is saved as far as it was used. */
export const MEMORY_DEVICE = 'vmstate';

/** Goes over the headers of all extents. An archive that was cut off between two of them has only right checksums, and `vma verify` takes it
 *  (measured with Proxmox's own tool): it is whole when it holds each cluster of each disk.
 *  Memory: one bit for each cluster of the stretches of 4 GiB that are begun and not whole, 128 MiB at most for all disks together.
 *  @throws IMAGE_TRUNCATED when it is not, IMAGE_CORRUPT when an extent breaks the rules, IMAGE_LIMIT_EXCEEDED */
export async function assertAllClusters(source: ByteSource, header: VmaHeader): Promise<void> {
  await walkExtents(source, header, () => undefined);
}

/** Hands out the clusters of all extents in their order, then sees to it that all are there.
 *  @throws as `assertAllClusters` */
export async function walkExtents(
  source: ByteSource,
  header: VmaHeader,
  visit: (extentOffset: number, clusters: readonly StoredCluster[]) => void,
): Promise<void> {
  const begun = new BegunStretches(source);
  const seen = new Map(
    header.devices.map((device) => [device.id, new SeenClusters(device, begun)]),
  );
  const headers = new HeaderReader(source);
  let offset = header.headerBytes;
  let isNear = false;
  while (offset < source.sizeBytes) {
    const extent = await headers.read(offset, EXTENT_HEADER_BYTES, isNear);
    checkExtent(source, extent, header, offset);
    const clusters = clustersOf(extent);
    const blocks = countClusters(source, extent, clusters, seen, offset);
    const bytes = blocks * BLOCK_BYTES;
    checkInside(source, 'an extent', offset, EXTENT_HEADER_BYTES + bytes);
    visit(offset, clusters);
    offset += EXTENT_HEADER_BYTES + bytes;
    isNear = bytes === 0;
  }
  for (const clusters of seen.values()) clusters.assertAll(source);
}

/** 64 KiB of a device, as far as they are no zeros. */
export interface StoredCluster {
  readonly device: number;
  readonly cluster: number;
  /** Which of its blocks of 4 KiB are stored: bit k that of block k. */
  readonly mask: number;
  /** Where they lie in the data of the extent. */
  readonly at: number;
}

/** @param extent header of it */
export function clustersOf(extent: Buffer): StoredCluster[] {
  const clusters: StoredCluster[] = [];
  let blocks = 0;
  for (let i = 0; i < CLUSTERS; i++) {
    const at = CLUSTERS_OFFSET + i * 8;
    const device = extent[at + 3]!;
    if (device === 0) continue;
    const mask = extent.readUInt16BE(at);
    const cluster = extent.readUInt32BE(at + 4);
    clusters.push({ device, cluster, mask, at: blocks * BLOCK_BYTES });
    blocks += bitsOf(mask);
  }
  return clusters;
}

function bitsOf(mask: number): number {
  let count = 0;
  for (let bits = mask; bits > 0; bits >>= 1) count += bits & 1;
  return count;
}

function checkExtent(source: ByteSource, extent: Buffer, { uuid }: VmaHeader, offset: number) {
  if (extent.readUInt32BE(0) !== MAGIC)
    throw imageFault(source, 'IMAGE_CORRUPT', `there is no extent at byte ${offset}`, { offset });
  if (!extent.subarray(8, 24).equals(uuid))
    throw imageFault(
      source,
      'IMAGE_CORRUPT',
      `the extent at byte ${offset} is of another archive`,
      {
        offset,
      },
    );
  checkMd5(source, extent, MD5_OFFSET, 'the extent', offset);
}

/** @returns blocks of 4 KiB that are stored in the extent */
function countClusters(
  source: ByteSource,
  extent: Buffer,
  clusters: readonly StoredCluster[],
  seen: ReadonlyMap<number, SeenClusters>,
  offset: number,
): number {
  let blocks = 0;
  for (const { device, cluster, mask } of clusters) {
    if (seen.get(device)?.add(cluster) !== true)
      throw imageFault(
        source,
        'IMAGE_CORRUPT',
        `the extent at byte ${offset} has cluster ${cluster} of device ${device}, which is none or is there twice`,
        { offset },
      );
    blocks += bitsOf(mask);
  }
  const told = extent.readUInt16BE(6);
  if (told === blocks) return blocks;
  throw imageFault(
    source,
    'IMAGE_CORRUPT',
    `the extent at byte ${offset} says that it holds ${told} blocks, its clusters say ${blocks}`,
    { offset: offset + 6 },
  );
}

const STRETCH_CLUSTERS = 65_536;
const STRETCH_BYTES = STRETCH_CLUSTERS / 8;
/** 64 TiB of which the first clusters come before all others. An archive is written from the start of each disk to its end, and what its guest
 *  writes meanwhile comes before its turn: far fewer. */
const MAX_BEGUN_STRETCHES = 16_384;

/** How many stretches are begun and not whole, of all devices together: an extent of 512 bytes may begin 59 of them. */
class BegunStretches {
  private count = 0;

  constructor(private readonly source: ByteSource) {}

  /** @throws IMAGE_LIMIT_EXCEEDED */
  begin(): { readonly bits: Uint8Array; count: number } {
    this.count++;
    if (this.count > MAX_BEGUN_STRETCHES)
      throw imageFault(
        this.source,
        'IMAGE_LIMIT_EXCEEDED',
        `more than ${MAX_BEGUN_STRETCHES} stretches of its disks are begun and not whole: so many are not counted; \`vma extract\` takes it apart`,
        { max: MAX_BEGUN_STRETCHES },
      );
    return { bits: new Uint8Array(STRETCH_BYTES), count: 0 };
  }

  end(): void {
    this.count--;
  }
}

class SeenClusters {
  private readonly clusterCount: number;
  private count = 0;
  /** null: all of the stretch were seen. */
  private readonly stretches = new Map<
    number,
    { readonly bits: Uint8Array; count: number } | null
  >();

  constructor(
    private readonly device: VmaDevice,
    private readonly begun: BegunStretches,
  ) {
    this.clusterCount = Math.ceil(device.sizeBytes / CLUSTER_BYTES);
  }

  /** false: there is no such cluster, or it was seen.
   *  @throws IMAGE_LIMIT_EXCEEDED */
  add(cluster: number): boolean {
    if (cluster >= this.clusterCount) return false;
    const number = Math.floor(cluster / STRETCH_CLUSTERS);
    const known = this.stretches.get(number);
    if (known === null) return false;
    const stretch = known ?? this.begun.begin();
    const bit = cluster % STRETCH_CLUSTERS;
    const mask = 1 << (bit & 7);
    if ((stretch.bits[bit >> 3]! & mask) !== 0) return false;
    stretch.bits[bit >> 3]! |= mask;
    stretch.count++;
    this.count++;
    const isWhole = stretch.count === STRETCH_CLUSTERS;
    if (isWhole) this.begun.end();
    this.stretches.set(number, isWhole ? null : stretch);
    return true;
  }

  assertAll(source: ByteSource): void {
    const { count, clusterCount, device } = this;
    if (count === clusterCount || device.name === MEMORY_DEVICE) return;
    throw imageFault(
      source,
      'IMAGE_TRUNCATED',
      `it holds ${count} of ${clusterCount} clusters of ${JSON.stringify(device.name)}: it was cut off, or is being written`,
      { offset: source.sizeBytes, seen: count, expected: clusterCount },
    );
  }
}
