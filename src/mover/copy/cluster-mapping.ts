import { guestBlockOf, type BlockListReader } from '../blocks/block-list.js';

/** Clusters of which one byte tells whether one of them is mapped: one L2 table of the target. */
const TABLE_CLUSTERS = 8_192;

/** Guest clusters of a window → slots, from lists that are in another order, in bounded memory: the window holds 4 million clusters
 *  (256 GiB of disk) in 16 MiB at most, and the lists are read once for each window that has something in it. */
const WINDOW_CLUSTERS = 4 * 1024 * 1024;

const NOT_STORED = 0;
const ZERO = 1;
const FIRST_SLOT = 2;

export class ClusterMapping {
  private window: Uint32Array = new Uint32Array(0);
  private windowStart = -1;
  private mappedTables: MappedTables | null = null;

  constructor(
    private readonly blocks: BlockListReader,
    private readonly zeros: BlockListReader,
    private readonly clusterCount: number,
    /** 1 = the slot holds data, 0 = its block was found to be zeros. */
    private readonly slotsInUse: (first: number, count: number) => Promise<Uint8Array>,
  ) {}

  /** As `Qcow2Plan.nextMapped`. */
  async nextMapped(cluster: number): Promise<number> {
    this.mappedTables ??= await this.findMappedTables();
    const first = Math.floor(cluster / TABLE_CLUSTERS);
    const next = this.mappedTables.next(first);
    return next === first ? cluster : next * TABLE_CLUSTERS;
  }

  private async findMappedTables(): Promise<MappedTables> {
    const tables = new MappedTables(Math.ceil(this.clusterCount / TABLE_CLUSTERS));
    for await (const { pairs } of this.zeros.parts())
      for (let i = 0; i < pairs.length; i += 2)
        tables.add(tableOf(pairs[i]!), tableOf(pairs[i]! + pairs[i + 1]! - 1));
    for await (const { pairs } of this.blocks.parts())
      for (let i = 0; i < pairs.length; i += 2) {
        const table = tableOf(guestBlockOf(pairs[i]!));
        tables.add(table, table);
      }
    return tables;
  }

  /** As `Qcow2Plan.mapClusters`: 0 not stored, 1 zeros, 2 + slot. Meant to be called with growing `first`. */
  async mapClusters(first: number, out: Float64Array): Promise<void> {
    for (let i = 0; i < out.length;) {
      const start = Math.floor((first + i) / WINDOW_CLUSTERS) * WINDOW_CLUSTERS;
      if (start !== this.windowStart) await this.load(start);
      const count = Math.min(out.length - i, start + WINDOW_CLUSTERS - (first + i));
      const from = first + i - start;
      for (let k = 0; k < count; k++) out[i + k] = this.window[from + k] ?? NOT_STORED;
      i += count;
    }
  }

  private async load(start: number): Promise<void> {
    // New memory for each part of a large disk would pile up until the collector runs.
    if (this.window.length === 0)
      this.window = new Uint32Array(Math.min(WINDOW_CLUSTERS, this.clusterCount));
    else this.window.fill(NOT_STORED);
    this.windowStart = start;
    const end = start + WINDOW_CLUSTERS;
    for await (const { pairs } of this.zeros.parts())
      for (let i = 0; i < pairs.length; i += 2) {
        const from = Math.max(pairs[i]!, start);
        const to = Math.min(pairs[i]! + pairs[i + 1]!, end);
        if (from < to) this.window.fill(ZERO, from - start, to - start);
      }
    for await (const { first, pairs } of this.blocks.parts()) {
      const used = await this.slotsInUse(first, pairs.length / 2);
      for (let i = 0; i < used.length; i++) {
        const block = guestBlockOf(pairs[i * 2]!);
        if (block < start || block >= end) continue;
        this.window[block - start] = used[i] === 1 ? FIRST_SLOT + first + i : ZERO;
      }
    }
  }
}

function tableOf(cluster: number): number {
  return Math.floor(cluster / TABLE_CLUSTERS);
}

/** One byte a table: 4 MiB for the largest disk. */
class MappedTables {
  private readonly isMapped: Uint8Array;

  constructor(count: number) {
    this.isMapped = new Uint8Array(count);
  }

  add(first: number, last: number): void {
    this.isMapped.fill(1, first, last + 1);
  }

  /** First mapped table from `table` on; Infinity when there is none. */
  next(table: number): number {
    const found = this.isMapped.indexOf(1, table);
    return found < 0 ? Infinity : found;
  }
}
