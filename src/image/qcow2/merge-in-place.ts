import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import type { ByteSink, ByteSource } from '../byte-source.js';
import { BLOCK_DIRECT, BLOCK_UNALLOCATED } from '../disk-image.js';
import { ClusterAllocator } from './cluster-allocator.js';
import { POINTER_BYTES, setU64, viewOf } from './numbers.js';
import { MergeBatch } from './merge-batch.js';
import { openQcow2Image, type Qcow2Image, type Qcow2Survey } from './qcow2-image.js';

const TABLE_SPAN_BYTES = (BLOCK_BYTES / POINTER_BYTES) * BLOCK_BYTES;
const REFCOUNTS_PER_BLOCK = BLOCK_BYTES / 2;
/** An eighth of an L2 table: 64 MiB of disk. */
const WINDOW_BLOCKS = 1024;
/** 64 MiB of data between syncs. */
const DEFAULT_BATCH_BLOCKS = 1024;
/** 8 KiB each. */
const MAX_TABLE_PARTS = 256;

export interface MergeOptions {
  /** Called before every table, every piece of data (1 MiB at most) and every 64 MiB of disk; what it throws ends the merge. */
  readonly look?: () => void;
  /** Stored blocks between two syncs, in blocks of 64 KiB; full 64 MiB windows of the disk are taken together. */
  readonly batchBlocks?: number;
}

/** Why `increment` may not be merged into `base` in place, in plain words; null: it may. Walks all tables of both, so null also says
 *  that every reference in them is sound. What is refused here takes the way of a synthetic full.
 *  @param look called before each table of the walk; what it throws ends it
 *  @throws what `Qcow2Image.survey` throws */
export async function mergeRefusal(
  base: Qcow2Image,
  increment: Qcow2Image,
  look?: () => void,
): Promise<string | null> {
  return (
    refusalOfHeaders(base, increment) ??
    refusalOfTables(base, await base.survey(look), await increment.survey(look))
  );
}

function refusalOfHeaders(base: Qcow2Image, increment: Qcow2Image): string | null {
  for (const [name, { header, clusterBytes }] of [
    ['full', base],
    ['increment', increment],
  ] as const) {
    if (clusterBytes !== BLOCK_BYTES)
      return `the ${name} has clusters of ${clusterBytes} bytes, not ${BLOCK_BYTES}`;
    if (header.extendedL2) return `the ${name} has subclusters (extended L2 entries)`;
    if (header.snapshots.count > 0)
      return `the ${name} has ${header.snapshots.count} internal snapshots`;
    if (header.isDirty) return `the ${name} was not closed by its writer (dirty bit)`;
  }
  if (base.header.version === 2)
    return 'the full is qcow2 version 2, which cannot mark clusters as zero';
  if (base.header.refcountBits !== 16)
    return `the full has reference counts of ${base.header.refcountBits} bits, not 16`;
  if (base.parent !== null) return 'the full has a parent itself';
  if (increment.parent === null) return 'the increment has no parent';
  if (increment.virtualSizeBytes < base.virtualSizeBytes)
    return `the increment's disk (${increment.virtualSizeBytes} bytes) is smaller than the full's (${base.virtualSizeBytes})`;
  if (l1Entries(increment) > l1Capacity(base))
    return `the full's L1 table has room for ${l1Capacity(base)} entries, the grown disk needs ${l1Entries(increment)}`;
  if (base.tables.sharedL2Tables > 0)
    return `the full has ${base.tables.sharedL2Tables} L2 tables that may have a second user`;
  return null;
}

function refusalOfTables(
  base: Qcow2Image,
  baseSurvey: Qcow2Survey,
  incrementSurvey: Qcow2Survey,
): string | null {
  if (baseSurvey.compressedClusters > 0)
    return `the full has ${baseSurvey.compressedClusters} compressed clusters`;
  if (incrementSurvey.compressedClusters > 0)
    return `the increment has ${incrementSurvey.compressedClusters} compressed clusters`;
  if (baseSurvey.strayReferences > 0)
    return `the full has ${baseSurvey.strayReferences} references behind the end of its disk`;
  const clusters = (baseSurvey.endOfReferences + incrementSurvey.endOfReferences) / BLOCK_BYTES;
  const countable = base.tables.refcountBlocks.length * REFCOUNTS_PER_BLOCK;
  if (clusters + Math.ceil(clusters / REFCOUNTS_PER_BLOCK) + 1 > countable)
    return `the full's refcount table has room for ${countable} clusters, ${clusters} may be needed`;
  return null;
}

function l1Entries(image: Qcow2Image): number {
  return Math.ceil(image.virtualSizeBytes / TABLE_SPAN_BYTES);
}

/** The clusters of the L1 table belong to it to their end. */
function l1Capacity(image: Qcow2Image): number {
  const bytes = image.header.l1.entries * POINTER_BYTES;
  return (Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES) / POINTER_BYTES;
}

