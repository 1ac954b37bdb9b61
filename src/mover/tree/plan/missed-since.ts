import { lastSessionStart } from '../../../chain/sessions/session-record.js';
import { lookedBeforeMs, missedSinceMs } from '../../../domain/trees/missed-since.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import type { Seen } from './plan-class.js';

/** Since when counts as gone what this look misses (`missedSinceMs`): a look that finds nothing is noted by the record of its session alone. */
export async function missedSince({
  input: { nowMs },
  target,
  layout,
  known,
}: Seen & { readonly known: TreeRecord }): Promise<number> {
  if (layout.rules.shape === 'sets') return nowMs;
  const untilMs = lookedBeforeMs(known, nowMs);
  return missedSinceMs(known, nowMs, await lastSessionStart(target, known.jobId, untilMs));
}
