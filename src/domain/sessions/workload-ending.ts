/** How the copy of a machine ends when there is nothing more to copy. Pure. */

import type { CopyJob } from '../jobs/copy-job.js';
import type { RestorePointSelection } from '../sources/select-restore-points.js';
import { awaitedNoLonger } from '../sources/settle.js';
import type { SessionResult } from './copy-session.js';

interface WorkloadEnd {
  readonly result: SessionResult;
  readonly reason: string | null;
  /** Of a newest restore point that is no use; null: what is wrong with it is not known. Absent: there is none such. */
  readonly code?: 'RESTORE_POINT_BROKEN' | null;
  /** The target had all that the source shows. */
  readonly isFoundCopied?: true;
  /** Whether the chain is maintained afterwards, or left alone. */
  readonly next: 'done' | 'leave';
}

/** A source whose newest restore point is damaged, or was still in progress when it was awaited no longer, is no success, whatever else
 *  was copied. The watch of an immediate job goes on waiting.
 *  @param warnings of the look, one plain sentence each */
export function workloadEnd(
  { mode, once }: Pick<CopyJob, 'mode' | 'once'>,
  { reason, unusable, awaited }: Pick<RestorePointSelection, 'reason' | 'unusable' | 'awaited'>,
  { hasCopied, warnings }: { readonly hasCopied: boolean; readonly warnings: readonly string[] },
): WorkloadEnd {
  // Nobody orders it again: without its point there is nothing that a later session could make up for.
  const isUndone = once !== undefined && !hasCopied;
  const next = hasCopied ? 'done' : 'leave';
  if (awaited.length > 0 && mode === 'periodic')
    return {
      result: isUndone ? 'failed' : 'warning',
      reason: reason === null ? null : awaitedNoLonger(reason, once !== undefined),
      next,
    };
  if (unusable !== null) {
    const isBroken = unusable.state === 'broken';
    const result = isUndone || (isBroken && !hasCopied) ? 'failed' : 'warning';
    const code = isBroken ? 'RESTORE_POINT_BROKEN' : null;
    return { result, reason: unusable.reason, code, next };
  }
  if (isUndone) return { result: 'failed', reason, next };
  const found = hasCopied ? {} : ({ isFoundCopied: true } as const);
  if (warnings.length > 0)
    return { result: 'warning', reason: warnings.join('; '), ...found, next: 'done' };
  return hasCopied
    ? { result: 'success', reason: null, next: 'done' }
    : { result: 'nothingToCopy', reason, ...found, next: 'done' };
}
