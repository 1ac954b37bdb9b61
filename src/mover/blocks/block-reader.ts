import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import type { TaskControl } from '../task/task-control.js';
import { BLOCK_DIRECT } from '../../image/disk-image.js';
import { ENCODED_OFFSET } from './block-list.js';
import type { ImageStack, StackMap } from './image-stack.js';

/** Where a block's content is to be read: `hostOffset` in the file of `layer`, or, when negative, through the image readers. */
export interface BlockPlace {
  readonly guestBlock: number;
  readonly layer: number;
  readonly hostOffset: number;
}

/** Where the map says that guest block `firstBlock + i` lies. */
export function placeOf(map: StackMap, i: number, firstBlock: number): BlockPlace {
  const hostOffset = map.states[i] === BLOCK_DIRECT ? map.hostOffsets[i]! : ENCODED_OFFSET;
  return { guestBlock: firstBlock + i, layer: map.layers[i]!, hostOffset };
}

/** Fills `target` with the content of `places`, 64 KiB each, in their order. Neighbours in one file, or on the disk where an image reader gets
 *  them, are one read. */
export async function readBlocks(
  stack: ImageStack,
  places: readonly BlockPlace[],
  target: Buffer,
  control: TaskControl,
): Promise<void> {
  for (let i = 0; i < places.length;) {
    const length = readTogether(places, i);
    const part = target.subarray(i * BLOCK_BYTES, (i + length) * BLOCK_BYTES);
    await readPart(stack, places[i]!, part, control);
    i += length;
  }
}

/** Memory in which blocks lie behind one another, each behind a gap. */
export interface SpacedBlocks {
  readonly bytes: Buffer;
  readonly gapBytes: number;
}

/** As `readBlocks`, with a gap before each block; what the gaps hold afterwards is of no use. Blocks that lie at the same distance in one file, as in a
 *  stream of single blocks, are one read. Neighbours go through `scratch`, which has room for all of them. */
export async function readSpacedBlocks(
  stack: ImageStack,
  places: readonly BlockPlace[],
  { bytes, gapBytes }: SpacedBlocks,
  scratch: Buffer,
  control: TaskControl,
): Promise<void> {
  const strideBytes = gapBytes + BLOCK_BYTES;
  const blockAt = (i: number): number => i * strideBytes + gapBytes;
  for (let i = 0; i < places.length;) {
    const place = places[i]!;
    let length = readTogether(places, i);
    if (length > 1 || place.hostOffset < 0) {
      const part = scratch.subarray(0, length * BLOCK_BYTES);
      await readPart(stack, place, part, control);
      for (let k = 0; k < length; k++)
        part.copy(bytes, blockAt(i + k), k * BLOCK_BYTES, (k + 1) * BLOCK_BYTES);
    } else {
      length = placesApart(places, i, strideBytes);
      const part = bytes.subarray(blockAt(i), (i + length) * strideBytes);
      await readPart(stack, place, part, control);
    }
    i += length;
  }
}

/** Blocks from `first` on that one read gets. */
function readTogether(places: readonly BlockPlace[], first: number): number {
  return places[first]!.hostOffset < 0
    ? encodedTogether(places, first)
    : placesApart(places, first, BLOCK_BYTES);
}

async function readPart(
  stack: ImageStack,
  { guestBlock, layer, hostOffset }: BlockPlace,
  part: Buffer,
  control: TaskControl,
): Promise<void> {
  if (hostOffset < 0) await stack.read(part, guestBlock * BLOCK_BYTES);
  else await readWhole(stack, layer, part, hostOffset);
  control.add('readBytes', part.length);
}

/** Blocks of a map from `first` on that lie side by side in one file, so that their digests do in its digest table. */
export function directRun({ states, layers, hostOffsets }: StackMap, first: number): number {
  let length = 1;
  while (
    first + length < states.length &&
    states[first + length] === BLOCK_DIRECT &&
    layers[first + length] === layers[first] &&
    hostOffsets[first + length] === hostOffsets[first]! + length * BLOCK_BYTES
  )
    length++;
  return length;
}

/** Blocks from `first` on that only an image reader can get, and that follow one another on the disk. */
function encodedTogether(places: readonly BlockPlace[], first: number): number {
  const { guestBlock } = places[first]!;
  let length = 1;
  while (first + length < places.length) {
    const next = places[first + length]!;
    if (next.hostOffset >= 0 || next.guestBlock !== guestBlock + length) break;
    length++;
  }
  return length;
}

/** Blocks from `first` on that lie in one file, each so far behind the start of the one before. */
function placesApart(places: readonly BlockPlace[], first: number, strideBytes: number): number {
  const { layer, hostOffset } = places[first]!;
  let length = 1;
  while (first + length < places.length) {
    const next = places[first + length]!;
    if (next.layer !== layer || next.hostOffset !== hostOffset + length * strideBytes) break;
    length++;
  }
  return length;
}

/** A read beyond the end can only mean that the file was cut while it was copied: its tables were checked against its size. */
async function readWhole(
  stack: ImageStack,
  layer: number,
  target: Buffer,
  offset: number,
): Promise<void> {
  const file = await stack.file(layer);
  const count = await file.read(target, offset);
  if (count < target.length) stack.assertEndsAt(layer, offset + count);
  target.fill(0, count);
}
