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
import { giveRunBuffer, RUN_BYTES, takeRunBuffer } from '../../image/run-buffer.js';
import type { WorkFile, WritableFile } from '../../repository/backup-repository.js';
import { BlockListReader, guestBlockOf, isHoleOffset, layerOf } from '../blocks/block-list.js';
import { readBlocks, readSpacedBlocks, type BlockPlace } from '../blocks/block-reader.js';
import { requireDisk, requirePlan, stagedPath, type DiskPlan } from '../staging/copy-plan.js';
import { HeldUnits } from '../blocks/held-units.js';
import { ImageStack } from '../blocks/image-stack.js';
import type { MoverContext } from '../task/mover-context.js';
import { openTogether, type OpenFiles } from '../task/open-files.js';
import { SourceDigests } from '../blocks/source-digests.js';
import { copyJournal } from '../staging/journals.js';
import { StoredBytes } from '../blocks/stored-bytes.js';
import { hasNotes, JournalWriter } from '../task/window-journal.js';
import type { DoneWindow, WindowWorker } from '../task/window-loop.js';

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
    const composer = composerOf(disk.format);
    const held =
      reuse === undefined ? null : await HeldUnits.open(target, reuse.digestsPath, plan.digest);
    if (held !== null) files.add(held);
    return new CopyWorker({
      context,
      held,
      disk,
      placement: composer.place(disk),
      // What is held already is asked for slot by slot only where the slots lie side by side.
      prefixOf: held === null ? (composer.prefixes?.(disk) ?? null) : null,
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
  /** What stands before the slot of a block; null: nothing, or what only the whole plan tells. */
  readonly prefixOf: ((block: number) => Buffer) | null;
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
  /** Taken where something stands before each slot. */
  private readonly framed: Buffer | null;
  private readonly copy = takeRunBuffer();
  private readonly digests = Buffer.alloc(WINDOW_BLOCKS * DIGEST_BYTES);
  /** Of what stands before each slot and is written with it. */
  private readonly prefixBytes: number;
  /** From one slot of a run to the next. */
  private readonly strideBytes: number;

  constructor(private readonly parts: CopyParts) {
    this.prefixBytes = parts.prefixOf === null ? 0 : parts.placement.prefixBytes;
    this.strideBytes = this.prefixBytes + BLOCK_BYTES;
    this.framed = parts.prefixOf === null ? null : takeRunBuffer();
  }

  async process(window: number): Promise<DoneWindow> {
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
      const count = this.runLength(firstSlot + i, places, i);
      await this.copyRun(firstSlot + i, places.slice(i, i + count), i);
      i += count;
    }
    const copiedCount = places.filter(({ hostOffset }) => !isHoleOffset(hostOffset)).length;
    const digests = Buffer.from(this.digests); // sealed later, while the next window is copied
    const mark = async () => {
      const copied = digests.subarray(0, places.length * DIGEST_BYTES);
      await stored?.assertSlots(placement, firstSlot, copied, digest);
      await journal.seal(window, digests);
      context.control.add('processedBlocks', copiedCount);
    };
    return { bytes: copiedCount * BLOCK_BYTES, mark };
  }

  /** How many slots from this one on are copied together: at most 1 MiB with what stands before them, up to a hole. */
  private runLength(slot: number, places: readonly BlockPlace[], first: number): number {
    const atMost = Math.floor(RUN_BYTES / this.strideBytes);
    const end = Math.min(first + atMost, places.length);
    let i = first + 1;
    while (i < end && !isHoleOffset(places[i]!.hostOffset)) i++;
    return this.prefixBytes > 0 ? i - first : slotRun(this.parts.placement, slot, i - first);
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

  /** The digests are taken from what is read back, so that each block is hashed once: they vouch for the file, and the comparison of the bytes for its
   *  being what the source held. */
  private async copyRun(
    firstSlot: number,
    places: BlockPlace[],
    digestIndex: number,
  ): Promise<void> {
    const { image, digest } = this.parts;
    const written = await this.read(places);
    const isData = places.map((_, i) => !isZeroUnit(this.blockOf(written, i)));
    this.putPrefixes(written, places, isData);
    const runs = runsOf(isData);
    for (const run of runs) if (run.isData) await this.write(written, firstSlot, run);
    const copy = this.copy.subarray(0, written.length);
    copy.fill(0, await image.read(copy, this.offsetOf(firstSlot)));
    for (const run of runs) this.assertAsWritten(written, firstSlot, run);
    for (let i = 0; i < places.length; i++)
      if (isData[i])
        digest(this.blockOf(this.copy, i)).copy(this.digests, (digestIndex + i) * DIGEST_BYTES);
    await this.assertSourceIsGood(places, written, digestIndex);
    await this.countSent(firstSlot, digestIndex, places.length, isData);
  }

  /** The blocks as they are to lie in the file, each behind room for its prefix. */
  private async read(places: readonly BlockPlace[]): Promise<Buffer> {
    const { stack, context } = this.parts;
    const bytes = (this.framed ?? this.buffer).subarray(0, places.length * this.strideBytes);
    if (this.framed === null) await readBlocks(stack, places, bytes, context.control);
    else {
      const spaced = { bytes, gapBytes: this.prefixBytes };
      await readSpacedBlocks(stack, places, spaced, this.buffer, context.control);
    }
    return bytes;
  }

  private putPrefixes(
    written: Buffer,
    places: readonly BlockPlace[],
    isData: readonly boolean[],
  ): void {
    const { prefixOf } = this.parts;
    if (prefixOf === null) return;
    for (const [i, { guestBlock }] of places.entries())
      if (isData[i]!) prefixOf(guestBlock).copy(written, i * this.strideBytes);
  }

  /** Zero blocks leave a hole; each run of others is one write. */
  private async write(written: Buffer, firstSlot: number, run: Run): Promise<void> {
    const { context, image } = this.parts;
    await image.write(this.of(written, run), this.offsetOf(firstSlot + run.start));
    context.control.add('storedBytes', (run.end - run.start) * BLOCK_BYTES);
  }

  /** What was read back. Of zeros what stands before them is left to whoever composes the file.
   *  @throws BLOCK_DIGEST_MISMATCH */
  private assertAsWritten(written: Buffer, firstSlot: number, run: Run): void {
    if (run.isData && this.of(this.copy, run).equals(this.of(written, run))) return;
    for (let i = run.start; i < run.end; i++) {
      const one = { start: i, end: i + 1 };
      const isSame = run.isData
        ? this.of(this.copy, one).equals(this.of(written, one))
        : isZeroUnit(this.blockOf(this.copy, i));
      if (!isSame) throw this.mismatch(firstSlot + i);
    }
  }

  private of(bytes: Buffer, { start, end }: Omit<Run, 'isData'>): Buffer {
    return bytes.subarray(start * this.strideBytes, end * this.strideBytes);
  }

  /** Without its prefix. */
  private blockOf(bytes: Buffer, i: number): Buffer {
    return this.of(bytes, { start: i, end: i + 1 }).subarray(this.prefixBytes);
  }

  /** Where a slot begins, with what is written before it. */
  private offsetOf(slot: number): number {
    return slotOffset(this.parts.placement, slot) - this.prefixBytes;
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
    written: Buffer,
    digestIndex: number,
  ): Promise<void> {
    const { context, stack, sourceDigests, algorithm } = this.parts;
    const digests = this.digests.subarray(digestIndex * DIGEST_BYTES);
    const unitAt = (i: number): Buffer => this.blockOf(written, i);
    try {
      await sourceDigests.assertGood(stack, places, unitAt, { digests, by: algorithm });
    } catch (error) {
      await stack.assertUnchanged(context);
      throw error;
    }
  }

  private mismatch(slot: number): BackupError {
    const { placement, image, disk } = this.parts;
    const offset = slotOffset(placement, slot);
    return new BackupError(
      'BLOCK_DIGEST_MISMATCH',
      `${image.path}: the block at byte ${offset} does not read back as it was written`,
      { details: { path: image.path, offset, disk: disk.disk } },
    );
  }

  async close(): Promise<void> {
    for (const buffer of [this.buffer, this.copy, this.framed])
      if (buffer !== null) giveRunBuffer(buffer);
    await this.parts.files.close();
  }
}

/** Blocks side by side that all are zeros, or all are not. */
interface Run {
  readonly start: number;
  readonly end: number;
  readonly isData: boolean;
}

function runsOf(isData: readonly boolean[]): Run[] {
  const runs: Run[] = [];
  for (let start = 0; start < isData.length;) {
    let end = start + 1;
    while (end < isData.length && isData[end] === isData[start]) end++;
    runs.push({ start, end, isData: isData[start]! });
    start = end;
  }
  return runs;
}