/** Brings the content of `increment` into `base`, so that `base` alone reads as increment over base did. The base may be written to
 *  by nobody else; the increment stays as it is.
 *
 *  While this runs, and after a stop at any write, `increment` over `base` reads the same at every instant: only clusters that the
 *  increment hides are overwritten, and a reference is written after what it refers to and its count are durable (order: MergeBatch).
 *  Every step can be done again: run it again after a stop; when it returns, all of it is durable. Then the base has no errors and no leaks, unless a power cut reordered
 *  writes between two syncs, or it had bitmaps: then it may have leaked clusters, which are harmless.
 *  Step 1 is the header: size, L1 entries, autoclear bits off (bitmaps do not describe the new content), in one write.
 *  Zero clusters keep their host cluster. Memory: 16 MiB of tables per image, 1 MiB of data, 8 bytes per 512 MiB of disk.
 *  @throws what reading an image throws; what `base` and `options.look` throw; a plain Error if `mergeRefusal` has a reason */
export async function mergeInPlace(
  base: ByteSource & ByteSink,
  increment: { readonly image: Qcow2Image; readonly source: ByteSource },
  options: MergeOptions = {},
): Promise<void> {
  const baseImage = await openQcow2Image(base);
  const { look } = options;
  const baseSurvey = await baseImage.survey(look);
  const refusal =
    refusalOfHeaders(baseImage, increment.image) ??
    refusalOfTables(baseImage, baseSurvey, await increment.image.survey(look));
  if (refusal !== null) throw new Error(`${base.label}: not mergeable in place: ${refusal}`);
  await updateHeader(base, baseImage, increment.image);

  const allocator = new ClusterAllocator(
    base,
    baseImage.header,
    baseImage.tables.refcountBlocks,
    baseSurvey.endOfReferences,
  );
  const batch = new MergeBatch(base, baseImage, increment, allocator);
  const blocks = Math.ceil(increment.image.virtualSizeBytes / BLOCK_BYTES);
  const batchBlocks = options.batchBlocks ?? DEFAULT_BATCH_BLOCKS;
  const nextWindow = (block: number): number =>
    Math.floor(increment.image.nextHeldBlock(block) / WINDOW_BLOCKS) * WINDOW_BLOCKS;
  for (let first = nextWindow(0); first < blocks; first = nextWindow(first + WINDOW_BLOCKS)) {
    look?.();
    const map = await increment.image.mapBlocks(first, Math.min(WINDOW_BLOCKS, blocks - first));
    if (map.states.every((state) => state === BLOCK_UNALLOCATED)) continue;
    await batch.add(first, map);
    if (batch.storedBlocks >= batchBlocks || batch.tableParts >= MAX_TABLE_PARTS)
      await batch.commit(look);
  }
  await batch.commit(look);
  // Also when there was nothing left to write: what an attempt that was killed has written need not be durable.
  await base.sync();
}

/** Size, L1 entries and autoclear bits, in one write within the first sector. */
async function updateHeader(
  base: ByteSource & ByteSink,
  baseImage: Qcow2Image,
  increment: Qcow2Image,
): Promise<void> {
  const SIZE = 24;
  const L1_ENTRIES = 36;
  const AUTOCLEAR = 88;
  const fields = new Uint8Array(AUTOCLEAR + 8 - SIZE);
  await base.read(fields, SIZE);
  const view = viewOf(fields);
  const before = fields.slice();
  setU64(view, AUTOCLEAR - SIZE, 0);
  if (increment.virtualSizeBytes > baseImage.virtualSizeBytes) {
    await clearBehindDisk(base, baseImage);
    setU64(view, 0, increment.virtualSizeBytes);
    const entries = Math.max(l1Entries(increment), baseImage.header.l1.entries);
    view.setUint32(L1_ENTRIES - SIZE, entries);
  }
  if (fields.every((byte, index) => byte === before[index])) return;
  await base.sync();
  await base.write(fields, SIZE);
  await base.sync();
}

/** What lies behind the end of the disk becomes visible when the disk grows: it must read as zeros, as it did through the increment. */
async function clearBehindDisk(base: ByteSource & ByteSink, baseImage: Qcow2Image): Promise<void> {
  const { l1 } = baseImage.header;
  const l1Tail = l1Capacity(baseImage) - l1.entries;
  if (l1Tail > 0)
    await base.write(
      new Uint8Array(l1Tail * POINTER_BYTES),
      l1.offset + l1.entries * POINTER_BYTES,
    );
  const inLastBlock = baseImage.virtualSizeBytes % BLOCK_BYTES;
  const lastBlock = Math.floor(baseImage.virtualSizeBytes / BLOCK_BYTES);
  if (inLastBlock === 0) return;
  const { states, hostOffsets } = await baseImage.mapBlocks(lastBlock, 1);
  if (states[0] !== BLOCK_DIRECT) return;
  const hostOffset = hostOffsets[0] ?? 0;
  await base.write(new Uint8Array(BLOCK_BYTES - inLastBlock), hostOffset + inLastBlock);
}
