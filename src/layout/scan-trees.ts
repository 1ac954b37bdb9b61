import { restorePointsOf } from '../domain/trees/source-tree.js';
import type { SourceWorkload } from '../domain/sources/restore-point.js';
import type { RepositoryEntry } from '../repository/backup-repository.js';
import type { FolderFacts } from './file-facts.js';
import { FolderReader } from './tree-reader.js';
import { unlistedFiles } from './unlisted-files.js';
import type { WalkedFolder } from './walk-folders.js';

/** The trees of one folder, as workloads.
 *  @param facts of that folder
 *  @param onUnlisted is told of files that were claimed and are of no point. Absent: nobody looks for them
 *  @throws what the repository throws when something cannot be read that decides whose backups these are */
export async function treesIn(
  facts: FolderFacts,
  { folder, trees }: Pick<WalkedFolder, 'folder' | 'trees'>,
  onUnlisted?: (files: readonly RepositoryEntry[]) => void,
): Promise<SourceWorkload[]> {
  const workloads: SourceWorkload[] = [];
  for (const { layout, claim } of trees) {
    const reader = new FolderReader(facts.repository, folder, facts);
    const all = await layout.scan(reader, folder, claim);
    if (onUnlisted) onUnlisted(await unlistedFiles(reader, folder, { layout, claim }, all));
    for (const found of all) {
      const { id, name, root, within, points, conflict } = found;
      workloads.push({
        ...{ id, name, type: layout.type.id, folders: [folder] },
        restorePoints: restorePointsOf(found),
        tree: { layout: layout.name, root, points, ...(within === undefined ? {} : { within }) },
        ...(conflict === undefined ? {} : { conflict }),
      });
    }
  }
  return workloads;
}
