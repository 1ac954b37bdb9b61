/** What goes through Temporal to and from the activities of a chain. It is persisted in histories, so every field is written down here: a
 *  rename in the data mover does not compile until somebody has decided what becomes of the field, and changes no history on its own. */

import type { MoverTimes } from '../../src/domain/sessions/mover-times.js';
import type { MovedBytes } from '../../src/domain/targets/moved-bytes.js';
import type {
  ChainPolicy,
  CopyJob,
  RestorePointScope,
  VerifyAfterCopy,
} from '../../src/domain/jobs/copy-job.js';
import type { Damage, LastingDamage, VerifiedPoint } from '../../src/domain/targets/damage.js';
import type { DigestAlgorithm } from '../../src/domain/targets/digest.js';
import type { DiskWork, PlanReference } from '../../src/domain/targets/disk-work.js';
import type { GfsFull } from '../../src/domain/retention/gfs.js';
import type { RemovalMode } from '../../src/domain/retention/point-removal.js';
import type { ChainDetection } from '../../src/domain/sources/recreated-chain.js';
import type { RestorePointKind, WorkloadType } from '../../src/domain/sources/source-workload.js';
import type { RetentionAction } from '../../src/domain/retention/retention.js';
import type { RestorePointSelection } from '../../src/domain/sources/select-restore-points.js';
import type { SettleRule } from '../../src/domain/sources/settle.js';
import type { GfsFlag } from '../../src/domain/targets/target-point.js';
import type { LookedFor } from '../../src/domain/retention/absent-workloads.js';
import type { VerificationPosition } from '../../src/domain/targets/verification.js';
import type { ChainIds } from '../running/on-chain.js';

export interface TargetChain extends ChainIds {
  readonly targetRepositoryId: string;
}

/** A chain of which the caller owns the epoch. */
interface OwnedChain extends TargetChain {
  readonly epoch: number;
}

/** Whatever changes a chain; `nowMs`: time of the workflow, so that a repeat does the same. */
export interface ChainChange extends OwnedChain {
  readonly nowMs: number;
}

/** Where the workload of a chain is read. */
interface WorkloadSource {
  readonly sourceRepositoryId: string;
  /** Folders of the look that the work goes by; absent: it is looked for everywhere. */
  readonly sourceFolders?: readonly string[];
  /** Of a look that may be remembered; absent: it is looked anew. */
  readonly lookId?: string | undefined;
}

// --- Look

export interface TakeChainRequest extends TargetChain {
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  readonly owner: string;
  readonly nowMs: number;
  /** Whether a source shows the workload; absent: nobody looked. */
  readonly isSeen?: boolean;
  /** The chain was there a moment ago: none is begun. */
  readonly isKept?: boolean;
  /** The caller has looked for a while: what cannot be read still counts as damaged. */
  readonly isLastLook?: boolean;
}

export interface ChainState {
  readonly epoch: number;
  readonly pointCount: number;
  /** Id of the newest point; null in a new chain. */
  readonly newestId: string | null;
  readonly notes: readonly string[];
  /** Why a change of the chain waits for somebody to do something; null, and absent in answers of before: none does. */
  readonly stuck?: string | null;
}

/** What a session wants of restore points that may be in progress. */
export interface SettleRequest {
  /** They are taken as they are. */
  readonly now?: boolean;
  /** `AwaitedPoint.seen` of the look before. */
  readonly seen?: SettleRule['seen'];
}

export interface LookForWorkRequest
  extends TakeChainRequest, Omit<WorkloadSource, 'lookId'>, SettleRequest {
  /** null: the chain is to be taken over for `owner`. */
  readonly epoch: number | null;
  readonly job: ChainPolicy;
  readonly scope: RestorePointScope;
  readonly activeFull: boolean;
  /** Copies that another job left under the id of this one become its own. */
  readonly takeOver?: boolean;
  /** Laid beside the data when none lies there; of a job that takes over in any case. */
  readonly definition?: CopyJob;
  /** `soleFormerIds` of the workload. Absent: there are none. */
  readonly formerIds?: readonly string[];
}

/** The copies of the workload lie under an id that it had before: they are taken over before anything is looked for. */
export interface FormerCopies {
  readonly formerId: string;
}

/** Where a workload stands. */
export interface WorkLook {
  /** Of the chain, which is the caller's. */
  readonly epoch: number;
  /** What was found and settled when the chain was taken over. */
  readonly notes: readonly string[];
  readonly detection: ChainDetection;
  /** Provisional while `detection.toCompare` names anything; `morePoints`: selected ones that have no room in it. */
  readonly selection: RestorePointSelection & { readonly morePoints: number };
  /** A warning of the task, whatever later looks find: the folders of the workload look as if they were of two machines, and the chain has points of one of
   *  them alone so far. Absent: that is not so. */
  readonly newDoubt?: string;
  /** For `planCopy` of the selected points; null: each is looked at anew. */
  readonly lookId: string | null;
  /** For `planCopy`, too: whether new points are left out for good. Absent in histories of before. */
  readonly passesOver?: boolean;
  /** False: GFS, retention and compacts have nothing to do and nothing to say. */
  readonly isMaintenanceDue: boolean;
}

