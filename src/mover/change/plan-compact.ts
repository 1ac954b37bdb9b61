import { availablePoints, type ChainRecord } from '../../chain/chain-record.js';
import { leasedPointIds, type LeasesFound } from '../../chain/leases.js';
import type { MaintenanceSchedule } from '../../domain/schedules/job-schedule.js';
import { immutableReason } from '../../domain/retention/immutability.js';
import { maintenanceDue } from '../../domain/schedules/maintenance-window.js';
import { chainAges } from '../../domain/retention/retention-age.js';
import { imageFormat } from '../../image/formats.js';

/** The full that is to be written anew without what merges left unused in it: that of the chain which grows, when the schedule has come
 *  round since a full was last written anew, and nothing speaks against it. Nothing is merged into files of a format without a merger, so they
 *  have nothing unused. Pure. */
export function compactDue(
  record: ChainRecord,
  leases: LeasesFound,
  {
    compact,
    immutableForDays,
    nowMs,
  }: {
    readonly compact: MaintenanceSchedule | null;
    readonly immutableForDays: number;
    readonly nowMs: number;
  },
): string | null {
  const { points, asOfMs } = chainAges(availablePoints(record), nowMs);
  const chainId = points.at(-1)?.chainId;
  const full = points.find(({ id }) => id === chainId);
  if (compact === null || full === undefined) return null;
  if (full.disks.every(({ format }) => imageFormat(format).merger === null)) return null;
  if (full.health !== 'good' || record.pending !== null) return null;
  // A merge hands the full on to a newer point, and `copiedAt` with it: that makes nothing compact.
  const compactedMs = Date.parse(record.compactedAt ?? full.copiedAt);
  // A clock that ran ahead did it.
  const lastDoneAtMs = compactedMs > nowMs ? Date.parse(full.copiedAt) : compactedMs;
  const isDue = maintenanceDue(compact, lastDoneAtMs, nowMs);
  const rule = { asOfMs, immutableForDays, nowMs };
  if (!isDue || immutableReason(full, rule) !== null) return null;
  return leasedPointIds(record, leases).has(full.id) ? null : full.id;
}
