import { readLeases } from '../../../chain/leases.js';
import { withNeeds } from '../../../domain/trees/needed-points.js';
import { pointsNeededBy } from '../../../domain/trees/points-for-restore.js';
import type { TreePoint } from '../../../domain/trees/source-tree.js';
import type { TargetTreePoint } from '../../../domain/trees/target-tree.js';
import { copyAgesFrom } from '../../../domain/trees/tree-dates.js';
import { agedPoints } from '../../../domain/trees/tree-points.js';
import type { FileStamp } from '../../../domain/file-stamp.js';
import { classOf, isOfOneBackup, type TreeRules } from '../../../domain/trees/tree-rules.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import { immutableIds } from '../change/remove-files.js';

interface FixedFilesInput {
  readonly target: SourceRepository;
  /** Folder of the tree's copy. */
  readonly chain: string;
  readonly immutableForDays: number;
  readonly nowMs: number;
  readonly rules: TreeRules;
}

/** Files of sets that get no other content for now: those of a point that is immutable or being restored, and of what it needs. A health check needs none of that: it
 *  compares with the index as it is when it ends.
 *  @param shown all that the source shows */
export async function fixedFiles(
  { target, chain, immutableForDays, nowMs, rules }: FixedFilesInput,
  points: readonly TargetTreePoint[],
  shown: readonly TreePoint[],
): Promise<FixedFiles> {
  const fixed = new FixedFiles(rules);
  if (rules.shape !== 'sets') return fixed;
  const { named, doubtful } = await readLeases(target, chain, nowMs, ['restore']);
  const read = doubtful.some(({ isUnreadable }) => isUnreadable)
    ? points
    : [...named].flatMap((id) => pointsNeededBy(points, id, rules).points);
  // No copy tells that time goes on while what comes has to wait for those that are there.
  const asOfMs = copyAgesFrom(points, nowMs, shown);
  const immutable = new Set(immutableIds(points, { immutableForDays, nowMs, asOfMs }));
  const needed = withNeeds(agedPoints(points, nowMs), immutable, rules);
  const whole = shown.filter(({ state }) => state === 'complete');
  const shownAt = new Map(whole.map(({ id, createdAtMs }) => [id, createdAtMs]));
  for (const { files, source, createdAt } of points) {
    if (!needed.has(source.restorePointId)) continue;
    fixed.add(files ?? [], shownAt.get(source.restorePointId) === Date.parse(createdAt));
  }
  for (const { files } of read) fixed.add(files ?? [], false);
  return fixed;
}

export class FixedFiles {
  /** Whether it may get longer, by path. */
  readonly #mayGrow = new Map<string, boolean>();

  constructor(private readonly rules: Pick<TreeRules, 'classes'>) {}

  /** @param mayGrow their tool still shows the very point: where it adds its backups to one file, that is in the longer one, too */
  add(paths: readonly string[], mayGrow: boolean): void {
    for (const path of paths) this.#mayGrow.set(path, mayGrow && this.#mayGrow.get(path) !== false);
  }

  /** What tools replace, or add to, by design is no backup of its own: such files go with what comes. */
  has(path: string, before: FileStamp, now: FileStamp): boolean {
    const mayGrow = this.#mayGrow.get(path);
    const fileClass = this.rules.classes[classOf(this.rules, path) ?? -1];
    const { content, isOfStore } = fileClass ?? {};
    if (isOfStore?.(path) === true) return false;
    const isOnce = isOfOneBackup(this.rules, path);
    if (mayGrow === undefined || (content !== 'rewritten' && !isOnce)) return false;
    return isOnce || !mayGrow || now.sizeBytes <= before.sizeBytes;
  }

  /** Of those: what the copy holds may be the beginning of it, copied when it was not whole yet. Its bytes tell. */
  mayGoOn(path: string, before: FileStamp, now: FileStamp): boolean {
    return this.#mayGrow.get(path) === true && now.sizeBytes > before.sizeBytes;
  }
}
