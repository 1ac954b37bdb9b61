import { isSameFile, type FileContent } from '../../domain/trees/tree-rules.js';
import type { BackupRepository, Move } from '../../repository/backup-repository.js';
import { treeFile } from '../../tree/tree-paths.js';
import type { TaskControl } from '../task/task-control.js';
import { plannedNames, type PlannedName } from './planned-names.js';
import type { FileOutcome } from './staged-files.js';
import { sourcePath, type PlannedFile, type TreePlan } from './tree-plan.js';

/** `nameless`: the copy lacks the file that it is another name of. */
export type NameOutcome = FileOutcome | 'nameless';

export interface NamesPlace {
  readonly control: TaskControl;
  readonly source: BackupRepository;
  readonly target: BackupRepository;
  readonly tree: string;
  readonly plan: TreePlan;
  readonly classIndex: number;
  readonly content: FileContent;
  /** What came of the files of the plan that were not copied, by path. */
  readonly failed: ReadonlyMap<string, FileOutcome>;
}

/** Names that are made durable together. */
const NAMES_AT_ONCE = 1_024;

/** Gives files of the copy the further names that the source has for them, when all of them are there. Both names are looked at once more: they are names of
 *  one file at this moment, which is the one that was listed. */
export async function* publishNames(
  place: NamesPlace,
): AsyncGenerator<{ readonly file: PlannedFile; readonly outcome: NameOutcome }> {
  const { target, tree, control } = place;
  for await (const part of plannedNames(target, tree, place.classIndex))
    for (let at = 0; at < part.length; at += NAMES_AT_ONCE) {
      const links: Move[] = [];
      for (const name of part.slice(at, at + NAMES_AT_ONCE)) {
        control.throwIfStopped();
        const { file, first } = name;
        const outcome = await outcomeOf(place, name);
        if (outcome === 'copied')
          links.push({ from: treeFile(tree, first), to: treeFile(tree, file.path) });
        yield { file, outcome };
      }
      if (links.length > 0) await target.link!(links, tree);
    }
}

async function outcomeOf(
  { source, target, tree, plan, content, failed }: NamesPlace,
  { file, first }: PlannedName,
): Promise<NameOutcome> {
  const why = failed.get(first);
  if (why !== undefined) return why;
  const now = await source.stat(sourcePath(plan, file.path));
  const other = await source.stat(sourcePath(plan, first));
  if (now === null) return 'gone';
  if (other?.stamp.inode !== now.stamp.inode || !isSameFile(file.stamp, now.stamp, content))
    return 'changed';
  return (await target.stat(treeFile(tree, first))) === null ? 'nameless' : 'copied';
}
