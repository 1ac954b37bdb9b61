import { randomUUID } from 'node:crypto';
import { BackupError, isBackupError } from '../../../domain/errors.js';
import { awaitedTreePoints, settledTreePoints } from '../../../domain/trees/settled-tree.js';
import { copyOrder } from '../../../domain/trees/copy-order.js';
import {
  agreedAfter,
  pointLosses,
  pointLossTexts,
} from '../../../domain/trees/source-point-losses.js';
import { type SourceTree } from '../../../domain/trees/source-tree.js';
import { counted, firstTexts } from '../../../domain/sentences.js';
import { withHeldFulls } from '../../../domain/trees/held-fulls.js';
import { keepingRemoved } from '../../../domain/trees/lacking-files.js';
import { lossSuspicion, lossText, sourceLossText } from '../../../domain/trees/tree-guard.js';
import { untoldTexts } from '../../../domain/trees/unheard-answers.js';
import type {
  LeftTree,
  PlannedTree,
  TreePlanOutcome,
  TreeWork,
} from '../../../domain/trees/tree-work.js';
import { copiedWithoutGap } from '../../../domain/trees/set-points.js';
import {
  chooseTreePoints,
  copiedAt,
  type ChosenTreePoints,
} from '../../../domain/trees/tree-points.js';
import type { TreeLayout } from '../../../layout/tree-layout.js';
import { filesStandAlone } from '../../../layout/tree-layouts.js';
import { RememberedLists } from '../../../repository/remembered-lists.js';
import { readTreeRecord } from '../../../tree/tree-store.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import type { MoverContext } from '../../task/mover-context.js';
import { findSourceWorkload } from '../../source/source-catalogue.js';
import { compareClass } from './compare-class.js';
import type { ChangeCount } from './count-changes.js';
import { countOf } from './counted-look.js';
import { fixedFiles } from './fixed-files.js';
import { formerCopiesText } from './former-copies.js';
import { lookAtCopy, NOTHING_LOST, type LookedAtCopy } from '../look-at-copy.js';
import { Losses } from './losses.js';
import { missedSince } from './missed-since.js';
import {
  namesOf,
  noRemarks,
  planClass,
  walkOf,
  type PlanTreeInput,
  type Remarks,
  type Seen,
} from './plan-class.js';
import { plannedNotes } from './plan-notes.js';
import { suspicionIn } from './source-suspicion.js';
import { isSame } from './same-tree.js';
import { removeStaleLarge } from './stale-large.js';
import { ComparisonUnfinished } from '../change/compared-files.js';
import { takeKept, takeUnlessRead } from '../change/take-tree.js';
import {
  classIndexOf,
  discardTreeStaging,
  treeStaged,
  type PlannedClass,
  type TreePlan,
  writeTreePlan,
} from '../tree-plan.js';
import { treeOf } from '../tree-of-workload.js';
import { whatIsDue } from './what-is-due.js';
import type { Walk } from './walk-tree.js';

/** Compares the source's tree with its copy, file by file, and writes the lists of what is to be copied. Where nothing is different nothing is written,
 *  not even who has looked.
 *
 *  The last class is looked at first: what was seen of it refers to nothing that was written later, so that what the looks after it find is enough.
 *  @throws WORKLOAD_MISSING, WORKLOAD_CLAIMED_TWICE, CHAIN_FOREIGN, CHAIN_RECORD_CORRUPT, CHAIN_RECORD_LOST */
export async function planTree(
  context: MoverContext,
  input: PlanTreeInput,
): Promise<TreePlanOutcome> {
  try {
    return await planOnce(context, input);
  } catch (error) {
    if (!(error instanceof ComparisonUnfinished)) throw error;
    return { state: 'comparing', ...error.compared };
  }
}

