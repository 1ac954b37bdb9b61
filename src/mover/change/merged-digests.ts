import {
  digestEntryOf,
  digestEntryOffset,
  HOLE,
  digestTableHeader,
} from '../../chain/digests/digest-table.js';
import { unitDigest } from '../../chain/digests/digest.js';
import { BLOCK_BYTES, DIGEST_BYTES, type DigestAlgorithm } from '../../domain/targets/digest.js';
import { FileUnits, NO_SLOTS } from '../../domain/targets/file-units.js';
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
  const fileSizeBytes = (await merged.stamp()).sizeBytes;
  // A merge puts blocks wherever there is room: there are no slots any more.
  const units = new FileUnits(NO_SLOTS, fileSizeBytes);
  await table.truncate(0);
  await copyWhole(fullTable, table);
  await table.truncate(digestEntryOffset(units.count));
  const digests = new MergedDigests(input, units.count);
  const blockCount = Math.ceil(image.virtualSizeBytes / BLOCK_BYTES);
  let now: BlockMap | undefined;
  let added: BlockMap | undefined;
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
    added = await increment.mapBlocks(first, count, added);
    await digests.takeOver(now, added);
  }
  await digests.digestRest(() => context.control.throwIfStopped());
  await input.tables.finish();
  await table.write(digestTableHeader({ algorithm, units }), 0);
  await table.sync();
}

type Input = Parameters<typeof writeMergedDigests>[1];

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
    private readonly unitCount: number,
  ) {
    this.settled = new UnitSet(unitCount);
    this.digest = unitDigest(input.algorithm);
  }

  /** Stored blocks have the full's digest or get the increment's. */
  settle({ states, hostOffsets }: BlockMap): void {
    for (let i = 0; i < states.length; i++) {
      if (states[i] !== BLOCK_DIRECT) continue;
      this.settled.add(hostOffsets[i]! / BLOCK_BYTES);
    }
  }

  /** Writes the increment's digests of the blocks that it brought. */
  async takeOver(now: BlockMap, added: BlockMap): Promise<void> {
    const { incrementTable, table } = this.input;
    for (let i = 0; i < added.states.length;) {
      const length = runLength(now, added, i);
      if (length > 0) {
        const entries = this.entries.subarray(0, length * DIGEST_BYTES);
        const [from, to] = [added, now].map(({ hostOffsets }) => hostOffsets[i]! / BLOCK_BYTES);
        await incrementTable.read(entries, digestEntryOffset(from!));
        await table.write(entries, digestEntryOffset(to!));
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
    for (let unit = 0; unit < this.unitCount; unit++) {
      if (this.settled.has(unit)) continue;
      throwIfStopped();
      bytes.fill(0, await merged.read(bytes, unit * BLOCK_BYTES));
      const entry = digestEntryOf(bytes, this.digest);
      await table.write(entry, digestEntryOffset(unit));
      if (entry !== HOLE) await tables.add(unit, bytes);
    }
  }
}
