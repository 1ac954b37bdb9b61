import { isZeroUnit } from '../../chain/digests/digest.js';
import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import { BLOCK_UNALLOCATED, BLOCK_ZERO } from '../../image/disk-image.js';
import { giveRunBuffer, RUN_BLOCKS, takeRunBuffer } from '../../image/run-buffer.js';
import type { WritableFile } from '../../repository/backup-repository.js';
import { placeOf, readBlocks, type BlockPlace } from '../blocks/block-reader.js';
import type { CopyBlocksInput } from '../copy/copy-blocks.js';
import { requireDisk, requirePlan } from '../staging/copy-plan.js';
import { rawRestoreJournal } from '../staging/journals.js';
import { HeldWindows } from '../staging/held-windows.js';
import { ImageStack } from '../blocks/image-stack.js';
import type { MoverContext } from '../task/mover-context.js';
import { openTogether } from '../task/open-files.js';
import { rawPath } from './restore-point.js';
import { SourceDigests } from '../blocks/source-digests.js';
import { JournalWriter } from '../task/window-journal.js';
import type { WindowWorker } from '../task/window-loop.js';

/** Writes windows of guest blocks of a restore point as a raw disk: each block is compared with its digest when it is read, and with what
 *  was read when it is written. */
export async function openRawRestoreWorker(
  context: MoverContext,
  input: CopyBlocksInput,
): Promise<WindowWorker> {
  const target = await context.repository(input.targetRepositoryId);
  const plan = await requirePlan(target, input.staging, input.reference);
  const disk = requireDisk(plan, input.disk);
  const open = (path: string, existing?: 'existing') => target.openWork(path, plan.token, existing);
  return openTogether(async (files) => {
    const stack = files.add(await ImageStack.open(context, disk.layers));
    const { blockCount } = stack;
    const windows = await HeldWindows.read(
      target,
      input.staging,
      { disk: disk.disk, blockCount },
      plan.token,
    );
    const digests = files.add(await SourceDigests.open(context, stack.layers));
    const raw = files.add(await open(rawPath(input.staging, disk.disk), 'existing'));
    const place = rawRestoreJournal(input.staging, disk.disk, plan.token);
    const journal = new JournalWriter(files.add(await open(place.path)), place);
    const window = files.add(
      new RawWindow({ context, stack, digests, raw, virtualSizeBytes: disk.virtualSizeBytes }),
    );
    return {
      async process(number) {
        const { firstBlock, count } = windows.blocksOf(number);
        const bytes = await window.restore(firstBlock, count);
        const mark = async () => {
          await journal.seal(number, NO_PAYLOAD);
          context.control.add('processedBlocks', count);
        };
        return { bytes, mark };
      },
      async sync() {
        await stack.assertUnchanged(context);
        await raw.sync();
      },
      close: () => files.close(),
    };
  });
}

const NO_PAYLOAD = new Uint8Array(0);

interface RawWindowParts {
  readonly context: MoverContext;
  readonly stack: ImageStack;
  readonly digests: SourceDigests;
  readonly raw: WritableFile;
  readonly virtualSizeBytes: number;
}

class RawWindow {
  private readonly buffer = takeRunBuffer();
  private readonly back = takeRunBuffer();

  constructor(private readonly parts: RawWindowParts) {}

  /** @returns bytes that were read */
  async restore(first: number, count: number): Promise<number> {
    const map = await this.parts.stack.mapBlocks(first, count);
    const places: BlockPlace[] = [];
    for (let i = 0; i < count; i++) {
      const state = map.states[i]!;
      if (state === BLOCK_UNALLOCATED || state === BLOCK_ZERO) continue;
      places.push(placeOf(map, i, first));
    }
    for (let i = 0; i < places.length; i += RUN_BLOCKS) {
      this.parts.context.control.throwIfStopped();
      await this.restoreRun(places.slice(i, i + RUN_BLOCKS));
    }
    return places.length * BLOCK_BYTES;
  }

  private async restoreRun(places: readonly BlockPlace[]): Promise<void> {
    await readBlocks(this.parts.stack, places, this.buffer, this.parts.context.control);
    await this.assertGood(places);
    for (const { first, count } of this.dataRuns(places)) {
      const offset = places[first]!.guestBlock * BLOCK_BYTES;
      const length = Math.min(count * BLOCK_BYTES, this.parts.virtualSizeBytes - offset);
      const from = first * BLOCK_BYTES;
      await this.writeBack(this.buffer.subarray(from, from + length), offset);
    }
  }

  /** A digest table that was exchanged meanwhile with its file is a source that changed, not damage. */
  private async assertGood(places: readonly BlockPlace[]): Promise<void> {
    const { context, stack, digests } = this.parts;
    try {
      await digests.assertGood(stack, places, (i) => this.unitOf(i));
    } catch (error) {
      await stack.assertUnchanged(context);
      throw error;
    }
  }

  /** Neighbours on the disk that are not zeros: zeros stay a hole. */
  private dataRuns(places: readonly BlockPlace[]): { first: number; count: number }[] {
    const runs: { first: number; count: number }[] = [];
    for (const [i, { guestBlock }] of places.entries()) {
      if (isZeroUnit(this.unitOf(i))) continue;
      const last = runs.at(-1);
      const isNext =
        last !== undefined &&
        last.first + last.count === i &&
        places[i - 1]!.guestBlock + 1 === guestBlock;
      if (isNext) last.count++;
      else runs.push({ first: i, count: 1 });
    }
    return runs;
  }

  private unitOf(i: number): Buffer {
    return this.buffer.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
  }

  private async writeBack(bytes: Buffer, offset: number): Promise<void> {
    await this.parts.raw.write(bytes, offset);
    const back = this.back.subarray(0, bytes.length);
    await this.parts.raw.read(back, offset);
    if (!back.equals(bytes))
      throw new BackupError(
        'BLOCK_DIGEST_MISMATCH',
        `${this.parts.raw.path}: the blocks from byte ${offset} on do not read back as they were written`,
        { details: { path: this.parts.raw.path, offset } },
      );
    this.parts.context.control.add('transferredBytes', bytes.length);
    this.parts.context.control.add('storedBytes', bytes.length);
  }

  /** Not the files. */
  close(): Promise<void> {
    giveRunBuffer(this.buffer);
    giveRunBuffer(this.back);
    return Promise.resolve();
  }
}
