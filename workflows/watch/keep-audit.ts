import {
  condition,
  proxyActivities,
  setHandler,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { AuditActivities } from '../../activities/watch/audit-activities.js';
import type { PlacedLine } from '../../src/domain/access/audit.js';
import { jsonBytes } from '../../src/domain/sessions/task-brief.js';
import { isStop, reasonOf } from '../failures.js';
import { goOnInNewRun } from '../history-length.js';
import { auditSignal, lookTaskQueue, type KeepAuditInput } from '../messages.js';
import { counted } from '../../src/domain/sentences.js';

/** So many lines of 16 kB go through one payload. */
const BATCH_LINES = 50;
/** What a new run is given goes through one payload, too. */
const CARRIED_BYTES = 1_000_000;
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 60 * 60_000;

/** Writes audit lines beside the data of one target, in the order in which they came, one writer at a time. While the target is away, or takes
 *  none, they wait here. Ends when none is left; the next line starts it anew. */
export async function keepAudit({ repositoryId, waiting = [] }: KeepAuditInput): Promise<void> {
  const lines: PlacedLine[] = [...waiting];
  setHandler(auditSignal, (line) => void lines.push(line));
  const { appendAudit } = proxyActivities<AuditActivities>({
    taskQueue: lookTaskQueue(repositoryId),
    startToCloseTimeout: '1m',
    heartbeatTimeout: '10s',
    // Not for ever: while it waits nobody sees how long the history has grown, and lines that come to one that is full are lost.
    scheduleToCloseTimeout: '15m',
    retry: { initialInterval: '1s', maximumInterval: '5m' },
  });
  // The signal that starts it comes with the start.
  await condition(() => lines.length > 0, '1m');
  let pauseMs = FIRST_PAUSE_MS;
  while (lines.length > 0) {
    const batch = lines.slice(0, BATCH_LINES);
    setCurrentDetails(`${counted(lines.length, 'line waits', 'lines wait')} for ${repositoryId}.`);
    const summary = `${batch.length} audit lines`;
    try {
      await appendAudit.executeWithOptions({ summary }, [{ repositoryId, lines: batch }]);
      lines.splice(0, batch.length);
      pauseMs = FIRST_PAUSE_MS;
    } catch (error) {
      if (isStop(error)) throw error;
      // Somebody has to do something about the target; what was done to it until then is not to be forgotten.
      setCurrentDetails(
        `${counted(lines.length, 'line waits', 'lines wait')} for ${repositoryId}: ${reasonOf(error)}`,
      );
      await sleep(pauseMs);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
    // What waited through an outage may be more than a new run can be given: it is written first.
    const isCarried = lines.length > 0 && jsonBytes(lines) <= CARRIED_BYTES;
    if (workflowInfo().continueAsNewSuggested && isCarried)
      await goOnInNewRun<typeof keepAudit>({ repositoryId, waiting: lines });
  }
}