async function planOnce(
  context: MoverContext,
  input: PlanTreeInput,
): Promise<PlannedTree | LeftTree> {
  const seen = await lookAtBoth(context, input).catch(async (error: unknown) => {
    await enterStopped(context, input);
    throw error;
  });
  const { target, layout, known } = seen;
  const isLeft = (await target.stat(treeStaged.folder(input.chain))) !== null;
  const chosen = choosePoints(seen, known);
  const due = isLeft ? 'a run before was stopped' : whatIsDue(seen, chosen);
  const looked = noRemarks();
  const warnings = await firstWarnings(seen, chosen);
  let losses = new Losses(known, layout.rules, NOTHING_LOST, false);
  const told = (remarks: Remarks, lacking = 0, more: readonly string[] = []) =>
    toldOf(seen, chosen, [...warnings, ...more], losses, remarks, lacking);
  let copy: LookedAtCopy | null = null;
  if (known !== null && due === null) {
    // What is lost is told, and tried again, for as long as it is.
    if (known.lost !== undefined || hasUnknown(known))
      copy = await lookAtCopy(target, input.chain, known);
    losses = new Losses(known, layout.rules, copy ?? NOTHING_LOST, false);
    if (await isSame(seen, chosen, looked, losses, copy !== null)) {
      if (losses.unjudged > 0 || hasUnknown(known)) warnings.push(...lossTexts(losses));
      return { state: 'same', reason: 'the copy has all that the source shows', ...told(looked) };
    }
  }
  const isStopped = known !== null && (isLeft || known.pending !== null);
  if (known !== null && !isStopped) {
    copy ??= await lookAtCopy(target, input.chain, known);
    const reason = await targetSuspicion({ ...seen, known }, chosen, copy.lost.count, copy);
    if (reason !== null) return { ...ofTarget(reason), ...told(noRemarks()) };
  }
  const record = await takeUnlessRead(context, input, { layout: layout.name });
  if (typeof record === 'string')
    return { state: 'same', reason: record, ...told(noRemarks(), 0, [record]) };
  // Before what the next look shows again.
  warnings.unshift(...untoldTexts(record, input.hasHeard));
  if (isStopped) {
    // The record says by now what the run before was stopped in, which is no loss. It has taken nothing away.
    copy = await lookAtCopy(target, input.chain, record);
    const reason = await targetSuspicion({ ...seen, known: record }, chosen, copy.missing, copy);
    if (reason !== null) return { ...ofTarget(reason), ...told(noRemarks()) };
  }
  losses = new Losses(record, layout.rules, copy ?? NOTHING_LOST, isStopped);
  const listed = noRemarks();
  const taken = { ...seen, known: record };
  const { plan, suspicion, lostNames, count } = await writePlan(taken, chosen, listed, losses);
  if (suspicion !== null && !input.acceptChanges) {
    await discardTreeStaging(target, input.chain);
    return { state: 'suspicious', reason: suspicion, ...told(listed) };
  }
  warnings.push(...lossTexts(losses));
  if (lostNames > 0) warnings.push(lostNamesText(lostNames));
  return {
    state: 'planned',
    reference: { token: plan.token, epoch: plan.epoch },
    classes: worksOf(plan),
    notes: plannedNotes(seen, record, count, listed),
    ...told(listed, lackingCount(plan, layout)),
  };
}

/** What is told whatever is found to be done. */
async function firstWarnings(seen: Seen, { warnings }: ChosenTreePoints): Promise<string[]> {
  const former = await formerCopiesText(seen.target, seen.input);
  return [...warnings, ...pointWarnings(seen), ...(former === null ? [] : [former])];
}

function pointWarnings({ input, pointLosses: lost }: Seen): string[] {
  return input.acceptChanges ? [] : pointLossTexts(lost);
}

function toldOf(
  { awaited }: Seen,
  { warnings: shownAgain, unusable }: ChosenTreePoints,
  warnings: readonly string[],
  { unjudged }: Losses,
  { faults, waiting, lost }: Remarks,
  lacking: number,
): Omit<LeftTree, 'state' | 'code' | 'reason'> {
  const ofSource = sourceLossText(lost.faults);
  return {
    faults: faults.faults,
    ...(lacking === 0 ? {} : { lacking }),
    ...(unjudged === 0 ? {} : { lost: unjudged }),
    ...(waiting.faults.count === 0 ? {} : { waiting: waiting.faults }),
    warnings: firstTexts(ofSource === null ? warnings : [ofSource, ...warnings]),
    unusable,
    ...(awaited.length === 0 ? {} : { awaited, toldOnce: onceOf(warnings, shownAgain) }),
  };
}

function onceOf(warnings: readonly string[], shownAgain: readonly string[]): readonly string[] {
  return firstTexts(warnings.filter((text) => !shownAgain.includes(text)));
}

function hasUnknown({ points }: TreeRecord): boolean {
  return points.some(({ health }) => health === 'unknown');
}

function lossTexts({ faults }: Losses): string[] {
  const text = lossText(faults);
  return text === null ? [] : [text];
}

function ofTarget(reason: string): Pick<LeftTree, 'state' | 'code' | 'reason'> {
  return { state: 'suspicious', code: 'TARGET_SUSPICIOUS', reason };
}

