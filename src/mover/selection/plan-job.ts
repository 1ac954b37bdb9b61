import { chainFolder } from '../../chain/chain-paths.js';
import { availablePoints, type ChainRecord } from '../../chain/chain-record.js';
import { readChainRecord } from '../../chain/chain-store.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import type { JobFault } from '../../domain/jobs/job-rules.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import type { JobPlan, WorkloadPlan } from '../../domain/sessions/operation.js';
import {
  mayHoldWorkloads,
  unseenReason,
  type UnseenPart,
} from '../../domain/sources/unseen-part.js';
import { recreatedMessage } from '../../domain/sources/recreated-chain.js';
import { heldTwiceText } from '../../domain/sources/one-workload.js';
import type { RetentionAction } from '../../domain/retention/retention.js';
import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import type { SelectedRestorePoint } from '../../domain/sources/select-restore-points.js';
import { ambiguousNames } from '../../domain/jobs/ambiguous-ids.js';
import {
  NAMES_OF_JOB,
  unmatchedLimits,
  unmatchedSources,
  type ShownWorkload,
} from '../../domain/jobs/unmatched-names.js';
import { excludedBy, sourceScope } from '../../domain/jobs/source-scope.js';
import { jsonBytes } from '../../domain/sessions/task-brief.js';
import { withUpcomingPoints, type UpcomingCopy } from '../../domain/sources/upcoming-points.js';
import { firstLookMs } from '../../domain/sources/settle.js';
import { passedOverText, workloadRuleFaults } from '../../domain/sources/workload-rules.js';
import { workloadTypeOf } from '../../layout/layouts.js';
import { treeLayoutOf } from '../../layout/tree-layouts.js';
import type { MoverContext } from '../task/mover-context.js';
import {
  firstFileFault,
  maintenancePlan,
  type MaintenancePlan,
} from '../change/plan-maintenance.js';
import { keptKinds } from './kept-kinds.js';
import { boundedPlan } from './plan-size.js';
import { planOfTree } from './plan-of-tree.js';
import { selectWork } from './select-work.js';
import { listSourceWorkloads, sourceLayers } from '../source/source-catalogue.js';

export interface JobLook {
  readonly job: CopyJob;
  readonly immutableForDays: number;
  readonly nowMs: number;
  /** `SettleRule.settleMs` by source repository. */
  readonly settleMs: Readonly<Record<string, number>>;
  /** `nextCursor` of the page before; null: the first one. */
  readonly after: string | null;
}

/** An answer may have 2 MiB, and somebody waits for it. */
const PAGE_BYTES = 1_000_000;
const PAGE_MS = 45_000;

/** What a session started now would do, for the workloads of the job that come after `after`. Changes nothing, and reads no data, only
 *  tables. */
export async function planJob(context: MoverContext, input: JobLook): Promise<JobPlan> {
  const endsAtMs = performance.now() + PAGE_MS;
  const workloads: WorkloadPlan[] = [];
  let bytes = 0;
  let nextCursor: string | undefined;
  const { found, unmatched } = await workloadsAfter(context, input);
  for (const reason of input.after === null ? unmatched : []) {
    const plan = boundedPlan({ ...NOTHING_PLANNED, workload: NAMES_OF_JOB, reasons: [reason] });
    bytes += jsonBytes(plan);
    workloads.push(plan);
  }
  for (const { repositoryId, workload, conflict } of found) {
    if (nextCursor !== undefined && performance.now() > endsAtMs) return { workloads, nextCursor };
    const plan = boundedPlan(
      conflict === null
        ? await planWorkload(context, input, repositoryId, workload)
        : { ...NOTHING_PLANNED, workload: workload.name, reasons: [conflict] },
    );
    bytes += jsonBytes(plan);
    if (nextCursor !== undefined && bytes > PAGE_BYTES) return { workloads, nextCursor };
    workloads.push(plan);
    nextCursor = cursorOf(repositoryId, workload.id);
  }
  return { workloads };
}

interface FoundWorkload {
  readonly repositoryId: string;
  readonly workload: SourceWorkload;
  /** Why it is not copied from here; null: it is. */
  readonly conflict: string | null;
}

interface FoundWorkloads {
  /** In the order of the job's sources, and of their ids in each. */
  readonly found: readonly FoundWorkload[];
  /** Names in the definition of the job for which there is nothing, or that may be meant for several; one plain sentence each. */
  readonly unmatched: readonly string[];
}

