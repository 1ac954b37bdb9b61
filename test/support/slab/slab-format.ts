import { createHash } from 'node:crypto';
import { BLOCK_BYTES } from '../../../src/domain/targets/digest.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { PlacedSlots } from '../../../src/domain/targets/file-units.js';
import { slotOffset } from '../../../src/domain/targets/slot-placement.js';
import { IMAGE_FORMATS } from '../../../src/image/formats.js';
import type { ByteSource } from '../../../src/image/byte-source.js';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  emptyBlockMap,
  headOfImage,
  type DiskImage,
  type ImageHead,
} from '../../../src/image/disk-image.js';
import type {
  FileShape,
  ImageComposer,
  ImageExtents,
  ImageFormat,
  PlannedContent,
} from '../../../src/image/image-format.js';

/** A format that no tool writes, as unlike qcow2 as a row allows: its blocks lie on no multiple of 64 KiB, in groups with something between
 *  them; four blocks of the disk lie together or not at all; zeros are blocks like any other; a child names its parent by an id, too; its
 *  tool puts the blocks into a file of their own; and nothing can be merged into it.
 *
 *  Head of 600 bytes: magic `SLAB`, u32 length of the parent's name, u64 size of the disk, u64 number of slots, 16 bytes id, 16 bytes id of
 *  the parent, u32 color, u32 length of the extent's name, the parent's name, the extent's name. Then groups: 24 bytes of `group <number>`,
 *  three blocks. Then the table: for each four blocks of the disk, a granule, a u32 (0: none of them is stored, 1 + slot of the first) and a
 *  byte, bit i of which says that block i is stored. With an extent the slots are the extent, and the table follows the head. Little-endian. */
const MAGIC = 'SLAB';
const HEAD_BYTES = 600;
const NAMES_OFFSET = 64;
export const GROUP_SLOTS = 3;
const PREFIX_BYTES = 24;
export const ENTRY_BYTES = 5;
export const GRANULE_BLOCKS = 4;
const MAX_DISK_BYTES = 2 ** 40;

export const PLACEMENT = {
  headBytes: HEAD_BYTES,
  groupSlots: GROUP_SLOTS,
  prefixBytes: PREFIX_BYTES,
};

export interface SlabHead extends ImageHead {
  readonly slots: PlacedSlots;
  /** Name of the file with the blocks; null: they are in this one. */
  readonly extent: string | null;
  readonly tableOffset: number;
}

const composer: ImageComposer = {
  traits: () => ({
    kinds: ['full', 'increment'],
    parents: ['slab'],
    parentSize: 'any',
    slotOrder: 'any',
    granuleBlocks: GRANULE_BLOCKS,
    zeros: 'stored',
    maxDiskBytes: MAX_DISK_BYTES,
  }),
  place: () => PLACEMENT,
  compose: async (sink, shape, content) => {
    const table = await tableOf(shape, content);
    for (let group = 0; group * GROUP_SLOTS < shape.slotCount; group++)
      await sink.write(prefixOf(group), slotOffset(PLACEMENT, group * GROUP_SLOTS) - PREFIX_BYTES);
    const start = endOfSlots(shape.slotCount);
    await sink.write(table, start);
    await sink.truncate(start + table.length);
    await sink.sync();
    await sink.write(headOf(shape), 0);
    await sink.sync();
    return { sizeBytes: start + table.length };
  },
};

export const SLAB: ImageFormat = {
  id: 'slab',
  extension: 'slab',
  readHead: async (source, extents) => headOfImage(await openSlab(source, extents)),
  open: openSlab,
  composer,
  merger: null,
};

/** What the tool would write: an image with these blocks, and the file that holds them.
 *  @param name of the image, from which its id follows
 *  @param blocks null: one of zeros */
export function slabFiles(
  name: string,
  virtualSizeBytes: number,
  blocks: ReadonlyMap<number, Buffer | null>,
  parent: string | null,
): { readonly image: Buffer; readonly extent: Buffer } {
  const granules = [...new Set([...blocks.keys()].map((block) => granuleOf(block)))];
  const slotCount = granules.length * GRANULE_BLOCKS;
  const table = emptyTable(virtualSizeBytes);
  const extent = Buffer.alloc(slotCount * BLOCK_BYTES);
  for (const [block, bytes] of blocks) {
    const slot = granules.indexOf(granuleOf(block)) * GRANULE_BLOCKS + (block % GRANULE_BLOCKS);
    store(table, block, slot);
    bytes?.copy(extent, slot * BLOCK_BYTES);
  }
  const link = { format: 'slab', virtualSizeBytes };
  const shape: FileShape = {
    fileName: name,
    ...{ virtualSizeBytes, slotCount, seed: '', linkId: slabId(name) },
    parent: parent === null ? null : { ...link, link: parent, linkId: slabId(parent) },
    dialect: { color: SLAB_COLOR },
  };
  return { image: Buffer.concat([headOf(shape, extentName(name)), table]), extent };
}

