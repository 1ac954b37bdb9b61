import type { FoundTree, TreePoint } from '../../../src/domain/trees/source-tree.js';
import type { TreeLayout } from '../../../src/layout/tree-layout.js';
import { FolderReader } from '../../../src/layout/trees/tree-reader.js';
import { walkFolders } from '../../../src/layout/walk/walk-folders.js';
import type { SourceRepository } from '../../../src/repository/backup-repository.js';

/** What one layout of trees finds in the folders of a repository, folder after folder. */
export async function scanTreesWith(
  layout: TreeLayout,
  repository: SourceRepository,
): Promise<FoundTree[]> {
  const trees: FoundTree[] = [];
  for await (const walked of walkFolders(repository, { trees: [layout], images: [] }))
    for (const { claim } of walked.trees) {
      const reader = new FolderReader(repository, walked.folder);
      trees.push(...(await layout.scan(reader, walked.folder, claim)));
    }
  return trees;
}

/** A point without what a test does not ask of it. */
export function briefPoint({ id, kind, state, needs, gap }: TreePoint): Record<string, unknown> {
  return { id, kind, state, needs, ...(gap === undefined ? {} : { gap }) };
}
