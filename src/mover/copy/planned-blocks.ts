import {
  BLOCK_DIRECT,
  BLOCK_ENCODED,
  BLOCK_UNALLOCATED,
  BLOCK_ZERO,
} from '../../image/disk-image.js';
import type { ComposerTraits } from '../../image/image-format.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { BlockListWriter, ENCODED_OFFSET, packBlock } from '../blocks/block-list.js';
import { BlockBits } from '../blocks/block-bits.js';
import { stagedPath } from '../staging/copy-plan.js';
import { comparisonJournal } from '../staging/journals.js';
import { WindowJournal } from '../task/window-journal.js';
import { HeldWindows } from '../staging/held-windows.js';
import type { ImageStack, StackMap } from '../blocks/image-stack.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles, type OpenFiles } from '../task/open-files.js';

/** Which guest blocks go into the new file. `all`: everything stored (a full). `lineage`: what the first `layerLimit` source images hold.
 *  `compared`: what the comparison with this token found to differ. */
export type ChangeSource =
  | { readonly type: 'all' }
  | { readonly type: 'lineage'; readonly layerLimit: number }
  | { readonly type: 'compared'; readonly token: string };

/** Guest blocks looked at together: their planned blocks are sorted by file offset, which halves the time of an increment against
 *  guest order (docs/PERFORMANCE.md), within 64 MiB of memory whatever the disk's size. */
const SORT_BLOCKS = 1_048_576;
/** One L2 table of a qcow2 file with clusters of 64 KiB. */
const MAP_BLOCKS = 8_192;

export interface PlannedDisk {
  readonly target: BackupRepository;
  readonly staging: string;
  /** Of the plan. */
  readonly token: string;
  readonly disk: string;
  readonly stack: ImageStack;
  readonly changes: ChangeSource;
  /** Of the file that the blocks go into. */
  readonly traits: ComposerTraits;
}

export async function listPlannedBlocks(
  context: MoverContext,
  input: PlannedDisk,
): Promise<{ slotCount: number; zeroBlockCount: number }> {
  const { target, staging, token, disk, stack, changes } = input;
  const open = (path: string) => target.openWrite(path, 'open-or-new');
  return withOpenFiles(async (files) => {
    const blocksFile = files.add(await open(stagedPath.blockList(staging, disk)));
    const zerosFile = files.add(await open(stagedPath.zeroList(staging, disk)));
    await blocksFile.truncate(0);
    await zerosFile.truncate(0);
    const blocks = new BlockListWriter(blocksFile, token);
    const zeros = new ZeroRunWriter(new BlockListWriter(zerosFile, token));
    const part = new PlannedPart(Math.min(SORT_BLOCKS, stack.blockCount), input.traits.slotOrder);
    let map: StackMap | undefined;
    const layerLimit = changes.type === 'lineage' ? changes.layerLimit : undefined;
    const compared = changes.type === 'compared' ? await openCompared(files, input, changes) : null;
    const next = (block: number): number =>
      compared?.windows.nextBlock(block) ?? stack.nextHeldBlock(block, layerLimit);
    for (let first = next(0); first < stack.blockCount; first = next(first + MAP_BLOCKS)) {
      context.control.throwIfStopped();
      const count = Math.min(MAP_BLOCKS, stack.blockCount - first);
      map = await stack.mapBlocks(first, count, layerLimit, map);
      const wanted = compared && (await compared.differing.read(first, count));
      await collect(map, wanted, first, changes.type === 'all' ? null : zeros, part);
      if (part.length + MAP_BLOCKS > SORT_BLOCKS) await part.flush(blocks);
    }
    await part.flush(blocks);
    const zeroBlockCount = await zeros.finish();
    const slotCount = await blocks.finish();
    if (input.traits.slotOrder === 'guest' && slotCount !== stack.blockCount)
      throw new Error(`${slotCount} of ${stack.blockCount} blocks of disk ${disk} have a slot`);
    await target.syncFolder(stagedPath.workFolder(staging));
    return { slotCount, zeroBlockCount };
  });
}

