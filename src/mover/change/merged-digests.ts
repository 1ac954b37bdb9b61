import {
  digestEntryOffset,
  unitCountOf,
  writeDigestTableHeader,
} from '../../chain/digest-table.js';
import { isZeroUnit, unitDigest } from '../../chain/digest.js';
import { BLOCK_BYTES, DIGEST_BYTES, type DigestAlgorithm } from '../../domain/digest.js';
import { BackupError } from '../../domain/errors.js';
import { BLOCK_DIRECT, type BlockMap, type DiskImage } from '../../image/disk-image.js';
import { openQcow2Image } from '../../image/qcow2/qcow2-image.js';
import type { ReadableFile, WritableFile } from '../../repository/backup-repository.js';
import { RUN_BLOCKS, RUN_BYTES } from '../task/run-buffer.js';
import { fileByteSource } from '../blocks/file-bytes.js';
import type { MoverContext } from '../task/mover-context.js';
import type { TablesCopyWriter } from '../blocks/tables-copy.js';

/** Guest blocks looked at together: 4 GiB of disk. */
const MAP_BLOCKS = 65_536;

/** Writes the digest table of a merged file. A block that came from the increment has the increment's digest, and is read back and
 *  compared; a block that was in the full already keeps the full's digest, so a merge never launders a block that had gone bad; everything
 *  else (header, tables, clusters that nothing refers to) is read and digested anew. */
export async function writeMergedDigests(
  context: MoverContext,
  input: {
    merged: ReadableFile;
    fullTable: ReadableFile;
    increment: DiskImage;
    incrementTable: ReadableFile;
    table: WritableFile;
    tables: TablesCopyWriter;
    algorithm: DigestAlgorithm;
  },
): Promise<void> {
  const { merged, increment, table, algorithm } = input;
  const image = await openQcow2Image(await fileByteSource(merged));
  const fileSizeBytes = (await merged.stamp()).sizeBytes;
  const unitCount = unitCountOf(fileSizeBytes);
  await table.truncate(0);
  await table.truncate(digestEntryOffset(unitCount));
  const digests = new MergedDigests(input, unitCount);
  const blockCount = Math.ceil(image.virtualSizeBytes / BLOCK_BYTES);
  for (let first = 0; first < blockCount; first += MAP_BLOCKS) {
    context.control.throwIfStopped();
    const count = Math.min(MAP_BLOCKS, blockCount - first);
    const now = await image.mapBlocks(first, count);
    const added = await increment.mapBlocks(first, count);
    for (let i = 0; i < count;) {
      const length = runLength(now, added, i);
      if (length > 0) await digests.keep(now, added, i, length);
      i += Math.max(1, length);
    }
  }
  await digests.digestRest();
  await input.tables.finish();
  await writeDigestTableHeader(table, { algorithm, fileSizeBytes, unitCount });
  await table.sync();
}

type Input = Parameters<typeof writeMergedDigests>[1];

/** Stored blocks from `first` on that lie side by side in the merged file and have their digests side by side in one table; 0 when the
 *  first is not stored. Going by runs and not by blocks halves the time of a merge (docs/PERFORMANCE.md, Merge). */
function runLength(now: BlockMap, added: BlockMap, first: number): number {
  const isAdded = added.states[first] === BLOCK_DIRECT;
  const isNext = (i: number): boolean =>
    now.states[i] === BLOCK_DIRECT &&
    (added.states[i] === BLOCK_DIRECT) === isAdded &&
    isBehind(now, i) &&
    (!isAdded || isBehind(added, i));
  const isBehind = ({ hostOffsets }: BlockMap, i: number): boolean =>
    hostOffsets[i]! - hostOffsets[first]! === (i - first) * BLOCK_BYTES;
  let length = 0;
  while (length < RUN_BLOCKS && first + length < now.states.length && isNext(first + length))
    length++;
  return length;
}

class MergedDigests {
  /** One bit a unit. */
  private readonly settled: Uint8Array;
  private readonly bytes = Buffer.alloc(RUN_BYTES);
  private readonly entries = Buffer.alloc(RUN_BLOCKS * DIGEST_BYTES);
  private readonly digest;

  constructor(
    private readonly input: Input,
    private readonly unitCount: number,
  ) {
    this.settled = new Uint8Array(Math.ceil(unitCount / 8));
    this.digest = unitDigest(input.algorithm);
  }

  /** Takes over the digests of a run of stored blocks. */
  async keep(now: BlockMap, added: BlockMap, i: number, length: number): Promise<void> {
    const { incrementTable, fullTable, table } = this.input;
    const isAdded = added.states[i] === BLOCK_DIRECT;
    const unit = now.hostOffsets[i]! / BLOCK_BYTES;
    const from = isAdded ? incrementTable : fullTable;
    const fromUnit = isAdded ? added.hostOffsets[i]! / BLOCK_BYTES : unit;
    const entries = this.entries.subarray(0, length * DIGEST_BYTES);
    await from.read(entries, digestEntryOffset(fromUnit));
    if (isAdded) await this.assertMerged(unit, entries);
    await table.write(entries, digestEntryOffset(unit));
    for (let k = unit; k < unit + length; k++) this.settled[k >> 3]! |= 1 << (k & 7);
  }

  private async assertMerged(firstUnit: number, entries: Buffer): Promise<void> {
    const count = entries.length / DIGEST_BYTES;
    const bytes = await this.read(firstUnit, count);
    for (let k = 0; k < count; k++) {
      const expected = entries.subarray(k * DIGEST_BYTES, (k + 1) * DIGEST_BYTES);
      if (this.digest(bytes.subarray(k * BLOCK_BYTES, (k + 1) * BLOCK_BYTES)).equals(expected))
        continue;
      const { path } = this.input.merged;
      const offset = (firstUnit + k) * BLOCK_BYTES;
      throw new BackupError(
        'BLOCK_DIGEST_MISMATCH',
        `${path}: the merged block at byte ${offset} does not read back as it was written`,
        { details: { path, offset } },
      );
    }
  }

  /** Digests anew what no stored block settled. */
  async digestRest(): Promise<void> {
    for (let unit = 0; unit < this.unitCount; unit++) {
      if (((this.settled[unit >> 3]! >> (unit & 7)) & 1) === 1) continue;
      const bytes = await this.read(unit, 1);
      if (isZeroUnit(bytes)) continue;
      await this.input.table.write(this.digest(bytes), digestEntryOffset(unit));
      await this.input.tables.add(unit, bytes);
    }
  }

  private async read(firstUnit: number, count: number): Promise<Buffer> {
    const bytes = this.bytes.subarray(0, count * BLOCK_BYTES);
    bytes.fill(0, await this.input.merged.read(bytes, firstUnit * BLOCK_BYTES));
    return bytes;
  }
}