/** Something that only this format knows of, and that a copy must keep. */
const SLAB_COLOR = 7;

/** A row in the list is all that the product has to know. @returns what takes it out again */
export function makeSlabFormatKnown(): () => void {
  const rows = IMAGE_FORMATS as ImageFormat[];
  rows.push(SLAB);
  return () => void rows.splice(rows.indexOf(SLAB), 1);
}

/** The id that the tool gives to an image of this name. */
function slabId(name: string): string {
  return createHash('md5').update(name).digest('hex');
}

export function extentName(name: string): string {
  return name.replace(/\.slab$/, '.slots');
}

function headOf(
  { virtualSizeBytes, slotCount, parent, dialect, linkId, seed }: FileShape,
  extent = '',
): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  const names = [Buffer.from(parent?.link ?? ''), Buffer.from(extent)];
  head.write(MAGIC, 0, 'latin1');
  head.writeUInt32LE(names[0]!.length, 4);
  head.writeBigUInt64LE(BigInt(virtualSizeBytes), 8);
  head.writeBigUInt64LE(BigInt(slotCount), 16);
  head.write(linkId ?? seed, 24, 'hex');
  head.write(parent?.linkId ?? '', 40, 'hex');
  head.writeUInt32LE(typeof dialect.color === 'number' ? dialect.color : 0, 56);
  head.writeUInt32LE(names[1]!.length, 60);
  Buffer.concat(names).copy(head, NAMES_OFFSET);
  return head;
}

export function prefixOf(group: number): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(`group ${group}`, 0, 'latin1');
  return prefix;
}

export function endOfSlots(slotCount: number): number {
  const groups = Math.ceil(slotCount / GROUP_SLOTS);
  return HEAD_BYTES + groups * PREFIX_BYTES + slotCount * BLOCK_BYTES;
}

function granuleOf(block: number): number {
  return Math.floor(block / GRANULE_BLOCKS);
}

export function tableBytes(virtualSizeBytes: number): number {
  return Math.ceil(virtualSizeBytes / BLOCK_BYTES / GRANULE_BLOCKS) * ENTRY_BYTES;
}

function emptyTable(virtualSizeBytes: number): Buffer {
  return Buffer.alloc(tableBytes(virtualSizeBytes));
}

/** @throws Error when the slot is not the one that the granule gives to the block */
function store(table: Buffer, block: number, slot: number): void {
  const at = granuleOf(block) * ENTRY_BYTES;
  const inGranule = block % GRANULE_BLOCKS;
  const first = slot - inGranule;
  const known = table.readUInt32LE(at);
  if (first % GRANULE_BLOCKS !== 0 || (known !== 0 && known !== 1 + first))
    throw new Error(`plan: block ${block} lies in slot ${slot}, apart from its granule`);
  table.writeUInt32LE(1 + first, at);
  table[at + 4]! |= 1 << inGranule;
}

async function tableOf(shape: FileShape, content: PlannedContent): Promise<Buffer> {
  const blockCount = Math.ceil(shape.virtualSizeBytes / BLOCK_BYTES);
  const table = emptyTable(shape.virtualSizeBytes);
  const value = new Float64Array(1);
  const told = new Set<number>();
  for (let block = await content.nextMapped(0); block < blockCount;) {
    await content.mapBlocks(block, value);
    if (value[0] === 1) throw new Error(`plan: block ${block} is marked as zeros`);
    if (value[0]! >= 2) {
      store(table, block, value[0]! - 2);
      told.add(value[0]! - 2);
    }
    block = await content.nextMapped(block + 1);
  }
  const inUse = new Uint8Array(shape.slotCount);
  await content.slotsInUse(0, inUse);
  if (inUse.some((used, slot) => used === 1 && !told.has(slot)))
    throw new Error('plan: a slot holds data that no block refers to');
  return table;
}

export async function readSlabHead(source: ByteSource): Promise<SlabHead> {
  const head = Buffer.alloc(Math.min(HEAD_BYTES, source.sizeBytes));
  await source.read(head, 0);
  const isHead = head.length === HEAD_BYTES && head.toString('latin1', 0, 4) === MAGIC;
  if (!isHead) throw fault(source, 'IMAGE_MAGIC_MISSING', 'is no slab');
  const lengths = [head.readUInt32LE(4), head.readUInt32LE(60)] as const;
  if (lengths[0] + lengths[1] > HEAD_BYTES - NAMES_OFFSET)
    throw fault(source, 'IMAGE_CORRUPT', 'has long names');
  const virtualSizeBytes = Number(head.readBigUInt64LE(8));
  const slotCount = Number(head.readBigUInt64LE(16));
  if (virtualSizeBytes > MAX_DISK_BYTES || slotCount > MAX_DISK_BYTES / BLOCK_BYTES)
    throw fault(source, 'IMAGE_LIMIT_EXCEEDED', 'is too large');
  const text = (from: number, bytes: number) => head.toString('utf8', from, from + bytes);
  const name = text(NAMES_OFFSET, lengths[0]);
  const extent = text(NAMES_OFFSET + lengths[0], lengths[1]) || null;
  const tableOffset = extent === null ? endOfSlots(slotCount) : HEAD_BYTES;
  if (tableOffset + tableBytes(virtualSizeBytes) > source.sizeBytes)
    throw fault(source, 'IMAGE_TRUNCATED', 'ends before its table does');
  const id = (from: number) => head.toString('hex', from, from + 16);
  return {
    virtualSizeBytes,
    parent: name === '' ? null : { name, linkId: id(40) },
    linkId: id(24),
    dialect: { color: head.readUInt32LE(56) },
    slots: { ...PLACEMENT, slotCount },
    ...{ extent, tableOffset },
  };
}

