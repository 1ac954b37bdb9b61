/** What a look at a tree finds to be done. Plain JSON. */

import type { AwaitedPoint } from '../sources/settle.js';
import type { FileFaults } from './file-faults.js';
import type { ChosenTreePoints } from './tree-points.js';

/** Names the plan that a step belongs to. */
export interface TreePlanReference {
  readonly token: string;
  readonly epoch: number;
}

/** What is to be done, as it goes through Temporal: counts, never lists. */
export type TreePlanOutcome = PlannedTree | LeftTree | ComparingTree;

interface Told {
  /** Files that cannot be copied. */
  readonly faults: FileFaults;
  /** Files and folders of these that points may need: nothing is removed on the word of such a look. Absent: none. */
  readonly lacking?: number;
  /** Files of the copy that are not there as they were copied, and that points need which count as good: nothing is removed until a health check has
   *  judged these. Absent: none. */
  readonly lost?: number;
  /** Files that are not finished yet, as it seems: a later session copies them. Absent: none. */
  readonly waiting?: FileFaults;
  /** One plain sentence each. */
  readonly warnings: readonly string[];
  /** Of these what no later look shows again. Absent: of a release that did not wait. */
  readonly toldOnce?: readonly string[];
  readonly unusable: ChosenTreePoints['unusable'];
  /** Points in progress that the job takes when they are whole. Absent: none. */
  readonly awaited?: readonly AwaitedPoint[];
}

export interface PlannedTree extends Told {
  readonly state: 'planned';
  readonly reference: TreePlanReference;
  /** In the order of copying; those with nothing to copy are left out. */
  readonly classes: readonly TreeWork[];
  /** What runs before did and may not have told; one plain sentence each. Absent: of a release that did not look for it. */
  readonly notes?: readonly string[];
}

export interface LeftTree extends Told {
  readonly state: 'same' | 'suspicious';
  /** Of what is suspicious. Absent: the source. */
  readonly code?: 'SOURCE_SUSPICIOUS' | 'TARGET_SUSPICIOUS';
  readonly reason: string;
}

/** Lists of a run that was stopped are damaged, and files of the copy are still to be compared with its index before anything can be planned: to be asked again. */
export interface ComparingTree {
  readonly state: 'comparing';
  /** Files by now. */
  readonly comparedCount: number;
  /** How far it is, in windows of 8 MiB or 1,024 small files. What does not grow was not noted. */
  readonly windows: number;
}

/** The windows of one class. */
export interface TreeWork {
  readonly class: string;
  readonly windowCount: number;
  readonly fileCount: number;
  readonly sizeBytes: number;
}

/** What became of a commit. */
export interface CommittedTree {
  /** Ids of the points that are new, or that have grown; of very many the last. */
  readonly committed: readonly string[];
  /** Of all of them. */
  readonly committedCount: number;
  /** Points that are not there although their tool shows them, those that are gone because their files were overwritten, and those whose files have other bytes although
   *  their tool shows them as before; one plain sentence each. */
  readonly leftOut: readonly string[];
  /** New points are not in the copy, for want of files. Absent: all are. */
  readonly hasLeftOut?: true;
  /** Files that the copy had lost and has again. Absent: none. */
  readonly sentAgain?: FileFaults;
  /** Files that it has not, although they were to be sent again, and that points need which count as good. Absent: none. */
  readonly lost?: number;
}
