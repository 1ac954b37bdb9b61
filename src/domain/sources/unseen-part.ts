import type { ErrorCode } from '../errors.js';

/** A place in a source that is not, or cannot be, looked into. What lies there is not copied, so it is named. */
export interface UnseenPart {
  /** As it is shown; `.` is the root. */
  readonly path: string;
  readonly code: Extract<
    ErrorCode,
    'NAME_UNSUPPORTED' | 'SOURCE_HOLDS_TARGET' | 'SOURCE_PART_UNREADABLE'
  >;
  /** Of what cannot be read: why, and what is not seen for it, in plain words. */
  readonly unread?: { readonly why: string; readonly what: string };
}

/** Whether what a job names may lie there. */
export function mayHoldWorkloads({ code }: Pick<UnseenPart, 'code'>): boolean {
  return code !== 'SOURCE_HOLDS_TARGET';
}

/** Why, as one plain sentence without its end. */
export function unseenReason({ path, code, unread }: UnseenPart): string {
  switch (code) {
    case 'NAME_UNSUPPORTED':
      return `the name ${path} cannot be part of a path (it is not UTF-8, or holds a backslash), so nothing that lies there is copied`;
    case 'SOURCE_PART_UNREADABLE':
      return `${path} cannot be read: ${unread?.why ?? 'no reason is known'}. It tells what there is of ${unread?.what ?? 'the backups there'}, so nothing of that is copied, and what was copied stays`;
    case 'SOURCE_HOLDS_TARGET':
      return path === '.'
        ? 'this source lies inside a target of Longhaul: what is there are copies, and they are not copied again'
        : `${path} is a target of Longhaul inside this source: what is there are copies, and they are not copied again`;
  }
}
