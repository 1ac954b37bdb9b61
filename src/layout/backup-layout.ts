import type { SourceWorkload } from '../domain/restore-point.js';
import type { BackupRepository } from '../repository/backup-repository.js';

/** How one backup tool lays out its restore points in a repository. */
export interface BackupLayout {
  /** Persisted name of the layout. */
  readonly name: string;
  /** All workloads of this tool in the repository; files of other tools are passed over. Never follows a path stored in a file.
   *  A point that cannot be restored is reported with state and reason, not left out.
   *  @throws what the repository throws when a folder cannot be read: a scan is whole or fails */
  scan(repository: BackupRepository): Promise<SourceWorkload[]>;
}
