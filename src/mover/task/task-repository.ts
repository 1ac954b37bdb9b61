import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import {
  aroundContent,
  aroundReading,
  type AroundContent,
} from '../../repository/around-content.js';
import type { RateMeters } from '../../repository/rate-meters.js';
import type { TaskControl } from './task-control.js';

/** A repository as a task has it: within the rates that hold, with the time that is waited for it told to the task, and with the fence of the task behind
 *  the wait, right before each write.
 *  @param input of the operation that runs: it names its target */
export function taskRepository(
  repository: BackupRepository,
  control: TaskControl,
  meters: RateMeters,
  input: unknown,
): BackupRepository {
  const fenced = repository.fenced(() => control.assertMayWrite());
  return aroundContent(fenced, withinRates(repository.id, control, meters, input));
}

/** The same of one that the task only reads. */
export function taskSource(
  repository: SourceRepository,
  control: TaskControl,
  meters: RateMeters,
  input: unknown,
): SourceRepository {
  return aroundReading(repository, withinRates(repository.id, control, meters, input));
}

function withinRates(
  repositoryId: string,
  control: TaskControl,
  meters: RateMeters,
  input: unknown,
): AroundContent {
  const part = repositoryId === targetOf(input) ? 'targetNs' : 'sourceNs';
  const gate = meters.gate(repositoryId, () => control.throwIfStopped());
  return async (way, sizes, call) => {
    if (gate.isLimited(way))
      await control.timed('limitNs', async () => {
        for (const bytes of sizes) await gate.pass(way, bytes);
      });
    // Syncs go on beside the work; what of them is waited for the window loop counts.
    return control.timed(part, call);
  };
}

/** undefined: it has none, and only reads. */
function targetOf(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || !('targetRepositoryId' in input)) return;
  return input.targetRepositoryId;
}
