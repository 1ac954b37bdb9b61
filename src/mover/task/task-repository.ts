import type { BackupRepository } from '../../repository/backup-repository.js';
import { fencedRepository } from '../../repository/fenced-repository.js';
import type { RateMeters } from '../../repository/rate-meters.js';
import type { TaskControl } from './task-control.js';

/** A repository as a task has it: within the rates that hold, and with the fence of the task behind the wait, right before each write. */
export function taskRepository(
  repository: BackupRepository,
  control: TaskControl,
  meters: RateMeters,
): BackupRepository {
  const fenced = fencedRepository(repository, () => control.assertMayWrite());
  return meters.metered(fenced, () => control.throwIfStopped());
}
