import type { DataMover } from '../../src/mover/data-mover.js';
import type { TaskControl } from '../../src/mover/task/task-control.js';
import type { BackupRepository } from '../../src/repository/backup-repository.js';

/** The repository for what an activity writes by itself, with the fence of its task: a worker that stood still may belong to a session that was ended, and its copies to another
 *  job by now. */
export async function taskTarget(
  mover: DataMover,
  repositoryId: string,
  control: TaskControl,
): Promise<BackupRepository> {
  return (await mover.repository(repositoryId)).fenced(() => control.assertMayWrite());
}
