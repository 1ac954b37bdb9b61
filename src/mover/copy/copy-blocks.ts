import type { PlanReference } from '../../domain/targets/disk-work.js';
import { isZeroUnit, unitDigest, type UnitDigest } from '../../chain/digests/digest.js';
import {
  BLOCK_BYTES,
  DIGEST_BYTES,
  WINDOW_BLOCKS,
  type DigestAlgorithm,
} from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import { slotOffset, slotRun, type SlotPlacement } from '../../domain/targets/slot-placement.js';
import { composerOf } from '../../image/formats.js';
import { giveRunBuffer, RUN_BLOCKS, takeRunBuffer } from '../../image/run-buffer.js';
import type { WorkFile, WritableFile } from '../../repository/backup-repository.js';
import { BlockListReader, guestBlockOf, isHoleOffset, layerOf } from '../blocks/block-list.js';
import { readBlocks, type BlockPlace } from '../blocks/block-reader.js';
import { requireDisk, requirePlan, stagedPath, type DiskPlan } from '../staging/copy-plan.js';
import { HeldUnits } from '../blocks/held-units.js';
import { ImageStack } from '../blocks/image-stack.js';
import type { MoverContext } from '../task/mover-context.js';
import { openTogether, type OpenFiles } from '../task/open-files.js';
import { SourceDigests } from '../blocks/source-digests.js';
import { copyJournal } from '../staging/journals.js';
import { StoredBytes } from '../blocks/stored-bytes.js';
import { hasNotes, JournalWriter } from '../task/window-journal.js';
import type { WindowWorker } from '../task/window-loop.js';

export interface CopyBlocksInput {
  readonly targetRepositoryId: string;
  readonly staging: string;
  readonly reference: PlanReference;
  readonly disk: string;
}

/** Copies windows of planned blocks into the staged file: read, write, read back, compare and digest, sync, seal. Placement follows
 *  from the plan alone, so any window can be copied again, by anyone, with the same result.
 *  @throws SOURCE_CHANGED, STAGING_INVALID, FILE_MISSING when the staged file is gone, STALE_EPOCH, REPOSITORY_FULL, BLOCK_DIGEST_MISMATCH */
export async function openCopyWorker(
  context: MoverContext,
  input: CopyBlocksInput,
): Promise<WindowWorker> {
  const target = await context.repository(input.targetRepositoryId);
  const plan = await requirePlan(target, input.staging, input.reference);
  const disk = requireDisk(plan, input.disk);
  return openTogether(async (files) => {
    const stack = files.add(await ImageStack.open(context, disk.layers, 1));
    const sourceDigests = files.add(await SourceDigests.open(context, stack.layers));
    const open = async (path: string, existing?: 'existing'): Promise<WorkFile> =>
      files.add(await target.openWork(path, plan.token, existing));
    const listPath = stagedPath.blockList(input.staging, disk.disk);
    const list = await open(listPath, 'existing');
    const journal = copyJournal(input.staging, disk.disk, plan.token);
    // One that is gone must not be made anew around what the journal vouches for.
    const isBegun = await hasNotes(target, journal);
    const image = await open(
      stagedPath.image(input.staging, disk),
      isBegun ? 'existing' : undefined,
    );
    // The journal must never vouch for a file whose name a power cut can take away.
    await target.settle([stagedPath.pointFolder(input.staging)]);
    const stored =
      plan.verifyAfterCopy === 'direct'
        ? files.add(await StoredBytes.open(target, stagedPath.image(input.staging, disk)))
        : null;
    const { reuse } = disk;
    const held =
      reuse === undefined ? null : await HeldUnits.open(target, reuse.digestsPath, plan.digest);
    if (held !== null) files.add(held);
    return new CopyWorker({
      context,
      held,
      disk,
      placement: composerOf(disk.format).place(disk),
      stack,
      sourceDigests,
      list: await BlockListReader.open(list, plan.token),
      image,
      stored,
      journal: new JournalWriter(await open(journal.path), journal),
      algorithm: plan.digest,
      digest: unitDigest(plan.digest),
      files,
    });
  });
}

interface CopyParts {
  readonly context: MoverContext;
  readonly disk: DiskPlan;
  readonly placement: SlotPlacement;
  readonly stack: ImageStack;
  readonly sourceDigests: SourceDigests;
  readonly list: BlockListReader;
  readonly image: WritableFile;
  /** null: every block has to be sent. */
  readonly held: HeldUnits | null;
  /** null: the read-back through the page cache is enough. */
  readonly stored: StoredBytes | null;
  readonly journal: JournalWriter;
  readonly algorithm: DigestAlgorithm;
  readonly digest: UnitDigest;
  readonly files: OpenFiles;
}

class CopyWorker implements WindowWorker {
  private readonly buffer = takeRunBuffer();
  private readonly copy = takeRunBuffer();
  private readonly digests = Buffer.alloc(WINDOW_BLOCKS * DIGEST_BYTES);

  constructor(private readonly parts: CopyParts) {}

