import {
  digestEntryOf,
  digestEntryOffset,
  HOLE,
  digestTableHeader,
  readDigestTableHeader,
  readEntriesAt,
} from '../../chain/digests/digest-table.js';
import { unitDigest } from '../../chain/digests/digest.js';
import { BLOCK_BYTES, DIGEST_BYTES, type DigestAlgorithm } from '../../domain/targets/digest.js';
import { FileUnits, isPlain, type PlacedSlots } from '../../domain/targets/file-units.js';
import { BLOCK_DIRECT, type BlockMap, type DiskImage, MAP_BLOCKS } from '../../image/disk-image.js';
import type { ImageFormat } from '../../image/image-format.js';
import { withRunBuffer } from '../../image/run-buffer.js';
import type { ReadableFile, WritableFile } from '../../repository/backup-repository.js';
import { fileByteSource } from '../../image/byte-source.js';
import { copyWhole } from '../blocks/file-bytes.js';
import { UnitSet } from '../blocks/unit-set.js';
import type { TablesCopyWriter } from '../blocks/tables-copy.js';
import type { MoverContext } from '../task/mover-context.js';

/** Writes the digest table of a merged file. A block that came from the increment, and was compared with it, has the increment's digest; a
 *  block that was in the full already keeps the full's digest, so a merge never launders a block that had gone bad; everything else
 *  (header, tables, clusters that nothing refers to) was proven before the merge, and is read and digested anew. */
export async function writeMergedDigests(
  context: MoverContext,
  input: {
    merged: ReadableFile;
    format: ImageFormat;
    /** Where they lie in the merged file. */
    slots: PlacedSlots;
    fullTable: ReadableFile;
    increment: DiskImage;
    incrementTable: ReadableFile;
    table: WritableFile;
    tables: TablesCopyWriter;
    algorithm: DigestAlgorithm;
  },
): Promise<void> {
  const { merged, increment, fullTable, table, algorithm } = input;
  const image = await input.format.open(await fileByteSource(merged));
  const units = new FileUnits(input.slots, (await merged.stamp()).sizeBytes);
  const before = await readDigestTableHeader(fullTable);
  if (!isSamePlacement(before.units.slots, units.slots))
    throw new Error(`${merged.path}: a merge has moved the slots`);
  const added = await readDigestTableHeader(input.incrementTable);
  await table.truncate(0);
  await copyWhole(fullTable, table);
  await table.truncate(digestEntryOffset(units.count));
  const digests = new MergedDigests(input, units, added.units);
  const blockCount = Math.ceil(image.virtualSizeBytes / BLOCK_BYTES);
  let now: BlockMap | undefined;
  let brought: BlockMap | undefined;
  // What the increment holds, the merged file holds.
  for (
    let first = image.nextHeldBlock(0);
    first < blockCount;
    first = image.nextHeldBlock(first + MAP_BLOCKS)
  ) {
    context.control.throwIfStopped();
    const count = Math.min(MAP_BLOCKS, blockCount - first);
    now = await image.mapBlocks(first, count, now);
    digests.settle(now);
    brought = await increment.mapBlocks(first, count, brought);
    await digests.takeOver(now, brought);
  }
  await digests.digestRest(() => context.control.throwIfStopped());
  await input.tables.finish();
  await table.write(digestTableHeader({ algorithm, units }), 0);
  await table.sync();
}

type Input = Parameters<typeof writeMergedDigests>[1];

/** Whether a slot has the same unit in both files, however many there are. */
function isSamePlacement(a: PlacedSlots, b: PlacedSlots): boolean {
  if (isPlain(a) || isPlain(b)) return isPlain(a) && isPlain(b);
  const { headBytes, groupSlots, prefixBytes } = b;
  return a.headBytes === headBytes && a.groupSlots === groupSlots && a.prefixBytes === prefixBytes;
}

/** Blocks of the increment from `first` on that lie side by side in both files, so that their digests do in both tables; 0 when the first
 *  is not stored in it. */
function runLength(now: BlockMap, added: BlockMap, first: number): number {
  const isBehind = ({ hostOffsets }: BlockMap, i: number): boolean =>
    hostOffsets[i]! - hostOffsets[first]! === (i - first) * BLOCK_BYTES;
  let length = 0;
  for (let i = first; i < added.states.length && length < MAX_ENTRIES; i++, length++)
    if (added.states[i] !== BLOCK_DIRECT || !isBehind(now, i) || !isBehind(added, i)) break;
  return length;
}

/** Digests that are taken over together. */
const MAX_ENTRIES = 4096;

class MergedDigests {
  /** Units whose entry is right. */
  private readonly settled: UnitSet;
  private readonly entries = Buffer.alloc(MAX_ENTRIES * DIGEST_BYTES);
  private readonly digest;

  constructor(
    private readonly input: Input,
    private readonly units: FileUnits,
    private readonly unitsOfIncrement: FileUnits,
  ) {
    this.settled = new UnitSet(units.count);
    this.digest = unitDigest(input.algorithm);
  }

  /** Stored blocks have the full's digest or get the increment's. */
  settle({ states, hostOffsets }: BlockMap): void {
    for (let i = 0; i < states.length; i++) {
      if (states[i] !== BLOCK_DIRECT) continue;
      this.settled.add(this.units.unitAt(hostOffsets[i]!));
    }
  }

  /** Writes the increment's digests of the blocks that it brought. */
  async takeOver(now: BlockMap, added: BlockMap): Promise<void> {
    const { incrementTable, table } = this.input;
    const from = { file: incrementTable, units: this.unitsOfIncrement };
    for (let i = 0; i < added.states.length;) {
      const length = runLength(now, added, i);
      if (length > 0) {
        const entries = this.entries.subarray(0, length * DIGEST_BYTES);
        await readEntriesAt(from, added.hostOffsets[i]!, entries);
        await table.write(entries, digestEntryOffset(this.units.unitAt(now.hostOffsets[i]!)));
      }
      i += Math.max(1, length);
    }
  }

  /** Digests anew what is no stored block. */
  async digestRest(throwIfStopped: () => void): Promise<void> {
    await withRunBuffer((buffer) =>
      this.digestRestIn(buffer.subarray(0, BLOCK_BYTES), throwIfStopped),
    );
  }

  private async digestRestIn(bytes: Buffer, throwIfStopped: () => void): Promise<void> {
    const { merged, table, tables } = this.input;
    for (let unit = 0; unit < this.units.count; unit++) {
      if (this.settled.has(unit)) continue;
      throwIfStopped();
      const { offset, length } = this.units.rangeOf(unit);
      const digested = bytes.subarray(0, this.units.digestedBytes(unit));
      digested.fill(0, await merged.read(digested.subarray(0, length), offset));
      const entry = digestEntryOf(digested, this.digest);
      await table.write(entry, digestEntryOffset(unit));
      if (entry !== HOLE) await tables.add(unit, digested);
    }
  }
}
