import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import type { FormatId } from '../../domain/sources/source-workload.js';
import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  BLOCK_UNALLOCATED,
  BLOCK_ZERO,
  PLAIN_DIALECT,
  emptyBlockMap,
  type BlockMap,
  type Dialect,
  type DiskImage,
  type ParentLink,
} from '../../image/disk-image.js';
import type { ReadableFile } from '../../repository/backup-repository.js';
import type { MoverContext } from '../task/mover-context.js';
import {
  assertLayerUnchanged,
  openLayer,
  sourceChanged,
  type LayerFile,
  type OpenLayer,
} from './layer-file.js';
import { StackTables } from './stack-tables.js';

/** Like `BlockMap`, with the layer that answers. `layers[i]` is meaningful unless the state is UNALLOCATED. */
export interface StackMap {
  readonly states: Uint8Array;
  readonly layers: Uint16Array;
  readonly hostOffsets: Float64Array;
}

/** As many as a map can name with 16 bits. Nobody keeps chains of such a length: a day has 1,440 minutes. */
const MAX_LAYERS = 65_536;

/** The images of one disk at one restore point, top first, read as the guest saw the disk. A layer that is shorter than those above it ends
 *  the search behind its end: what the layers below hold there was gone when the disk was shrunk, and reads as zeros ever since. */
export class ImageStack {
  /** Memory of the last answer of an image. */
  private layerMap: BlockMap | undefined;
  /** Of the layers that are open, from the top. */
  readonly images: DiskImage[] = [];
  private readonly opened: OpenLayer[] = [];
  /** For each open layer, how far into the disk it is seen through the layers above it and by itself. */
  private readonly seenBytes: number[] = [];
  private readonly tables: StackTables;
  private opening: Promise<void> = Promise.resolve();

  private constructor(
    private readonly context: MoverContext,
    /** Those below an open one that builds on nothing are taken away; those that are open have the marks of their writers. */
    readonly layers: LayerFile[],
  ) {
    this.tables = new StackTables(layers.every(({ isOwn }) => isOwn === true));
  }

  /** @param count of layers that are opened now, from the top; the others when they are needed: a chain may have thousands. Absent: all
   *  @throws SOURCE_CHANGED when a file is not what its stamp says, IMAGE_… when one cannot be read, or there are more than a map can name */
  static async open(
    context: MoverContext,
    layers: readonly LayerFile[],
    count = layers.length,
  ): Promise<ImageStack> {
    if (layers.length > MAX_LAYERS) throw tooDeep(layers);
    const stack = new ImageStack(context, [...layers]);
    try {
      await stack.ensure(count);
      return stack;
    } catch (error) {
      await stack.close();
      throw error;
    }
  }

  /** Opens the first `count` layers, as far as there are so many. One after the other: several may ask at once.
   *  @throws what `open` throws */
  async ensure(count: number): Promise<void> {
    if (this.images.length >= Math.min(count, this.layers.length)) return;
    const before = this.opening;
    this.opening = (async () => {
      await before.catch(() => undefined);
      while (this.images.length < Math.min(count, this.layers.length)) await this.openNext();
    })();
    await this.opening;
  }