export async function openSlab(source: ByteSource, extents?: ImageExtents): Promise<DiskImage> {
  const head = await readSlabHead(source);
  const data = head.extent === null ? source : await openExtent(source, head.extent, extents);
  const table = emptyTable(head.virtualSizeBytes);
  await source.read(table, head.tableOffset);
  checkTable(source, data, head, table);
  return new SlabImage(source.label, head, data, table);
}

async function openExtent(
  source: ByteSource,
  name: string,
  extents: ImageExtents | undefined,
): Promise<ByteSource> {
  if (extents === undefined) throw fault(source, 'IMAGE_EXTENT_MISSING', `needs ${name}`);
  return extents.open(name);
}

function checkTable(source: ByteSource, data: ByteSource, head: SlabHead, table: Buffer): void {
  const { slots, extent } = head;
  if (extent !== null && slots.slotCount * BLOCK_BYTES > data.sizeBytes)
    throw fault(data, 'IMAGE_TRUNCATED', 'ends before its last slot does');
  for (let at = 0; at < table.length; at += ENTRY_BYTES)
    if (table.readUInt32LE(at) > Math.max(0, slots.slotCount - GRANULE_BLOCKS + 1))
      throw fault(source, 'IMAGE_CORRUPT', `names a slot behind its last at entry ${at}`);
}

class SlabImage implements DiskImage {
  readonly format = 'slab';
  readonly virtualSizeBytes: number;
  readonly parent: ImageHead['parent'];
  readonly linkId: string | null;
  readonly dialect: ImageHead['dialect'];

  constructor(
    readonly label: string,
    private readonly head: SlabHead,
    private readonly data: ByteSource,
    private readonly table: Buffer,
  ) {
    this.virtualSizeBytes = head.virtualSizeBytes;
    this.parent = head.parent;
    this.linkId = head.linkId;
    this.dialect = head.dialect;
  }

  /** Where a block lies in the file of the blocks; null: it is not stored. */
  private offsetOf(block: number): number | null {
    const at = granuleOf(block) * ENTRY_BYTES;
    if (block * BLOCK_BYTES >= this.virtualSizeBytes) return null;
    const first = this.table.readUInt32LE(at);
    const isStored = first > 0 && ((this.table[at + 4]! >> (block % GRANULE_BLOCKS)) & 1) === 1;
    if (!isStored) return null;
    const slot = first - 1 + (block % GRANULE_BLOCKS);
    return this.head.extent === null ? slotOffset(this.head.slots, slot) : slot * BLOCK_BYTES;
  }

  mapBlocks: DiskImage['mapBlocks'] = (firstBlock, count, reuse) => {
    const map = emptyBlockMap(count, reuse);
    for (let i = 0; i < count; i++) {
      const offset = this.offsetOf(firstBlock + i);
      if (offset === null) continue;
      map.states[i] = this.head.extent === null ? BLOCK_DIRECT : BLOCK_ENCODED;
      if (this.head.extent === null) map.hostOffsets[i] = offset;
    }
    return Promise.resolve(map);
  };

  nextHeldBlock = (block: number): number => block;

  read: DiskImage['read'] = async (target, offset, below) => {
    for (let at = 0; at < target.length;) {
      const block = Math.floor((offset + at) / BLOCK_BYTES);
      const inBlock = (offset + at) % BLOCK_BYTES;
      const part = target.subarray(at, at + BLOCK_BYTES - inBlock);
      const shown = part.subarray(0, Math.max(0, this.virtualSizeBytes - offset - at));
      const stored = this.offsetOf(block);
      part.fill(0);
      if (stored !== null) await this.data.read(shown, stored + inBlock);
      else if (shown.length > 0) await below?.(shown, offset + at);
      at += part.length;
    }
  };
}

function fault(
  { label }: ByteSource,
  code:
    | 'IMAGE_MAGIC_MISSING'
    | 'IMAGE_CORRUPT'
    | 'IMAGE_TRUNCATED'
    | 'IMAGE_LIMIT_EXCEEDED'
    | 'IMAGE_EXTENT_MISSING',
  words: string,
): BackupError {
  return new BackupError(code, `${label} ${words}`, { details: { path: label } });
}
