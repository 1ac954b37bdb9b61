import { digestEntryOffset } from '../../chain/digest-table.js';
import { isZeroUnit, unitDigest, type UnitDigest } from '../../chain/digest.js';
import { BLOCK_BYTES, DIGEST_BYTES, WINDOW_BLOCKS } from '../../domain/digest.js';
import { BackupError } from '../../domain/errors.js';
import { giveRunBuffer, RUN_BLOCKS, takeRunBuffer } from '../../image/run-buffer.js';
import type { WritableFile } from '../../repository/backup-repository.js';
import { BlockListReader, guestBlockOf, layerOf } from '../blocks/block-list.js';
import { readBlocks, type BlockPlace } from '../blocks/block-reader.js';
import {
  requireDisk,
  requirePlan,
  stagedPath,
  type DiskPlan,
  type PlanReference,
} from '../staging/copy-plan.js';
import { ImageStack } from '../blocks/image-stack.js';
import type { MoverContext } from '../task/mover-context.js';
import { openTogether, type OpenFiles } from '../task/open-files.js';
import { SourceDigests } from '../blocks/source-digests.js';
import { sealOf, writeSeal } from '../staging/copy-cursor.js';
import type { WindowWorker } from '../task/window-loop.js';

export interface CopyBlocksInput {
  readonly targetRepositoryId: string;
  readonly staging: string;
  readonly reference: PlanReference;
  readonly disk: string;
}

/** The k-th planned block lies in slot k, behind the header cluster. */
export function slotOffset(slot: number): number {
  return (1 + slot) * BLOCK_BYTES;
}

/** Copies windows of planned blocks into the staged file: read, write, read back, compare and digest, sync, seal. Placement follows
 *  from the plan alone, so any window can be copied again, by anyone, with the same result.
 *  @throws SOURCE_CHANGED, STAGING_INVALID, STALE_EPOCH, REPOSITORY_FULL, BLOCK_DIGEST_MISMATCH */
export async function openCopyWorker(
  context: MoverContext,
  input: CopyBlocksInput,
): Promise<WindowWorker> {
  const target = await context.repository(input.targetRepositoryId);
  const plan = await requirePlan(target, input.staging, input.reference);
  const disk = requireDisk(plan, input.disk);
  return openTogether(async (files) => {
    const stack = files.add(await ImageStack.open(context, disk.layers));
    const sourceDigests = files.add(await SourceDigests.open(context, stack.layers));
    const open = async (path: string): Promise<WritableFile> =>
      files.add(await target.openWrite(path, 'open-or-new'));
    const listPath = stagedPath.blockList(input.staging, disk.disk);
    const list = files.add(await target.openRead(listPath));
    const image = await open(stagedPath.image(input.staging, disk));
    const digests = await open(stagedPath.digests(input.staging, disk.disk));
    // The cursor must never vouch for a file whose name a power cut can take away.
    await target.syncFolder(stagedPath.pointFolder(input.staging));
    return new CopyWorker(
      context,
      disk,
      stack,
      sourceDigests,
      await BlockListReader.open(list, plan.token),
      image,
      digests,
      await open(stagedPath.cursor(input.staging, disk.disk)),
      unitDigest(plan.algorithm),
      files,
    );
  });
}

class CopyWorker implements WindowWorker {
  private readonly buffer = takeRunBuffer();
  private readonly copy = takeRunBuffer();
  private readonly digests = Buffer.alloc(WINDOW_BLOCKS * DIGEST_BYTES);

  constructor(
    private readonly context: MoverContext,
    private readonly disk: DiskPlan,
    private readonly stack: ImageStack,
    private readonly sourceDigests: SourceDigests,
    private readonly list: BlockListReader,
    private readonly image: WritableFile,
    private readonly digestTable: WritableFile,
    private readonly cursor: WritableFile,
    private readonly digest: UnitDigest,
    private readonly files: OpenFiles,
  ) {}

