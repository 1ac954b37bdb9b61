import { BLOCK_BYTES } from '../../../src/domain/digest.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { PlacedSlots } from '../../../src/domain/file-units.js';
import { slotOffset } from '../../../src/domain/slot-placement.js';
import type { ByteSource } from '../../../src/image/byte-source.js';
import {
  BLOCK_DIRECT,
  BLOCK_UNALLOCATED,
  BLOCK_ZERO,
  PLAIN_DIALECT,
  emptyBlockMap,
  type DiskImage,
  type ImageHead,
} from '../../../src/image/disk-image.js';
import type {
  FileShape,
  ImageComposer,
  ImageFormat,
  PlannedContent,
} from '../../../src/image/image-format.js';

/** A format that no tool writes, as unlike qcow2 as a row allows: its blocks lie on no multiple of 64 KiB, in groups with something between
 *  them, its table is flat, and nothing can be merged into it.
 *
 *  Head of 600 bytes: magic `SLAB`, u32 length of the parent's name, u64 size of the disk, u64 number of slots, the parent's name. Then groups:
 *  24 bytes of `group <number>`, three blocks. Then a u32 for each guest block: 0 not stored, 1 zeros, 2 + slot. Little-endian. */
const MAGIC = 'SLAB';
const HEAD_BYTES = 600;
const NAME_OFFSET = 24;
const GROUP_SLOTS = 3;
const PREFIX_BYTES = 24;
const ENTRY_BYTES = 4;

const PLAIN = { linkId: null, ownIdentity: null, dialect: PLAIN_DIALECT };
const PLACEMENT = { headBytes: HEAD_BYTES, groupSlots: GROUP_SLOTS, prefixBytes: PREFIX_BYTES };

interface Head extends ImageHead {
  readonly slots: PlacedSlots;
}

const composer: ImageComposer = {
  traits: () => ({
    kinds: ['full', 'increment'],
    parents: ['slab'],
    slotOrder: 'any',
    granuleBlocks: 1,
    zeros: 'marked',
    maxDiskBytes: 2 ** 40,
  }),
  place: () => PLACEMENT,
  compose: async (sink, shape, content) => {
    const table = await tableOf(shape, content);
    for (let group = 0; group * GROUP_SLOTS < shape.slotCount; group++)
      await sink.write(prefixOf(group), slotOffset(PLACEMENT, group * GROUP_SLOTS) - PREFIX_BYTES);
    const start = tableOffset({ ...PLACEMENT, slotCount: shape.slotCount });
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
  readHead,
  open: openSlab,
  composer,
  merger: null,
};

/** What the tool would write: a file with these blocks, null for one of zeros. */
export function slabFile(
  virtualSizeBytes: number,
  blocks: ReadonlyMap<number, Buffer | null>,
  parent: string | null,
): Buffer {
  const data = [...blocks].filter(([, bytes]) => bytes !== null);
  const slots = new Map(data.map(([block], slot) => [block, slot]));
  const shape: FileShape = {
    fileName: 'disk.slab',
    virtualSizeBytes,
    slotCount: data.length,
    parent:
      parent === null ? null : { link: parent, format: 'slab', linkId: null, virtualSizeBytes },
    ...{ dialect: {}, seed: '', linkId: null },
  };
  const table = Buffer.alloc(Math.ceil(virtualSizeBytes / BLOCK_BYTES) * ENTRY_BYTES);
  for (const block of blocks.keys())
    table.writeUInt32LE(slots.has(block) ? 2 + slots.get(block)! : 1, block * ENTRY_BYTES);
  const start = tableOffset({ ...PLACEMENT, slotCount: data.length });
  const file = Buffer.concat([Buffer.alloc(start), table]);
  headOf(shape).copy(file);
  for (let group = 0; group * GROUP_SLOTS < data.length; group++)
    prefixOf(group).copy(file, slotOffset(PLACEMENT, group * GROUP_SLOTS) - PREFIX_BYTES);
  for (const [slot, [, bytes]] of data.entries()) bytes!.copy(file, slotOffset(PLACEMENT, slot));
  return file;
}

function headOf({ virtualSizeBytes, slotCount, parent }: FileShape): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  const name = Buffer.from(parent?.link ?? '');
  head.write(MAGIC, 0, 'latin1');
  head.writeUInt32LE(name.length, 4);
  head.writeBigUInt64LE(BigInt(virtualSizeBytes), 8);
  head.writeBigUInt64LE(BigInt(slotCount), 16);
  name.copy(head, NAME_OFFSET);
  return head;
}

