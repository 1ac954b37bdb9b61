import type { ErrorCode } from '../errors.js';

/** A part of a repository that cannot be read: a chain, a definition of a job, a record, a lease. The rest is not touched by it. */
export interface UnreadablePart {
  readonly path: string;
  readonly code: ErrorCode;
  readonly reason: string;
}
