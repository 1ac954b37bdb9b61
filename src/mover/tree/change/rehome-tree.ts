import { TREE_RECORD_COPY_NAME, TREE_RECORD_NAME } from '../../../tree/tree-paths.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { readTreeRecord, writeTreeRecord } from '../../../tree/tree-store.js';
import { rehome, type KeptKind, type Rehomed, type RehomeInput } from '../../change/rehome.js';
import { takeKept } from './take-tree.js';
import type { MoverContext } from '../../task/mover-context.js';

const TREE: KeptKind<TreeRecord> = {
  names: [TREE_RECORD_NAME, TREE_RECORD_COPY_NAME],
  read: readTreeRecord,
  write: writeTreeRecord,
  takeOver: takeKept,
};

/** Gives the copy of a tree to another job, as `rehome`.
 *  @returns null: there is no tree */
export function rehomeTree(context: MoverContext, input: RehomeInput): Promise<Rehomed | null> {
  return rehome(context, input, TREE);
}
