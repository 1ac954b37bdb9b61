import { changingPoints, goingPoints, type ChainRecord } from '../../chain/chain-record.js';
import { readChainRecord } from '../../chain/chain-store.js';
import { isBackupError } from '../../domain/errors.js';
import type { TargetRestorePoint } from '../../domain/targets/target-point.js';
import type { SourceRepository } from '../../repository/backup-repository.js';

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

const MAX_LOOKS = 3;

/** Files that a change is about to take, to move or to write into are not judged. Every change is announced in the record before it begins, so what
 *  is found counts only while the record is still the same.
 *  @param record as it was read
 *  @throws errors of kind `unavailable` and the like, which say nothing about the files; as `readChainRecord` */
export async function lostFiles(
  repository: SourceRepository,
  chain: string,
  record: ChainRecord,
): Promise<LostFiles> {
  let judged = record;
  for (let look = 0; look < MAX_LOOKS; look++) {
    const lost = await lostPoints(repository, chain, judged);
    if (lost.size === 0) return { record: judged, lost, isWhole: true };
    const now = await readChainRecord(repository, chain);
    // A folder that went to another job has taken its files along: without a record nobody tells whether it did.
    if (now === null || now.jobId !== record.jobId) break;
    if (now.revision === judged.revision) return { record: judged, lost, isWhole: false };
    judged = now;
  }
  return { record: judged, lost: new Map(), isWhole: false };
}

/** The points as they are to be shown: health checks call damaged what these files tell, and have not looked yet. */
export function withLost<Point extends Pick<TargetRestorePoint, 'id' | 'health'>>(
  points: readonly Point[],
  lost: LostFiles['lost'],
): Point[] {
  return points.map((point) => (lost.has(point.id) ? { ...point, health: 'corrupt' } : point));
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
