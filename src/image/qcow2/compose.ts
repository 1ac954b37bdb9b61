import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import type { SlotPlacement } from '../../domain/targets/slot-placement.js';
import type { ByteSink } from '../byte-source.js';
import { withRunBuffer } from '../run-buffer.js';
import {
  FIRST_SLOT,
  NOT_STORED,
  STORED_ZEROS,
  type FileParent,
  type FileShape,
  type PlannedContent,
} from '../image-format.js';
import {
  EXTENSION_BACKING_FORMAT,
  LOW_ZERO,
  MAX_BACKING_NAME_BYTES,
  MAX_L1_BYTES,
  MAX_REFCOUNT_TABLE_BYTES,
  POINTER_BYTES,
  QCOW2_MAGIC,
  V3_HEADER_BYTES,
  setCopiedEntry,
  setU64,
  viewOf,
} from './numbers.js';

const CLUSTER_BYTES = BLOCK_BYTES;
const CLUSTER_BITS = 16;
const REFCOUNT_ORDER = 4; // 16 bits
const CLUSTERS_PER_L2_TABLE = CLUSTER_BYTES / POINTER_BYTES;
/** Largest disk that a composed file can hold: its L1 table has the size that the format allows. 2 PiB. */
export const MAX_COMPOSED_DISK_BYTES =
  (MAX_L1_BYTES / POINTER_BYTES) * CLUSTERS_PER_L2_TABLE * CLUSTER_BYTES;
const REFCOUNTS_PER_BLOCK = CLUSTER_BYTES / 2;

/** What a qcow2 file needs to know of its shape: names alone link such files, and there is one way to write them. */
export interface Qcow2Shape extends Pick<FileShape, 'virtualSizeBytes' | 'slotCount'> {
  readonly parent: Pick<FileParent, 'link' | 'format'> | null;
}

/** The header cluster, then the slots. */
export function placeQcow2Slots(): SlotPlacement {
  return { headBytes: CLUSTER_BYTES, groupSlots: 0, prefixBytes: 0 };
}

/** Writes tables, reference counts and header around data clusters that are in the file already.
 *
 *  Layout: header cluster, data slots, L2 tables (only those with an entry), L1 table, reference count blocks, reference count table;
 *  the file ends with the latter. Version 3, 16-bit reference counts. Zero clusters of an image without parent stay unallocated.
 *  Write order (docs/FORMAT.md, Order, W2): everything behind the slots, end of the file, sync, header cluster, sync; so a file that was not finished has no
 *  magic. The result depends on the arguments alone: whatever an earlier attempt left is overwritten or cut off.
 *  Memory: L1 table (8 bytes per 512 MiB of disk) and a few clusters.
 *  @throws DISK_TOO_LARGE when the disk is beyond what qcow2 can address, IMAGE_LIMIT_EXCEEDED when its data or its parent's name are */
export async function composeQcow2(
  sink: ByteSink,
  shape: Qcow2Shape,
  content: PlannedContent,
): Promise<{ sizeBytes: number; metadataStart: number }> {
  checkShape(shape);
  return withRunBuffer((memory) => compose(sink, shape, content, memory));
}

/** @param memory for what is made cluster by cluster: new memory for each file would pile up until the collector runs */
async function compose(
  sink: ByteSink,
  shape: Qcow2Shape,
  content: PlannedContent,
  memory: Buffer,
): Promise<{ sizeBytes: number; metadataStart: number }> {
  const metadataStart = (1 + shape.slotCount) * CLUSTER_BYTES;
  const l1 = new Uint8Array(roundUp(l1Entries(shape) * POINTER_BYTES));
  const tables = { start: metadataStart, l1: viewOf(l1) };
  const { l1Offset, referencedSlots } = await writeL2Tables(sink, shape, content, tables, memory);
  await sink.write(l1, l1Offset);

  const layout = placeRefcounts(metadataStart, l1Offset + l1.length);
  const usedSlots = await writeRefcounts(sink, content, layout, memory);
  if (usedSlots !== referencedSlots)
    throw new Error(`plan: ${usedSlots} slots hold data, ${referencedSlots} are referred to`);
  await sink.truncate(layout.sizeBytes);
  await sink.sync();
  await sink.write(headerCluster(shape, l1Offset, layout, memory), 0);
  await sink.sync();
  return { sizeBytes: layout.sizeBytes, metadataStart };
}

