import type { CopyTask } from '../../src/domain/sessions/copy-session.js';
import type { EarlierRounds } from '../../src/domain/trees/tree-ending.js';
import type { CopyWorkloadInput } from './copy-workload-input.js';

/** Argument of `copyTree`. */
export interface CopyTreeInput extends Pick<
  CopyWorkloadInput,
  | 'job'
  | 'overrides'
  | 'workload'
  | 'sourceRepositoryId'
  | 'sourceFolders'
  | 'formerIds'
  | 'settings'
  | 'owner'
  | 'report'
  | 'definition'
  | 'countsPlaces'
> {
  /** State of the task when this run goes on for an earlier one. */
  readonly carried?: {
    readonly task: CopyTask;
    /** Absent: of a release that did not wait for points. */
    readonly rounds?: CarriedRounds;
  };
}

/** Of rounds that were followed by another one. */
interface CarriedRounds {
  readonly before: EarlierRounds;
  /** Ids of the points that the first look showed in progress; null: nothing was looked at. */
  readonly awaits: readonly string[] | null;
  /** As `CopyWorkloadInput.carried`. */
  readonly waitingSinceMs: number | null;
  /** Answers that the record of the copy keeps until they are told. */
  readonly hasCommit: boolean;
  readonly hasRemoval: boolean;
  /** As `CopyWorkloadInput.carried`. */
  readonly isPlaceGivenBack?: true;
}
