import type { BackupRepository } from '../repository/backup-repository.js';

/** Where a chain lies. */
export interface ChainPlace {
  readonly repository: BackupRepository;
  readonly chain: string;
}
