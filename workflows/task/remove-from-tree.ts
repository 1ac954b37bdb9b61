import { counted } from '../../src/domain/sentences.js';
import type { RemovedTreeFiles } from '../../activities/payloads/tree-payloads.js';
import { isStop, reasonOf } from '../failures.js';
import type { Pause } from './pause.js';
import type { CopyTaskState } from './task-state.js';

/** Removes files from the copy of a tree, and notes it. What fails here is a note: the copy is good.
 *  @returns whether something was removed, and what stays although it is due, as a warning */
export async function removeFromTree(
  { state, pause }: { readonly state: CopyTaskState; readonly pause: Pause },
  removal: () => Promise<RemovedTreeFiles>,
): Promise<{ readonly hasRemoved: boolean; readonly kept?: string | undefined }> {
  state.show({ state: 'retention' }, 'removing what is not kept any more');
  try {
    const { fileCount, points, postponed, kept } = await pause.pausable(removal);
    if (postponed !== null) state.note(`nothing was removed: ${postponed}`);
    const hasRemoved = fileCount > 0 || points.length > 0;
    if (hasRemoved)
      state.note(
        `${counted(fileCount, 'file')} and ${counted(points.length, 'restore point')} were removed`,
      );
    return { hasRemoved, kept };
  } catch (error) {
    if (isStop(error)) throw error;
    state.note(`what is not kept any more could not be removed: ${reasonOf(error)}`);
    return { hasRemoved: false };
  }
}
