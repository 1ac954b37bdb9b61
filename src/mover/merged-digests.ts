import { digestEntryOffset, unitCountOf, writeDigestTableHeader } from '../chain/digest-table.js';
import { isZeroUnit, unitDigest } from '../chain/digest.js';
import { BLOCK_BYTES, DIGEST_BYTES, type DigestAlgorithm } from '../domain/digest.js';
import { BackupError } from '../domain/errors.js';
import { BLOCK_DIRECT, type DiskImage } from '../image/disk-image.js';
import { openQcow2Image } from '../image/qcow2/qcow2-image.js';
import type { ReadableFile, WritableFile } from '../repository/backup-repository.js';
import { fileByteSource } from './file-bytes.js';
import type { MoverContext } from './mover-context.js';
import type { TablesCopyWriter } from './tables-copy.js';

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
  const digest = unitDigest(algorithm);
  const image = await openQcow2Image(await fileByteSource(merged));
  const fileSizeBytes = (await merged.stamp()).sizeBytes;
  const unitCount = unitCountOf(fileSizeBytes);
  await table.truncate(0);
  await table.truncate(digestEntryOffset(unitCount));
  const isSettled = new Uint8Array(Math.ceil(unitCount / 8));
  const unit = Buffer.alloc(BLOCK_BYTES);
  const readUnit = async (index: number): Promise<Buffer> => {
    unit.fill(0, await merged.read(unit, index * BLOCK_BYTES));
    return unit;
  };
  const entry = Buffer.alloc(DIGEST_BYTES);
  const blockCount = Math.ceil(image.virtualSizeBytes / BLOCK_BYTES);
  for (let first = 0; first < blockCount; first += MAP_BLOCKS) {
    context.control.throwIfStopped();
    const count = Math.min(MAP_BLOCKS, blockCount - first);
    const now = await image.mapBlocks(first, count);
    const added = await increment.mapBlocks(first, count);
    for (let i = 0; i < count; i++) {
      if (now.states[i] !== BLOCK_DIRECT) continue;
      const index = now.hostOffsets[i]! / BLOCK_BYTES;
      const isAdded = added.states[i] === BLOCK_DIRECT;
      const from = isAdded ? input.incrementTable : input.fullTable;
      const fromIndex = isAdded ? added.hostOffsets[i]! / BLOCK_BYTES : index;
      await from.read(entry, digestEntryOffset(fromIndex));
      if (isAdded && !digest(await readUnit(index)).equals(entry))
        throw new BackupError(
          'BLOCK_DIGEST_MISMATCH',
          `${merged.path}: the merged block at byte ${index * BLOCK_BYTES} does not read back as it was written`,
          { details: { path: merged.path, offset: index * BLOCK_BYTES } },
        );
      await table.write(entry, digestEntryOffset(index));
      isSettled[index >> 3]! |= 1 << (index & 7);
    }
  }
  for (let index = 0; index < unitCount; index++) {
    if (((isSettled[index >> 3]! >> (index & 7)) & 1) === 1) continue;
    const bytes = await readUnit(index);
    if (isZeroUnit(bytes)) continue;
    await table.write(digest(bytes), digestEntryOffset(index));
    await input.tables.add(index, bytes);
  }
  await input.tables.finish();
  await writeDigestTableHeader(table, { algorithm, fileSizeBytes, unitCount });
  await table.sync();
}
