import { faultOfTargetFile, type TargetFileFault } from '../../../domain/trees/one-file-fault.js';
import type { BackupRepository, SmallFile } from '../../../repository/backup-repository.js';

/** Gives small files their names: together, and when the target refuses one of them each for itself, so that the others get theirs.
 *  @returns those that it does not take. When it takes none of several, and not for their names, it is the storage that refuses.
 *  @throws what the storage says of itself */
export async function putEach<T extends SmallFile>(
  target: BackupRepository,
  files: readonly T[],
  desk: string,
  tree: string,
): Promise<ReadonlyMap<T, TargetFileFault>> {
  return doEach(files, (some) => target.putAll(some, desk, tree));
}

/** The same of anything that is done with names of files in the target. */
export async function doEach<T>(
  items: readonly T[],
  work: (some: readonly T[]) => Promise<void>,
): Promise<ReadonlyMap<T, TargetFileFault>> {
  const refused = new Map<T, TargetFileFault>();
  const first = await faultIn(work(items));
  if (first === null) return refused;
  if (items.length === 1) return refused.set(items[0]!, first.outcome);
  for (const item of items) {
    const fault = await faultIn(work([item]));
    if (fault !== null) refused.set(item, fault.outcome);
  }
  const isForNames = [...refused.values()].every((outcome) => outcome === 'nameRefused');
  if (refused.size === items.length && !isForNames) throw first.error;
  return refused;
}

async function faultIn(
  work: Promise<void>,
): Promise<{ readonly outcome: TargetFileFault; readonly error: unknown } | null> {
  try {
    await work;
    return null;
  } catch (error) {
    const outcome = faultOfTargetFile(error);
    if (outcome === null) throw error;
    return { outcome, error };
  }
}