  private async openNext(): Promise<void> {
    const index = this.images.length;
    const layer = this.layers[index]!;
    const opened = await openLayer(this.context, layer);
    const { image } = opened;
    try {
      const above = this.images[index - 1];
      if (above !== undefined) assertLinked(this.layers[index - 1]!, above, layer, image);
      // A merge or a synthetic full may just have turned this file into a full: then nothing below it counts any more.
      if (image.parent === null) this.layers.length = index + 1;
      else if (index === this.layers.length - 1) throw endsTooSoon(layer, image.parent);
      this.tables.add(image);
      this.opened.push(opened);
      this.seenBytes.push(Math.min(this.seenBytes.at(-1) ?? Infinity, image.virtualSizeBytes));
      this.images.push(image);
      const { writeMark } = image;
      // Own chains are written to under locks, by whoever heals them.
      if (writeMark !== undefined && layer.stamp !== null)
        this.layers[index] = { ...layer, writeMark };
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  /** @throws what `open` throws */
  async file(layer: number): Promise<ReadableFile> {
    await this.ensure(layer + 1);
    return this.opened[layer]!.file;
  }

  /** null: there is no such layer. @throws what `open` throws */
  async image(layer: number): Promise<DiskImage | null> {
    await this.ensure(layer + 1);
    return this.images[layer] ?? null;
  }

  get virtualSizeBytes(): number {
    return this.images[0]!.virtualSizeBytes;
  }

  get linkId(): string | null {
    return this.images[0]!.linkId;
  }

  get dialect(): Dialect {
    return this.images[0]!.dialect;
  }

  /** What a file of this format keeps of the disk: of one that is copied into another format that format knows nothing. */
  dialectFor(format: FormatId): Dialect {
    return this.layers[0]!.format === format ? this.dialect : PLAIN_DIALECT;
  }

  get blockCount(): number {
    return Math.ceil(this.virtualSizeBytes / BLOCK_BYTES);
  }

  /** Fills `target` with what the guest saw at `offset`; zeros beyond the disk. */
  async read(target: Uint8Array, offset: number): Promise<void> {
    await this.readFrom(0, target, offset);
  }

  private async readFrom(index: number, target: Uint8Array, offset: number): Promise<void> {
    await this.ensure(index + 1);
    const isBottom = index === this.layers.length - 1;
    const readBelow = (part: Uint8Array, at: number): Promise<void> => {
      this.tables.used(index);
      return this.readFrom(index + 1, part, at);
    };
    await this.images[index]!.read(target, offset, isBottom ? null : readBelow);
    this.tables.used(index);
  }

  /** Where each guest block's content lies, seen from the top. The first `layerLimit` layers only: what they do not hold is UNALLOCATED.
   *  What they cut off of the layer below them, because one of them is shorter, is ZERO.
   *  @param reuse an earlier answer that is not needed any more: its memory is taken when it has the same length */
  async mapBlocks(
    firstBlock: number,
    count: number,
    layerLimit = this.layers.length,
    reuse?: StackMap,
  ): Promise<StackMap> {
    // One more: it is cut off where those above it are shorter.
    await this.ensure(layerLimit + 1);
    const layers = reuse?.layers.length === count ? reuse.layers : new Uint16Array(count);
    const map: StackMap = { ...emptyBlockMap(count, reuse), layers };
    const end = Math.min(layerLimit, this.layers.length);
    for (let layer = 0; layer < end; layer++) {
      const open = await this.mapLayer(layer, firstBlock, map);
      if (open === 0) break;
    }
    this.mapCutOff(firstBlock, map, end);
    return map;
  }

  /** First block from `block` on that one of the first `layerLimit` layers may hold or cut off; behind the disk when none does. These layers
   *  and the one below them must be open. */
  nextHeldBlock(block: number, layerLimit = this.layers.length): number {
    if (this.images.length < Math.min(layerLimit + 1, this.layers.length))
      throw new Error('a layer is asked for that is not open');
    const images = this.images.slice(0, layerLimit);
    const { first, end } = this.cutOff(layerLimit);
    const nextCutOff = Math.max(block, first);
    return Math.min(
      this.blockCount,
      nextCutOff < end ? nextCutOff : Infinity,
      ...images.map((image) => heldWithin(image, block)),
    );
  }

  /** Settles what `layer` holds of the blocks that are still open; returns how many stay open. */
  private async mapLayer(layer: number, firstBlock: number, map: StackMap): Promise<number> {
    const seenFromAbove = this.seenBytes[layer - 1] ?? Infinity;
    const reachedBlocks = Math.ceil(seenFromAbove / BLOCK_BYTES) - firstBlock;
    if (reachedBlocks <= 0) return 0;
    const image = this.images[layer]!;
    const reuse = this.layerMap;
    this.layerMap = undefined; // nobody else may take it meanwhile
    const own = await image.mapBlocks(firstBlock, map.states.length, reuse);
    this.tables.used(layer);
    // A block that passes the end of a layer is put together by `read`, which knows about the zeros behind the end.
    const wholeBlocks = Math.floor(this.seenBytes[layer]! / BLOCK_BYTES) - firstBlock;
    let open = 0;
    for (let i = 0; i < Math.min(reachedBlocks, map.states.length); i++) {
      if (map.states[i] !== BLOCK_UNALLOCATED) continue;
      const state = own.states[i]!;
      if (state === BLOCK_UNALLOCATED) {
        open++;
        continue;
      }
      map.states[i] = state === BLOCK_DIRECT && i >= wholeBlocks ? BLOCK_ENCODED : state;
      map.layers[i] = layer;
      map.hostOffsets[i] = own.hostOffsets[i]!;
    }
    this.layerMap = own;
    return open;
  }

  /** Settles what is still open of the blocks that the first `layerLimit` layers cut off. */
  private mapCutOff(firstBlock: number, map: StackMap, layerLimit: number): void {
    const { first, end, isFirstWhole } = this.cutOff(layerLimit);
    const from = Math.max(first - firstBlock, 0);
    for (let i = from; i < Math.min(end - firstBlock, map.states.length); i++) {
      if (map.states[i] !== BLOCK_UNALLOCATED) continue;
      const isPart = firstBlock + i === first && !isFirstWhole;
      map.states[i] = isPart ? BLOCK_ENCODED : BLOCK_ZERO;
      map.layers[i] = layerLimit - 1;
    }
  }

  /** Blocks from `first` to before `end` that the layer below the first `layerLimit` ones may hold and that are not seen through them: one
   *  of them is shorter. Of the first one a part may be seen. None when nothing lies below. */
  private cutOff(layerLimit: number): { first: number; end: number; isFirstWhole: boolean } {
    const seen = this.seenBytes[layerLimit - 1] ?? Infinity;
    const belowBytes = this.images[layerLimit]?.virtualSizeBytes ?? 0;
    const shownBytes = Math.min(belowBytes, this.virtualSizeBytes);
    if (shownBytes <= seen) return { first: 0, end: 0, isFirstWhole: true };
    const first = Math.floor(seen / BLOCK_BYTES);
    const end = Math.ceil(shownBytes / BLOCK_BYTES);
    return { first, end, isFirstWhole: seen % BLOCK_BYTES === 0 };
  }

  /** The files that it was opened with, as they go into a plan: those that were read with the marks of their writers.
   *  @throws SOURCE_CHANGED when a tool has one of them open, which was closed at the look */
  planned(files: readonly LayerFile[]): LayerFile[] {
    return files.map((file, i) => {
      if (this.images[i]?.isOpen === true && file.stamp !== null)
        throw sourceChanged(file, file.path, 'is open: its log is not empty');
      return this.layers[i] ?? file;
    });
  }

  /** A block at the end of the file may be short there; anything shorter than the file was when opened means it was cut.
   *  @throws SOURCE_CHANGED */
  assertEndsAt(layer: number, endBytes: number): void {
    if (endBytes < this.opened[layer]!.sizeBytes) throw sourceChanged(this.layers[layer]!);
  }

  /** Of the layers that are open: nothing was taken from the others.
   *  @throws SOURCE_CHANGED when a file was written, cut or exchanged since it was opened */
  async assertUnchanged(context: MoverContext): Promise<void> {
    for (const layer of this.layers.slice(0, this.images.length))
      await assertLayerUnchanged(context, layer);
  }

  async close(): Promise<void> {
    for (const layer of this.opened) await layer.close();
  }
}

/** Infinity when it holds none. Of a disk that grew the layers below are shorter, and behind their end there is nothing to look at. */
function heldWithin(image: DiskImage, block: number): number {
  const next = image.nextHeldBlock(block);
  return next * BLOCK_BYTES < image.virtualSizeBytes ? next : Infinity;
}

/** The catalogue knows by names which image builds on which; where the format has more to tell a parent by, that must be right, too: one that was
 *  written to after the image was made on it shows something else through it.
 *  @throws IMAGE_BACKING_REFUSED */
function assertLinked(
  layer: LayerFile,
  { parent }: DiskImage,
  belowLayer: LayerFile,
  below: DiskImage,
): void {
  const expected = parent?.linkId ?? null;
  if (expected === null || expected === below.linkId) return;
  if (parent?.otherLinkId !== undefined && parent.otherLinkId === below.linkId) return;
  throw new BackupError(
    'IMAGE_BACKING_REFUSED',
    `${layer.path} was made on a parent with the id ${expected}; ${belowLayer.path} has ${below.linkId ?? 'none'}`,
    { details: { path: layer.path } },
  );
}

function tooDeep(layers: readonly LayerFile[]): BackupError {
  const { path } = layers[0]!;
  return new BackupError(
    'IMAGE_LIMIT_EXCEEDED',
    `${path} stands on a chain of ${layers.length} files; at most ${MAX_LAYERS} are read as one disk`,
    { details: { path, seen: layers.length, max: MAX_LAYERS } },
  );
}

function endsTooSoon({ path }: LayerFile, parent: ParentLink): BackupError {
  return new BackupError(
    'IMAGE_BACKING_REFUSED',
    `${path} is an increment (it names the parent "${parent.name}"), but its chain ends here`,
    { details: { path } },
  );
}
