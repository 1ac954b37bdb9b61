/** What runs did whose answers may have been told by nobody. Plain JSON. */

import { BY_A_RUN_BEFORE } from '../sessions/kept-answers.js';
import { sentAgainText } from './tree-guard.js';
import type { CommittedTree } from './tree-work.js';
import { counted } from '../sentences.js';

export interface UntoldWork {
  /** Restore points that were committed. */
  readonly committedCount: number;
  /** Id of the last of them; null: there are none. */
  readonly lastCommitted: string | null;
  /** What was removed. */
  readonly fileCount: number;
  readonly pointCount: number;
}

const NO_WORK: UntoldWork = {
  ...{ committedCount: 0, lastCommitted: null },
  ...{ fileCount: 0, pointCount: 0 },
};

/** With what a commit and a removal did. undefined: nothing. */
export function untoldWorkAfter(
  before: UntoldWork = NO_WORK,
  committed?: Pick<CommittedTree, 'committed' | 'committedCount'>,
  removed?: { readonly fileCount: number; readonly points: readonly string[] },
): UntoldWork | undefined {
  const after = {
    committedCount: before.committedCount + (committed?.committedCount ?? 0),
    lastCommitted: committed?.committed.at(-1) ?? before.lastCommitted,
    fileCount: before.fileCount + (removed?.fileCount ?? 0),
    pointCount: before.pointCount + (removed?.points.length ?? 0),
  };
  return after.committedCount + after.fileCount + after.pointCount === 0 ? undefined : after;
}

/** One plain sentence each. */
export function untoldWorkNotes(work: UntoldWork = NO_WORK): string[] {
  const { committedCount, lastCommitted, fileCount, pointCount } = work;
  return [
    ...(committedCount === 0
      ? []
      : [
          `${BY_A_RUN_BEFORE}: ${counted(committedCount, 'restore point was', 'restore points were')} committed, ${lastCommitted} last`,
        ]),
    ...(fileCount + pointCount === 0
      ? []
      : [
          `${BY_A_RUN_BEFORE}: ${counted(fileCount, 'file')} and ${counted(pointCount, 'restore point')} were removed`,
        ]),
  ];
}

/** What a commit found that is to be seen to; one plain sentence each. It may be so no more. */
export function foundByCommit({ sentAgain, leftOut }: CommittedTree): string[] {
  const found = [...(sentAgain === undefined ? [] : [sentAgainText(sentAgain)]), ...leftOut];
  return found.map((text) => `${BY_A_RUN_BEFORE}: ${text}`);
}

/** What the record of a copy keeps until it is told.
 *  @param hasHeard the task has committed itself: what was done before that, and by that, it was told */
export function untoldTexts(
  { untold = [] }: { readonly untold?: readonly string[] },
  hasHeard = false,
): readonly string[] {
  return hasHeard ? untold.filter((text) => !text.startsWith(BY_A_RUN_BEFORE)) : untold;
}
