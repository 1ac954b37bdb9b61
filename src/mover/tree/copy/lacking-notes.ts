import {
  heldBack,
  joinLacking,
  NOTHING_LACKING,
  type Lacking,
} from '../../../domain/trees/lacking-files.js';
import type { TreeRules } from '../../../domain/trees/tree-rules.js';
import type { BackupRepository, SourceRepository } from '../../../repository/backup-repository.js';
import {
  classesBefore,
  readNote,
  treeStaged,
  writeNote,
  type PlannedFile,
  type TreePlan,
} from '../tree-plan.js';

/** As it lies beside the plan. */
interface LackingNote {
  readonly token: string;
  /** Of the classes that were published, in their order. */
  readonly classes: readonly { readonly class: string; readonly lacking: Lacking }[];
}

/** Notes that files of a class could not be copied, before anything is copied that may refer to them. Done again it ends in the same state. */
export async function noteLacking(
  target: BackupRepository,
  tree: string,
  plan: TreePlan,
  classIndex: number,
  lacking: Lacking,
): Promise<void> {
  const name = plan.classes[classIndex]!.class;
  const before = await noted(target, tree, plan);
  const others = before.filter((entry) => entry.class !== name);
  if (lacking.faults.count === 0 && others.length === before.length) return;
  const note = { token: plan.token, classes: [...others, { class: name, lacking }] };
  await writeNote(target, treeStaged.lacking(tree), note);
}

async function noted(
  target: SourceRepository,
  tree: string,
  plan: TreePlan,
): Promise<LackingNote['classes']> {
  return (await readNote<LackingNote>(target, treeStaged.lacking(tree), plan))?.classes ?? [];
}

/** Which files of a class are held back. What the copy had it may have again; but no store comes to be of files that are not there (docs/FORMAT.md, Order, W6). */
export async function heldBackOf(
  target: SourceRepository,
  tree: string,
  plan: TreePlan,
  rules: TreeRules,
  classIndex: number,
): Promise<(file: Pick<PlannedFile, 'path' | 'held'>) => boolean> {
  const earlier = classesBefore(plan, classIndex);
  const published = (await noted(target, tree, plan)).filter((entry) => earlier.has(entry.class));
  const looked = plan.lacking.filter((part) => earlier.has(plan.classes[part.classIndex]!.class));
  const all = [...looked, ...published].map(({ lacking }) => lacking);
  const own = plan.lacking.find((part) => part.classIndex === classIndex)?.lacking;
  const inSequence = rules.classes[classIndex]!.inSequence === true;
  const by = { earlier: joinLacking(all), own: own ?? NOTHING_LACKING, inSequence };
  const isHeldBack = heldBack(by, rules, plan.points);
  const { name, makesStore } = rules.classes[classIndex]!;
  const isLast = makesStore === true && plan.order.indexOf(name) > classIndex;
  return ({ path, held }) => (isLast || held?.lost?.isStill !== true) && isHeldBack(path);
}
