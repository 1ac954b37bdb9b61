import { HOLE } from '../../chain/digests/digest-table.js';
import { isZeroUnit } from '../../chain/digests/digest.js';
import { BLOCK_BYTES, DIGEST_BYTES } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import { BLOCK_UNALLOCATED, BLOCK_ZERO } from '../../image/disk-image.js';
import { giveRunBuffer, RUN_BLOCKS, takeRunBuffer } from '../../image/run-buffer.js';
import { placeOf, readBlocks, type BlockPlace } from '../blocks/block-reader.js';
import { packBits } from '../blocks/block-bits.js';
import { type CopyBlocksInput } from './copy-blocks.js';
import { readStagedJson, stagedPath } from '../staging/copy-plan.js';
import { ImageStack } from '../blocks/image-stack.js';
import { NO_DIGEST, ShownDigests, type BlockDigests } from '../blocks/shown-digests.js';
import type { MoverContext } from '../task/mover-context.js';
import { openTogether, type OpenFiles } from '../task/open-files.js';
import { HeldWindows } from '../staging/held-windows.js';
import type { BlockScan, OwnLayers } from './scan-plan.js';
import { comparisonJournal } from '../staging/journals.js';
import { JournalWriter } from '../task/window-journal.js';
import type { DoneWindow, WindowWorker } from '../task/window-loop.js';

/** Compares windows of guest blocks of the source with the digests of a point of the target and notes which differ.
 *  @throws SOURCE_CHANGED, STAGING_INVALID, STALE_EPOCH */
export async function openScanWorker(
  context: MoverContext,
  input: CopyBlocksInput,
): Promise<WindowWorker> {
  const target = await context.repository(input.targetRepositoryId);
  const scan = await readStagedJson<BlockScan>(target, stagedPath.scan(input.staging));
  const disk = scan?.disks.find((entry) => entry.disk === input.disk);
  if (scan === null || disk === undefined || scan.token !== input.reference.token)
    throw new BackupError('STAGING_INVALID', `the scan in ${input.staging} is not there any more`);
  return openTogether(async (files) => {
    const source = files.add(await ImageStack.open(context, disk.sourceLayers));
    const base = files.add(await ImageStack.open(context, disk.targetLayers));
    const windows = await HeldWindows.read(target, input.staging, disk, scan.token);
    const journal = comparisonJournal(input.staging, disk.disk, scan.token);
    const notes = files.add(await target.openWork(journal.path, scan.token));
    return new ScanWorker({
      context,
      windows,
      ownLayers: disk.ownLayers,
      source,
      base,
      shown: files.add(await ShownDigests.open(target, base, disk.targetLayers)),
      journal: new JournalWriter(notes, journal),
      files,
    });
  });
}

interface ScanParts {
  readonly context: MoverContext;
  readonly windows: HeldWindows;
  readonly ownLayers: OwnLayers | null;
  readonly source: ImageStack;
  readonly base: ImageStack;
  readonly shown: ShownDigests;
  readonly journal: JournalWriter;
  readonly files: OpenFiles;
}

class ScanWorker implements WindowWorker {
  private readonly buffer = takeRunBuffer();

  constructor(private readonly parts: ScanParts) {}

  async process(window: number): Promise<DoneWindow> {
    const { context, windows, source, shown, journal } = this.parts;
    const { control } = context;
    const { firstBlock: first, count } = windows.blocksOf(window);
    const now = await source.mapBlocks(first, count);
    const before = await shown.of(first, count);
    const isCompared = await this.comparedBlocks(first, count);
    const changed = new Uint8Array(count);
    const places: BlockPlace[] = [];
    let bytewise = 0;
    for (let i = 0; i < count; i++) {
      if (!isCompared(i)) continue;
      const known = digestAt(before.digests, i);
      if (known.equals(NO_DIGEST)) {
        changed[i] = (await this.isSameByBytes(first + i)) ? 0 : 1;
        bytewise++;
      } else if (isEmpty(now.states[i]!)) changed[i] = known.equals(HOLE) ? 0 : 1;
      else places.push(placeOf(now, i, first));
    }
    for (let i = 0; i < places.length; i += RUN_BLOCKS) {
      control.throwIfStopped();
      await this.compareRun(places.slice(i, i + RUN_BLOCKS), first, before, changed);
    }
    const mark = async () => {
      await journal.seal(window, packBits(changed));
      control.add('processedBlocks', count);
      control.add(
        'foundBlocks',
        changed.reduce((sum, bit) => sum + bit, 0),
      );
    };
    return { bytes: (bytewise + places.length) * BLOCK_BYTES, mark };
  }

  async sync(): Promise<void> {
    await this.parts.source.assertUnchanged(this.parts.context);
  }

  /** Blocks that neither side's own layers hold come from layers that show the same. */
  private async comparedBlocks(first: number, count: number): Promise<(i: number) => boolean> {
    const { ownLayers, source, base } = this.parts;
    if (ownLayers === null) return () => true;
    const now = await source.mapBlocks(first, count, ownLayers.source);
    const before = await base.mapBlocks(first, count, ownLayers.target);
    return (i) => now.states[i] !== BLOCK_UNALLOCATED || before.states[i] !== BLOCK_UNALLOCATED;
  }

  /** For a block without a digest of its own: what follows the whole blocks of a disk, mostly. */
  private async isSameByBytes(guestBlock: number): Promise<boolean> {
    const now = this.buffer.subarray(0, BLOCK_BYTES);
    const before = this.buffer.subarray(BLOCK_BYTES, 2 * BLOCK_BYTES);
    await this.parts.source.read(now, guestBlock * BLOCK_BYTES);
    await this.parts.base.read(before, guestBlock * BLOCK_BYTES);
    this.parts.context.control.add('readBytes', BLOCK_BYTES);
    return now.equals(before);
  }

  private async compareRun(
    places: readonly BlockPlace[],
    first: number,
    before: BlockDigests,
    changed: Uint8Array,
  ): Promise<void> {
    const { source, context } = this.parts;
    await readBlocks(source, places, this.buffer, context.control);
    for (const [k, { guestBlock }] of places.entries()) {
      const unit = this.buffer.subarray(k * BLOCK_BYTES, (k + 1) * BLOCK_BYTES);
      const i = guestBlock - first;
      const expected = digestAt(before.digests, i);
      // What is no block of zeros there lies in a file, and has its digest by the algorithm of that.
      const isHole = expected.equals(HOLE);
      const isSame =
        isZeroUnit(unit) || isHole
          ? isZeroUnit(unit) && isHole
          : before.madeBy(i)(unit).equals(expected);
      changed[i] = isSame ? 0 : 1;
    }
  }

  async close(): Promise<void> {
    giveRunBuffer(this.buffer);
    await this.parts.files.close();
  }
}

function isEmpty(state: number): boolean {
  return state === BLOCK_UNALLOCATED || state === BLOCK_ZERO;
}

function digestAt(digests: Buffer, i: number): Buffer {
  return digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES);
}