function checkShape({ virtualSizeBytes, parent }: Qcow2Shape): void {
  if (virtualSizeBytes % 512 !== 0)
    throw new Error(`plan: disk of ${virtualSizeBytes} bytes, no multiple of 512`);
  if (virtualSizeBytes > MAX_COMPOSED_DISK_BYTES)
    throw new BackupError(
      'DISK_TOO_LARGE',
      `a disk of ${virtualSizeBytes} bytes is too large for qcow2 with clusters of 64 KiB (2 PiB)`,
      { details: { virtualSizeBytes } },
    );
  if (parent === null) return;
  const nameBytes = new TextEncoder().encode(parent.link).length;
  if (nameBytes === 0 || nameBytes > MAX_BACKING_NAME_BYTES)
    throw new BackupError(
      'IMAGE_LIMIT_EXCEEDED',
      `the name of the parent has ${nameBytes} bytes; a qcow2 header takes 1..${MAX_BACKING_NAME_BYTES}`,
      { details: { name: parent.link } },
    );
}

function l1Entries({ virtualSizeBytes }: Qcow2Shape): number {
  return Math.max(1, Math.ceil(virtualSizeBytes / (CLUSTERS_PER_L2_TABLE * CLUSTER_BYTES)));
}

async function writeL2Tables(
  sink: ByteSink,
  { virtualSizeBytes, parent }: Qcow2Shape,
  content: PlannedContent,
  tables: { readonly start: number; readonly l1: DataView },
  memory: Buffer,
): Promise<{ l1Offset: number; referencedSlots: number }> {
  const table = memory.subarray(0, CLUSTER_BYTES);
  const behind = memory.byteOffset + CLUSTER_BYTES;
  const clusters = new Float64Array(memory.buffer, behind, CLUSTERS_PER_L2_TABLE);
  const view = viewOf(table);
  let tableOffset = tables.start;
  let referencedSlots = 0;
  const endCluster = Math.ceil(virtualSizeBytes / CLUSTER_BYTES);
  const nextTable = async (cluster: number): Promise<number> =>
    Math.floor((await content.nextMapped(cluster)) / CLUSTERS_PER_L2_TABLE) * CLUSTERS_PER_L2_TABLE;
  for (
    let first = await nextTable(0);
    first < endCluster;
    first = await nextTable(first + CLUSTERS_PER_L2_TABLE)
  ) {
    const window = clusters.subarray(0, endCluster - first);
    await content.mapBlocks(first, window);
    table.fill(0);
    let entries = 0;
    for (let cluster = 0; cluster < window.length; cluster++) {
      const value = window[cluster] ?? NOT_STORED;
      if (value === NOT_STORED || (value === STORED_ZEROS && parent === null)) continue;
      entries += 1;
      const at = cluster * POINTER_BYTES;
      if (value === STORED_ZEROS) view.setUint32(at + 4, LOW_ZERO);
      else {
        setCopiedEntry(view, at, (1 + value - FIRST_SLOT) * CLUSTER_BYTES);
        referencedSlots += 1;
      }
    }
    if (entries === 0) continue;
    await sink.write(table, tableOffset);
    setCopiedEntry(tables.l1, (first / CLUSTERS_PER_L2_TABLE) * POINTER_BYTES, tableOffset);
    tableOffset += CLUSTER_BYTES;
  }
  return { l1Offset: tableOffset, referencedSlots };
}

interface RefcountLayout {
  readonly metadataStart: number;
  readonly blocksOffset: number;
  readonly blockCount: number;
  readonly tableOffset: number;
  readonly tableClusters: number;
  readonly sizeBytes: number;
}

