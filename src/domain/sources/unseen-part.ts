import type { ErrorCode } from '../errors.js';

/** A place in a source that is not looked into. What lies there is not copied, so it is named. */
export interface UnseenPart {
  /** As it is shown; `.` is the root. */
  readonly path: string;
  readonly code: Extract<ErrorCode, 'NAME_UNSUPPORTED' | 'SOURCE_HOLDS_TARGET'>;
}

/** Why, as one plain sentence without its end. */
export function unseenReason({ path, code }: UnseenPart): string {
  switch (code) {
    case 'NAME_UNSUPPORTED':
      return `the name ${path} cannot be part of a path (it is not UTF-8, or holds a backslash), so nothing that lies there is copied`;
    case 'SOURCE_HOLDS_TARGET':
      return path === '.'
        ? 'this source lies inside a target of Longhaul: what is there are copies, and they are not copied again'
        : `${path} is a target of Longhaul inside this source: what is there are copies, and they are not copied again`;
  }
}
