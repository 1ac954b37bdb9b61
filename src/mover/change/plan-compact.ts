import { availablePoints } from '../../chain/chain-record.js';
import { ownedChainRecord } from '../../chain/chain-store.js';
import { leasedPointIds, readLeases } from '../../chain/leases.js';
import { withBelievedDates } from '../../domain/believed-dates.js';
import type { MaintenanceSchedule } from '../../domain/copy-job.js';
import { immutableReason } from '../../domain/immutability.js';
import { maintenanceDue } from '../../domain/maintenance-window.js';
import { ageBase } from '../../domain/retention-age.js';
import type { ChangeInput } from './change-points.js';
import type { MoverContext } from '../task/mover-context.js';

/** The full that is to be written anew without what merges left unused in it: that of the chain which grows, when the schedule has come
 *  round since a full was last written anew, and nothing speaks against it. Changes nothing. */
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
  const points = withBelievedDates(availablePoints(record));
  const chainId = points.at(-1)?.chainId;
  const full = points.find(({ id }) => id === chainId);
  if (full === undefined || full.health !== 'good' || record.pending !== null)
    return { pointId: null };
  // A merge hands the full on to a newer point, and `copiedAt` with it: that makes nothing compact.
  const lastDoneAtMs = Date.parse(record.compactedAt ?? full.copiedAt);
  const isDue = maintenanceDue(input.schedule, lastDoneAtMs, nowMs);
  const rule = { ...ageBase(points, nowMs), immutableForDays: input.immutableForDays, nowMs };
  if (!isDue || immutableReason(full, rule) !== null) return { pointId: null };
  const leased = leasedPointIds(record, await readLeases(repository, input.chain, nowMs));
  return { pointId: leased.has(full.id) ? null : full.id };
}
