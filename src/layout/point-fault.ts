import { BackupError, isStorageFault } from '../domain/errors.js';
import type { RestorePointState } from '../domain/sources/point-state.js';

/** Why a restore point is not complete. */
export interface PointFault {
  /** Whether a point may be `inProgress` is no fault of its files: `settlePoints` says so. */
  readonly state: Exclude<RestorePointState, 'complete' | 'inProgress'>;
  readonly reason: string;
}

/** What was read from one file, or why it could not be. */
export type Finding<T> = { readonly value: T } | { readonly fault: PointFault };

export function broken(reason: string): { readonly fault: PointFault } {
  return { fault: { state: 'broken', reason } };
}

export function incomplete(reason: string): { readonly fault: PointFault } {
  return { fault: { state: 'incomplete', reason } };
}

/** A fault of the storage says nothing about the backup: `unknown`. A file without its header, cut off before its tables, or without one of its
 *  extents, may still be in the making: `incomplete`. Every other fault is one of the backup: `broken`.
 *  @throws the error itself when it is not a BackupError: that is a bug */
export function faultOfError(error: unknown): { readonly fault: PointFault } {
  if (!(error instanceof BackupError)) throw error;
  if (UNFINISHED.some((code) => code === error.code)) return incomplete(error.message);
  const isUnreadable = isStorageFault(error) || error.code === 'FILE_MISSING';
  return { fault: { state: isUnreadable ? 'unknown' : 'broken', reason: error.message } };
}

const UNFINISHED = ['IMAGE_MAGIC_MISSING', 'IMAGE_TRUNCATED', 'IMAGE_EXTENT_MISSING'] as const;

const GRAVITY: readonly RestorePointState[] = ['incomplete', 'unknown', 'broken'];

/** The gravest fault, the first one of several alike; null when there is none. */
export function gravestFault(faults: readonly PointFault[]): PointFault | null {
  const gravity = ({ state }: PointFault): number => GRAVITY.indexOf(state);
  return faults.reduce<PointFault | null>(
    (worst, fault) => (worst === null || gravity(fault) > gravity(worst) ? fault : worst),
    null,
  );
}
