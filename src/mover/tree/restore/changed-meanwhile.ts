import { isBackupError } from '../../../domain/errors.js';
import { FaultList, type FileFault, type FileFaults } from '../../../domain/trees/file-faults.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import { readTreeRecord } from '../../../tree/tree-store.js';
import { readStagedLines } from '../staged-list.js';
import { parsePlannedLine, readTreePlan, treeStaged } from '../tree-plan.js';
import { stayingFiles } from '../whole-tree.js';

/** A file that is not what the index said of it when it was listed. */
export interface NotAsListed extends FileFault {
  readonly digest: string;
}

/** Which of the files that could not be read as they were listed are damaged, and which were replaced or removed since: they are something else in the index by now, or a session
 *  that has not come to its end gives them another content. While the copy changes under each look, all count as changed; where its index cannot be read though
 *  nothing has changed it, all as damaged.
 *  @throws only when the storage cannot be reached: what was restored has its names by now, and is told */
export async function toldApart(
  repository: SourceRepository,
  tree: string,
  found: readonly NotAsListed[],
): Promise<{ readonly damaged: FileFaults; readonly changed: FileFaults }> {
  const [damaged, changed] = [new FaultList(), new FaultList()];
  if (found.length > 0) {
    const isStill = await stillLooked(repository, tree, found);
    for (const { path, reason, digest } of found)
      (isStill(digest, path) ? damaged : changed).add({ path, reason });
  }
  return { damaged: damaged.faults, changed: changed.faults };
}

const LOOKS = 3;

/** A session that commits while it is looked takes lists of its plan and runs of the index away: then what is there by now is read. */
async function stillLooked(
  repository: SourceRepository,
  tree: string,
  found: readonly NotAsListed[],
): Promise<(digest: string, path: string) => boolean> {
  for (let look = 0; look < LOOKS; look++) {
    const revision = await revisionOf(repository, tree);
    try {
      const still = await stillListed(repository, tree, found);
      return (digest, path) => still.has(`${digest} ${path}`);
    } catch (error) {
      if (!isOfContents(error)) throw error;
      const isAtRest = revision === (await revisionOf(repository, tree));
      // Lists that are gone at one look may be those of a plan that has just ended: the next look finds no plan.
      const isDamage =
        isBackupError(error, 'CHAIN_RECORD_CORRUPT') ||
        (isBackupError(error, 'STAGING_INVALID') && look === LOOKS - 1);
      if (isAtRest && isDamage) return () => true;
    }
  }
  return () => false;
}

/** null: none can be read. */
async function revisionOf(repository: SourceRepository, tree: string): Promise<number | null> {
  try {
    return (await readTreeRecord(repository, tree))?.revision ?? null;
  } catch (error) {
    if (!isOfContents(error)) throw error;
    return null;
  }
}

/** What lies there is gone, or is not what it should be: a list that is just being written is none yet. */
function isOfContents(error: unknown): boolean {
  return (
    isBackupError(error, 'STAGING_INVALID') ||
    isBackupError(error, 'FILE_MISSING') ||
    isBackupError(error, 'CHAIN_RECORD_CORRUPT')
  );
}

/** Digest and path of those that are in the copy as they were, as far as anybody knows. */
async function stillListed(
  repository: SourceRepository,
  tree: string,
  found: readonly NotAsListed[],
): Promise<Set<string>> {
  const paths = new Set(found.map(({ path }) => path));
  // In this order: what is copied meanwhile is in the plan, or in the index that is read afterwards.
  for (const path of await plannedAmong(repository, tree, paths)) paths.delete(path);
  const record = await readTreeRecord(repository, tree);
  const still = new Set<string>();
  if (record === null) return still;
  for await (const part of stayingFiles(repository, tree, record))
    for (const { path, digest } of part) if (paths.has(path)) still.add(`${digest} ${path}`);
  return still;
}

async function plannedAmong(
  repository: SourceRepository,
  tree: string,
  paths: ReadonlySet<string>,
): Promise<string[]> {
  const plan = await readTreePlan(repository, tree);
  const planned: string[] = [];
  for (const index of plan?.classes.keys() ?? [])
    for (const list of ['small', 'large'] as const) {
      const place = treeStaged.list(tree, index, list);
      const { smallCount, largeCount } = plan!.classes[index]!;
      const lineCount = list === 'small' ? smallCount : largeCount;
      for await (const files of readStagedLines(repository, place, lineCount, parsePlannedLine))
        for (const { path, held, stamp } of files) {
          const staysSame = held?.isFixed === true && held.sizeBytes === stamp.sizeBytes;
          if (paths.has(path) && !staysSame) planned.push(path);
        }
    }
  return planned;
}
