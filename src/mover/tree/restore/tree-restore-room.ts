import { digestEntryOffset, HOLE } from '../../../chain/digests/digest-table.js';
import { BLOCK_BYTES, DIGEST_BYTES } from '../../../domain/targets/digest.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import type { FileEntry } from '../../../tree/file-index.js';
import { indexPath } from '../../../tree/tree-paths.js';
import type { MoverContext } from '../../task/mover-context.js';
import { withOpenFiles } from '../../task/open-files.js';
import { lacksRoom, roomOf } from '../../task/restore-destination.js';
import { hasDigest } from '../health/digest-table-proof.js';
import { openLists, windowsOf, type KeptFiles } from '../health/kept-lists.js';
import type { RestoreTreeInput, TreeRestore } from './tree-restore-plan.js';

/** As `assertFolderHolds`, before the first file is written. Zeros of large files leave holes, and are not counted; nor is a large file whose table is not right.
 *  @throws REPOSITORY_FULL */
export async function assertFolderHoldsTree(
  context: MoverContext,
  source: SourceRepository,
  files: KeptFiles,
  { chain, pointId }: RestoreTreeInput,
  { listed }: TreeRestore,
): Promise<void> {
  const { repository: target } = files;
  const room = await roomOf(target);
  if (room === null || listed.sizeBytes <= room.bytes) return;
  let bytes = listed.sizeBytes;
  await withOpenFiles(async (opened) => {
    const lists = opened.add(await openLists(files, listed));
    let last = '';
    for (let window = listed.smallWindows; window < windowsOf(listed); window++) {
      const { file } = await lists.largePart(window);
      if (file.path !== last) bytes -= await bytesOfHoles(context, source, chain, file);
      last = file.path;
    }
  });
  if (bytes <= room.bytes) return;
  throw lacksRoom(target, `the files of ${pointId}`, { bytes, freeBytes: room.freeBytes });
}

async function bytesOfHoles(
  { control }: MoverContext,
  source: SourceRepository,
  chain: string,
  { table, digest, stamp }: FileEntry,
): Promise<number> {
  const path = indexPath(chain, table!);
  if (!(await hasDigest(control, { repository: source, path }, digest))) return stamp.sizeBytes;
  return withOpenFiles(async (opened) => {
    const file = opened.add(await source.openRead(path));
    const units = Math.ceil(stamp.sizeBytes / BLOCK_BYTES);
    const part = Buffer.alloc(ENTRIES_AT_ONCE * DIGEST_BYTES);
    let holes = 0;
    for (let first = 0; first < units; first += ENTRIES_AT_ONCE) {
      control.throwIfStopped();
      const count = Math.min(ENTRIES_AT_ONCE, units - first);
      await file.read(part.subarray(0, count * DIGEST_BYTES), digestEntryOffset(first));
      for (let at = 0; at < count * DIGEST_BYTES; at += DIGEST_BYTES)
        if (part.subarray(at, at + DIGEST_BYTES).equals(HOLE)) holes++;
    }
    return Math.min(stamp.sizeBytes, holes * BLOCK_BYTES);
  });
}

const ENTRIES_AT_ONCE = 4096;