// --- Copy

export interface CompareRequest extends OwnedChain, WorkloadSource {
  readonly restorePointId: string;
  /** Point of the target that it may be. */
  readonly copiedId: string;
}

export interface PlannedComparison {
  readonly stagingId: string;
  readonly reference: PlanReference;
  readonly disks: DiskWork[];
}

export interface PlanCopyRequest extends OwnedChain, WorkloadSource, SettleRequest {
  readonly restorePointId: string;
  readonly kind: RestorePointKind;
  readonly changedBy: 'all' | 'lineage' | 'digest';
  /** Source restore point that the target's newest point was copied from; set with `lineage`. */
  readonly lineageFrom: string | null;
  readonly digest: DigestAlgorithm;
  readonly verifyAfterCopy: VerifyAfterCopy;
  /** `WorkLook.passesOver`. */
  readonly passesOver?: boolean;
}

/** `scan`: the blocks must be compared first (`scanBlocks`), then the copy is planned again. */
export type PlannedCopy = {
  readonly reference: PlanReference;
  readonly pointId: string;
  readonly disks: DiskWork[];
} & (
  | { readonly state: 'scan' }
  | {
      readonly state: 'ready';
      readonly kind: RestorePointKind;
      /** Of copies that were made before, and have no keys of their encrypted disks. Absent: nothing. */
      readonly lostKeys?: { readonly text: string; readonly isNew: boolean };
    }
);

/** A batch of windows of one disk. */
export interface BlockBatch extends TargetChain {
  /** Name of the staging folder. */
  readonly stagingId: string;
  readonly reference: PlanReference;
  readonly disk: string;
  readonly firstWindow: number;
  readonly windowCount: number;
}

export interface BatchCounts extends MovedBytes {
  readonly processedBytes: number;
  /** Absent: of a worker that does not measure them. */
  readonly times?: MoverTimes;
  /** Windows of the batch that an attempt before this one had made durable already. */
  readonly resumedWindows: number;
  /** Bytes that were copied in those; absent: nobody asks, because every block of a window is worked on. */
  readonly resumedBytes?: number;
  readonly attempt: number;
}

export interface StagedPoint extends TargetChain {
  readonly stagingId: string;
  readonly reference: PlanReference;
}

export interface CommitRequest extends StagedPoint {
  readonly pointId: string;
  readonly flags: readonly GfsFlag[];
  /** Time of the commit. RFC 3339 UTC. */
  readonly copiedAt: string;
}

// --- Retention

export interface PlanMaintenanceRequest extends ChainChange {
  readonly job: Pick<CopyJob, 'mode' | 'gfs' | 'endedGfs' | 'retention' | 'timeZone' | 'compact'>;
  /** Copies that were given up are not ended, for the next try; `planned`: but for comparisons that come before a plan. */
  readonly keepsStaging?: 'all' | 'planned';
}

export interface PlannedMaintenance {
  /** Points that were copied again and go first; what follows is planned once they are gone. */
  readonly superseded: readonly string[];
  /** Points that are to become flagged fulls, oldest first. */
  readonly fulls: readonly GfsFull[];
  /** Of `actions`, what may go before the fulls, where there is no room to make them; absent in plans of before. */
  readonly beforeFulls?: readonly RetentionAction[];
  /** The full that is to be written anew, last of all; null: none. */
  readonly compactId: string | null;
  readonly actions: readonly RetentionAction[];
  readonly warnings: readonly string[];
  /** Why a change that was announced waits for a reader; null: none does. */
  readonly postponed: string | null;
}

export interface MergeRequest extends ChainChange {
  readonly fullId: string;
  readonly incrementId: string;
}

export interface PointChange extends ChainChange {
  readonly pointId: string;
}

export interface ReplaceRequest extends PointChange {
  readonly reference: PlanReference;
  readonly flags: readonly GfsFlag[];
  /** Of a compact. RFC 3339 UTC. */
  readonly compactedAt?: string;
}

export interface FlagRequest extends PointChange {
  readonly flags: readonly GfsFlag[];
}

export interface DeleteRequest extends ChainChange {
  readonly ids: readonly string[];
}

export interface PlanRemovalRequest extends PointChange {
  readonly withDependents: boolean;
}

