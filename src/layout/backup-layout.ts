import type { SourceWorkload } from '../domain/restore-point.js';
import type { FolderFacts } from './file-facts.js';
import type { FolderFiles } from './walk-folders.js';

/** How one backup tool lays out its restore points in a folder of a repository. */
export interface BackupLayout {
  /** Persisted name of the layout. */
  readonly name: string;
  /** Whether a file of this name may be one that this tool wrote, in whatever folder: what no layout claims is named as not recognised. */
  claims(fileName: string): boolean;
  /** All workloads of this tool in one folder; files of other tools are passed over. Never follows a path stored in a file.
   *  A point that cannot be restored is reported with state and reason, not left out.
   *  The folder is all there is to know: ids follow from it, and the link of a point never leaves it. A parent that lies in another folder
   *  is missing, so that a complete point always has its whole chain beside it.
   *  @throws what the repository throws when a file cannot be read that decides whose backups these are: a scan is whole or fails */
  scanFolder(facts: FolderFacts, folder: FolderFiles): Promise<SourceWorkload[]>;
}
