import { isBackupError } from '../domain/errors.js';
import type { UnseenPart } from '../domain/sources/unseen-part.js';
import type { WorkloadTypeFacts } from '../domain/sources/workload-rules.js';
import { FAULT_REASONS, faultOfSourceFile } from '../domain/trees/one-file-fault.js';

/** A place of a source that its storage cannot read, or does not allow to be read. */
export interface UnreadPlace {
  readonly part: UnseenPart;
  readonly error: unknown;
  /** Claimed by a layout of images: a machine that lies there may be known in part alone. */
  readonly isOfImages?: true;
}

/** Whether an error is about one file or folder, so that the look goes on beside it: it cannot be read, or went since it was listed. */
export function isOfOnePlace(error: unknown): boolean {
  return faultOfSourceFile(error) !== null || isBackupError(error, 'FILE_MISSING');
}

/** @param path as far as the error does not say it
 *  @param what is not known for it. Absent: what lies there */
export function unreadPart(error: unknown, path: string, what?: string): UnseenPart {
  const place = pathOfError(error) ?? (path === '' ? '.' : path);
  const fault = faultOfSourceFile(error);
  const why = fault === null ? GONE : FAULT_REASONS[fault];
  return { path: place, code: 'SOURCE_PART_UNREADABLE', unread: { why, what: what ?? place } };
}

const GONE = 'it was listed, and is not there any more';

/** null: it does not say. */
export function pathOfError(error: unknown): string | null {
  const named = isBackupError(error) ? error.details.path : undefined;
  return typeof named === 'string' && named !== '' ? named : null;
}

/** What a layout has claimed of a folder, in plain words. */
export function claimText(
  { type }: { readonly type: Pick<WorkloadTypeFacts, 'title'> },
  folder: string,
): string {
  return `${type.title} in ${folder === '' ? '.' : folder}`;
}
