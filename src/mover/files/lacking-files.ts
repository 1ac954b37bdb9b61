import {
  joinLacking,
  lackingPoints,
  NOTHING_LACKING,
  withheldFiles,
  type LackingPoints,
} from '../../domain/trees/withheld-files.js';
import type { TreeRules } from '../../domain/trees/tree-rules.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { readNote, treeStaged, writeNote, type TreePlan } from './tree-plan.js';

/** As it lies beside the plan. */
interface LackingNote {
  readonly token: string;
  /** Of the classes that were published, in their order. */
  readonly classes: readonly { readonly class: string; readonly lacking: LackingPoints }[];
}

/** Notes that files of a class could not be copied, before anything is copied that may refer to them. Done again it ends in the same state. */
export async function noteLacking(
  target: BackupRepository,
  tree: string,
  plan: TreePlan,
  rules: TreeRules,
  classIndex: number,
  paths: ReadonlySet<string>,
): Promise<void> {
  const name = plan.classes[classIndex]!.class;
  const before = await noted(target, tree, plan);
  const others = before.filter((entry) => entry.class !== name);
  if (paths.size === 0 && others.length === before.length) return;
  const lacking = lackingPoints(paths, rules, plan.points);
  const note = { token: plan.token, classes: [...others, { class: name, lacking }] };
  await writeNote(target, treeStaged.lacking(tree), note);
}

async function noted(
  target: BackupRepository,
  tree: string,
  plan: TreePlan,
): Promise<LackingNote['classes']> {
  return (await readNote<LackingNote>(target, treeStaged.lacking(tree), plan))?.classes ?? [];
}

/** Which files of a class are held back. */
export async function withheldOf(
  target: BackupRepository,
  tree: string,
  plan: TreePlan,
  rules: TreeRules,
  classIndex: number,
): Promise<(path: string) => boolean> {
  const earlier = new Set(plan.classes.slice(0, classIndex).map((entry) => entry.class));
  const unread = plan.unread.filter((folder) => folder.classIndex < classIndex);
  const ofFolders = lackingPoints(
    unread.map(({ path }) => path),
    rules,
    plan.points,
  );
  const ofFiles = (await noted(target, tree, plan)).filter((entry) => earlier.has(entry.class));
  const all = ofFiles.reduce((sum, { lacking }) => joinLacking(sum, lacking), NOTHING_LACKING);
  return withheldFiles(joinLacking(ofFolders, all), rules, plan.points);
}
