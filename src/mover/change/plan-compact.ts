import { availablePoints } from '../../chain/chain-record.js';
import { ownedChainRecord } from '../../chain/chain-store.js';
import { leasedPointIds } from '../../chain/leases.js';
import { DAY_MS } from '../../domain/calendar-date.js';
import type { MaintenanceSchedule } from '../../domain/copy-job.js';
import { maintenanceDue } from '../../domain/maintenance-window.js';
import type { ChangeInput } from './change-points.js';
import type { MoverContext } from '../task/mover-context.js';

/** The full that is to be written anew without what merges left unused in it: that of the chain which grows, when the schedule has come
 *  round since it was last done (or since the full was copied), and nothing speaks against it. Changes nothing. */
export async function planCompact(
  context: MoverContext,
  input: ChangeInput & {
    readonly schedule: MaintenanceSchedule;
    readonly immutableForDays: number;
  },
): Promise<{ readonly pointId: string | null }> {
  const { nowMs } = input;
  const repository = await context.repository(input.targetRepositoryId);
  const record = await ownedChainRecord(repository, input.chain, input.epoch);
  const points = availablePoints(record);
  const chainId = points.at(-1)?.chainId;
  const full = points.find(({ id }) => id === chainId);
  if (full === undefined || full.health !== 'good' || record.pending !== null)
    return { pointId: null };
  const copiedAtMs = Date.parse(full.copiedAt);
  // What was made compact may have been another full: an active full begins a chain of its own.
  const compactedAtMs = Date.parse(record.compactedAt ?? full.copiedAt);
  const isDue = maintenanceDue(input.schedule, Math.max(compactedAtMs, copiedAtMs), nowMs);
  const isImmutable = nowMs < copiedAtMs + input.immutableForDays * DAY_MS;
  if (!isDue || isImmutable) return { pointId: null };
  const leased = await leasedPointIds(repository, input.chain, record, nowMs);
  return { pointId: leased.has(full.id) ? null : full.id };
}