async function workloadsAfter(
  context: MoverContext,
  { job, after }: JobLook,
): Promise<FoundWorkloads> {
  const found: FoundWorkload[] = [];
  const shown: (ShownWorkload & { readonly workload: SourceWorkload })[] = [];
  let isAllSeen = true;
  const sourceOf = new Map<string, string>();
  const isInScope = sourceScope(job);
  const faultsOf = workloadRuleFaults(job);
  const isExcluded = excludedBy(job.sources.exclude);
  const { repositoryId: doneIn, workloadId: doneUntil } = placeOf(job, after);
  let isOpen = after === null;
  for (const { repositoryId } of job.sources.include) {
    const repository = await context.source(repositoryId);
    const unseen: UnseenPart[] = [];
    const onUnseen = (part: UnseenPart): void => {
      if (mayHoldWorkloads(part)) isAllSeen = false;
      if (part.code === 'SOURCE_PART_UNREADABLE') unseen.push(part);
    };
    const all = await listSourceWorkloads(repository, onUnseen, context.facts);
    for (const workload of all)
      shown.push({ repositoryId, workload, machines: machinesIn(workload) });
    // As in a session: what is only seen is no backup.
    const backups = all.filter(({ isOnlySeen }) => isOnlySeen !== true);
    isAllSeen &&= backups.length > 0;
    const workloads = backups.filter((workload) => isInScope(repositoryId, workload));
    const places = unseen
      .map((part) => ({ ...placeAsWorkload(part), conflict: unseenReason(part) }))
      .filter((place) => !isExcluded(place));
    for (const workload of [...workloads, ...places].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      const conflict =
        workload.conflict ??
        heldTwice(workload.id, sourceOf, repositoryId) ??
        brokenRules(faultsOf(repositoryId, workload, workloadTypeOf(workload.type))) ??
        passedOverText(job, workloadTypeOf(workload.type));
      if (isOpen || (repositoryId === doneIn && workload.id > doneUntil))
        found.push({ repositoryId, workload, conflict });
    }
    isOpen ||= repositoryId === doneIn;
  }
  const backups = shown.filter(({ workload }) => workload.isOnlySeen !== true);
  // What could not be looked into may hold what is named.
  const unmatched = isAllSeen
    ? [...unmatchedSources(job, backups), ...unmatchedLimits(job, shown)]
    : [];
  return { found, unmatched: [...ambiguousNames(job, backups), ...unmatched] };
}

function machinesIn({ tree }: SourceWorkload): string[] {
  const machineOf = tree && treeLayoutOf(tree.layout)?.rules.machineOf;
  return machineOf ? [...new Set(tree.points.map(({ id }) => machineOf(id)))] : [];
}

/** As a session names it. */
function placeAsWorkload({ path }: UnseenPart): SourceWorkload {
  return { id: path, name: path, type: 'unknown', folders: [], restorePoints: [] };
}

function cursorOf(repositoryId: string, workloadId: string): string {
  return `${repositoryId}/${workloadId}`;
}

/** @throws REQUEST_INVALID */
function placeOf(
  { sources }: CopyJob,
  cursor: string | null,
): { repositoryId: string; workloadId: string } {
  if (cursor === null) return { repositoryId: '', workloadId: '' };
  const [repositoryId = '', ...rest] = cursor.split('/');
  if (!sources.include.some((source) => source.repositoryId === repositoryId))
    throw new BackupError('REQUEST_INVALID', `"${cursor}" is not a cursor of this plan`);
  return { repositoryId, workloadId: rest.join('/') };
}

const NOTHING_PLANNED: Omit<WorkloadPlan, 'workload' | 'reasons' | 'omitted'> = {
  algorithm: 'none',
  restorePoints: [],
  estimatedBytes: 0,
  lookAgainAt: null,
  retention: { keep: [], actions: [], warnings: [] },
};

