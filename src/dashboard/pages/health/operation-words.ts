/** Verifications, restores and changes of copies in words. Pure. */

import type { OperationView } from '../../../api/repositories/repository-schemas.js';
import { printable } from '../../../domain/printable.js';
import { sayResult, type Said } from '../../show/words.js';

export const OPERATION_KINDS: Readonly<Record<OperationView['kind'], string>> = {
  verify: 'Verification',
  restore: 'Restore',
  remove: 'Removal',
  map: 'Copies for another job',
  detach: 'Detachment',
};

/** `Verification in offsite by the schedule of nightly`. */
export function operationTitle({ id, kind, repositoryId }: OperationView): string {
  const job = scheduledBy(id);
  const by = job === null ? '' : ` by the schedule of ${job}`;
  return `${OPERATION_KINDS[kind]} in ${repositoryId}${by}`;
}

export function sayOperation({ state, result, live }: OperationView): Said {
  if (state === 'ended') return sayResult(result);
  return live
    ? { mood: 'busy', word: 'running' }
    : { mood: 'unknown', word: 'running, no worker answers' };
}

/** What it found or why it failed; null: there is nothing to say. */
export function whyOperation({ reason, notes }: OperationView): string | null {
  const text = reason ?? notes[0] ?? null;
  return text === null ? null : printable(text);
}

/** Those that did not go as they should and that nothing of the same has followed since: one that went well makes up for those before it.
 *  @param operations the newest end first */
export function openOperations(operations: readonly OperationView[]): OperationView[] {
  const seen = new Set<string>();
  return operations.filter((operation) => {
    const { id, kind, state, result } = operation;
    if (state !== 'ended') return false;
    const what = id.replace(SCHEDULED_AT, '').replace(RESTORED_AT, '');
    const isNewest = !seen.has(what);
    seen.add(what);
    // Who stops a restore wants it no more; what a check did not come to is not checked.
    const isWanted = !(kind === 'restore' && result === 'stopped');
    return isNewest && isWanted && result !== 'success';
  });
}

/** Of a check that a schedule started the id ends with its moment. */
const SCHEDULED_AT = /-\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** That of a restore ends with its own: the same point may be restored several times. */
const RESTORED_AT = /-\d{8}T\d{9}Z$/;

/** Of several with one id, this one. */
export function operationAddress({ id, runId }: Pick<OperationView, 'id' | 'runId'>): string {
  return `/operations?${new URLSearchParams({ id, run: runId }).toString()}`;
}

function scheduledBy(id: string): string | null {
  return SCHEDULED_AT.test(id) && id.startsWith('verify.')
    ? id.split('.').slice(2).join('.').replace(SCHEDULED_AT, '')
    : null;
}
