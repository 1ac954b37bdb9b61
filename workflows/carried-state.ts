/** What a run of an operation hands on to the next one, as Temporal keeps it. */

import type { OperationStatus } from '../src/domain/sessions/operation.js';
import type { Damage, VerifiedPoint } from '../src/domain/targets/damage.js';
import type { CheckedChain, TreeToVerify } from '../src/domain/targets/verification.js';
import type { TreeCheckReference } from '../src/domain/trees/tree-damage.js';

/** State of an operation when another run goes on with it. */
export interface CarriedOperation {
  /** Of the first run; RFC 3339 UTC. */
  readonly startedAt: string;
  readonly status: OperationStatus;
  readonly piece: PieceOfWork;
}

/** Part of the work that is planned anew when it is taken up again; it is in the status already. */
export interface PieceOfWork {
  readonly totalBytes: number;
  readonly processedBytes: number;
}

export interface VerificationCounts {
  readonly points: number;
  /** Places. */
  readonly damaged: number;
  readonly unhealed: number;
  /** Files in trees that nobody knows. */
  readonly unknown: number;
  /** Chains and jobs that cannot be read. */
  readonly unreadable: number;
}

/** Something damaged in the files of one point. */
export interface ChainDamage {
  readonly pointId: string;
  readonly damage: Damage;
}

export interface ChainFindings {
  readonly chain: CheckedChain;
  readonly damage: readonly ChainDamage[];
  /** Points in which nothing was found. */
  readonly verified: readonly VerifiedPoint[];
}

/** What is not in the chains' records yet. */
export interface CarriedFindings {
  /** Of the chain in work. */
  readonly open: ChainFindings | null;
  /** Of chains that a session held when their points were to get the date of the verification. */
  readonly late: readonly ChainFindings[];
}

/** A tree that was read while a session held it: what was found is entered afterwards. */
export interface LateTree {
  readonly tree: TreeToVerify;
  readonly reference: TreeCheckReference;
}