/** Reference counts count their own clusters, too: enlarge until they fit. */
function placeRefcounts(metadataStart: number, blocksOffset: number): RefcountLayout {
  const before = blocksOffset / CLUSTER_BYTES;
  let blockCount = 0;
  let tableClusters = 0;
  for (;;) {
    const clusters = before + blockCount + tableClusters;
    const blocks = Math.ceil(clusters / REFCOUNTS_PER_BLOCK);
    const tables = roundUp(blocks * POINTER_BYTES) / CLUSTER_BYTES;
    if (blocks === blockCount && tables === tableClusters) break;
    blockCount = blocks;
    tableClusters = tables;
  }
  if (tableClusters * CLUSTER_BYTES > MAX_REFCOUNT_TABLE_BYTES)
    throw new BackupError(
      'IMAGE_LIMIT_EXCEEDED',
      `${before} clusters need a reference count table of more than ${MAX_REFCOUNT_TABLE_BYTES} bytes`,
      { details: { clusters: before } },
    );
  const tableOffset = blocksOffset + blockCount * CLUSTER_BYTES;
  const sizeBytes = tableOffset + tableClusters * CLUSTER_BYTES;
  return { metadataStart, blocksOffset, blockCount, tableOffset, tableClusters, sizeBytes };
}

/** @returns number of slots that hold data */
async function writeRefcounts(
  sink: ByteSink,
  content: PlannedContent,
  layout: RefcountLayout,
  memory: Buffer,
): Promise<number> {
  const table = new Uint8Array(layout.tableClusters * CLUSTER_BYTES);
  const tableView = viewOf(table);
  const block = memory.subarray(0, CLUSTER_BYTES);
  const counts = viewOf(block);
  const slots = memory.subarray(CLUSTER_BYTES, CLUSTER_BYTES + REFCOUNTS_PER_BLOCK);
  const firstMetadata = layout.metadataStart / CLUSTER_BYTES;
  const endCluster = layout.sizeBytes / CLUSTER_BYTES;
  let usedSlots = 0;
  for (let index = 0; index < layout.blockCount; index++) {
    const first = index * REFCOUNTS_PER_BLOCK;
    const end = Math.min(first + REFCOUNTS_PER_BLOCK, endCluster);
    const firstSlot = Math.max(first, 1) - 1;
    const slotCount = Math.max(0, Math.min(end, firstMetadata) - 1 - firstSlot);
    if (slotCount > 0) await content.slotsInUse(firstSlot, slots.subarray(0, slotCount));
    block.fill(0);
    for (let cluster = first; cluster < end; cluster++) {
      const isSlot = cluster >= 1 && cluster < firstMetadata;
      if (isSlot && slots[cluster - 1 - firstSlot] !== 1) continue;
      counts.setUint16((cluster - first) * 2, 1);
      if (isSlot) usedSlots += 1;
    }
    const blockOffset = layout.blocksOffset + index * CLUSTER_BYTES;
    await sink.write(block, blockOffset);
    setU64(tableView, index * POINTER_BYTES, blockOffset);
  }
  await sink.write(table, layout.tableOffset);
  return usedSlots;
}

function headerCluster(
  shape: Qcow2Shape,
  l1Offset: number,
  layout: RefcountLayout,
  memory: Buffer,
): Uint8Array {
  const cluster = memory.subarray(0, CLUSTER_BYTES).fill(0);
  const view = viewOf(cluster);
  view.setUint32(0, QCOW2_MAGIC);
  view.setUint32(4, 3);
  view.setUint32(20, CLUSTER_BITS);
  setU64(view, 24, shape.virtualSizeBytes);
  view.setUint32(36, l1Entries(shape));
  setU64(view, 40, l1Offset);
  setU64(view, 48, layout.tableOffset);
  view.setUint32(56, layout.tableClusters);
  view.setUint32(96, REFCOUNT_ORDER);
  view.setUint32(100, V3_HEADER_BYTES);
  if (shape.parent === null) return cluster; // the zeros behind the header are the end of the extensions

  const text = new TextEncoder();
  const format = text.encode(shape.parent.format);
  view.setUint32(V3_HEADER_BYTES, EXTENSION_BACKING_FORMAT);
  view.setUint32(V3_HEADER_BYTES + 4, format.length);
  cluster.set(format, V3_HEADER_BYTES + 8);
  const endOfExtensions = V3_HEADER_BYTES + 8 + 8 + 8; // format padded to 8, end mark
  const name = text.encode(shape.parent.link);
  cluster.set(name, endOfExtensions);
  setU64(view, 8, endOfExtensions);
  view.setUint32(16, name.length);
  return cluster;
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / CLUSTER_BYTES) * CLUSTER_BYTES;
}
