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
  /** Which disk file keeps the chain from being changed, as `firstFileFault` says it; null: none does. */
  readonly fileFault: string | null;
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
  const { lost, fileFault } = missed ?? NOTHING_LOST;
  return { ...looked, lost, fileFault };
}

const NOTHING_LOST: Pick<LostFiles, 'lost' | 'fileFault'> = { lost: new Map(), fileFault: null };

async function lostPoints(repository: SourceRepository, chain: string, record: ChainRecord) {
  const { points, pending } = record;
  const moving = new Set([...goingPoints(pending), ...changingPoints(pending)]);
  const lost = new Map<string, string>();
  let fileFault: string | null = null;
  for (const point of points) {
    const own = moving.has(point.id) ? null : await faultOfFiles(repository, chain, point);
    fileFault ??= own?.isDisk === true && isNews(own, point) ? own.words : null;
    const below = point.parentId === null ? undefined : lost.get(point.parentId);
    const fault = below ?? own?.words;
    if (fault !== undefined) lost.set(point.id, fault);
  }
  return { lost, fileFault, size: lost.size };
}

/** Of several faults the first that is news of a disk, else the first. */
async function faultOfFiles(
  repository: SourceRepository,
  chain: string,
  point: Pick<TargetRestorePoint, 'disks' | 'companions' | 'health'>,
): Promise<(EntryFault & { readonly isDisk: boolean }) | null> {
  let first: (EntryFault & { readonly isDisk: boolean }) | null = null;
  for (const file of [...point.disks, ...point.companions]) {
    const fault = await faultOfFile(repository, chain, file);
    if (fault === null) continue;
    const found = { ...fault, isDisk: point.disks.some(({ path }) => path === file.path) };
    if (found.isDisk && isNews(found, point)) return found;
    first ??= found;
  }
  return first;
}

/** A point that is known to be damaged goes as others do, whatever length its files have; what is gone may be back. */
export function isNews(
  { isMissing }: EntryFault,
  { health }: Pick<TargetRestorePoint, 'health'>,
): boolean {
  return isMissing || health !== 'corrupt';
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
