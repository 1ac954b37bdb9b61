import type { BackupRepository } from '../../repository/backup-repository.js';
import type { FactStore } from '../../layout/file-facts.js';
import type { TaskControl } from './task-control.js';

/** What every data mover operation is handed: the repositories it may use, and its task's control block. */
export interface MoverContext {
  /** @throws REPOSITORY_MISSING, REPOSITORY_UNREACHABLE */
  repository(id: string): Promise<BackupRepository>;
  readonly control: TaskControl;
  /** What earlier looks found out about source files. */
  readonly facts: FactStore;
}
