import { BackupError } from '../../domain/errors.js';
import type { TreeRules } from '../../domain/trees/tree-rules.js';
import { treeLayoutOf } from '../../layout/tree-layouts.js';
import type { TreeRecord } from '../../tree/tree-record.js';

/** @throws CHAIN_FORMAT_UNKNOWN when this release does not have the layout */
export function rulesOf({ layout }: Pick<TreeRecord, 'layout'>): TreeRules {
  const rules = treeLayoutOf(layout)?.rules;
  if (rules !== undefined) return rules;
  throw new BackupError('CHAIN_FORMAT_UNKNOWN', `layout ${layout} is not one of this release`);
}
