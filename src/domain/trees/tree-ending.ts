/** How the task of a tree ends, from its plan and from what became of the files. Pure. */

import type { SessionResult } from '../sessions/copy-session.js';
import { faultNotes, faultsText, NO_FAULTS, waitingNotes, type FileFaults } from './file-faults.js';
import { sentAgainText } from './tree-guard.js';
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
}

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

/** A newest point that is broken, and none committed beside it, is a failure, as that of a machine is (`workloadEnd`).
 *  @param hasCommitted a restore point, in any round */
export function treeEnd(
  plan: PlannedTree | LeftTree,
  fates: TreeFates,
  hasCommitted: boolean,
): TreeEnd {
  const { faults, hasLeftOut, leftOut } = fates;
  const { unusable, waiting = NO_FAULTS } = plan;
  const kept = fates.kept === undefined ? [] : [fates.kept];
  const warnings = [...plan.warnings, ...kept, ...sentAgainNotes(fates), ...leftOut];
  const isPlanned = plan.state === 'planned';
  const reasons = [
    ...(faults.count > 0 ? [faultsText(faults)] : []),
    ...(fates.lacking > 0 ? [NOT_REMOVED] : []),
    ...warnings,
    ...(fates.lost > 0 && fates.lacking === 0 && isPlanned ? [NOT_REMOVED_LOST] : []),
    ...(unusable === null ? [] : [`${unusable.id} is ${unusable.state}: ${unusable.reason ?? ''}`]),
  ];
  const hasCopied = isPlanned && (plan.classes.length > 0 || hasCommitted);
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

function sentAgainNotes({ sentAgain }: TreeFates): string[] {
  return sentAgain.count === 0 ? [] : [sentAgainText(sentAgain)];
}

function nothingText(waitingCount: number): string {
  const text = 'the copy has all that the source shows';
  if (waitingCount === 0) return text;
  return `${text}, but for ${counted(waitingCount, 'file')} that may not be finished; the notes say more`;
}
