import type { FileStamp } from '../../../domain/file-stamp.js';

/** A file of the source as a look lists it. */
export interface ListedFile {
  /** Relative to the tree. */
  readonly path: string;
  readonly stamp: FileStamp;
  readonly mode: number | null;
}

/** `new`: the copy does not have it. `changed`: it has another state of it. `waits`: it was written to a moment ago. `same`: it has it; `back`: it
 *  has it, and the source did not have it. `gone`: the source does not have it since the last look. `away`: since an earlier one. `lost`: the same, and its tool did not remove it. `unseen`: its folder could not be looked
 *  into. */
export type FileDifference =
  'new' | 'changed' | 'waits' | 'same' | 'back' | 'gone' | 'away' | 'lost' | 'unseen';
