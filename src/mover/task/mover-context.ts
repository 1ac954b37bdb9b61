import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import type { FactStore } from '../../layout/file-facts.js';
import type { TaskControl } from './task-control.js';

/** What every data mover operation is handed: the repositories it may use, and its task's control block. */
export interface MoverContext {
  /** What is only read, also of a target: its type has no write. @throws REPOSITORY_MISSING, REPOSITORY_UNREACHABLE */
  source(id: string): Promise<SourceRepository>;
  /** Where something is written. @throws as `source`, REPOSITORY_READ_ONLY where that may only be read */
  repository(id: string): Promise<BackupRepository>;
  readonly control: TaskControl;
  /** What earlier looks found out about source files. */
  readonly facts: FactStore;
}