/** Why so many files of the copy are not there that an operator has to agree before anything is copied. */
async function targetSuspicion(
  seen: Seen & { readonly known: TreeRecord },
  chosen: ChosenTreePoints,
  lost: number,
  { known: all }: LookedAtCopy,
): Promise<string | null> {
  const suspicion = lossSuspicion(lost, all, seen.layout.rules);
  if (suspicion === null || seen.input.acceptChanges) return null;
  const ofSource = await sourceSuspicion(seen, chosen);
  return ofSource === null ? suspicion : `${suspicion}; ${ofSource}`;
}

/** What the same agreement of an operator would take over of the source. Writes nothing. */
async function sourceSuspicion(
  seen: Seen & { readonly known: TreeRecord },
  { points }: ChosenTreePoints,
): Promise<string | null> {
  const { target, input, known, layout } = seen;
  const walk = walkOf(seen, points, noRemarks());
  const count = countOf(seen);
  for (let index = layout.rules.classes.length - 1; index >= 0; index--) {
    const fileClass = layout.rules.classes[index]!;
    await compareClass(walk, target, input.chain, known, index, (is, listed, entry) => {
      count.add(is, fileClass, listed, entry);
      return undefined;
    });
  }
  return suspicionIn(seen, count);
}

function lostNamesText(count: number): string {
  return `${counted(count, 'file is another name of a file', 'files are other names of files')} of the source (hard links), and ${count === 1 ? 'becomes a file of its' : 'become files of their'} own: the storage of the target gives a file one name only`;
}

function choosePoints({ input, tree, layout }: Seen, record: TreeRecord | null): ChosenTreePoints {
  const { choice, nowMs } = input;
  const copied = copiedAt(record);
  const withoutGap = copiedWithoutGap(record?.points ?? [], tree.points);
  return chooseTreePoints(tree.points, layout.rules, { ...choice, nowMs, copied, withoutGap });
}

async function lookAtBoth(context: MoverContext, input: PlanTreeInput): Promise<Seen> {
  const opened = await context.source(input.sourceRepositoryId);
  const target = await context.repository(input.targetRepositoryId);
  const lists = filesStandAlone(input.workload.type) ? new RememberedLists(opened) : null;
  const source = lists?.source ?? opened;
  const workload = await findSourceWorkload(source, input.workload.id, input.sourceFolders);
  lists?.giveOut();
  const { tree: found, layout } = treeOf(workload);
  const { seen = [], nowMs, settleMs } = input;
  const rule = { nowMs, settleMs, seen };
  const settled = settledTreePoints({ id: workload.id, points: found.points }, rule);
  const known = await readTreeRecord(target, input.chain);
  const copied = known?.points ?? [];
  const points = withHeldFulls(settled, copied, layout.rules, input.acceptChanges);
  const awaited = awaitedTreePoints(points, layout.rules, input.choice.withLogs, rule);
  const agreed = new Set(known?.agreedLosses);
  return {
    ...{ input, source, lists, target, tree: { ...found, points }, layout, known, awaited },
    pointLosses: pointLosses(points, copied, layout.rules, { agreed, nowMs }),
  };
}

/** What a run before has copied until it was stopped may lie in place of a backup that the record calls good: it says so as long as nobody can look at the source, too. */
async function enterStopped(context: MoverContext, input: PlanTreeInput): Promise<void> {
  try {
    const target = await context.source(input.targetRepositoryId);
    if ((await target.stat(treeStaged.plan(input.chain))) !== null) await takeKept(context, input);
  } catch (error) {
    // Why the source cannot be looked at is what is to be told; the next try compares the rest.
    if (!isBackupError(error) && !(error instanceof ComparisonUnfinished)) throw error;
  }
}

interface WrittenPlan {
  readonly plan: TreePlan;
  readonly suspicion: string | null;
  /** Names that become files of their own. */
  readonly lostNames: number;
  readonly count: ChangeCount;
}

