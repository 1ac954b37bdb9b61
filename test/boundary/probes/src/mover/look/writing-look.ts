import type { BackupRepository } from '../../repository/backup-repository.js'; // report: @typescript-eslint/no-restricted-imports

export type Writing = BackupRepository;
