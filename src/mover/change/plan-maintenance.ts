import { leasedPointIds, readLeases } from '../../chain/leases.js';
import { availablePoints, type ChainRecord } from '../../chain/chain-record.js';
import { ownedChainRecord } from '../../chain/chain-store.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { isBackupError } from '../../domain/errors.js';
import { dueFulls } from '../../domain/retention/due-fulls.js';
import type { GfsDue, GfsFull } from '../../domain/retention/gfs.js';
import { immutableReason } from '../../domain/retention/immutability.js';
import { chainAges } from '../../domain/retention/retention-age.js';
import {
  planRetention,
  type RetentionAction,
  type RetentionPlan,
} from '../../domain/retention/retention.js';
import { deletionsBeforeFulls } from '../../domain/retention/room-for-fulls.js';
import { supersededToDelete } from '../../domain/sources/source-identity.js';
import { imageFormat } from '../../image/formats.js';
import type { TargetRestorePoint } from '../../domain/targets/target-point.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import { unwantedFulls } from '../staging/staged-fulls.js';
import { abandonedStaging } from '../staging/staging.js';
import type { ChangeInput } from './change-points.js';
import { faultOfFile, isNews } from './lost-files.js';
import { compactDue } from './plan-compact.js';
import type { MoverContext } from '../task/mover-context.js';

interface MaintenanceRequest extends ChangeInput {
  readonly job: Pick<CopyJob, 'mode' | 'gfs' | 'endedGfs' | 'retention' | 'timeZone' | 'compact'>;
  readonly immutableForDays: number;
}

/** Of what is to be there by then: the points that the record lists, and what else is to be taken for granted. */
type MaintenanceLook = Omit<MaintenanceRequest, 'epoch' | 'targetRepositoryId'> & {
  /** Whether files of the storage can be written to where they lie (`StorageVerbs.openUpdate`): a storage that is only looked at does not tell. */
  readonly updatesInPlace: boolean;
  /** `firstFileFault` of the record, or what a look has found out instead: which file is not there as the record lists it; null: none. */
  readonly fileFault: string | null;
  /** The points of the chain when a session has copied more of them (`withUpcomingPoints`). Absent: those of the record. */
  readonly points?: readonly TargetRestorePoint[];
};

export interface MaintenancePlan extends RetentionPlan {
  /** Points that were copied again and go first; what follows is planned once they are gone. */
  readonly superseded: readonly string[];
  /** Points that are to become flagged fulls, oldest first. */
  readonly fulls: readonly GfsFull[];
  /** Of `actions`, what may go before the fulls, where there is no room to make them. */
  readonly beforeFulls: readonly RetentionAction[];
  /** The full that is to be written anew, last of all; null: none. */
  readonly compactId: string | null;
  /** Points of which a full is to be written, or has to be where a merge is refused; null: that cannot be told just now. */
  readonly wantedFulls: readonly string[] | null;
}

/** Whether `planMaintenance` has anything to do or to say, or a copy was given up. Changes nothing. */
export async function isMaintenanceDue(
  context: MoverContext,
  input: MaintenanceRequest,
): Promise<boolean> {
  const repository = await context.repository(input.targetRepositoryId);
  const record = await ownedChainRecord(repository, input.chain, input.epoch);
  if (record.pending !== null) return true;
  const plan = await maintenanceOf(repository, record, input);
  const steps = [plan.superseded, plan.fulls, plan.actions, plan.warnings];
  if (plan.compactId !== null || steps.some(({ length }) => length > 0)) return true;
  if (await hasUnwantedFulls(repository, record, input.chain, plan)) return true;
  return (await abandonedStaging(repository, input.chain)).length > 0;
}

async function hasUnwantedFulls(
  repository: SourceRepository,
  record: ChainRecord,
  chain: string,
  { wantedFulls }: MaintenancePlan,
): Promise<boolean> {
  if (wantedFulls === null) return false;
  return (await unwantedFulls(repository, chain, record, wantedFulls)).length > 0;
}

/** What GFS and retention want of the chain as it is now, and whether fulls are staged that nothing wants any more. Changes nothing. */
export async function planMaintenance(
  context: MoverContext,
  input: MaintenanceRequest,
): Promise<MaintenancePlan & { readonly hasUnwanted: boolean }> {
  const repository = await context.repository(input.targetRepositoryId);
  const record = await ownedChainRecord(repository, input.chain, input.epoch);
  const plan = await maintenanceOf(repository, record, input);
  const hasUnwanted = await hasUnwantedFulls(repository, record, input.chain, plan);
  return { ...plan, hasUnwanted };
}

