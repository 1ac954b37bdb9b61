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

/** Whether the files of one place made the code fail: an error of the language itself, so neither an answer of the storage nor the end of the task. It says
 *  nothing of what lies beside that place. */
export function isBug(error: unknown): error is Error {
  return error instanceof Error && !('errno' in error) && OF_LANGUAGE.includes(kindOf(error));
}

const OF_LANGUAGE = ['Error', 'TypeError', 'RangeError', 'SyntaxError', 'URIError'];

function kindOf({ constructor }: Error): string {
  return constructor.name;
}

/** @param path as far as the error does not say it
 *  @param what is not known for it. Absent: what lies there */
export function unreadPart(error: unknown, path: string, what?: string): UnseenPart {
  const place = pathOfError(error) ?? (path === '' ? '.' : path);
  return {
    ...{ path: place, code: 'SOURCE_PART_UNREADABLE' },
    unread: { why: reasonOf(error), what: what ?? place },
  };
}

function reasonOf(error: unknown): string {
  if (isBug(error)) {
    // It may quote what lies in a file.
    const words = JSON.stringify(error.message.slice(0, QUOTED_CHARACTERS));
    return `Longhaul failed over what lies there, which is a BUG that should be reported (${kindOf(error)} ${words})`;
  }
  const fault = faultOfSourceFile(error);
  return fault === null ? GONE : FAULT_REASONS[fault];
}

const QUOTED_CHARACTERS = 200;

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
