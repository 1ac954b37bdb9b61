import {
  digestEntryOffset,
  HOLE,
  readDigestTableHeader,
} from '../../chain/digests/digest-table.js';
import { BLOCK_BYTES, DIGEST_BYTES } from '../../domain/targets/digest.js';
import type { FileUnits } from '../../domain/targets/file-units.js';
import type { BackupRepository, ReadableFile } from '../../repository/backup-repository.js';
import { BlockListReader, layerOf } from '../blocks/block-list.js';
import type { LayerFile } from '../blocks/layer-file.js';
import { stagedPath, type CopyPlan, type DiskPlan } from '../staging/copy-plan.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles, type OpenFiles } from '../task/open-files.js';
import { lacksRoom, roomOf } from '../task/restore-destination.js';

/** A restore that finds after hours that its folder cannot hold it might have said so at once. Asked before the first block is written, of file systems that
 *  are known to store bytes as they are; blocks of zeros take no room. The least that it can take is counted, so none is refused that would fit.
 *  @throws REPOSITORY_FULL */
export async function assertFolderHolds(
  context: MoverContext,
  target: BackupRepository,
  staging: string,
  plan: CopyPlan,
): Promise<void> {
  const room = await roomOf(target);
  if (room === null) return;
  const { bytes: roomBytes, freeBytes } = room;
  const most = plan.disks.reduce((sum, disk) => sum + disk.slotCount - disk.holeCount, 0);
  if (most * BLOCK_BYTES <= roomBytes) return;
  let blocks = 0;
  for (const disk of plan.disks)
    blocks += await countStored(context, target, staging, plan.token, disk);
  if (blocks * BLOCK_BYTES <= roomBytes) return;
  throw lacksRoom(target, `the disks of ${plan.pointId}`, {
    bytes: blocks * BLOCK_BYTES,
    freeBytes,
  });
}

/** Planned blocks that are not zeros, by their digests. What lies within a file that is kept as it is has none of its own, and is not counted. */
async function countStored(
  context: MoverContext,
  target: BackupRepository,
  staging: string,
  token: string,
  { disk, layers, slotCount }: DiskPlan,
): Promise<number> {
  return withOpenFiles(async (files) => {
    const path = stagedPath.blockList(staging, disk);
    const list = await BlockListReader.open(
      files.add(await target.openWork(path, token, 'existing')),
      token,
    );
    const tables = new Map<number, Promise<StoredUnits | null>>();
    let stored = 0;
    for (let first = 0; first < slotCount; first += ENTRIES_AT_ONCE) {
      context.control.throwIfStopped();
      const pairs = await list.read(first, Math.min(ENTRIES_AT_ONCE, slotCount - first));
      for (let i = 0; i < pairs.length; i += 2) {
        const [layer, offset] = [layerOf(pairs[i]!), pairs[i + 1]!];
        // A hole, or what only an image reader gets.
        if (offset < 0) continue;
        const known = tables.get(layer) ?? openStored(context, layers[layer]!, files);
        tables.set(layer, known);
        if (await (await known)?.isStored(offset)) stored++;
      }
    }
    return stored;
  });
}

const ENTRIES_AT_ONCE = 4096;

async function openStored(
  context: MoverContext,
  { repositoryId, digestsPath, within }: LayerFile,
  files: OpenFiles,
): Promise<StoredUnits | null> {
  if (digestsPath === undefined || within !== undefined) return null;
  const table = files.add(await (await context.source(repositoryId)).openRead(digestsPath));
  return new StoredUnits(table, (await readDigestTableHeader(table)).units);
}

/** Planned blocks lie in the order of their file, so a part of its table serves many of them. */
class StoredUnits {
  private first = -1;
  private readonly part = Buffer.alloc(ENTRIES_AT_ONCE * DIGEST_BYTES);

  constructor(
    private readonly table: ReadableFile,
    private readonly units: FileUnits,
  ) {}

  async isStored(offset: number): Promise<boolean> {
    const unit = this.units.unitAt(offset);
    const first = unit - (unit % ENTRIES_AT_ONCE);
    if (first !== this.first) {
      this.part.fill(0);
      await this.table.read(this.part, digestEntryOffset(first));
      this.first = first;
    }
    const at = (unit - first) * DIGEST_BYTES;
    return !this.part.subarray(at, at + DIGEST_BYTES).equals(HOLE);
  }
}
