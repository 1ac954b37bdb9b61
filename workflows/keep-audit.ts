import {
  condition,
  proxyActivities,
  setHandler,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { AuditActivities } from '../activities/audit-activities.js';
import type { PlacedLine } from '../src/domain/access/audit.js';
import { goOnInNewRun } from './history-length.js';
import { auditSignal, lookTaskQueue, type KeepAuditInput } from './messages.js';

/** So many lines of 16 kB go through one payload. */
const BATCH_LINES = 50;

/** Writes audit lines beside the data of one target, in the order in which they came, one writer at a time. While the target is away they
 *  wait here. Ends when none is left; the next line starts it anew. */
export async function keepAudit({ repositoryId, waiting = [] }: KeepAuditInput): Promise<void> {
  const lines: PlacedLine[] = [...waiting];
  setHandler(auditSignal, (line) => void lines.push(line));
  const { appendAudit } = proxyActivities<AuditActivities>({
    taskQueue: lookTaskQueue(repositoryId),
    startToCloseTimeout: '1m',
    heartbeatTimeout: '10s',
    retry: { initialInterval: '1s', maximumInterval: '1m' },
  });
  // The signal that starts it comes with the start.
  await condition(() => lines.length > 0, '1m');
  while (lines.length > 0) {
    const batch = lines.slice(0, BATCH_LINES);
    setCurrentDetails(`${lines.length} lines wait for ${repositoryId}.`);
    const summary = `${batch.length} audit lines`;
    await appendAudit.executeWithOptions({ summary }, [{ repositoryId, lines: batch }]);
    lines.splice(0, batch.length);
    // What waited through an outage may be more than a new run can be given: it is written first.
    const isCarried = lines.length > 0 && lines.length <= BATCH_LINES;
    if (workflowInfo().continueAsNewSuggested && isCarried)
      await goOnInNewRun<typeof keepAudit>({ repositoryId, waiting: lines });
  }
}