async function writePlan(
  seen: Seen & { readonly known: TreeRecord },
  { points }: ChosenTreePoints,
  remarks: Remarks,
  losses: Losses,
): Promise<WrittenPlan> {
  const { input, lists, target, tree, layout } = seen;
  const token = randomUUID();
  // Names of one file are told by stamps that were taken together.
  lists?.forget();
  await target.makePlace(treeStaged.largeFolder(input.chain));
  await removeStaleLarge(target, input.chain, walkOf(seen, points, noRemarks()));
  const { waiting } = remarks;
  const walk = walkOf(seen, points, remarks);
  const count = countOf(seen);
  const names = await namesOf(seen);
  const { chain, immutableForDays, nowMs } = input;
  const fixed = await fixedFiles(
    { target, chain, immutableForDays, nowMs, rules: layout.rules },
    seen.known.points,
    tree.points,
  );
  const goneSinceMs = await missedSince(seen);
  const classes: PlannedClass[] = [];
  const goneByClass: number[] = [];
  for (let index = layout.rules.classes.length - 1; index >= 0; index--) {
    const goneBefore = count.removed;
    classes.unshift(
      await planClass(seen, walk, index, token, {
        ...{ count, waiting, names, losses, fixed, goneSinceMs },
      }),
    );
    goneByClass.unshift(count.removed - goneBefore);
  }
  await assertGoneTogether(seen, points, goneByClass);
  const { changes } = count;
  const { ofNewPoints, left } = losses;
  const agreedLosses = agreedAfter(seen.pointLosses, input.acceptChanges);
  const plan: TreePlan = {
    ...{ token, epoch: seen.known.epoch, plannedAtMs: input.nowMs, goneSinceMs },
    ...{ sourceRepositoryId: input.sourceRepositoryId, root: tree.root, layout: layout.name },
    verifyAfterCopy: input.verifyAfterCopy,
    ...{ classes, order: copyOrder(layout.rules.classes, hasFiles(seen.known, losses)) },
    ...{ points, lacking: lackingOf(walk), waitingCount: waiting.faults.count },
    ...{ changes, isAgreed: input.acceptChanges },
    ...(agreedLosses.length === 0 ? {} : { agreedLosses }),
    waitingPoints: count.waitingPoints,
    ...(count.waitingFromMs === null ? {} : { waitingFromMs: count.waitingFromMs }),
    shown: tree.points.map(({ id }) => id),
    ...(ofNewPoints === 0 ? {} : { lostOfNewPoints: ofNewPoints }),
    ...(left.count === 0 ? {} : { lossesLeft: left }),
  };
  await writeTreePlan(target, input.chain, plan);
  return {
    plan,
    suspicion: await suspicionIn(seen, count),
    lostNames: names.lost,
    count,
  };
}

function hasFiles({ index }: TreeRecord, losses: Losses): (name: string) => boolean {
  return (name) => index.some((one) => one.class === name && losses.hasFiles(one));
}

function lackingCount({ lacking: parts }: TreePlan, { rules }: TreeLayout): number {
  return parts.reduce((sum, { lacking }) => sum + keepingRemoved(lacking, rules), 0);
}

function lackingOf({ unread }: Walk): TreePlan['lacking'] {
  return unread.byClass.map(([classIndex, lacking]) => ({ classIndex, lacking }));
}

/** What a tool removes it takes from the last class first. Removed while the classes were looked at, files would be missed one session before those that
 *  refer to them, and would go from the copy before them.
 *  @throws SOURCE_CHANGED */
async function assertGoneTogether(
  seen: Seen,
  points: SourceTree['points'],
  goneByClass: readonly number[],
): Promise<void> {
  const first = goneByClass.findIndex((gone) => gone > 0);
  if (first < 0) return;
  const walk = walkOf(seen, points, noRemarks());
  for (let index = goneByClass.length - 1; index > first; index--) {
    let gone = 0;
    await compareClass(walk, seen.target, seen.input.chain, seen.known, index, (is) => {
      if (is === 'gone') gone++;
      return undefined;
    });
    if (gone !== goneByClass[index])
      throw new BackupError(
        'SOURCE_CHANGED',
        `the source removed files of ${seen.layout.rules.classes[index]!.name} while it was looked at`,
        { details: { workloadId: seen.input.workload.id } },
      );
  }
}

/** In the order of copying. */
function worksOf(plan: TreePlan): TreeWork[] {
  return plan.order
    .map((name) => workOf(plan.classes[classIndexOf(plan, name)]!))
    .filter(({ fileCount }) => fileCount > 0);
}

function workOf({
  class: name,
  smallWindows,
  largeWindows,
  smallCount,
  largeCount,
  nameCount,
  sizeBytes,
}: PlannedClass): TreeWork {
  return {
    class: name,
    windowCount: smallWindows + largeWindows,
    fileCount: smallCount + largeCount + nameCount,
    sizeBytes,
  };
}