async function maintenanceOf(
  repository: BackupRepository,
  record: ChainRecord,
  input: MaintenanceRequest,
): Promise<MaintenancePlan> {
  const updatesInPlace = repository.openUpdate !== null;
  const fileFault = await firstFileFault(repository, input.chain, record);
  return maintenancePlan(repository, record, { ...input, updatesInPlace, fileFault });
}

/** The same for a record that was only looked at. Asks for no file but the leases. */
export async function maintenancePlan(
  repository: SourceRepository,
  record: ChainRecord,
  input: MaintenanceLook,
): Promise<MaintenancePlan> {
  const { job, nowMs, immutableForDays, chain, fileFault } = input;
  const { timeZone } = job;
  const points = input.points ?? availablePoints(record);
  const leases = await readLeases(repository, chain, nowMs);
  const leased = leasedPointIds(record, leases);
  const isReadable = fileFault === null && record.pending === null;
  const { compact } = job;
  const compactId = compactDue(record, leases, { compact, immutableForDays, nowMs });
  const retention = planRetention({
    points,
    policy: job.retention,
    gfs: job.gfs,
    endedGfs: job.endedGfs,
    timeZone,
    nowMs,
    immutableForDays,
    leasedPointIds: [...leased],
    unreadable: !isReadable,
    mergeAllowed: input.updatesInPlace && canMerge(points),
  });
  const plan = { ...retention, compactId, beforeFulls: [], wantedFulls: null };
  const ages = chainAges(points, nowMs);
  const rule = { immutableForDays, nowMs, asOfMs: ages.asOfMs };
  const { fulls, left } = isReadable ? dueFulls(points, job, rule) : { fulls: [], left: [] };
  const superseded = isReadable ? supersededToDelete(points) : [];
  const mustStay = ages.points.some(
    (point) =>
      superseded.includes(point.id) &&
      (leased.has(point.id) || immutableReason(point, rule) !== null),
  );
  // What else is to be done is planned anew, once they are gone.
  if (superseded.length > 0 && !mustStay && !handsOn(points, superseded, fulls))
    return { ...plan, actions: [], fulls: [], superseded };
  return {
    ...plan,
    superseded: [],
    warnings: [
      ...plan.warnings,
      ...left.map(leftText),
      ...(fileFault === null ? [] : [fileFault]),
      ...leases.doubtful.map(({ fault }) => fault.message),
    ],
    fulls,
    beforeFulls: deletionsBeforeFulls(record.points, { fulls, actions: plan.actions }),
    wantedFulls: isReadable ? fullsOf(fulls, plan.actions, compactId) : null,
  };
}

/** Flags of what is to go have to be with the copies that take their place before it goes: without any flag in the chain none reaches back to them. What
 *  needs room does not come before what frees it. */
function handsOn(
  points: readonly TargetRestorePoint[],
  superseded: readonly string[],
  fulls: readonly GfsFull[],
): boolean {
  const isFlagged = points.some(({ id, flags }) => flags.length > 0 && superseded.includes(id));
  return isFlagged && fulls.length > 0 && fulls.every(({ synthesize }) => !synthesize);
}

function leftText({ flag, periodKey }: GfsDue): string {
  return `the ${flag} full of ${periodKey} cannot be made: the restore points of its period are immutable as they are, or were taken too early`;
}

function fullsOf(
  fulls: readonly GfsFull[],
  actions: readonly RetentionAction[],
  compactId: string | null,
): string[] {
  const ids = fulls.filter(({ synthesize }) => synthesize).map((full) => full.restorePointId);
  for (const action of actions) {
    if (action.type === 'synthetic') ids.push(action.restorePointId);
    if (action.type === 'merge') ids.push(action.incrementId);
  }
  return compactId === null ? ids : [...ids, compactId];
}

/** Whether the format of every disk that has increments lets a full take one up in place. */
function canMerge(points: readonly TargetRestorePoint[]): boolean {
  const files = points.flatMap(({ disks }) => disks);
  const growing = new Set(files.filter(({ kind }) => kind === 'increment').map(({ disk }) => disk));
  const formats = new Set(
    files.filter(({ disk }) => growing.has(disk)).map(({ format }) => format),
  );
  return [...formats].every((id) => imageFormat(id).merger !== null);
}

/** Says which disk file of the chain is not there as the record lists it, or cannot be looked at just now; null: all are there. The length of a file that a
 *  change writes into is no news. */
export async function firstFileFault(
  repository: SourceRepository,
  chain: string,
  { points, pending }: ChainRecord,
): Promise<string | null> {
  for (const point of points)
    for (const disk of point.disks) {
      try {
        const fault = await faultOfFile(repository, chain, disk);
        if (fault === null) continue;
        if (fault.isMissing || (pending === null && isNews(fault, point))) return fault.words;
      } catch (error) {
        if (!isBackupError(error)) throw error;
        return `${disk.path} cannot be read just now: ${error.message}`;
      }
    }
  return null;
}
