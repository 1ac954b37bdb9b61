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
    const { guestBlock, layer, hostOffset } = places[i]!;
    const length = hostOffset < 0 ? encodedTogether(places, i) : placesTogether(places, i);
    const part = target.subarray(i * BLOCK_BYTES, (i + length) * BLOCK_BYTES);
    if (hostOffset < 0) await stack.read(part, guestBlock * BLOCK_BYTES);
    else await readWhole(stack, layer, part, hostOffset);
    control.add('readBytes', part.length);
    i += length;
  }
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

function placesTogether(places: readonly BlockPlace[], first: number): number {
  const { layer, hostOffset } = places[first]!;
  let length = 1;
  while (first + length < places.length) {
    const next = places[first + length]!;
    if (next.layer !== layer || next.hostOffset !== hostOffset + length * BLOCK_BYTES) break;
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
