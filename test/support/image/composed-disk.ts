import { slotOffset } from '../../../src/domain/targets/slot-placement.js';
import type { Dialect } from '../../../src/image/disk-image.js';
import type {
  FileParent,
  FileShape,
  ImageComposer,
  PlannedContent,
} from '../../../src/image/image-format.js';
import { MemoryBytes } from './byte-files.js';

const BLOCK = 65_536;

/** What a file is to hold: guest blocks of 64 KiB by number, as bytes or `zero`. */
export interface DiskToCompose {
  readonly virtualSizeBytes: number;
  readonly blocks: ReadonlyMap<number, Uint8Array | 'zero'>;
  readonly dialect: Dialect;
  readonly parent?: FileParent;
  readonly linkId?: string;
  readonly seed?: string;
}

/** A file composed from a plan that is made by hand: granules in the order of the disk, each with as many slots as it has blocks. */
export async function composeDisk(
  composer: ImageComposer,
  disk: DiskToCompose,
  label = 'composed.img',
): Promise<MemoryBytes> {
  const { granuleBlocks: granule, zeros } = composer.traits(
    disk.dialect,
    disk.parent === undefined ? 'full' : 'increment',
  );
  const values = new Map<number, number>();
  const data = new Map<number, Uint8Array>();
  const granules = new Map<number, number>();
  for (const [block, content] of [...disk.blocks].sort(([a], [b]) => a - b)) {
    if (content === 'zero' && zeros === 'marked') {
      values.set(block, 1);
      continue;
    }
    const index = Math.floor(block / granule);
    const base = granules.get(index) ?? granules.size * granule;
    granules.set(index, base);
    const slot = base + (block % granule);
    values.set(block, 2 + slot);
    if (content !== 'zero') data.set(slot, content);
  }
  const shape: FileShape = {
    fileName: label,
    virtualSizeBytes: disk.virtualSizeBytes,
    slotCount: granules.size * granule,
    parent: disk.parent ?? null,
    dialect: disk.dialect,
    seed: disk.seed ?? '00112233445566778899aabbccddeeff',
    linkId: disk.linkId ?? null,
  };
  const file = new MemoryBytes(Buffer.alloc(0), label);
  const placement = composer.place(shape);
  await file.truncate(slotOffset(placement, Math.max(...data.keys(), 0)) + BLOCK);
  for (const [slot, bytes] of data) await file.write(bytes, slotOffset(placement, slot));
  const { sizeBytes } = await composer.compose(file, shape, plannedContent(values, data));
  if (sizeBytes !== file.sizeBytes) throw new Error(`composed ${sizeBytes}, has ${file.sizeBytes}`);
  return file;
}

function plannedContent(
  values: ReadonlyMap<number, number>,
  data: ReadonlyMap<number, Uint8Array>,
): PlannedContent {
  const mapped = [...values.keys()].sort((a, b) => a - b);
  return {
    nextMapped: (block) => Promise.resolve(mapped.find((at) => at >= block) ?? Infinity),
    mapBlocks: (first, out) => {
      out.forEach((_, index) => (out[index] = values.get(first + index) ?? 0));
      return Promise.resolve();
    },
    slotsInUse: (first, out) => {
      out.forEach((_, index) => (out[index] = data.has(first + index) ? 1 : 0));
      return Promise.resolve();
    },
  };
}

/** A block that begins with its own number and is no repetition. */
export function blockOf(seed: number): Uint8Array {
  const bytes = Buffer.alloc(BLOCK);
  for (let at = 0; at < BLOCK; at += 4) bytes.writeUInt32LE((seed * 2_654_435_761 + at) >>> 0, at);
  return bytes;
}

/** What a guest sees: `blocks` over what lies below. */
export function guestBytes(
  virtualSizeBytes: number,
  blocks: DiskToCompose['blocks'],
  below?: Uint8Array,
): Buffer {
  const bytes = Buffer.alloc(virtualSizeBytes);
  if (below !== undefined) bytes.set(below.subarray(0, virtualSizeBytes));
  for (const [block, content] of blocks) {
    const part = bytes.subarray(block * BLOCK, (block + 1) * BLOCK);
    if (content === 'zero') part.fill(0);
    else part.set(content.subarray(0, part.length));
  }
  return bytes;
}

/** Where two disks differ first; null: nowhere. */
export function firstDifference(seen: Uint8Array, expected: Uint8Array): string | null {
  if (Buffer.from(seen).equals(expected)) return null;
  const at = expected.findIndex((byte, index) => byte !== seen[index]);
  return `${seen.length} bytes for ${expected.length}, block ${Math.floor(at / BLOCK)} + ${at % BLOCK}`;
}
