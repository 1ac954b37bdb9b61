import type {
  PendingRemoval,
  RemovalCall,
  RemovedFiles,
  TreeRecord,
} from '../../../tree/tree-record.js';

export interface RemovedTreeFiles {
  readonly fileCount: number;
  /** Ids of points that are gone with them. */
  readonly points: readonly string[];
  /** Why nothing was removed although something is due, in plain words; null otherwise. */
  readonly postponed: string | null;
  /** What stays although it is due, because the source has lost what it needs itself: a warning. Absent: nothing, or the answer is one that was given before. */
  readonly kept?: string;
}

/** What an attempt before this one has removed; null: nothing. */
export function removedBefore({ removed }: TreeRecord, call: RemovalCall): RemovedTreeFiles | null {
  if (removed?.epoch !== call.epoch || removed.nowMs !== call.nowMs) return null;
  const { fileCount, points } = removed;
  return { fileCount, points, postponed: null };
}

/** Files that a removal takes away. */
export function goingCount({ runs }: PendingRemoval): number {
  return runs.reduce((sum, { run }) => sum + run.entryCount, 0);
}

/** What the record keeps of it, with what an earlier order of the same owner has removed, and perhaps nobody was told. */
export function removedBy(
  { removed }: TreeRecord,
  pending: PendingRemoval,
  call: RemovalCall,
): RemovedFiles {
  const before = removed?.epoch === call.epoch && removed.nowMs !== call.nowMs ? removed : null;
  return {
    ...call,
    fileCount: (before?.fileCount ?? 0) + goingCount(pending),
    points: [...(before?.points ?? []), ...(pending.points ?? [])],
  };
}
