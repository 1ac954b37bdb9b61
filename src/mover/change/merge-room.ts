import { randomBytes } from 'node:crypto';
import { stagingFolder } from '../../chain/chain-paths.js';
import type { ChainPlace } from '../../chain/chain-place.js';
import { BackupError } from '../../domain/errors.js';
import { BLOCK_BYTES, DIGEST_BYTES } from '../../domain/targets/digest.js';
import { mergeStagingId } from '../../domain/targets/staging-id.js';
import type { TargetDisk, TargetRestorePoint } from '../../domain/targets/target-point.js';
import { fileByteSource } from '../../image/byte-source.js';
import { BLOCK_DIRECT, MAP_BLOCKS, type BlockMap } from '../../image/disk-image.js';
import { imageFormat } from '../../image/formats.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { newToken } from '../staging/copy-plan.js';
import { withOpenFiles } from '../task/open-files.js';

/** For the record, folders, and what a file system takes beside the bytes of a file. */
const MARGIN_BYTES = 256 * 1024;
/** Up to here room is tried where the storage says that there is less: what it tells is what any user may take, and root may take more. */
const TRIED_BYTES = 16 * 1024 * 1024;

/** A merge that was announced must go on, and until it has nothing else of its chain can be merged or deleted. So there has to be room for all of
 *  it before.
 *  @throws REPOSITORY_FULL */
export async function assertRoomToMerge(
  place: ChainPlace,
  full: TargetRestorePoint,
  increment: TargetRestorePoint,
  look: () => void,
): Promise<void> {
  const { repository, chain } = place;
  const { totalBytes, freeBytes } = await repository.capacity();
  // Some storages behind a mount do not tell.
  if (totalBytes === 0) return;
  const pairs = pairsOf(full, increment);
  const tablesBytes = await bytesOfTables(place, pairs);
  // Nearly always there is as much, and no file need be opened to know it.
  const mostBytes = pairs.reduce((sum, { disk }) => sum + mostNewBytes(disk), 0);
  if (tablesBytes + mostBytes <= freeBytes) return;
  let neededBytes = tablesBytes;
  for (const { base, disk } of pairs) {
    const grownBytes = await bytesOfNewBlocks(place, base, disk, look);
    neededBytes += grownBytes + Math.ceil(grownBytes / BLOCK_BYTES) * DIGEST_BYTES;
  }
  if (neededBytes <= freeBytes) return;
  if (neededBytes <= TRIED_BYTES)
    return tryRoom(repository, stagingFolder(chain, mergeStagingId(increment.id)), neededBytes);
  throw new BackupError(
    'REPOSITORY_FULL',
    `merging ${increment.id} into ${full.id} may take ${neededBytes} bytes, and ${freeBytes} are free`,
  );
}

interface MergedPair {
  readonly base: TargetDisk;
  readonly disk: TargetDisk;
}

function pairsOf(full: TargetRestorePoint, increment: TargetRestorePoint): MergedPair[] {
  return increment.disks.flatMap((disk) => {
    const base = full.disks.find((entry) => entry.disk === disk.disk);
    return disk.kind === 'full' || base === undefined ? [] : [{ base, disk }];
  });
}

/** Digests and copies of tables, which are written anew, and what is beside them. */
async function bytesOfTables(
  { repository, chain }: ChainPlace,
  pairs: readonly MergedPair[],
): Promise<number> {
  let bytes = MARGIN_BYTES;
  for (const { base, disk } of pairs)
    for (const path of [base.digests.path, base.tablesPath, disk.tablesPath])
      bytes += (await repository.stat(`${chain}/${path}`))?.stamp.sizeBytes ?? 0;
  return bytes;
}

/** More than `bytesOfNewBlocks` with their digests: new blocks and their tables lie in the increment, and reference counts take little beside them. */
function mostNewBytes({ sizeBytes }: TargetDisk): number {
  return 4 * sizeBytes + 1024 * 1024;
}

/** Blocks that the full has not, with the tables that they need in its file, and copies of these: a table for each part of the disk in which
 *  blocks are new, and their reference counts. */
async function bytesOfNewBlocks(
  { repository, chain }: ChainPlace,
  base: TargetDisk,
  increment: TargetDisk,
  look: () => void,
): Promise<number> {
  return withOpenFiles(async (files) => {
    const open = async ({ format, path }: TargetDisk) => {
      const file = files.add(await repository.openRead(`${chain}/${path}`));
      return imageFormat(format).open(await fileByteSource(file));
    };
    const [has, adds] = [await open(base), await open(increment)];
    const blockCount = Math.ceil(adds.virtualSizeBytes / BLOCK_BYTES);
    let [blocks, tables] = [0, 0];
    let [had, added]: [BlockMap?, BlockMap?] = [];
    for (let first = adds.nextHeldBlock(0); first < blockCount;) {
      look();
      // Parts as wide as a table of 64 KiB.
      const end = Math.min(blockCount, first - (first % MAP_BLOCKS) + MAP_BLOCKS);
      had = await has.mapBlocks(first, end - first, had);
      added = await adds.mapBlocks(first, end - first, added);
      const { states } = had;
      const lacking = added.states.filter(
        (state, index) => state === BLOCK_DIRECT && states[index] !== BLOCK_DIRECT,
      ).length;
      blocks += lacking;
      if (lacking > 0) tables++;
      first = adds.nextHeldBlock(end);
    }
    if (blocks === 0) return 0;
    const counts = 2 + Math.ceil((blocks + tables) / BLOCKS_COUNTED);
    return (blocks + 2 * (tables + counts)) * BLOCK_BYTES;
  });
}

/** Reference counts of 16 bits in a block of 64 KiB. */
const BLOCKS_COUNTED = BLOCK_BYTES / 2;

/** Takes the room, and gives it back. Random bytes cannot be made smaller by storage that compresses.
 *  @throws REPOSITORY_FULL */
async function tryRoom(repository: BackupRepository, staging: string, bytes: number) {
  const path = `${staging}/room`;
  await repository.makePlace(staging);
  try {
    const file = await repository.openWork(path, newToken());
    try {
      for (let offset = 0; offset < bytes; offset += BLOCK_BYTES)
        await file.write(randomBytes(Math.min(BLOCK_BYTES, bytes - offset)), offset);
      await file.sync();
    } finally {
      await file.close();
    }
  } finally {
    await repository.removeAll(staging);
  }
}
