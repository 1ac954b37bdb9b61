import { isSameFile, type FileContent } from '../../../domain/trees/tree-rules.js';
import type {
  BackupRepository,
  Move,
  SourceRepository,
} from '../../../repository/backup-repository.js';
import { treeFile } from '../../../tree/tree-paths.js';
import type { TaskControl } from '../../task/task-control.js';
import { plannedNames, type PlannedName } from './planned-names.js';
import { doEach } from './put-each.js';
import type { FileOutcome, NameOutcome } from './staged-files.js';
import { statSource } from '../stat-source.js';
import { statTarget } from '../stat-target.js';
import { sourcePath, type PlannedFile, type TreePlan } from '../tree-plan.js';

interface NamesPlace {
  readonly control: TaskControl;
  readonly source: SourceRepository;
  readonly target: BackupRepository;
  readonly tree: string;
  readonly plan: TreePlan;
  readonly classIndex: number;
  readonly content: FileContent;
  /** What came of the files of the plan that were not copied, by path. */
  readonly failed: ReadonlyMap<string, FileOutcome>;
  /** It may refer to a file that could not be copied. */
  readonly isHeldBack: (file: PlannedFile) => boolean;
}

/** Names that are made durable together. */
const NAMES_AT_ONCE = 1_024;

/** Gives files of the copy the further names that the source has for them, when all of them are there. Both names are looked at once more: they are names of
 *  one file at this moment, which is the one that was listed. */
export async function* publishNames(
  place: NamesPlace,
): AsyncGenerator<{ readonly file: PlannedFile; readonly outcome: NameOutcome }> {
  const { target, tree, control } = place;
  for await (const part of plannedNames(
    target,
    tree,
    place.classIndex,
    place.plan.classes[place.classIndex]!,
  ))
    for (let at = 0; at < part.length; at += NAMES_AT_ONCE) {
      const links: Move[] = [];
      const came: { file: PlannedFile; outcome: NameOutcome; link: Move | null }[] = [];
      for (const name of part.slice(at, at + NAMES_AT_ONCE)) {
        control.throwIfStopped();
        const { file, first } = name;
        const outcome = await outcomeOf(place, name);
        const isGiven = outcome === 'copied';
        const link = { from: treeFile(tree, first), to: treeFile(tree, file.path) };
        if (isGiven) links.push(link);
        came.push({ file, outcome, link: isGiven ? link : null });
      }
      const work = (some: readonly Move[]) => target.link!(some, tree);
      const refused = links.length === 0 ? null : await doEach(links, work);
      for (const { file, outcome, link } of came) {
        const fault = link === null ? undefined : refused?.get(link);
        yield { file, outcome: fault ?? outcome };
      }
    }
}

async function outcomeOf(
  { source, target, tree, plan, content, failed, isHeldBack }: NamesPlace,
  { file, first }: PlannedName,
): Promise<NameOutcome> {
  const why = failed.get(first);
  if (why !== undefined) return why;
  if (isHeldBack(file)) return 'withheld';
  const now = await statSource(source, sourcePath(plan, file.path));
  const other = await statSource(source, sourcePath(plan, first));
  if (typeof now === 'string') return now;
  if (typeof other === 'string') return other === 'gone' ? 'changed' : other;
  const isOneFile =
    other.stamp.inode === now.stamp.inode && other.stamp.changedAtNs === now.stamp.changedAtNs;
  if (!isOneFile || !isSameFile(file.stamp, now.stamp, content)) return 'changed';
  return (await statTarget(target, treeFile(tree, first))) === null ? 'nameless' : 'copied';
}
