/** What goes through Temporal to and from the activities of a tree of files, written down for the same reason as that of a chain. */

import type {
  CopyJob,
  RestorePointScope,
  VerifyAfterCopy,
} from '../../src/domain/jobs/copy-job.js';
import type { FileFaults } from '../../src/domain/trees/file-faults.js';
import type { WorkloadType } from '../../src/domain/sources/source-workload.js';
import type { SetFlagsInput } from '../../src/domain/retention/set-flags.js';
import type { FileWork, TreeCheckReference } from '../../src/domain/trees/tree-damage.js';
import type { TreeRetention } from '../../src/domain/trees/tree-points.js';
import type { TreePlanReference } from '../../src/domain/trees/tree-work.js';
import type { AbsenceAnswer, SettleRequest, TargetChain } from './chain-payloads.js';

interface TakeTreeRequest extends TargetChain {
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  readonly owner: string;
  readonly nowMs: number;
}

interface Windows {
  readonly firstWindow: number;
  readonly windowCount: number;
}

// --- Copy

export interface PlanTreeRequest extends TakeTreeRequest, SettleRequest {
  readonly sourceRepositoryId: string;
  readonly sourceFolders?: readonly string[];
  readonly choice: TreeRetention & {
    readonly scope: RestorePointScope;
    readonly withLogs: boolean;
  } & Pick<CopyJob, 'mode'>;
  readonly verifyAfterCopy: VerifyAfterCopy;
  /** Changes that look like a wipe are taken over. */
  readonly acceptChanges: boolean;
  /** `soleFormerIds` of the workload. Absent: there are none. */
  readonly formerIds?: readonly string[];
  /** `CopyJob.origin`. */
  readonly origin?: string;
  /** A copy that another job left under the id of this one becomes its own. */
  readonly takeOver?: boolean;
  /** Laid beside the data when none lies there; of a job that takes over in any case. */
  readonly definition?: CopyJob;
  /** An earlier round of this task has committed: what the record keeps until it is told was told to it. */
  readonly hasHeard?: boolean;
  /** After so many windows a comparison that damaged lists make necessary ends as `comparing`. Absent, of a release before: it reads all. */
  readonly compareWindows?: number;
}

/** Of one class of files. */
export interface PublishFilesRequest extends TargetChain {
  readonly reference: TreePlanReference;
  readonly class: string;
}

export interface FileBatch extends PublishFilesRequest, Windows {}

export interface PublishedFiles {
  /** Files that are not what was listed any more. */
  readonly drifted: number;
  /** One of them. */
  readonly driftedPath: string | null;
  /** Files that cannot be read, or are not what their names claim; and those that may refer to such. */
  readonly faults: FileFaults;
  /** How many. Absent: from a release that removed all the same. */
  readonly lacking?: number;
}

export interface CommitTreeRequest extends TargetChain {
  readonly reference: TreePlanReference;
  readonly choice: Omit<SetFlagsInput, 'nowMs'>;
  readonly nowMs: number;
  /** `noteTold` follows. Absent: it does not. */
  readonly isToldApart?: boolean;
}

export interface NoteToldRequest extends TargetChain {
  readonly owner: string;
  /** Whether the answer of its commit was told. */
  readonly hasCommit: boolean;
  /** The same of its removal. */
  readonly hasRemoval: boolean;
}

export interface RemoveTreeFilesRequest extends TargetChain {
  readonly epoch: number;
  readonly choice: TreeRetention;
  readonly nowMs: number;
}

export interface FreeTreeRequest extends TakeTreeRequest {
  readonly choice: TreeRetention;
  /** `CopyJob.origin`. */
  readonly origin?: string;
  /** As of `PlanTreeRequest`. */
  readonly takeOver?: boolean;
  readonly definition?: CopyJob;
}

export interface RemovedTreeFiles {
  readonly fileCount: number;
  /** Ids of points that are gone with them. */
  readonly points: readonly string[];
  /** Why nothing was removed although something is due; null otherwise. */
  readonly postponed: string | null;
  /** What stays although it is due, because the source has lost what it needs itself: a warning. Absent: nothing. */
  readonly kept?: string;
}

export interface TreeAbsenceRequest extends TakeTreeRequest {
  /** `removedWorkloadsAfterDays`. */
  readonly afterDays: number;
  /** `CopyJob.origin`. */
  readonly origin?: string;
  /** A source shows it again. */
  readonly isSeen: boolean;
}

export interface TreeAbsenceAnswer {
  /** null: a source shows it again. */
  readonly standing: AbsenceAnswer | null;
  /** Points that were removed, with all files. */
  readonly removed: number;
  /** What runs before have done and found, which stands in the record until it was told. Absent: nothing, or a source shows it again. */
  readonly notes?: readonly string[];
}

// --- Restore

export interface RestoredTree {
  readonly fileCount: number;
  readonly sizeBytes: number;
  /** Files that are damaged in the copy: they are not restored. */
  readonly lost: FileFaults;
  /** Files that the copy has no more as they were when they were listed. Absent: none. */
  readonly changed?: FileFaults;
  /** Files that the destination does not take. Absent: none. */
  readonly refused?: FileFaults;
  /** Files of the source that the point lacks, because they could not be copied. Absent: none. */
  readonly lacks?: FileFaults;
  /** Gaps before it, and points that it needs and that the copy does not have; one plain sentence each. Absent: none. */
  readonly missing?: readonly string[];
}

// --- Health

export interface PlanTreeCheckRequest extends TargetChain {
  /** null: all. */
  readonly pointId: string | null;
  readonly nowMs: number;
}

export interface PlannedTreeCheck {
  readonly reference: TreeCheckReference;
  readonly work: FileWork;
}

export interface EndTreeCheckRequest extends TargetChain {
  readonly reference: TreeCheckReference;
}

/** `nowMs`: from which the lease is renewed. */
export interface CheckBatch extends EndTreeCheckRequest, Windows {
  readonly nowMs: number;
}

export interface PlanTreeRepairRequest extends TakeTreeRequest {
  readonly reference: TreeCheckReference;
}

export interface SettleTreeCheckRequest extends EndTreeCheckRequest {
  readonly epoch: number;
  readonly nowMs: number;
}

export interface HealBatch extends SettleTreeCheckRequest, Windows {}