/** What of the job the type of these backups does not allow, in plain words. */
function brokenRules(faults: readonly JobFault[]): string | null {
  if (faults.length === 0) return null;
  return faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
}

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
): Promise<Omit<WorkloadPlan, 'omitted'>> {
  const { job } = input;
  const settle = { nowMs: input.nowMs, settleMs: input.settleMs[sourceRepositoryId] ?? 0 };
  if (workload.tree !== undefined)
    return { ...NOTHING_PLANNED, ...(await planOfTree(context, job, workload, settle)) };
  const targetRepositoryId = job.target.repositoryId;
  const chain = chainFolder(job.id, workload.id);
  const place = {
    targetRepositoryId,
    chain,
    sourceRepositoryId,
    workloadId: workload.id,
    sourceFolders: workload.folders,
    epoch: null,
    settle,
  };
  const { detection, selection } = await selectWork(context, {
    ...place,
    job,
    scope: job.restorePoints,
    activeFull: false,
  });
  const needsNewJob =
    ['recreated', 'replaced'].includes(detection.state) &&
    job.onSourceChainRecreated === 'requireNewJob';
  const record = await readChainRecord(await context.source(targetRepositoryId), chain);
  const newest = record === null ? null : (availablePoints(record).at(-1) ?? null);
  const points = needsNewJob
    ? []
    : await keptKinds(context, { sourceRepositoryId, workload, newest }, selection.points);
  const reasons = needsNewJob
    ? [recreatedMessage(job.id, workload.name, detection)]
    : reasonsOf({ detection, selection }, points);
  const doubt = needsNewJob || workload.doubt === undefined ? [] : [workload.doubt.text];
  const lookAgainAtMs = firstLookMs(selection.awaited);
  const copies = upcomingCopies(workload, points);
  const retention = await retentionOf(context, input, {
    ...{ chain, record, sourceRepositoryId, copies },
  });
  return {
    workload: workload.name,
    algorithm: points[0]?.kind ?? 'none',
    restorePoints: points.map(({ restorePointId }) => restorePointId),
    estimatedBytes: points.reduce(
      (sum, point) => sum + estimatedBytes(sourceRepositoryId, workload, point),
      0,
    ),
    reasons: [...doubt, ...reasons],
    lookAgainAt: lookAgainAtMs === null ? null : new Date(lookAgainAtMs).toISOString(),
    retention,
  };
}

function reasonsOf(
  { detection, selection }: Pick<Awaited<ReturnType<typeof selectWork>>, 'detection' | 'selection'>,
  points: readonly SelectedRestorePoint[],
): string[] {
  const undecided = detection.toCompare.map(
    ({ restorePointId }) =>
      `${restorePointId}: its files are not those that were copied, so its blocks are compared with the copy first`,
  );
  return points.length === 0
    ? [...undecided, selection.reason ?? 'nothing to copy']
    : [...undecided, ...points.map(({ restorePointId, reason }) => `${restorePointId}: ${reason}`)];
}

function upcomingCopies(
  { restorePoints }: SourceWorkload,
  selected: readonly SelectedRestorePoint[],
): UpcomingCopy[] {
  const byId = new Map(restorePoints.map((point) => [point.id, point]));
  return selected.map(({ restorePointId, kind }) => {
    const { createdAtMs, short } = byId.get(restorePointId)!;
    return { restorePointId, kind, createdAtMs, short };
  });
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
        for (const { stamp } of [layer.file, ...(layer.file.extents ?? [])])
          bytes += stamp?.sizeBytes ?? 0;
      }
    } catch (error) {
      if (!isBackupError(error, 'RESTORE_POINT_BROKEN')) throw error;
    }
  }
  return bytes;
}

interface Copies {
  readonly chain: string;
  /** null: nothing was copied yet. */
  readonly record: ChainRecord | null;
  readonly sourceRepositoryId: string;
  readonly copies: readonly UpcomingCopy[];
}

/** What retention does once the session has copied what it is to copy. */
async function retentionOf(
  context: MoverContext,
  { job, immutableForDays, nowMs }: Pick<JobLook, 'job' | 'immutableForDays' | 'nowMs'>,
  { chain, record, sourceRepositoryId, copies }: Copies,
): Promise<WorkloadPlan['retention']> {
  if (record === null) return { keep: [], actions: [], warnings: [] };
  const repository = await context.repository(job.target.repositoryId);
  const plan: MaintenancePlan = await maintenancePlan(repository, record, {
    chain,
    job,
    immutableForDays,
    nowMs,
    updatesInPlace: repository.openUpdate !== null,
    fileFault: await firstFileFault(repository, chain, record),
    points: withUpcomingPoints(availablePoints(record), copies, sourceRepositoryId, nowMs),
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
