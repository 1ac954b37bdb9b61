import { BackupError, type ErrorCode, type ErrorDetails } from '../domain/errors.js';
import type { RepositoryLocation } from '../repository/open-repository.js';
import type { SharedMeters } from '../repository/rate-meters.js';
import type { AwaitedStorage } from '../repository/unanswered-calls.js';
import type { ThreadOperation, WindowOperation } from './mover-operations.js';
import { TaskStopped } from './task/task-control.js';
import type { WindowRun } from './task/window-runs.js';

/** What goes between the data mover and its threads. No block ever does. */

export interface ThreadSetup {
  readonly repositories: readonly RepositoryLocation[];
  /** Where it is remembered which targets were seen; null: nowhere. */
  readonly stateDirectory: string | null;
  readonly meters: SharedMeters;
  /** Of `ThreadPulse` and `HeldThreads`. */
  readonly pulse: SharedArrayBuffer;
  readonly held: SharedArrayBuffer;
  readonly mostHeld: number;
  /** It answers looks, or makes plans, many at once: it only reads. */
  readonly isForLooks: boolean;
}

export type ThreadRequest = {
  readonly id: number;
  readonly control: SharedArrayBuffer;
  readonly input: unknown;
  /** One number: 1 once it was begun, or given to another thread. Whoever sets it has it. */
  readonly begun: SharedArrayBuffer;
} & (
  | { readonly type: 'operation'; readonly name: ThreadOperation }
  | {
      readonly type: 'windows';
      readonly name: WindowOperation;
      readonly windows: readonly WindowRun[];
      readonly claims: SharedArrayBuffer;
      readonly bytesOfASync: number;
    }
);

export type ThreadReply =
  | { readonly id: number; readonly type: 'done'; readonly output: unknown }
  | { readonly id: number; readonly type: 'failed'; readonly error: ThreadError };

/** Requests that storage keeps waiting in calls for which the thread does not stand. It takes the place of the one before. */
export interface ThreadWaits {
  readonly type: 'waits';
  readonly waits: readonly (AwaitedStorage & { readonly id: ThreadRequest['id'] })[];
}

/** An error as a plain object: class identity does not survive the boundary. */
type ThreadError =
  | { readonly type: 'stopped' }
  | {
      readonly type: 'backup';
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: ErrorDetails;
      readonly hint: string;
    }
  | { readonly type: 'bug'; readonly message: string; readonly stack: string | undefined };

export function encodeError(error: unknown): ThreadError {
  if (error instanceof TaskStopped) return { type: 'stopped' };
  if (error instanceof BackupError) {
    const { code, message, details, hint } = error;
    return { type: 'backup', code, message, details, hint };
  }
  const bug = error instanceof Error ? error : new Error(String(error));
  return { type: 'bug', message: bug.message, stack: bug.stack };
}

export function decodeError(error: ThreadError): Error {
  switch (error.type) {
    case 'stopped':
      return new TaskStopped();
    case 'backup':
      return new BackupError(error.code, error.message, {
        details: error.details,
        hint: error.hint,
      });
    case 'bug': {
      const bug = new Error(error.message);
      if (error.stack !== undefined) bug.stack = error.stack;
      return bug;
    }
  }
}
