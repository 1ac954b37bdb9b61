import { BLOCK_ENCODED, PLAIN_DIALECT, emptyBlockMap, type DiskImage } from '../disk-image.js';
import type { ByteSource } from '../byte-source.js';
import { imageFault } from '../image-fault.js';
import { KeptIndexes } from '../kept-indexes.js';
import { ClusterIndex } from './cluster-index.js';
import {
  BLOCK_BYTES,
  CLUSTER_BYTES,
  EXTENT_HEADER_BYTES,
  MEMORY_DEVICE,
  clustersOf,
  walkExtents,
  type StoredCluster,
} from './vma-extents.js';
import { readVmaHeader } from './vma-header.js';

const KEPT = new KeptIndexes<ClusterIndex>(64 * 1024 * 1024);

/** Disks in the order of their devices. The saved memory of a machine is none.
 *  @throws as `readVmaHeader` */
export async function vmaDisks(source: ByteSource): Promise<string[]> {
  const { devices } = await readVmaHeader(source);
  return devices.map(({ name }) => name).filter((name) => name !== MEMORY_DEVICE);
}

/** Opens one device of an archive: goes over the headers of all extents, once for each thread as long as its bytes are the same.
 *  Memory: 17 bytes for each run of clusters within an extent, 5 MiB for each TiB that was written from start to end.
 *  @throws IMAGE_EXTENT_MISSING when it has no device of this name; as `readVmaHeader` and `assertAllClusters`; IMAGE_LIMIT_EXCEEDED */
export async function openVmaDisk(source: ByteSource, name: string): Promise<DiskImage> {
  const header = await readVmaHeader(source);
  const device = header.devices.find((each) => each.name === name);
  if (device === undefined)
    throw imageFault(
      source,
      'IMAGE_EXTENT_MISSING',
      `holds no device ${JSON.stringify(name)}; it has ${header.devices.map((each) => each.name).join(', ')}`,
      { name },
    );
  const key = source.sameness === undefined ? null : `${source.sameness} ${device.id}`;
  const kept = key === null ? null : KEPT.get(key);
  const index = kept ?? new ClusterIndex(source);
  if (kept === null) {
    await walkExtents(source, header, (extent, clusters) => {
      index.add(
        extent,
        clusters.filter((each) => each.device === device.id),
      );
    });
    index.finish();
    if (key !== null) KEPT.keep(key, index);
  }
  return imageOf(source, { id: device.id, sizeBytes: device.sizeBytes }, index);
}

function imageOf(
  source: ByteSource,
  { id, sizeBytes }: { readonly id: number; readonly sizeBytes: number },
  index: ClusterIndex,
): DiskImage {
  let last: { readonly extent: number; readonly clusters: readonly StoredCluster[] } | null = null;
  const clustersAt = async (extent: number): Promise<readonly StoredCluster[]> => {
    if (last?.extent === extent) return last.clusters;
    const header = Buffer.alloc(EXTENT_HEADER_BYTES);
    await source.read(header, extent);
    last = { extent, clusters: clustersOf(header) };
    return last.clusters;
  };
  const readCluster = async (part: Uint8Array, cluster: number, from: number): Promise<void> => {
    const extent = index.extentOf(cluster);
    if (extent === null) return;
    const stored = (await clustersAt(extent)).find(
      (each) => each.device === id && each.cluster === cluster,
    );
    if (stored !== undefined)
      await readBlocks(source, extent + EXTENT_HEADER_BYTES, stored, part, from);
  };
  return {
    format: 'raw',
    label: source.label,
    virtualSizeBytes: sizeBytes,
    parent: null,
    linkId: null,
    dialect: PLAIN_DIALECT,
    mapBlocks: (firstBlock, count, reuse) => {
      const map = emptyBlockMap(count, reuse);
      for (let i = 0; i < count; i++)
        if (index.extentOf(firstBlock + i) !== null) map.states[i] = BLOCK_ENCODED;
      return Promise.resolve(map);
    },
    nextHeldBlock: (block) =>
      index.nextHeld(block) ?? Math.max(block, Math.ceil(sizeBytes / CLUSTER_BYTES)),
    read: async (target, offset) => {
      target.fill(0);
      const end = Math.min(offset + target.length, sizeBytes);
      for (let from = offset; from < end;) {
        const cluster = Math.floor(from / CLUSTER_BYTES);
        const to = Math.min((cluster + 1) * CLUSTER_BYTES, end);
        await readCluster(
          target.subarray(from - offset, to - offset),
          cluster,
          from - cluster * CLUSTER_BYTES,
        );
        from = to;
      }
    },
  };
}

/** Fills `part`, which begins `from` bytes into the cluster, with those of its blocks that are stored; neighbours are one read.
 *  @param dataAt where the data of the extent begin */
async function readBlocks(
  source: ByteSource,
  dataAt: number,
  { mask, at }: StoredCluster,
  part: Uint8Array,
  from: number,
): Promise<void> {
  const to = from + part.length;
  let stored = dataAt + at;
  for (let block = 0; block * BLOCK_BYTES < to;) {
    if (((mask >> block) & 1) === 0) {
      block++;
      continue;
    }
    let count = 1;
    while (((mask >> (block + count)) & 1) === 1) count++;
    const start = Math.max(from, block * BLOCK_BYTES);
    const stop = Math.min(to, (block + count) * BLOCK_BYTES);
    if (start < stop)
      await source.read(
        part.subarray(start - from, stop - from),
        stored + start - block * BLOCK_BYTES,
      );
    stored += count * BLOCK_BYTES;
    block += count;
  }
}
