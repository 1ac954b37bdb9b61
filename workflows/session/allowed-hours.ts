import { CancellationScope, sleep } from '@temporalio/workflow';
import { hoursAt, type WeeklyHours } from '../../src/domain/schedules/weekly-hours.js';
import { isStop } from '../failures.js';

/** Tells at once, and whenever that changes, whether the hours of a job hold, until it is stopped.
 *  @param tell null: they hold; else when they begin, RFC 3339 UTC
 *  @returns stops it */
export function keepHours(
  hours: WeeklyHours,
  tell: (until: string | null) => Promise<void>,
): () => void {
  const scope = new CancellationScope();
  const keep = async () => {
    for (;;) {
      const { isOpen, changesAtMs } = hoursAt(hours, Date.now());
      if (changesAtMs === null) return;
      await tell(isOpen ? null : new Date(changesAtMs).toISOString());
      await sleep(changesAtMs - Date.now());
    }
  };
  void scope.run(keep).catch((error: unknown) => {
    if (!isStop(error)) throw error;
  });
  return () => scope.cancel();
}
