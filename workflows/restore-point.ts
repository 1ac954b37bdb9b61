import { proxyActivities } from '@temporalio/workflow';
import type { RestoreActivities, RestoreOrder } from '../activities/restore-activities.js';
import { BLOCK_BYTES, WINDOW_BLOCKS, WINDOW_BYTES } from '../src/domain/digest.js';
import type { OperationStatus } from '../src/domain/operation.js';
import { controlActivities } from './activity-profiles.js';
import { repositoryTaskQueue, type RestoreInput } from './messages.js';
import { OperationState } from './operation-state.js';

/** Restores the disks of one copied restore point into a folder of the worker's machine, resumable and verified block by block. */
export async function restorePoint(input: RestoreInput): Promise<OperationStatus> {
  const state = new OperationState();
  try {
    return await restore(input, state);
  } catch (error) {
    return state.fail(error);
  }
}

async function restore(input: RestoreInput, state: OperationState): Promise<OperationStatus> {
  const settings = await controlActivities.readCopySettings.executeWithOptions(
    { summary: 'read settings' },
    [],
  );
  const activities = proxyActivities<RestoreActivities>({
    taskQueue: repositoryTaskQueue(input.repositoryId),
    startToCloseTimeout: '12h',
    heartbeatTimeout: settings.heartbeatTimeoutMs,
    scheduleToCloseTimeout: settings.unavailableLimitMs,
    retry: { initialInterval: settings.retryIntervalMs, maximumInterval: '1m' },
  });
  const { repositoryId, restorePointId, destinationPath, format } = input;
  const order: RestoreOrder = {
    repositoryId,
    restorePointId,
    destinationPath,
    format,
    disks: input.disks ?? null,
    leaseId: null,
  };
  const plan = await activities.prepareRestore.executeWithOptions(
    { summary: `${restorePointId}: plan the restore` },
    [{ order, nowMs: Date.now() }],
  );
  const leased = { ...order, leaseId: plan.leaseId };
  const { reference } = plan;
  for (const disk of plan.disks) {
    const bytes = disk.blockCount * BLOCK_BYTES;
    state.addWork(bytes, Math.min(bytes, disk.firstOpenWindow * WINDOW_BYTES));
    const step = settings.batchWindows;
    for (let first = disk.firstOpenWindow; first < disk.windowCount; first += step) {
      const windowCount = Math.min(step, disk.windowCount - first);
      const endBlock = Math.min((first + windowCount) * WINDOW_BLOCKS, disk.blockCount);
      const summary = `${disk.disk}: blocks ${first * WINDOW_BLOCKS}–${endBlock - 1}`;
      state.show(`restoring ${summary}`);
      await activities.restoreBlocks.executeWithOptions({ summary }, [
        {
          order: leased,
          reference,
          disk: disk.disk,
          firstWindow: first,
          windowCount,
          nowMs: Date.now(),
        },
      ]);
      state.addProgress((endBlock - first * WINDOW_BLOCKS) * BLOCK_BYTES);
    }
  }
  const { files } = await activities.finishRestore.executeWithOptions(
    { summary: `${restorePointId}: give the restored disks their names` },
    [{ order: leased, reference, nowMs: Date.now() }],
  );
  for (const file of files) state.note(`restored ${file}`);
  return state.end('success', null);
}