  async process(window: number): Promise<() => Promise<void>> {
    const { context, placement, stored, journal, digest } = this.parts;
    const firstSlot = window * WINDOW_BLOCKS;
    const places = await this.placesOf(firstSlot);
    this.digests.fill(0);
    for (let i = 0; i < places.length;) {
      if (isHoleOffset(places[i]!.hostOffset)) {
        i++; // nothing was ever written there
        continue;
      }
      context.control.throwIfStopped();
      const count = slotRun(placement, firstSlot + i, runToHole(places, i));
      await this.copyRun(firstSlot + i, places.slice(i, i + count), i);
      i += count;
    }
    const copiedCount = places.filter(({ hostOffset }) => !isHoleOffset(hostOffset)).length;
    const digests = Buffer.from(this.digests); // sealed later, while the next window is copied
    return async () => {
      const copied = digests.subarray(0, places.length * DIGEST_BYTES);
      await stored?.assertSlots(placement, firstSlot, copied, digest);
      await journal.seal(window, digests);
      context.control.add('processedBlocks', copiedCount);
    };
  }

  async sync(): Promise<void> {
    await this.parts.stack.assertUnchanged(this.parts.context);
    await this.parts.image.sync();
  }

  private async placesOf(firstSlot: number): Promise<BlockPlace[]> {
    const pairs = await this.parts.list.read(firstSlot, WINDOW_BLOCKS);
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
    const { context, placement, stack, image, digest } = this.parts;
    const bytes = this.buffer.subarray(0, places.length * BLOCK_BYTES);
    await readBlocks(stack, places, bytes, context.control);
    const isData = places.map((_, i) => !isZeroUnit(unitOf(bytes, i)));
    await this.writeRuns(bytes, isData, firstSlot);
    const copy = this.copy.subarray(0, bytes.length);
    copy.fill(0, await image.read(copy, slotOffset(placement, firstSlot)));
    if (!copy.equals(bytes)) throw this.mismatch(bytes, copy, firstSlot);
    for (let i = 0; i < places.length; i++)
      if (isData[i]) digest(unitOf(copy, i)).copy(this.digests, (digestIndex + i) * DIGEST_BYTES);
    await this.assertSourceIsGood(places, bytes, digestIndex);
    await this.countSent(firstSlot, digestIndex, places.length, isData);
  }

  /** Reading the source is the way to the target here: what the target has already is read all the same, and said not to have been needed. */
  private async countSent(
    firstSlot: number,
    digestIndex: number,
    count: number,
    isData: readonly boolean[],
  ): Promise<void> {
    const { context, held, placement } = this.parts;
    const [from, to] = [digestIndex * DIGEST_BYTES, (digestIndex + count) * DIGEST_BYTES];
    const digests = this.digests.subarray(from, to);
    const reused = (await held?.countSame(slotOffset(placement, firstSlot), digests)) ?? 0;
    const stored = isData.filter(Boolean).length;
    context.control.add('reusedBytes', reused * BLOCK_BYTES);
    context.control.add('transferredBytes', (stored - reused) * BLOCK_BYTES);
  }

  /** Blocks that Longhaul wrote itself must be what it wrote. A digest table that was exchanged meanwhile with its file is a source that
   *  changed, not damage. */
  private async assertSourceIsGood(
    places: readonly BlockPlace[],
    bytes: Buffer,
    digestIndex: number,
  ): Promise<void> {
    const { context, stack, sourceDigests, algorithm } = this.parts;
    const digests = this.digests.subarray(digestIndex * DIGEST_BYTES);
    try {
      await sourceDigests.assertGood(stack, places, bytes, { digests, by: algorithm });
    } catch (error) {
      await stack.assertUnchanged(context);
      throw error;
    }
  }

  /** Zero blocks leave a hole; each run of others is one write. */
  private async writeRuns(bytes: Buffer, isData: boolean[], firstSlot: number): Promise<void> {
    const { context, placement, image } = this.parts;
    let start = -1;
    for (let i = 0; i <= isData.length; i++) {
      if (isData[i] === true) {
        if (start < 0) start = i;
      } else if (start >= 0) {
        const run = bytes.subarray(start * BLOCK_BYTES, i * BLOCK_BYTES);
        await image.write(run, slotOffset(placement, firstSlot + start));
        context.control.add('storedBytes', run.length);
        start = -1;
      }
    }
  }

  private mismatch(bytes: Buffer, copy: Buffer, firstSlot: number): BackupError {
    const { placement, image, disk } = this.parts;
    let i = 0;
    while (unitOf(bytes, i).equals(unitOf(copy, i))) i++;
    const offset = slotOffset(placement, firstSlot + i);
    return new BackupError(
      'BLOCK_DIGEST_MISMATCH',
      `${image.path}: the block at byte ${offset} does not read back as it was written`,
      { details: { path: image.path, offset, disk: disk.disk } },
    );
  }

  async close(): Promise<void> {
    giveRunBuffer(this.buffer);
    giveRunBuffer(this.copy);
    await this.parts.files.close();
  }
}

/** How many places from `first` on, at most 1 MiB of them, are followed by no hole. */
function runToHole(places: readonly BlockPlace[], first: number): number {
  const end = Math.min(first + RUN_BLOCKS, places.length);
  let i = first + 1;
  while (i < end && !isHoleOffset(places[i]!.hostOffset)) i++;
  return i - first;
}

function unitOf(bytes: Buffer, i: number): Buffer {
  return bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
}
