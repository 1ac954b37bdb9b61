import type { ByteSink, ByteSource } from '../byte-source.js';
import { POINTER_BYTES, setU64, viewOf } from './numbers.js';
import type { Qcow2Header } from './header.js';
import type { PointerTable } from '../pointer-table.js';

/** Only what `mergeRefusal` lets through: 64 KiB clusters, 16-bit reference counts. */
const CLUSTER_BYTES = 65_536;
const REFCOUNTS_PER_BLOCK = CLUSTER_BYTES / 2;

/** Hands out new clusters at the end of a qcow2 file and counts their references.
 *
 *  Clusters come in file order from the end of what is referred to, so the same requests give the same clusters: an attempt that
 *  follows a stopped one uses again what that one had taken and not yet referred to. Blocks of reference counts are passed over, and
 *  a missing one becomes the first cluster of its range that is handed out. */
export class ClusterAllocator {
  readonly #file: ByteSource & ByteSink;
  readonly #header: Qcow2Header;
  /** Per table entry: offset of the block, 0: none. New blocks are entered when they are allocated. */
  readonly #blocks: Float64Array;
  readonly #blockClusters: Set<number>;
  #next: number;
  #newBlocks: { readonly index: number; readonly content: Uint8Array }[] = [];
  /** Clusters of this batch whose block exists in the file. */
  #toCount: number[] = [];

  constructor(
    file: ByteSource & ByteSink,
    header: Qcow2Header,
    refcountBlocks: PointerTable,
    endOfReferences: number,
  ) {
    this.#file = file;
    this.#header = header;
    this.#blocks = new Float64Array(refcountBlocks.length);
    for (const [index, offset] of refcountBlocks.entries()) this.#blocks[index] = offset;
    this.#blockClusters = new Set(this.#blocks);
    this.#next = endOfReferences / CLUSTER_BYTES;
  }

  /** Offset of a cluster that nothing refers to. It counts as used after `countNew`. */
  allocate(): number {
    while (this.#blockClusters.has(this.#next * CLUSTER_BYTES)) this.#next += 1;
    const index = Math.floor(this.#next / REFCOUNTS_PER_BLOCK);
    if (this.#blocks[index] === undefined)
      throw new Error('the refcount table is full; mergeRefusal excludes that');
    if (this.#blocks[index] === 0) {
      const block = this.#take();
      this.#blocks[index] = block;
      this.#blockClusters.add(block);
      this.#newBlocks.push({ index, content: new Uint8Array(CLUSTER_BYTES) });
      this.#count(block / CLUSTER_BYTES);
      return this.allocate();
    }
    const offset = this.#take();
    this.#count(offset / CLUSTER_BYTES);
    return offset;
  }

  #take(): number {
    this.#next += 1;
    return (this.#next - 1) * CLUSTER_BYTES;
  }

  #count(cluster: number): void {
    const index = Math.floor(cluster / REFCOUNTS_PER_BLOCK);
    const isNew = this.#newBlocks.find((block) => block.index === index);
    if (isNew === undefined) this.#toCount.push(cluster);
    else viewOf(isNew.content).setUint16((cluster % REFCOUNTS_PER_BLOCK) * 2, 1);
  }

  /** Writes new blocks of reference counts: nothing refers to them yet, they belong to the data of a batch. */
  async writeNewBlocks(): Promise<void> {
    for (const { index, content } of this.#newBlocks)
      await this.#file.write(content, this.#blocks[index] ?? 0);
  }

  /** Sets the reference count of every cluster handed out since the last call to 1. The caller has synced the data before and
   *  syncs these counts before it refers to a cluster. */
  async countNew(): Promise<void> {
    for (const run of consecutiveRuns(this.#toCount)) {
      const counts = new Uint8Array(run.length * 2);
      const view = viewOf(counts);
      for (let index = 0; index < run.length; index++) view.setUint16(index * 2, 1);
      const block = this.#blocks[Math.floor(run.first / REFCOUNTS_PER_BLOCK)] ?? 0;
      await this.#file.write(counts, block + (run.first % REFCOUNTS_PER_BLOCK) * 2);
    }
    for (const { index } of this.#newBlocks) {
      const entry = new Uint8Array(POINTER_BYTES);
      setU64(viewOf(entry), 0, this.#blocks[index] ?? 0);
      await this.#file.write(entry, this.#header.refcountTable.offset + index * POINTER_BYTES);
    }
    this.#toCount = [];
    this.#newBlocks = [];
  }
}

/** Runs of ascending clusters that share one block of reference counts. */
function consecutiveRuns(clusters: readonly number[]): { first: number; length: number }[] {
  const runs: { first: number; length: number }[] = [];
  for (const cluster of clusters) {
    const run = runs.at(-1);
    if (
      run !== undefined &&
      cluster === run.first + run.length &&
      cluster % REFCOUNTS_PER_BLOCK !== 0
    )
      run.length += 1;
    else runs.push({ first: cluster, length: 1 });
  }
  return runs;
}