/** Of a one-time copy. */
export interface ExpiryRequest extends ChainChange {
  /** An operator has it removed now. */
  readonly isOrdered: boolean;
}

export interface ExpiryAnswer {
  /** How many restore points were deleted. */
  readonly deleted: number;
  /** Why they stay for now; null: none is left. */
  readonly heldBy: string | null;
}

export interface RemoveRequest extends DeleteRequest {
  readonly mode: RemovalMode;
}

/** Copies of a workload that lie under an id that it had before. `workload`: of now. */
export interface TakeFormerRequest extends Omit<
  TakeChainRequest,
  'isSeen' | 'isLastLook' | 'workloadId'
> {
  readonly formerId: string;
}

/** Copies of a job that another one keeps from now on. */
export interface RehomeRequest extends Omit<TakeChainRequest, 'isSeen' | 'isLastLook'> {
  readonly job: CopyJob;
}

/** Of workloads that the session did not see. */
export interface LookForAbsentRequest {
  readonly targetRepositoryId: string;
  readonly jobId: string;
  readonly workloads: readonly LookedFor[];
  /** `removedWorkloadsAfterDays`. */
  readonly afterDays: number;
  readonly nowMs: number;
  /** `CopyJob.origin`. */
  readonly origin?: string;
}

export interface AbsenceRequest extends ChainChange {
  /** `removedWorkloadsAfterDays`. */
  readonly afterDays: number;
  /** `CopyJob.origin`. */
  readonly origin?: string;
}

export interface AbsenceAnswer {
  readonly state: 'early' | 'announced' | 'due';
  /** One plain sentence. */
  readonly text: string;
}

// --- Health

export interface ListVerificationRequest {
  readonly repositoryId: string;
  /** Only what this point needs: itself and all below it; null: all. */
  readonly restorePointId: string | null;
  /** Only copies of this job; null: of all. */
  readonly jobId: string | null;
  /** When the check began; RFC 3339 UTC. */
  readonly since: string;
  /** Epoch milliseconds. Absent in what was asked before: no date lies ahead. */
  readonly nowMs?: number;
  /** What is done already; null: nothing. */
  readonly after: VerificationPosition | null;
  /** Chains without a restore point that is offered, too. Absent: they hold nothing to verify. */
  readonly withEmpty?: true;
}

export interface PointCheck extends TargetChain {
  readonly pointId: string;
  /** From which the lease is renewed. */
  readonly nowMs: number;
  /** The health check; absent: a build before has begun it. */
  readonly operation?: string;
}

export interface PreparedCheck {
  readonly disks: DiskWork[];
  readonly damage: Damage[];
  /** Names the content of the files; absent: a build before has prepared it. */
  readonly token?: string;
}

/** As it was prepared. */
interface BegunCheck extends PointCheck {
  readonly token?: string;
}

export interface VerifyBatch extends BegunCheck {
  readonly disk: string;
  readonly firstWindow: number;
  readonly windowCount: number;
}

export interface CollectDamageRequest extends BegunCheck {
  readonly disks: readonly Pick<DiskWork, 'disk' | 'blockCount' | 'windowCount'>[];
}

export interface CollectedDamage {
  readonly damage: readonly Damage[];
  /** Names what was read: another one, and the point was changed meanwhile. */
  readonly content: string;
}

export interface HealTableRequest extends OwnedChain {
  readonly pointId: string;
  readonly disk: string;
}

export interface HealDiskRequest extends HealTableRequest {
  readonly units: readonly number[];
}

export interface HealedDisk {
  /** One sentence for each unit. */
  readonly notes: readonly string[];
  /** Units that are still bad. */
  readonly remaining: readonly number[];
  /** The source could not be asked just now: what remains may be healed later. */
  readonly isSourceUnknown: boolean;
}

export interface HealCompanionRequest extends OwnedChain {
  readonly pointId: string;
  readonly path: string;
}

export interface HealedCompanion {
  readonly isHealed: boolean;
  readonly isSourceUnknown: boolean;
  /** Nothing was to be done. Absent: something was, or an earlier build did not look. */
  readonly wasRight?: true;
}

export interface MarkDamageRequest extends ChainChange {
  readonly damage: readonly LastingDamage[];
  /** False while the source could not be asked: it may still heal them. */
  readonly mayQuarantine: boolean;
}

export interface MarkedDamage {
  /** Points that show a damaged block, oldest first. */
  readonly corrupt: readonly string[];
  readonly quarantined: readonly string[];
  /** Disks that are as they were written by now. Left out by earlier versions. */
  readonly sound?: readonly { readonly pointId: string; readonly disk: string }[];
}

export interface MarkVerifiedRequest extends ChainChange {
  readonly verified: readonly VerifiedPoint[];
  /** When the check began. RFC 3339 UTC. */
  readonly since: string;
}
