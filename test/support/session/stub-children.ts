/** The session as it is, over children that copy nothing: each ends at once with as many notes as its name says (`vm-7 notes=50`), and
 *  reports them the way a real one does. */

import { newTask, type CopyTask } from '../../../src/domain/sessions/copy-session.js';
import type { CopyWorkloadInput } from '../../../workflows/task/copy-workload-input.js';
import { reportTask } from '../../../workflows/task/task-report.js';

export { copySession } from '../../../workflows/session/copy-session.js';

export async function copyWorkload(input: CopyWorkloadInput): Promise<CopyTask> {
  const { id, name } = input.workload;
  const notes = Number(/notes=(\d+)/.exec(name)?.[1] ?? 0);
  const task: CopyTask = {
    ...newTask(name, id),
    state: 'ended',
    result: name.includes('fails') ? 'failed' : 'success',
    committed: ['2026-11-01T010002Z'],
    notes: Array.from(
      { length: notes },
      (_, n) => `restore point ${n} of ${name} ${'x'.repeat(80)}`,
    ),
  };
  const ids = { targetRepositoryId: input.job.target.repositoryId, jobId: input.job.id };
  return reportTask(input.report, ids, task);
}
