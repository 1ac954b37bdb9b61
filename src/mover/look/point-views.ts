import { chainFolder, LEASES_FOLDER } from '../../chain/chain-paths.js';
import { availablePoints, type ChainRecord } from '../../chain/chain-record.js';
import { readLeases } from '../../chain/leases.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { detachedWords } from '../../domain/jobs/detached-copy.js';
import { oneTimeWords } from '../../domain/jobs/one-time-copy.js';
import { expiresAtMs } from '../../domain/retention/expiry.js';
import { keptUntil } from '../../domain/retention/kept-until.js';
import { lostKeysReason } from '../../domain/targets/lost-keys.js';
import { unreadablePart, type UnreadablePart } from '../../domain/targets/unreadable-part.js';
import { restorePointKey, type RestorePointView } from '../../domain/targets/repository-view.js';
import type { SourceRestorePoint, SourceWorkload } from '../../domain/sources/source-workload.js';
import { withBelievedCopies } from '../../domain/sources/believed-dates.js';
import { shortCopies, shortText } from '../../domain/sources/source-identity.js';
import { filesOfDisk } from '../../domain/sources/source-files.js';
import type { TargetRestorePoint } from '../../domain/targets/target-point.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { maintenancePlan, type MaintenancePlan } from '../change/plan-maintenance.js';
import type { LostFiles } from '../change/lost-files.js';
import { storedDefinition } from './stored-jobs.js';

export function sourceView(workload: SourceWorkload, point: SourceRestorePoint): RestorePointView {
  const key = (id: string) => restorePointKey([workload.id, id]);
  return {
    id: key(point.id),
    workload: workload.name,
    workloadType: workload.type,
    jobId: null,
    createdAt: new Date(point.createdAtMs).toISOString(),
    copiedAt: null,
    kind: workload.tree?.points.find(({ id }) => id === point.id)?.kind ?? point.kind,
    parentId: point.parentId === null ? null : key(point.parentId),
    chainId: null,
    complete: point.state === 'complete',
    state: point.state,
    reason: point.reason ?? point.leftOut ?? null,
    lookAgainAt:
      point.lookAgainAtMs === undefined ? null : new Date(point.lookAgainAtMs).toISOString(),
    health: 'unknown',
    verifiedAt: null,
    retention: [],
    keptUntil: null,
    keptBecause: [],
    files: point.disks.flatMap((disk) =>
      filesOfDisk(disk).map(({ path, stamp: { sizeBytes } }) => ({
        ...{ disk: disk.disk, path, format: disk.format, sizeBytes },
      })),
    ),
    source: null,
  };
}

/** `RestorePointView.id` of a point of a chain or of a tree. */
export function copyKey(
  { jobId, workload }: Pick<ChainRecord, 'jobId' | 'workload'>,
  pointId: string,
): string {
  return restorePointKey([jobId, workload.id, pointId]);
}

/** The points of a chain, each with why retention keeps it, by the definition that lies beside the data.
 *  @param unreadable gets what keeps this from being told */
export async function chainViews(
  repository: SourceRepository,
  record: ChainRecord,
  rule: {
    readonly immutableForDays: number;
    readonly nowMs: number;
    /** As of `maintenancePlan`. */
    readonly updatesInPlace: boolean;
    /** What is known of its files. */
    readonly files: Pick<LostFiles, 'lost' | 'fileFault'>;
  },
  unreadable: UnreadablePart[],
): Promise<RestorePointView[]> {
  const reasons = new Map<string, readonly string[]>();
  const points = withBelievedCopies(record.points, rule.nowMs);
  let ends: ReadonlyMap<string, number | null> = new Map();
  const job = await storedDefinition(repository, record.jobId, unreadable);
  if (job !== null) {
    const policy = { ...rule, job, fileFault: rule.files.fileFault };
    for (const { id, reasons: why } of await keptPoints(repository, record, policy, unreadable))
      reasons.set(id, why);
    const { retention, gfs, endedGfs, timeZone } = job;
    const { immutableForDays } = rule;
    ends = keptUntil({
      ...{ points, policy: retention, gfs, endedGfs },
      ...{ timeZone, immutableForDays },
    });
  }
  const once = job?.once;
  if (once !== undefined) {
    const untilMs = expiresAtMs(points, once, rule.immutableForDays);
    ends = new Map(record.points.map(({ id }) => [id, untilMs]));
    for (const { id } of record.points) reasons.set(id, [oneTimeWords(once)]);
  }
  const detached = job?.detached;
  if (detached !== undefined) {
    ends = new Map();
    for (const { id } of record.points) reasons.set(id, [detachedWords(detached)]);
  }
  const { lost } = rule.files;
  const short = shortCopies(record.points);
  return availablePoints(record).map((point) =>
    chainView(record, point, {
      keptBecause: reasons.get(point.id) ?? [],
      keptUntilMs: ends.get(point.id) ?? null,
      lost: lost.get(point.id) ?? null,
      short: short.get(point.id) ?? null,
    }),
  );
}

async function keptPoints(
  repository: SourceRepository,
  record: ChainRecord,
  policy: {
    readonly job: CopyJob;
    readonly immutableForDays: number;
    readonly nowMs: number;
    readonly updatesInPlace: boolean;
    readonly fileFault: string | null;
  },
  unreadable: UnreadablePart[],
): Promise<MaintenancePlan['keep']> {
  const chain = chainFolder(record.jobId, record.workload.id);
  try {
    const request = { ...policy, chain };
    const { doubtful } = await readLeases(repository, chain, policy.nowMs);
    for (const { path, fault } of doubtful) unreadable.push(unreadablePart(path, fault));
    return (await maintenancePlan(repository, record, request)).keep;
  } catch (error) {
    unreadable.push(unreadablePart(`${chain}/${LEASES_FOLDER}`, error));
    return [];
  }
}

interface KeptFacts {
  readonly keptBecause: readonly string[];
  readonly keptUntilMs: number | null;
  /** Why it cannot be restored, as the entries of its files tell; null: these are as they were written. */
  readonly lost: string | null;
  /** Why it was taken too early; null: nothing says that. */
  readonly short: string | null;
}

function chainView(
  record: ChainRecord,
  point: TargetRestorePoint,
  { keptBecause, keptUntilMs, lost, short }: KeptFacts,
): RestorePointView {
  const key = (id: string) => copyKey(record, id);
  const { repositoryId, restorePointId } = point.source;
  return {
    id: key(point.id),
    workload: record.workload.name,
    workloadType: record.workload.type,
    jobId: record.jobId,
    createdAt: point.createdAt,
    copiedAt: point.copiedAt,
    kind: point.kind,
    parentId: point.parentId === null ? null : key(point.parentId),
    chainId: key(point.chainId),
    complete: short === null,
    state: short === null ? 'complete' : 'incomplete',
    reason:
      lost ??
      (point.health === 'corrupt' ? 'a health check found corrupt blocks' : null) ??
      (short === null ? null : shortText(short)) ??
      lostKeysReason(point),
    lookAgainAt: null,
    health: lost === null ? point.health : 'corrupt',
    verifiedAt: point.verifiedAt,
    retention: point.flags,
    keptUntil: keptUntilMs === null ? null : new Date(keptUntilMs).toISOString(),
    keptBecause,
    files: point.disks.map(({ disk, path, format, sizeBytes }) => ({
      disk,
      path: `${chainFolder(record.jobId, record.workload.id)}/${path}`,
      format,
      sizeBytes,
    })),
    source: { repositoryId, restorePointId },
  };
}