  async process(window: number): Promise<() => Promise<void>> {
    const { control } = this.context;
    const firstSlot = window * WINDOW_BLOCKS;
    const places = await this.placesOf(firstSlot);
    this.digests.fill(0);
    for (let i = 0; i < places.length; i += RUN_BLOCKS) {
      control.throwIfStopped();
      await this.copyRun(firstSlot + i, places.slice(i, i + RUN_BLOCKS), i);
    }
    const digests = this.digests.subarray(0, places.length * DIGEST_BYTES);
    await this.digestTable.write(digests, digestEntryOffset(1 + firstSlot));
    const seal = sealOf(digests);
    return async () => {
      await writeSeal(this.cursor, window, seal);
      control.add('processedBlocks', places.length);
    };
  }

  async sync(): Promise<void> {
    await this.stack.assertUnchanged(this.context);
    await this.image.sync();
  }

  private async placesOf(firstSlot: number): Promise<BlockPlace[]> {
    const pairs = await this.list.read(firstSlot, WINDOW_BLOCKS);
    const places: BlockPlace[] = [];
    for (let i = 0; i < pairs.length; i += 2)
      places.push({
        guestBlock: guestBlockOf(pairs[i]!),
        layer: layerOf(pairs[i]!),
        hostOffset: pairs[i + 1]!,
      });
    return places;
  }

  /** At most 1 MiB. The digests are taken from what is read back, so that each block is hashed once: they vouch for the file, and the
   *  comparison of the bytes for its being what the source held. */
  private async copyRun(
    firstSlot: number,
    places: BlockPlace[],
    digestIndex: number,
  ): Promise<void> {
    const bytes = this.buffer.subarray(0, places.length * BLOCK_BYTES);
    await readBlocks(this.stack, places, bytes, this.context.control);
    const isData = places.map((_, i) => !isZeroUnit(unitOf(bytes, i)));
    await this.writeRuns(bytes, isData, firstSlot);
    const copy = this.copy.subarray(0, bytes.length);
    copy.fill(0, await this.image.read(copy, slotOffset(firstSlot)));
    if (!copy.equals(bytes)) throw this.mismatch(bytes, copy, firstSlot);
    for (let i = 0; i < places.length; i++)
      if (isData[i])
        this.digest(unitOf(copy, i)).copy(this.digests, (digestIndex + i) * DIGEST_BYTES);
    await this.assertSourceIsGood(places, bytes, digestIndex);
  }

  /** Blocks that Longhaul wrote itself must be what it wrote. A digest table that was exchanged meanwhile with its file is a source that
   *  changed, not damage. */
  private async assertSourceIsGood(
    places: readonly BlockPlace[],
    bytes: Buffer,
    digestIndex: number,
  ): Promise<void> {
    const digests = this.digests.subarray(digestIndex * DIGEST_BYTES);
    try {
      await this.sourceDigests.assertGood(this.stack, places, bytes, {
        digests,
        by: this.digest,
      });
    } catch (error) {
      await this.stack.assertUnchanged(this.context);
      throw error;
    }
  }

  /** Zero blocks leave a hole; each run of others is one write. */
  private async writeRuns(bytes: Buffer, isData: boolean[], firstSlot: number): Promise<void> {
    let start = -1;
    for (let i = 0; i <= isData.length; i++) {
      if (isData[i] === true) {
        if (start < 0) start = i;
      } else if (start >= 0) {
        const run = bytes.subarray(start * BLOCK_BYTES, i * BLOCK_BYTES);
        await this.image.write(run, slotOffset(firstSlot + start));
        this.context.control.add('transferredBytes', run.length);
        start = -1;
      }
    }
  }

  private mismatch(bytes: Buffer, copy: Buffer, firstSlot: number): BackupError {
    let i = 0;
    while (unitOf(bytes, i).equals(unitOf(copy, i))) i++;
    const offset = slotOffset(firstSlot + i);
    return new BackupError(
      'BLOCK_DIGEST_MISMATCH',
      `${this.image.path}: the block at byte ${offset} does not read back as it was written`,
      { details: { path: this.image.path, offset, disk: this.disk.disk } },
    );
  }

  async close(): Promise<void> {
    giveRunBuffer(this.buffer);
    giveRunBuffer(this.copy);
    await this.files.close();
  }
}

function unitOf(bytes: Buffer, i: number): Buffer {
  return bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
}