function prefixOf(group: number): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(`group ${group}`, 0, 'latin1');
  return prefix;
}

function tableOffset(slots: PlacedSlots): number {
  const groups = Math.ceil(slots.slotCount / GROUP_SLOTS);
  return HEAD_BYTES + groups * PREFIX_BYTES + slots.slotCount * BLOCK_BYTES;
}

async function tableOf(shape: FileShape, content: PlannedContent): Promise<Buffer> {
  const blockCount = Math.ceil(shape.virtualSizeBytes / BLOCK_BYTES);
  const table = Buffer.alloc(blockCount * ENTRY_BYTES);
  const value = new Float64Array(1);
  for (let block = await content.nextMapped(0); block < blockCount;) {
    await content.mapBlocks(block, value);
    table.writeUInt32LE(value[0]!, block * ENTRY_BYTES);
    block = await content.nextMapped(block + 1);
  }
  return table;
}

async function readHead(source: ByteSource): Promise<Head> {
  const head = Buffer.alloc(Math.min(HEAD_BYTES, source.sizeBytes));
  await source.read(head, 0);
  const isHead = head.length === HEAD_BYTES && head.toString('latin1', 0, 4) === MAGIC;
  if (!isHead) throw fault(source, 'IMAGE_MAGIC_MISSING', 'is no slab');
  const nameBytes = head.readUInt32LE(4);
  const virtualSizeBytes = Number(head.readBigUInt64LE(8));
  const slots = { ...PLACEMENT, slotCount: Number(head.readBigUInt64LE(16)) };
  const tableBytes = Math.ceil(virtualSizeBytes / BLOCK_BYTES) * ENTRY_BYTES;
  if (nameBytes > HEAD_BYTES - NAME_OFFSET) throw fault(source, 'IMAGE_CORRUPT', 'has a long name');
  if (tableOffset(slots) + tableBytes > source.sizeBytes)
    throw fault(source, 'IMAGE_TRUNCATED', 'ends before its table does');
  const name = head.toString('utf8', NAME_OFFSET, NAME_OFFSET + nameBytes);
  return { virtualSizeBytes, slots, parent: name === '' ? null : { name, linkId: null }, ...PLAIN };
}

async function openSlab(source: ByteSource): Promise<DiskImage> {
  const { virtualSizeBytes, slots, parent } = await readHead(source);
  const blockCount = Math.ceil(virtualSizeBytes / BLOCK_BYTES);
  const table = Buffer.alloc(blockCount * ENTRY_BYTES);
  await source.read(table, tableOffset(slots));
  const entry = (block: number): number =>
    block < blockCount ? table.readUInt32LE(block * ENTRY_BYTES) : 0;
  for (let block = 0; block < blockCount; block++)
    if (entry(block) >= 2 + slots.slotCount)
      throw fault(source, 'IMAGE_CORRUPT', `names a slot behind its last for block ${block}`);
  const offsetOf = (block: number): number => slotOffset(slots, entry(block) - 2);
  return {
    format: 'slab',
    label: source.label,
    virtualSizeBytes,
    parent,
    ...PLAIN,
    mapBlocks: (firstBlock, count, reuse) => {
      const map = emptyBlockMap(count, reuse);
      for (let i = 0; i < count; i++) {
        const value = entry(firstBlock + i);
        map.states[i] = value === 0 ? BLOCK_UNALLOCATED : value === 1 ? BLOCK_ZERO : BLOCK_DIRECT;
        if (value >= 2) map.hostOffsets[i] = offsetOf(firstBlock + i);
      }
      return Promise.resolve(map);
    },
    nextHeldBlock: (block) => block,
    read: async (target, offset, below) => {
      for (let at = 0; at < target.length;) {
        const block = Math.floor((offset + at) / BLOCK_BYTES);
        const inBlock = (offset + at) % BLOCK_BYTES;
        const inDisk = Math.max(0, virtualSizeBytes - offset - at);
        const part = target.subarray(at, at + BLOCK_BYTES - inBlock);
        const shown = part.subarray(0, inDisk);
        part.fill(0);
        if (entry(block) >= 2) await source.read(shown, offsetOf(block) + inBlock);
        else if (entry(block) === 0) await below?.(shown, offset + at);
        at += part.length;
      }
    },
  };
}

function fault(
  { label }: ByteSource,
  code: 'IMAGE_MAGIC_MISSING' | 'IMAGE_CORRUPT' | 'IMAGE_TRUNCATED',
  words: string,
): BackupError {
  return new BackupError(code, `${label} ${words}`, { details: { path: label } });
}
