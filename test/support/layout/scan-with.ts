import type { SourceWorkload } from '../../../src/domain/sources/source-workload.js';
import type { BackupLayout } from '../../../src/layout/backup-layout.js';
import { FolderFacts, FORGETFUL } from '../../../src/layout/file-facts.js';
import { walkFolders } from '../../../src/layout/walk/walk-folders.js';
import type { SourceRepository } from '../../../src/repository/backup-repository.js';

/** What one layout finds in the folders of a repository, folder after folder. */
export async function scanWith(
  layout: BackupLayout,
  repository: SourceRepository,
): Promise<SourceWorkload[]> {
  const workloads: SourceWorkload[] = [];
  for await (const { folder, shares } of walkFolders(repository, {
    trees: [],
    images: [layout],
  }))
    for (const { claimed } of shares) {
      const facts = await FolderFacts.of(FORGETFUL, repository, folder);
      for (const found of await layout.scan(facts, claimed))
        workloads.push({ ...found, type: layout.type.id, folders: [folder] });
    }
  return workloads;
}
