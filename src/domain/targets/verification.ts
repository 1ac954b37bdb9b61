/** What there is to verify in a repository, in parts that have a bounded size. Plain JSON. */

import type { UnreadablePart } from './unreadable-part.js';
import type { WorkloadType } from '../sources/source-workload.js';

/** A chain, as a health check names it. */
export interface CheckedChain {
  readonly jobId: string;
  readonly workloadId: string;
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
}

/** A chain and some of its points, whose files are to be read. */
export interface ChainToVerify extends CheckedChain {
  readonly type: 'chain';
  /** Its folder in the repository. */
  readonly path: string;
  /** Oldest first. */
  readonly pointIds: readonly string[];
}

/** Place in the order of what is to be verified: all up to here is done. */
export interface VerificationPosition {
  /** Folder of a chain, or of a job whose folder cannot be read. */
  readonly path: string;
  /** null: the whole folder. */
  readonly pointId: string | null;
  /** It is that of a tree; they come behind the chains. Absent: it is none. */
  readonly isTree?: true;
}

/** In the order of their folders, chains first, then trees; what cannot be verified because it cannot be read stands among the rest. */
export interface VerificationPage {
  readonly parts: readonly (
    | ChainToVerify
    | TreeToVerify
    | ({ readonly type: 'unreadable'; readonly isTree?: true } & UnreadablePart)
  )[];
  /** Nothing comes behind them. */
  readonly isLast: boolean;
}

/** A copied tree that is to be checked. */
export interface TreeToVerify extends CheckedChain {
  readonly type: 'tree';
  /** Its folder in the repository. */
  readonly path: string;
  /** Only the files that this point needs; null: all. */
  readonly pointId: string | null;
}
