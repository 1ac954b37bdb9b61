/** Trees as they are found in a source: what of them the API, the retention and the restore talk about. Plain JSON. */

import type { PointEvidence, RestorePointState } from '../sources/point-state.js';

/** `log`: transaction logs between backups. `snapshot`: of a store whose files several of them share. */
export type TreePointKind = 'full' | 'increment' | 'log' | 'snapshot';

/** A state of what the tree backs up, as its tool names it. */
export interface TreePoint {
  /** Unique in its tree, stable while the point exists. */
  readonly id: string;
  /** When the source's backup was made. */
  readonly createdAtMs: number;
  readonly kind: TreePointKind;
  /** Ids of points without which it is worth nothing: of a differential its full, of logs the full and the logs before. */
  readonly needs: readonly string[];
  readonly state: RestorePointState;
  /** Why the state is not `complete`, in plain words; null otherwise. */
  readonly reason: string | null;
  /** Of a set its own files, relative to the root of the tree. null: a point of a store. */
  readonly files: readonly string[] | null;
  /** Of a set that of its files together. */
  readonly sizeBytes?: number;
  /** What is missing before it (a range of logs), in plain words; absent: nothing. */
  readonly gap?: string;
  /** Of what part of the database alone it is, in plain words: it stands for none that is of all. Absent: it is of all. */
  readonly ofPart?: string;
  /** What tells whether its tool has finished it. Absent: there is nothing to wait for. */
  readonly evidence?: PointEvidence;
  /** As `SourceRestorePoint.lookAgainAtMs`. */
  readonly lookAgainAtMs?: number;
  /** Of a store: when the last of the files was written that it shares with others and needs, by the clock of their storage. Epoch milliseconds. Absent: of logs
   *  `createdAtMs`, of others nothing tells. */
  readonly writtenUntilMs?: number;
  /** Its tool does not list it, or says that it works on it: it has not ended, or its files are being removed or written anew. Absent: it does. */
  readonly isUnlisted?: true;
}

/** What a layout finds. */
export interface FoundTree {
  /** Begins with the name of the layout's platform. */
  readonly id: string;
  /** As `SourceWorkload.otherIds`. */
  readonly otherIds?: readonly string[];
  readonly name: string;
  /** Folder in the repository, `''` for its root; the paths of files are relative to it. */
  readonly root: string;
  /** Paths from the root of folders and files that are its own, where it shares the root with others. Absent: all of the root. */
  readonly within?: readonly string[];
  /** Oldest first; ids are unique. */
  readonly points: readonly TreePoint[];
  /** Two of them claim this id: which, and what shows it. Such a tree is never copied. */
  readonly conflict?: string;
}

/** A workload that is a tree. */
export interface SourceTree extends Pick<FoundTree, 'root' | 'within' | 'points'> {
  /** Name of the layout, which has its rules. */
  readonly layout: string;
}

/** The gap of a point of which nothing tells what it builds on, until more is known. Persisted in copies. */
export const UNKNOWN_ORDER =
  'a control file of its time was not written at the time in its name: nothing tells what it builds on, whether the clock of the database or that of its storage was wrong, or files were brought here without their times';
