import { proxyActivities } from '@temporalio/workflow';
import type { RestoreActivities, RestoreOrder } from '../activities/restore-activities.js';
import { BLOCK_BYTES } from '../src/domain/digest.js';
import { batchesOf, doneBytesOf } from '../src/domain/disk-work.js';
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
    intoExisting: input.intoExisting ?? false,
    leaseId: null,
  };
  const plan = await activities.prepareRestore.executeWithOptions(
    { summary: `${restorePointId}: plan the restore` },
    [{ order, nowMs: Date.now() }],
  );
  const leased = { ...order, leaseId: plan.leaseId };
  const { reference } = plan;
  for (const disk of plan.disks) {
    state.addWork(disk.blockCount * BLOCK_BYTES, doneBytesOf(disk));
    for (const part of batchesOf(disk, settings.batchWindows)) {
      const summary = `${disk.disk}: blocks ${part.firstBlock}–${part.lastBlock}`;
      state.show(`restoring ${summary}`);
      await activities.restoreBlocks.executeWithOptions({ summary }, [
        {
          order: leased,
          reference,
          disk: disk.disk,
          firstWindow: part.firstWindow,
          windowCount: part.windowCount,
          nowMs: Date.now(),
        },
      ]);
      state.addProgress(part.sizeBytes);
    }
  }
  const { files } = await activities.finishRestore.executeWithOptions(
    { summary: `${restorePointId}: give the restored disks their names` },
    [{ order: leased, reference, nowMs: Date.now() }],
  );
  for (const file of files) state.note(`restored ${file}`);
  return state.end('success', null);
}