/** A comparison may have found a block that the source does not hold: it is zeros now. */
async function openCompared(
  files: OpenFiles,
  { target, staging, disk, stack }: PlannedDisk,
  { token }: { readonly token: string },
): Promise<{ readonly windows: HeldWindows; readonly differing: BlockBits }> {
  const journal = comparisonJournal(staging, disk, token);
  const noted = files.add(await target.openRead(journal.path));
  const { blockCount } = stack;
  const windows = await HeldWindows.read(target, staging, { disk, blockCount }, token);
  return { windows, differing: new BlockBits(new WindowJournal(noted, journal), windows) };
}

/** @param zeros null in a full, where a block that is not stored reads as zeros anyway */
async function collect(
  map: StackMap,
  wanted: Uint8Array | null,
  first: number,
  zeros: ZeroRunWriter | null,
  part: PlannedPart,
): Promise<void> {
  for (let i = 0; i < map.states.length; i++) {
    const state = map.states[i]!;
    if (wanted !== null && wanted[i] === 0) continue;
    if (state === BLOCK_DIRECT || state === BLOCK_ENCODED)
      part.add(
        packBlock(first + i, map.layers[i]!),
        state === BLOCK_DIRECT ? map.hostOffsets[i]! : ENCODED_OFFSET,
      );
    else if (
      zeros !== null &&
      (state === BLOCK_ZERO || (wanted !== null && state === BLOCK_UNALLOCATED))
    )
      await zeros.add(first + i);
  }
}

/** Planned blocks of one part of the disk, in memory until they are sorted: by layer and file offset, where the slots may have any order. */
class PlannedPart {
  private readonly packed: Float64Array;
  private readonly offsets: Float64Array;
  length = 0;

  constructor(
    capacity: number,
    private readonly slotOrder: ComposerTraits['slotOrder'],
  ) {
    this.packed = new Float64Array(capacity);
    this.offsets = new Float64Array(capacity);
  }

  add(packed: number, offset: number): void {
    this.packed[this.length] = packed;
    this.offsets[this.length] = offset;
    this.length++;
  }

  async flush(writer: BlockListWriter): Promise<void> {
    const order = this.order();
    for (let i = 0; i < this.length; i++) {
      const at = order === null ? i : order[i]!;
      if (i % RESERVED_ENTRIES === 0) await writer.reserve(RESERVED_ENTRIES);
      writer.push(this.packed[at]!, this.offsets[at]!);
    }
    this.length = 0;
  }

  /** null: already in order. A layer's number is in the high bits of `packed`. */
  private order(): Uint32Array | null {
    if (this.slotOrder === 'guest') return null;
    const { packed, offsets, length } = this;
    const layer = (i: number) => Math.floor(packed[i]! / 2 ** 40);
    const compare = (a: number, b: number) =>
      layer(a) - layer(b) || offsets[a]! - offsets[b]! || packed[a]! - packed[b]!;
    let isSorted = true;
    for (let i = 1; i < length && isSorted; i++) isSorted = compare(i - 1, i) <= 0;
    if (isSorted) return null;
    return Uint32Array.from({ length }, (_, i) => i).sort(compare);
  }
}

/** Awaiting each entry would cost more than writing it. */
const RESERVED_ENTRIES = 4096;

class ZeroRunWriter {
  private start = -1;
  private length = 0;
  private total = 0;

  constructor(private readonly writer: BlockListWriter) {}

  async add(block: number): Promise<void> {
    this.total++;
    if (this.start >= 0 && block === this.start + this.length) {
      this.length++;
      return;
    }
    await this.close();
    this.start = block;
    this.length = 1;
  }

  private async close(): Promise<void> {
    if (this.start < 0) return;
    await this.writer.reserve(1);
    this.writer.push(this.start, this.length);
  }

  async finish(): Promise<number> {
    await this.close();
    await this.writer.finish();
    return this.total;
  }
}
