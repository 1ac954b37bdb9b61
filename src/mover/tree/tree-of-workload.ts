import { BackupError } from '../../domain/errors.js';
import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import type { SourceTree } from '../../domain/trees/source-tree.js';
import type { TreeLayout } from '../../layout/tree-layout.js';
import { treeLayoutOf } from '../../layout/tree-layouts.js';

/** @throws WORKLOAD_MISSING when it is none, or of a layout that this release does not have */
export function treeOf(workload: SourceWorkload): {
  readonly tree: SourceTree;
  readonly layout: TreeLayout;
} {
  const { tree } = workload;
  const layout = tree === undefined ? null : treeLayoutOf(tree.layout);
  if (tree !== undefined && layout !== null) return { tree, layout };
  throw new BackupError(
    'WORKLOAD_MISSING',
    `workload ${workload.name} is no tree of files any more`,
    {
      details: { workloadId: workload.id },
    },
  );
}
