/** A session as the record beside the data tells of it, and which of them are asked for. Plain JSON. */

import type { CopySession } from './copy-session.js';

/** What a list shows of a session. */
export type RecordedSession = Pick<
  CopySession,
  | 'id'
  | 'jobId'
  | 'trigger'
  | 'startedBy'
  | 'tryNumber'
  | 'state'
  | 'result'
  | 'startedAt'
  | 'endedAt'
  | 'nextTryAt'
>;

export interface RecordFilter {
  /** null: of all jobs. */
  readonly jobId: string | null;
  /** Started at or after; epoch milliseconds; null: at any time. */
  readonly fromMs: number | null;
  /** Started before. */
  readonly toMs: number | null;
  readonly result: CopySession['result'];
}
