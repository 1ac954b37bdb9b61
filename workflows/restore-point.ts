import { ContinueAsNew, proxyActivities, type ActivityInterfaceFor } from '@temporalio/workflow';
import type {
  PreparedDisks,
  RestoreActivities,
  RestoreOrder,
} from '../activities/restore-activities.js';
import type { CopySettings } from '../src/domain/jobs/copy-settings.js';
import { batchBytesOf, batchesOf } from '../src/domain/targets/disk-work.js';
import type { OperationStatus } from '../src/domain/sessions/operation.js';
import { controlActivities } from './activity-profiles.js';
import { goOnInNewRun, isHistoryLong } from './history-length.js';
import { repositoryTaskQueue, type RestoreInput } from './messages.js';
import { OperationState } from './operation-state.js';
import { restoreTree } from './restore-tree.js';

/** Of Temporal's priorities, 1 to 5; what says nothing has 3. */
const FIRST = 1;

/** Restores the disks of one copied restore point into a folder of the worker's machine, resumable and verified block by block. A run that
 *  has grown long goes on in a new one between two batches: the plan and the cursor in the destination hold the place. */
export async function restorePoint(input: RestoreInput): Promise<OperationStatus> {
  const state = new OperationState(input.carried?.operation);
  try {
    return await restore(input, state);
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    return state.fail(error);
  }
}

async function restore(input: RestoreInput, state: OperationState): Promise<OperationStatus> {
  const settings =
    input.carried?.settings ??
    (await controlActivities.readCopySettings.executeWithOptions({ summary: 'read settings' }, []));
  const activities = proxyActivities<RestoreActivities>({
    taskQueue: repositoryTaskQueue(input.repositoryId),
    startToCloseTimeout: '12h',
    heartbeatTimeout: settings.heartbeatTimeoutMs,
    scheduleToCloseTimeout: settings.unavailableLimitMs,
    retry: { initialInterval: settings.retryIntervalMs, maximumInterval: '1m' },
    // Somebody waits for it: it needs no turn, and the next worker that is free takes it up.
    priority: { priorityKey: FIRST },
  });
  const { repositoryId, restorePointId, destinationPath, format } = input;
  const order: RestoreOrder = {
    repositoryId,
    restorePointId,
    destinationPath,
    format,
    disks: input.disks ?? null,
    layout: input.layout ?? false,
    intoExisting: input.intoExisting ?? false,
    leaseId: input.carried?.leaseId ?? null,
  };
  const plan = await activities.prepareRestore.executeWithOptions(
    { summary: `${restorePointId}: plan the restore` },
    [{ order, nowMs: Date.now() }],
  );
  const leased = { ...order, leaseId: plan.leaseId };
  const betweenBatches = async (): Promise<void> => {
    if (!isHistoryLong(settings)) return;
    const carried = { settings, operation: state.carry(), leaseId: plan.leaseId };
    await goOnInNewRun<typeof restorePoint>({ ...input, carried });
  };
  if (plan.tree !== undefined)
    return restoreTree({
      ...{ order: leased, work: plan.tree },
      ...{ settings, activities, state, betweenBatches },
    });
  return restoreDisks({ order: leased, plan, settings, activities, state, betweenBatches });
}

interface DiskRestore {
  readonly order: RestoreOrder;
  readonly plan: PreparedDisks;
  readonly settings: CopySettings;
  readonly activities: ActivityInterfaceFor<RestoreActivities>;
  readonly state: OperationState;
  readonly betweenBatches: () => Promise<void>;
}

async function restoreDisks(restore: DiskRestore): Promise<OperationStatus> {
  const { order, plan, settings, activities, state, betweenBatches } = restore;
  const { reference } = plan;
  state.beginPiece(plan.disks);
  for (const disk of plan.disks) {
    for (const part of batchesOf(disk, settings.batchWindows)) {
      await betweenBatches();
      const summary = `${disk.disk}: blocks ${part.firstBlock}–${part.lastBlock}`;
      state.show(`restoring ${summary}`);
      const counts = await activities.restoreBlocks.executeWithOptions({ summary }, [
        {
          order,
          reference,
          disk: disk.disk,
          firstWindow: part.firstWindow,
          windowCount: part.windowCount,
          nowMs: Date.now(),
        },
      ]);
      state.addProgress(batchBytesOf(disk, part, counts));
    }
  }
  const { files } = await activities.finishRestore.executeWithOptions(
    { summary: `${order.restorePointId}: give the restored disks their names` },
    [{ order, reference, nowMs: Date.now() }],
  );
  for (const file of files) state.note(`restored ${file}`);
  return state.end('success', null);
}
