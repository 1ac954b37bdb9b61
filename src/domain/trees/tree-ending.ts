/** How the task of a tree ends, from its plan and from what became of the files. Pure. */

import type { CopyMode } from '../jobs/copy-job.js';
import type { SessionResult } from '../sessions/copy-session.js';
import { awaitedNoLonger } from '../sources/settle.js';
import { faultNotes, faultsText, NO_FAULTS, waitingNotes, type FileFaults } from './file-faults.js';
import { sentAgainText } from './tree-guard.js';
import { POINT_STATE_TEXT } from '../sources/point-state.js';
import type { TreePoint } from './source-tree.js';
import type { LeftTree, PlannedTree } from './tree-work.js';
import { counted } from '../sentences.js';

/** What became of the files, in all rounds of a task. */
export interface TreeFates {
  /** Files that could not be copied. */
  readonly faults: FileFaults;
  /** Files and folders that could not be copied or looked into. */
  readonly lacking: number;
  /** Files of the copy that were found not to be there. */
  readonly lost: number;
  readonly leftOut: readonly string[];
  /** Whether restore points wait for files that could not be copied, or are still written to. */
  readonly hasLeftOut: boolean;
  /** Files that the copy had lost, and has again. */
  readonly sentAgain: FileFaults;
  /** What the copy keeps although it is due, in one sentence. Absent: nothing. */
  readonly kept?: string;
  /** What rounds that were followed by another one, which waited for points in progress, have left to be told. */
  readonly before: EarlierRounds;
}

export interface EarlierRounds {
  readonly hasCopied: boolean;
  /** What no later look shows again; one plain sentence each. */
  readonly warnings: readonly string[];
}

export const NO_ROUNDS: EarlierRounds = { hasCopied: false, warnings: [] };

interface TreeEnd {
  readonly notes: readonly string[];
  /** Which files were not copied; null: none is missing. */
  readonly notCopied: string | null;
  /** The copy had all that the source shows. */
  readonly isFoundCopied: boolean;
  /** What the task has failed with; null: it has not. */
  readonly code: 'RESTORE_POINT_BROKEN' | null;
  readonly result: SessionResult;
  readonly reason: string | null;
}

/** The fates of a task that goes into its next round, and what there is to note of this one. */
export function nextRound(
  plan: PlannedTree | LeftTree,
  fates: TreeFates,
  hasCommitted: boolean,
): { readonly fates: TreeFates; readonly notes: readonly string[] } {
  const { faults, leftOut, hasLeftOut, before } = fates;
  // Points that were left out are told again as long as they are; those that are gone are not.
  const once = [...(plan.toldOnce ?? []), ...sentAgainNotes(fates), ...(hasLeftOut ? [] : leftOut)];
  const hasCopied = before.hasCopied || hasCopiedIn(plan, hasCommitted);
  const warnings = [...new Set([...before.warnings, ...once])];
  return {
    fates: { ...fates, sentAgain: NO_FAULTS, before: { hasCopied, warnings } },
    notes: [...faultNotes(faults), ...once, ...leftOut],
  };
}

/** A newest point that is broken, and none committed beside it, is a failure, as that of a machine is (`workloadEnd`).
 *  @param hasCommitted a restore point, in any round */
export function treeEnd(
  plan: PlannedTree | LeftTree,
  fates: TreeFates,
  { hasCommitted, mode }: { readonly hasCommitted: boolean; readonly mode: CopyMode },
): TreeEnd {
  const { faults, hasLeftOut, leftOut, before } = fates;
  const { unusable, waiting = NO_FAULTS } = plan;
  const warnings = [
    ...new Set([
      ...before.warnings,
      ...plan.warnings,
      ...keptTexts(fates),
      ...sentAgainNotes(fates),
      ...leftOut,
    ]),
  ];
  const isPlanned = plan.state === 'planned';
  const reasons = [
    ...(faults.count > 0 ? [faultsText(faults)] : []),
    ...(fates.lacking > 0 ? [NOT_REMOVED] : []),
    ...warnings,
    ...(fates.lost > 0 && fates.lacking === 0 && isPlanned ? [NOT_REMOVED_LOST] : []),
    ...notWholeTexts(plan, mode),
  ];
  const hasCopied = before.hasCopied || hasCopiedIn(plan, hasCommitted);
  const code = unusable?.state === 'broken' && !hasCommitted ? 'RESTORE_POINT_BROKEN' : null;
  const notCopied = faults.count > 0 ? faultsText(faults) : hasLeftOut ? (leftOut[0] ?? '') : null;
  return {
    notes: [...faultNotes(faults), ...waitingNotes(waiting), ...warnings],
    notCopied,
    isFoundCopied: notCopied === null && unusable === null && !hasCopied,
    code,
    ...(reasons.length > 0
      ? { result: code === null ? 'warning' : 'failed', reason: reasons.join('; ') }
      : hasCopied
        ? { result: 'success', reason: null }
        : { result: 'nothingToCopy', reason: nothingText(waiting.count) }),
  };
}

function hasCopiedIn(plan: PlannedTree | LeftTree, hasCommitted: boolean): boolean {
  return plan.state === 'planned' && (plan.classes.length > 0 || hasCommitted);
}

/** Of the newest point, and of those that were awaited. The watch of an immediate job goes on waiting; of a periodic one nobody looks before the next session. */
function notWholeTexts(
  { unusable, awaited = [] }: PlannedTree | LeftTree,
  mode: CopyMode,
): string[] {
  if (mode === 'immediate') return unusable === null ? [] : [notWholeText(unusable)];
  const others = awaited.filter(({ restorePointId }) => restorePointId !== unusable?.id);
  const texts = [
    ...(unusable === null ? [] : [notWholeText(unusable)]),
    ...others.map(({ restorePointId: id, reason }) =>
      notWholeText({ id, state: 'inProgress', reason }),
    ),
  ];
  return texts.map((text) => awaitedNoLonger(text));
}

/** Why a point is not copied. */
export function notWholeText({
  id,
  state,
  reason,
}: Pick<TreePoint, 'id' | 'state' | 'reason'>): string {
  return `${id} is ${POINT_STATE_TEXT[state]}: ${reason ?? ''}`;
}

/** What happened to single files of a task that has failed as a whole.
 *  @param warnings of the plan that was committed */
export function failedTreeNotes(fates: TreeFates, warnings: readonly string[]): string[] {
  return [...faultNotes(fates.faults), ...warnings, ...fates.leftOut, ...sentAgainNotes(fates)];
}

/** Why nothing may be removed; null: it may. */
export function removalRefusal({ lacking, lost }: TreeFates): string | null {
  return lacking > 0 ? NOT_REMOVED : lost > 0 ? NOT_REMOVED_LOST : null;
}

const NOT_REMOVED =
  'nothing was removed from the copy, because files of the source could not be copied';

const NOT_REMOVED_LOST =
  'nothing was removed from the copy, because restore points that count as good need what is not there';

function keptTexts({ kept }: TreeFates): string[] {
  return kept === undefined ? [] : [kept];
}

function sentAgainNotes({ sentAgain }: TreeFates): string[] {
  return sentAgain.count === 0 ? [] : [sentAgainText(sentAgain)];
}

function nothingText(waitingCount: number): string {
  const text = 'the copy has all that the source shows';
  if (waitingCount === 0) return text;
  return `${text}, but for ${counted(waitingCount, 'file')} that may not be finished; the notes say more`;
}
