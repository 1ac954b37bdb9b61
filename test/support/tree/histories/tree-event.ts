import type { CrashPlan, Loss } from '../../repository/simulated-repository.js';
import type { Disaster, ToolOperation } from './source-tools.js';

/** `written`: a store whose data are written once, and not told to be immutable. `datastore`: of Proxmox Backup Server. */
export type TreeKind = 'store' | 'written' | 'datastore' | 'sets';

/** Something that happens to a source and its copy. Numbers are taken as far as there is something to be chosen from. */
export type TreeEvent =
  | { readonly type: 'tool'; readonly operation: ToolOperation; readonly seed: number }
  | {
      readonly type: 'disaster';
      readonly disaster: Disaster;
      /** What happens to the session that meets it, whatever the copy was like before. null: the copy was settled, and nothing does. */
      readonly amid: TreeSession | null;
    }
  | { readonly type: 'loss'; readonly how: CopyLoss; readonly seed: number }
  | { readonly type: 'list'; readonly how: ListDamage; readonly seed: number }
  | { readonly type: 'missing'; readonly isListing: boolean; readonly seed: number }
  | { readonly type: 'days'; readonly count: number }
  | { readonly type: 'session'; readonly session: TreeSession };

/** What somebody does to a file of the copy. */
export type CopyLoss = 'removed' | 'cut' | 'longer';

/** What becomes of a list of a session that was stopped. */
export type ListDamage = 'removed' | 'emptied' | 'cut' | 'overwritten';

export interface TreeSession {
  /** What the tool does while the session reads: a step at every so many calls. */
  readonly during: {
    readonly operation: ToolOperation;
    readonly seed: number;
    readonly everyCalls: number;
  } | null;
  /** By how much the clock of the worker is wrong. */
  readonly clockHours: number;
  readonly stops: readonly TreeStop[];
  readonly fault: TreeFault | null;
}

interface TreeStop extends CrashPlan {
  readonly loss: Loss;
  /** The same session goes on with another worker; otherwise nobody does, until the next session. */
  readonly goesOn: boolean;
}

/** `unreadable`, `denied`: one file of the source cannot be read, or may not be. `folder`: one of its folders may not be looked into. `io`, `full`: one call of the target fails, once. */
export interface TreeFault {
  readonly kind: 'unreadable' | 'denied' | 'folder' | 'io' | 'full';
  readonly at: number;
}

export const QUIET: TreeSession = { during: null, clockHours: 0, stops: [], fault: null };
