import { open } from '../repository/directory/directory-repository.js'; // report: @typescript-eslint/no-restricted-imports
import type { BackupRepository } from '../repository/backup-repository.js';

export const probe = (repository: BackupRepository): unknown => [open, repository];
