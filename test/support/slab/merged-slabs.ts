import { BLOCK_BYTES } from '../../../src/domain/targets/digest.js';
import { slotOffset } from '../../../src/domain/targets/slot-placement.js';
import { headOfImage, type DiskImage } from '../../../src/image/disk-image.js';
import type { ByteSink, ByteSource } from '../../../src/image/byte-source.js';
import { IMAGE_FORMATS } from '../../../src/image/formats.js';
import type { ImageComposer, ImageFormat } from '../../../src/image/image-format.js';
import {
  endOfSlots,
  ENTRY_BYTES,
  GRANULE_BLOCKS,
  GROUP_SLOTS,
  openSlab,
  PLACEMENT,
  prefixOf,
  readSlabHead,
  SLAB,
  tableBytes,
  type SlabHead,
} from './slab-format.js';

/** Slots of whole granules and whole groups. */
const UNIT_SLOTS = GRANULE_BLOCKS * GROUP_SLOTS;

const slabComposer: ImageComposer = SLAB.composer!;

/** Slabs whose fulls take up increments: laid out like them, but without extents, and a child names its parent by its name alone, since the full gets the
 *  name of the increment. Blocks of granules that the full has go to their slots; all others behind the file as it was, so that its table is whole until the
 *  head names another one. */
export const MERGED_SLAB: ImageFormat = {
  id: 'merged-slab',
  extension: 'mslab',
  readHead: async (source) => headOfImage(await open(source)),
  open,
  composer: {
    ...slabComposer,
    traits: (...shape) => ({ ...slabComposer.traits(...shape), parents: ['merged-slab'] }),
  },
  merger: { refusal: () => Promise.resolve(null), merge },
};

/** @returns what takes it out again */
export function makeMergedSlabsKnown(): () => void {
  const rows = IMAGE_FORMATS as ImageFormat[];
  rows.push(MERGED_SLAB);
  return () => void rows.splice(rows.indexOf(MERGED_SLAB), 1);
}

async function open(source: ByteSource): Promise<DiskImage> {
  const image = await openSlab(source);
  const parent = image.parent && { ...image.parent, linkId: null };
  return { ...image, format: 'merged-slab', linkId: null, parent };
}

type Merge = NonNullable<ImageFormat['merger']>['merge'];

async function merge(...[full, increment, look]: Parameters<Merge>): ReturnType<Merge> {
  const head = await readSlabHead(full);
  const added = await readSlabHead(increment);
  const table = Buffer.alloc(tableBytes(added.virtualSizeBytes));
  const ownTable = table.subarray(0, tableBytes(head.virtualSizeBytes));
  await full.read(ownTable, head.tableOffset);
  const addedTable = Buffer.alloc(table.length);
  await increment.read(addedTable, added.tableOffset);
  // Also where an attempt that was stopped has made the file longer.
  const firstNew = firstSlotBehind(head.tableOffset + ownTable.length);
  let { slotCount } = head.slots;
  let isGrown = added.virtualSizeBytes > head.virtualSizeBytes;
  for (let at = 0; at < table.length; at += ENTRY_BYTES) {
    if (addedTable.readUInt32LE(at) === 0) continue;
    if (table.readUInt32LE(at) === 0) {
      slotCount = Math.max(slotCount, firstNew);
      table.writeUInt32LE(1 + slotCount, at);
      slotCount += GRANULE_BLOCKS;
      isGrown = true;
    }
    look();
    const [from, to] = [addedTable, table].map((entries) => entries.readUInt32LE(at) - 1);
    await copyGranule(increment, full, addedTable[at + 4]!, [from!, to!]);
    table[at + 4]! |= addedTable[at + 4]!;
  }
  if (isGrown) slotCount = Math.max(slotCount, firstNew);
  const { virtualSizeBytes } = added;
  await writeTable(full, head, { table, firstNew, slotCount, virtualSizeBytes });
  return { ...PLACEMENT, slotCount };
}

/** The first slot of a granule and of a group that begins behind this byte, its prefix too. */
function firstSlotBehind(offset: number): number {
  let slot = 0;
  while (slotOffset(PLACEMENT, slot) - PLACEMENT.prefixBytes < offset) slot += UNIT_SLOTS;
  return slot;
}

async function copyGranule(
  from: ByteSource,
  to: ByteSink,
  stored: number,
  [source, target]: readonly [number, number],
): Promise<void> {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  for (let block = 0; block < GRANULE_BLOCKS; block++) {
    if (((stored >> block) & 1) === 0) continue;
    await from.read(bytes, slotOffset(PLACEMENT, source + block));
    await to.write(bytes, slotOffset(PLACEMENT, target + block));
  }
}

/** In its place, or behind the slots where there are more of them. */
async function writeTable(
  full: ByteSource & ByteSink,
  { slots, tableOffset }: SlabHead,
  merged: {
    readonly table: Buffer;
    readonly firstNew: number;
    readonly slotCount: number;
    readonly virtualSizeBytes: number;
  },
): Promise<void> {
  const { table, firstNew, slotCount, virtualSizeBytes } = merged;
  await full.sync();
  if (slotCount === slots.slotCount) {
    await full.write(table, tableOffset);
    await full.sync();
    return;
  }
  for (let slot = firstNew; slot < slotCount; slot += GROUP_SLOTS)
    await full.write(
      prefixOf(slot / GROUP_SLOTS),
      slotOffset(PLACEMENT, slot) - PLACEMENT.prefixBytes,
    );
  await full.write(table, endOfSlots(slotCount));
  await full.truncate(endOfSlots(slotCount) + table.length);
  await full.sync();
  const head = Buffer.alloc(24);
  await full.read(head, 0);
  head.writeBigUInt64LE(BigInt(virtualSizeBytes), 8);
  head.writeBigUInt64LE(BigInt(slotCount), 16);
  await full.write(head, 0);
  await full.sync();
}
