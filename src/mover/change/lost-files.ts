import { changingPoints, goingPoints, type ChainRecord } from '../../chain/chain-record.js';
import { readChainRecord } from '../../chain/chain-store.js';
import { isBackupError } from '../../domain/errors.js';
import type { TargetRestorePoint } from '../../domain/targets/target-point.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { missedOf } from './standing-record.js';

/** What is wrong with the files of a chain as far as their entries in the folders tell; nothing is read. */
export interface LostFiles {
  /** The record by which they were judged. */
  readonly record: ChainRecord;
  /** Points that cannot be restored, with the reason: a file of theirs, or of what they build on, is gone, is no file, or has another length
   *  than the record lists. */
  readonly lost: ReadonlyMap<string, string>;
  /** No file was missed. false as well: what was missed tells nothing, because the record changed or went meanwhile. */
  readonly isWhole: boolean;
}

/** Files that a change is about to take, to move or to write into are not judged.
 *  @param record as it was read
 *  @throws errors of kind `unavailable` and the like, which say nothing about the files; as `readChainRecord` */
export async function lostFiles(
  repository: SourceRepository,
  chain: string,
  record: ChainRecord,
): Promise<LostFiles> {
  const { missed, ...looked } = await missedOf(record, {
    look: (judged) => lostPoints(repository, chain, judged),
    read: () => readChainRecord(repository, chain),
  });
  return { ...looked, lost: missed ?? new Map<string, string>() };
}

async function lostPoints(
  repository: SourceRepository,
  chain: string,
  { points, pending }: ChainRecord,
): Promise<Map<string, string>> {
  const moving = new Set([...goingPoints(pending), ...changingPoints(pending)]);
  const lost = new Map<string, string>();
  for (const point of points) {
    const below = point.parentId === null ? undefined : lost.get(point.parentId);
    const fault =
      below ?? (moving.has(point.id) ? null : await faultOfFiles(repository, chain, point));
    if (fault !== null) lost.set(point.id, fault);
  }
  return lost;
}

async function faultOfFiles(
  repository: SourceRepository,
  chain: string,
  { disks, companions }: Pick<TargetRestorePoint, 'disks' | 'companions'>,
): Promise<string | null> {
  for (const file of [...disks, ...companions]) {
    const fault = await faultOfFile(repository, chain, file);
    if (fault !== null) return fault.words;
  }
  return null;
}

interface EntryFault {
  readonly isMissing: boolean;
  readonly words: string;
}

/** What the entry of a file in its folder shows; null: it is a file of that length.
 *  @throws as `SourceRepository.stat` */
export async function faultOfFile(
  repository: SourceRepository,
  chain: string,
  { path, sizeBytes }: { readonly path: string; readonly sizeBytes: number },
): Promise<EntryFault | null> {
  const entry = await statIfAllowed(repository, `${chain}/${path}`);
  if (entry === null)
    return { isMissing: true, words: `${path} is missing in the target repository` };
  if (entry.type !== 'file') return { isMissing: false, words: `${path} is not a file` };
  const { stamp } = entry;
  if (stamp.sizeBytes === sizeBytes) return null;
  const words = `${path} has ${stamp.sizeBytes} bytes instead of ${sizeBytes}`;
  return { isMissing: false, words };
}

/** A path that leads through a link leads to no file of a copy. */
export async function statIfAllowed(repository: SourceRepository, path: string) {
  try {
    return await repository.stat(path);
  } catch (error) {
    if (isBackupError(error) && error.code === 'PATH_FORBIDDEN') return null;
    throw error;
  }
}
