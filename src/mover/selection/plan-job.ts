import { chainFolder } from '../../chain/chain-paths.js';
import { readChainRecord } from '../../chain/chain-store.js';
import type { CopyJob } from '../../domain/copy-job.js';
import { isBackupError } from '../../domain/errors.js';
import type { JobPlan, WorkloadPlan } from '../../domain/operation.js';
import { recreatedMessage } from '../../domain/recreated-chain.js';
import { heldTwiceText } from '../../domain/one-workload.js';
import type { RetentionAction } from '../../domain/retention.js';
import type { SourceWorkload } from '../../domain/restore-point.js';
import type { SelectedRestorePoint } from '../../domain/select-restore-points.js';
import { sourceScope } from '../../domain/source-scope.js';
import type { MoverContext } from '../task/mover-context.js';
import { maintenancePlan, type MaintenancePlan } from '../change/plan-maintenance.js';
import { detectChain, selectWork } from './select-work.js';
import { listSourceWorkloads, sourceLayers } from '../source/source-catalogue.js';

export interface JobLook {
  readonly job: CopyJob;
  readonly immutableForDays: number;
  readonly nowMs: number;
  /** `SettleRule.settleMs` by source repository. */
  readonly settleMs: Readonly<Record<string, number>>;
}

/** What a session started now would do, for every workload of the job. Changes nothing, and reads no data, only tables. */
export async function planJob(context: MoverContext, input: JobLook): Promise<JobPlan> {
  const workloads: WorkloadPlan[] = [];
  const sourceOf = new Map<string, string>();
  const isInScope = sourceScope(input.job);
  for (const { repositoryId } of input.job.sources.include) {
    const repository = await context.repository(repositoryId);
    for (const workload of await listSourceWorkloads(repository))
      if (isInScope(repositoryId, workload)) {
        const conflict = workload.conflict ?? heldTwice(workload.id, sourceOf, repositoryId);
        workloads.push(
          conflict === null
            ? await planWorkload(context, input, repositoryId, workload)
            : { ...NOTHING_PLANNED, workload: workload.name, reasons: [conflict] },
        );
      }
  }
  return { workloads };
}

const NOTHING_PLANNED: Omit<WorkloadPlan, 'workload' | 'reasons'> = {
  algorithm: 'none',
  restorePoints: [],
  estimatedBytes: 0,
  lookAgainAt: null,
  retention: { keep: [], actions: [], warnings: [] },
};

/** Notes the first repository that holds a workload, which is the one it is copied from; what to say of any other. */
function heldTwice(
  workloadId: string,
  sourceOf: Map<string, string>,
  repositoryId: string,
): string | null {
  const copiedFrom = sourceOf.get(workloadId);
  if (copiedFrom !== undefined) return heldTwiceText(workloadId, copiedFrom, repositoryId);
  sourceOf.set(workloadId, repositoryId);
  return null;
}

async function planWorkload(
  context: MoverContext,
  input: JobLook,
  sourceRepositoryId: string,
  workload: SourceWorkload,
): Promise<WorkloadPlan> {
  const { job } = input;
  const targetRepositoryId = job.target.repositoryId;
  const chain = chainFolder(job.id, workload.id);
  const place = {
    targetRepositoryId,
    chain,
    sourceRepositoryId,
    workloadId: workload.id,
    sourceFolders: workload.folders,
    epoch: null,
    settle: { nowMs: input.nowMs, settleMs: input.settleMs[sourceRepositoryId] ?? 0 },
  };
  const detection = await detectChain(context, place);
  const selection = await selectWork(context, {
    ...place,
    job,
    scope: job.restorePoints,
    activeFull: false,
    detection,
  });
  const undecided = detection.toCompare.map(
    ({ restorePointId }) =>
      `${restorePointId}: its files are not those that were copied, so its blocks are compared with the copy first`,
  );
  const needsNewJob =
    ['recreated', 'replaced'].includes(detection.state) &&
    job.onSourceChainRecreated === 'requireNewJob';
  const points = needsNewJob ? [] : selection.points;
  const reasons = needsNewJob
    ? [recreatedMessage(job.id, workload.name, detection)]
    : points.length === 0
      ? [...undecided, selection.reason ?? 'nothing to copy']
      : [
          ...undecided,
          ...points.map(({ restorePointId, reason }) => `${restorePointId}: ${reason}`),
        ];
  const lookAgainAtMs = Math.min(...selection.awaited.map((point) => point.lookAgainAtMs));
  const retention = await retentionOf(context, input, chain);
  return {
    workload: workload.name,
    algorithm: points[0]?.algorithm ?? 'none',
    restorePoints: points.map(({ restorePointId }) => restorePointId),
    estimatedBytes: points.reduce(
      (sum, point) => sum + estimatedBytes(sourceRepositoryId, workload, point),
      0,
    ),
    reasons,
    lookAgainAt: Number.isFinite(lookAgainAtMs) ? new Date(lookAgainAtMs).toISOString() : null,
    retention,
  };
}

/** Size of the files that hold what is to be copied: more than is stored in them is not read. */
function estimatedBytes(
  repositoryId: string,
  workload: SourceWorkload,
  { restorePointId, changedBy, lineageFrom }: SelectedRestorePoint,
): number {
  const point = workload.restorePoints.find(({ id }) => id === restorePointId);
  let bytes = 0;
  for (const { disk } of point?.disks ?? []) {
    try {
      for (const layer of sourceLayers(repositoryId, workload, point!, disk)) {
        if (changedBy === 'lineage' && layer.restorePointId === lineageFrom) break;
        bytes += layer.file.stamp?.sizeBytes ?? 0;
      }
    } catch (error) {
      if (!isBackupError(error, 'RESTORE_POINT_BROKEN')) throw error;
    }
  }
  return bytes;
}

async function retentionOf(
  context: MoverContext,
  { job, immutableForDays, nowMs }: { job: CopyJob; immutableForDays: number; nowMs: number },
  chain: string,
): Promise<WorkloadPlan['retention']> {
  const repository = await context.repository(job.target.repositoryId);
  const record = await readChainRecord(repository, chain);
  if (record === null) return { keep: [], actions: [], warnings: [] };
  const plan: MaintenancePlan = await maintenancePlan(repository, record, {
    chain,
    job,
    immutableForDays,
    nowMs,
  });
  const fulls = plan.fulls.map(({ restorePointId, flags, synthesize, reason }) =>
    synthesize
      ? `make a synthetic full of ${restorePointId} (${reason})`
      : `flag ${restorePointId} ${flags.join(', ')} (${reason})`,
  );
  return {
    keep: plan.keep,
    actions: [...fulls, ...plan.actions.map(actionText)],
    warnings: plan.warnings,
  };
}

function actionText(action: RetentionAction): string {
  switch (action.type) {
    case 'merge':
      return `merge ${action.incrementId} into the full ${action.fullId}, whose point goes`;
    case 'synthetic':
      return `make a synthetic full of ${action.restorePointId}`;
    case 'delete':
      return `delete ${action.ids.join(', ')}`;
  }
}
