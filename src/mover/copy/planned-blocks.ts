import { BLOCK_DIRECT, BLOCK_ENCODED, BLOCK_ZERO, MAP_BLOCKS } from '../../image/disk-image.js';
import type { ComposerTraits } from '../../image/image-format.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { BlockListWriter, ENCODED_OFFSET, packBlock, ZERO_OFFSET } from '../blocks/block-list.js';
import { PlannedPart } from './planned-part.js';
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
interface PlannedDisk {
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
): Promise<{ slotCount: number; holeCount: number; zeroBlockCount: number }> {
  const { target, staging, token, disk, stack, changes, traits } = input;
  const open = (path: string) => target.openWork(path, token);
  return withOpenFiles(async (files) => {
    const blocksFile = files.add(await open(stagedPath.blockList(staging, disk)));
    const zerosFile = files.add(await open(stagedPath.zeroList(staging, disk)));
    await blocksFile.truncate(0);
    await zerosFile.truncate(0);
    const blocks = files.add(new BlockListWriter(blocksFile, token));
    const zeros = new ZeroRunWriter(files.add(new BlockListWriter(zerosFile, token)));
    const { granuleBlocks, slotOrder } = traits;
    const part = files.add(new PlannedPart(traits));
    const collector = collectorOf(input, part, zeros);
    let map: StackMap | undefined;
    const layerLimit = changes.type === 'lineage' ? changes.layerLimit : undefined;
    const compared = changes.type === 'compared' ? await openCompared(files, input, changes) : null;
    const nextHeld = (block: number): number =>
      compared?.windows.nextBlock(block) ?? stack.nextHeldBlock(block, layerLimit);
    // A granule is never divided: it lies in one map, and in one part. `block` is where one begins.
    const next = (block: number): number =>
      slotOrder === 'guest'
        ? block
        : Math.max(block, Math.floor(nextHeld(block) / granuleBlocks) * granuleBlocks);
    for (let first = next(0); first < stack.blockCount; first = next(first + MAP_BLOCKS)) {
      context.control.throwIfStopped();
      const count = Math.min(MAP_BLOCKS, stack.blockCount - first);
      map = await stack.mapBlocks(first, count, layerLimit, map);
      const wanted = compared && (await compared.differing.read(first, count));
      await collector.collect(map, wanted, first);
      if (part.length + MAP_BLOCKS > SORT_BLOCKS) await part.flush(blocks);
    }
    await part.flush(blocks);
    const zeroBlockCount = await zeros.finish();
    const slotCount = await blocks.finish();
    if (slotOrder === 'guest' && slotCount !== stack.blockCount)
      throw new Error(`${slotCount} of ${stack.blockCount} blocks of disk ${disk} have a slot`);
    await target.settle([stagedPath.workFolder(staging)]);
    return { slotCount, holeCount: blocks.holeCount, zeroBlockCount };
  });
}

function collectorOf(
  { changes, traits: { slotOrder, zeros } }: PlannedDisk,
  part: PlannedPart,
  zeroRuns: ZeroRunWriter,
): Collector {
  const isGapless = slotOrder === 'guest';
  const hasSlots = isGapless || zeros === 'stored';
  if (changes.type === 'all' && !isGapless) return new Collector(part, null, false);
  const addZeros = (block: number) =>
    hasSlots ? part.add(packBlock(block, 0), ZERO_OFFSET) : zeroRuns.add(block);
  return new Collector(part, addZeros, isGapless);
}

/** A comparison may have found a block that the source does not hold: it is zeros now. */
async function openCompared(
  files: OpenFiles,
  { target, staging, disk, stack }: PlannedDisk,
  { token }: { readonly token: string },
): Promise<{ readonly windows: HeldWindows; readonly differing: BlockBits }> {
  const journal = comparisonJournal(staging, disk, token);
  const noted = files.add(await target.openWork(journal.path, token, 'existing'));
  const { blockCount } = stack;
  const windows = await HeldWindows.read(target, staging, { disk, blockCount }, token);
  return { windows, differing: new BlockBits(new WindowJournal(noted, journal), windows) };
}

/** Of one map of the disk: what is copied, and what is known to be zeros. */
class Collector {
  constructor(
    private readonly part: PlannedPart,
    /** What a block of zeros becomes; null in a full, where a block that is not stored reads as zeros anyway. */
    private readonly addZeros: ((block: number) => void | Promise<void>) | null,
    /** Every block has a slot. */
    private readonly isGapless: boolean,
  ) {}

  /** @param wanted null: all */
  async collect(map: StackMap, wanted: Uint8Array | null, first: number): Promise<void> {
    for (let i = 0; i < map.states.length; i++) {
      const state = map.states[i]!;
      if (wanted !== null && wanted[i] === 0) continue;
      if (state === BLOCK_DIRECT || state === BLOCK_ENCODED)
        this.part.add(
          packBlock(first + i, map.layers[i]!),
          state === BLOCK_DIRECT ? map.hostOffsets[i]! : ENCODED_OFFSET,
        );
      else if (this.isGapless || state === BLOCK_ZERO || wanted !== null)
        await this.addZeros?.(first + i);
    }
  }
}

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
