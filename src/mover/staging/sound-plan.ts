import { isBackupError, isStorageFault } from '../../domain/errors.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import { BlockListReader } from '../blocks/block-list.js';
import { parentFolder } from '../../repository/repository-path.js';
import { isFileUnread } from '../../repository/unread-file.js';
import {
  publishedFiles,
  readStagedJson,
  stagedPath,
  type ComposedPoint,
  type CopyPlan,
} from './copy-plan.js';
import { copyJournal } from './journals.js';
import { isVouchedAndGone } from '../task/window-journal.js';

/** Whether everything that a plan stands on is there as it was written: its lists, the files that were copied into, and what was composed, when something was. Asked before a
 *  plan is taken up: one that is not sound would fail every session in the same way. Reads the lists, 32 bytes for each MiB of the copy. */
export async function isSoundPlan(
  target: BackupRepository,
  staging: string,
  plan: CopyPlan,
): Promise<boolean> {
  const path = stagedPath.composed(staging);
  if ((await target.stat(path)) !== null) {
    const composed = await readStagedJson<ComposedPoint>(target, path);
    return composed?.token === plan.token && (await areAllThere(target, staging, composed));
  }
  for (const planned of plan.disks) {
    const { disk, slotCount } = planned;
    const journal = copyJournal(staging, disk, plan.token);
    if (await isVouchedAndGone(target, journal, stagedPath.image(staging, planned))) return false;
    const blocks = await soundCount(target, stagedPath.blockList(staging, disk), plan.token);
    const zeros = await soundCount(target, stagedPath.zeroList(staging, disk), plan.token);
    if (blocks !== slotCount || zeros === null) return false;
  }
  return true;
}

/** Each staged still, or with its name already; what a restore has named is not looked for, it names files as they are wanted there. */
async function areAllThere(
  target: SourceRepository,
  staging: string,
  composed: ComposedPoint,
): Promise<boolean> {
  const chain = parentFolder(parentFolder(staging));
  for (const { from, to } of publishedFiles(chain, staging, composed))
    if ((await target.stat(from)) === null && (chain === '' || (await target.stat(to)) === null))
      return false;
  return true;
}

/** Number of entries; null when the list is not whole. */
async function soundCount(
  target: BackupRepository,
  path: string,
  token: string,
): Promise<number | null> {
  try {
    const file = await target.openWork(path, token, 'existing');
    try {
      const list = await BlockListReader.open(file, token);
      await list.assertSound();
      return list.count;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isBackupError(error) && !isStorageFault(error)) return null;
    if (await isFileUnread(target, path, error)) return null;
    throw error;
  }
}
