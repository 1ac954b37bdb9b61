import { digestEntryOffset } from '../chain/digest-table.js';
import { isZeroUnit, unitDigest, type UnitDigest } from '../chain/digest.js';
import { BLOCK_BYTES, DIGEST_BYTES, WINDOW_BLOCKS } from '../domain/digest.js';
import { BackupError } from '../domain/errors.js';
import type { WritableFile } from '../repository/backup-repository.js';
import { BlockListReader, guestBlockOf, layerOf } from './block-list.js';
import { readBlocks, RUN_BLOCKS, RUN_BYTES, type BlockPlace } from './block-reader.js';
import { requirePlan, stagedPath, type DiskPlan, type PlanReference } from './copy-plan.js';
import { ImageStack } from './image-stack.js';
import type { MoverContext } from './mover-context.js';
import { SourceDigests } from './source-digests.js';
import { markDone } from './window-cursor.js';
import type { WindowWorker } from './window-loop.js';

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

/** Copies windows of planned blocks into the staged file: read, digest, write, sync, read back and compare, mark as done. Placement follows
 *  from the plan alone, so any window can be copied again, by anyone, with the same result.
 *  @throws SOURCE_CHANGED, STAGING_INVALID, STALE_EPOCH, REPOSITORY_FULL, BLOCK_DIGEST_MISMATCH */
export async function openCopyWorker(
  context: MoverContext,
  input: CopyBlocksInput,
): Promise<WindowWorker> {
  const target = await context.repository(input.targetRepositoryId);
  const plan = await requirePlan(target, input.staging, input.reference);
  const disk = plan.disks.find((entry) => entry.disk === input.disk);
  if (disk === undefined)
    throw new BackupError('STAGING_INVALID', `the plan has no disk ${input.disk}`);
  const files: { close(): Promise<void> }[] = [];
  try {
    const stack = await ImageStack.open(context, disk.layers);
    files.push(stack);
    const sourceDigests = await SourceDigests.open(context, stack.layers);
    files.push(sourceDigests);
    const open = async (path: string): Promise<WritableFile> => {
      const file = await target.openWrite(path, 'open-or-new');
      files.push(file);
      return file;
    };
    const list = await target.openRead(stagedPath.blockList(input.staging, disk.disk));
    files.push(list);
    const image = await open(stagedPath.image(input.staging, disk.disk));
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
  } catch (error) {
    for (const file of files) await file.close();
    throw error;
  }
}

class CopyWorker implements WindowWorker {
  private readonly buffer = Buffer.alloc(RUN_BYTES);
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
    private readonly files: readonly { close(): Promise<void> }[],
  ) {}

  async process(window: number): Promise<void> {
    const { control } = this.context;
    const firstSlot = window * WINDOW_BLOCKS;
    const places = await this.placesOf(firstSlot);
    this.digests.fill(0);
    for (let i = 0; i < places.length; i += RUN_BLOCKS) {
      control.throwIfStopped();
      await this.copyRun(firstSlot + i, places.slice(i, i + RUN_BLOCKS), i);
    }
    await this.stack.assertUnchanged(this.context);
    const digests = this.digests.subarray(0, places.length * DIGEST_BYTES);
    await this.digestTable.write(digests, digestEntryOffset(1 + firstSlot));
    await this.image.sync();
    await this.digestTable.sync();
    await this.verify(firstSlot, places.length);
    await markDone(this.cursor, window);
    control.add('processedBlocks', places.length);
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

  /** At most 1 MiB. Zero blocks leave a hole; each run of others is one write. */
  private async copyRun(
    firstSlot: number,
    places: BlockPlace[],
    digestIndex: number,
  ): Promise<void> {
    await readBlocks(this.stack, places, this.buffer, this.context.control);
    await this.sourceDigests.assertGood(places, this.buffer);
    let runStart = -1;
    for (let i = 0; i <= places.length; i++) {
      const unit = this.buffer.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
      const isData = i < places.length && !isZeroUnit(unit);
      if (isData) {
        this.digest(unit).copy(this.digests, (digestIndex + i) * DIGEST_BYTES);
        if (runStart < 0) runStart = i;
      } else if (runStart >= 0) {
        const bytes = this.buffer.subarray(runStart * BLOCK_BYTES, i * BLOCK_BYTES);
        await this.image.write(bytes, slotOffset(firstSlot + runStart));
        this.context.control.add('transferredBytes', bytes.length);
        runStart = -1;
      }
    }
  }

  /** Reads the window back from the file and compares every digest. */
  private async verify(firstSlot: number, count: number): Promise<void> {
    for (let i = 0; i < count; i += RUN_BLOCKS) {
      const length = Math.min(RUN_BLOCKS, count - i);
      const bytes = this.buffer.subarray(0, length * BLOCK_BYTES);
      const got = await this.image.read(bytes, slotOffset(firstSlot + i));
      bytes.fill(0, got);
      for (let k = 0; k < length; k++) this.verifyUnit(bytes, k, i + k, firstSlot + i + k);
    }
  }

  private verifyUnit(bytes: Buffer, k: number, digestIndex: number, slot: number): void {
    const unit = bytes.subarray(k * BLOCK_BYTES, (k + 1) * BLOCK_BYTES);
    const at = digestIndex * DIGEST_BYTES;
    const expected = this.digests.subarray(at, at + DIGEST_BYTES);
    const isHole = expected.equals(HOLE);
    if (isHole ? isZeroUnit(unit) : this.digest(unit).equals(expected)) return;
    throw new BackupError(
      'BLOCK_DIGEST_MISMATCH',
      `${this.image.path}: the block at byte ${slotOffset(slot)} does not read back as it was written`,
      { details: { path: this.image.path, offset: slotOffset(slot), disk: this.disk.disk } },
    );
  }

  async close(): Promise<void> {
    for (const file of this.files) await file.close();
  }
}

export const HOLE = Buffer.alloc(DIGEST_BYTES);
