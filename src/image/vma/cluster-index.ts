import type { ByteSource } from '../byte-source.js';
import { imageFault } from '../image-fault.js';
import type { StoredCluster } from './vma-extents.js';

/** 68 MiB: some 15 TiB that were written from start to end. A guest that writes while it is backed up has its clusters stored out of turn. */
const MAX_RUNS = 4 * 1024 * 1024;
const FIRST_RUNS = 1_024;
/** Offset 8, cluster 4, number of clusters 1, and its place among the others 4. */
const RUN_BYTES = 17;

/** Which extent holds a cluster of one device: a run is of clusters that follow one another on the device and lie in one extent. Clusters of zeros are in
 *  none. */
export class ClusterIndex {
  private extents = new Float64Array(FIRST_RUNS);
  private firsts = new Uint32Array(FIRST_RUNS);
  private counts = new Uint8Array(FIRST_RUNS);
  /** Runs by their first cluster. */
  private order = new Uint32Array(0);
  private used = 0;

  constructor(private readonly source: ByteSource) {}

  get memoryBytes(): number {
    return this.firsts.length * RUN_BYTES;
  }

  /** @param clusters of the device, in the order of the extent
   *  @throws IMAGE_LIMIT_EXCEEDED */
  add(extent: number, clusters: readonly StoredCluster[]): void {
    let next = -1;
    for (const { cluster, mask } of clusters) {
      if (mask === 0) continue;
      if (cluster === next) this.counts[this.used - 1]!++;
      else this.begin(extent, cluster);
      next = cluster + 1;
    }
  }

  private begin(extent: number, cluster: number): void {
    if (this.used === MAX_RUNS)
      throw imageFault(
        this.source,
        'IMAGE_LIMIT_EXCEEDED',
        `its clusters lie in more than ${MAX_RUNS} runs: \`vma extract\` takes it apart`,
      );
    if (this.used === this.firsts.length) this.grow();
    this.extents[this.used] = extent;
    this.firsts[this.used] = cluster;
    this.counts[this.used] = 1;
    this.used++;
  }

  private grow(): void {
    const grown = <T extends Float64Array | Uint32Array | Uint8Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    const length = this.firsts.length * 2;
    this.extents = grown(this.extents, new Float64Array(length));
    this.firsts = grown(this.firsts, new Uint32Array(length));
    this.counts = grown(this.counts, new Uint8Array(length));
  }

  /** When all were added. */
  finish(): void {
    this.order = Uint32Array.from({ length: this.used }, (_, run) => run);
    const { firsts } = this;
    if (firsts.subarray(1, this.used).every((first, i) => first > firsts[i]!)) return;
    this.order.sort((a, b) => firsts[a]! - firsts[b]!);
  }

  /** Where the extent begins that holds this cluster; null: it is zeros. */
  extentOf(cluster: number): number | null {
    const run = this.order[this.lastFrom(cluster)];
    if (run === undefined || cluster >= this.firsts[run]! + this.counts[run]!) return null;
    return this.extents[run]!;
  }

  /** First cluster from `cluster` on that is no zeros; null: there is none. */
  nextHeld(cluster: number): number | null {
    if (this.extentOf(cluster) !== null) return cluster;
    const run = this.order[this.lastFrom(cluster) + 1];
    return run === undefined ? null : this.firsts[run]!;
  }

  /** Place in `order` of the last run that begins at or before this cluster; -1: there is none. */
  private lastFrom(cluster: number): number {
    let [low, high] = [0, this.used];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.firsts[this.order[middle]!]! <= cluster) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
