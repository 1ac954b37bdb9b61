/** Storage that keeps a step waiting, as heartbeats and the API tell it. Plain JSON. */

import type { ErrorCode } from '../errors.js';

/** In a heartbeat, beside what else it carries. */
export interface StorageWait {
  readonly repositoryId: string;
  /** For how long its oldest call has had no answer, when this was told. */
  readonly seconds: number;
}

/** What keeps a task, a session or an operation, in the shape of what is tried again: nothing has failed yet. */
export interface StorageHold extends StorageWait {
  /** Name of the step that waits, as Temporal shows it. */
  readonly step: string;
  readonly code: ErrorCode;
  /** One sentence without its full stop. */
  readonly reason: string;
}

export function storageHold({ repositoryId, seconds }: StorageWait, step: string): StorageHold {
  return {
    ...{ repositoryId, seconds, step, code: 'REPOSITORY_UNREACHABLE' },
    reason: `storage of ${repositoryId} has not answered for ${seconds} s (${step})`,
  };
}

/** What a heartbeat tells of it. null: nothing. */
export function storageWaitIn(heartbeat: unknown): StorageWait | null {
  const { waits } = (heartbeat ?? {}) as { readonly waits?: Partial<StorageWait> };
  const { repositoryId, seconds } = waits ?? {};
  if (typeof repositoryId !== 'string' || typeof seconds !== 'number') return null;
  return { repositoryId, seconds };
}
