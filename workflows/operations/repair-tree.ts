import { workflowInfo } from '@temporalio/workflow';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import type { TreeCheckOutcome, TreeCheckReference } from '../../src/domain/trees/tree-damage.js';
import type { CheckedChain } from '../../src/domain/targets/verification.js';
import { treeHealthActivities } from '../activity-profiles.js';

interface RepairTreeInput {
  readonly targetRepositoryId: string;
  readonly tree: CheckedChain;
  readonly reference: TreeCheckReference;
  readonly settings: CopySettings;
}

/** Ends a check of a tree as its owner (the workflow id is the lock on the copy): heals what was found, and enters into the record what was read and
 *  what is lost. */
export async function repairTree(input: RepairTreeInput): Promise<TreeCheckOutcome> {
  const { targetRepositoryId, settings, reference } = input;
  const { jobId, workload } = input.tree;
  const activities = treeHealthActivities(targetRepositoryId, settings);
  const ids = { targetRepositoryId, jobId, workloadId: workload.id, reference };
  const owner = workflowInfo().firstExecutionRunId;
  const { epoch, windowCount, firstOpenWindow, fileCount } =
    await activities.planTreeRepair.executeWithOptions(
      { summary: `${workload.name}: take the tree over` },
      [{ ...ids, workload, owner, nowMs: Date.now() }],
    );
  for (let first = firstOpenWindow; first < windowCount; first += settings.batchWindows) {
    const count = Math.min(settings.batchWindows, windowCount - first);
    await activities.healFiles.executeWithOptions(
      {
        summary: `${workload.name}: heal ${fileCount} files, windows ${first}–${first + count - 1}`,
      },
      [{ ...ids, epoch, firstWindow: first, windowCount: count, nowMs: Date.now() }],
    );
  }
  const outcome = await activities.settleTreeCheck.executeWithOptions(
    { summary: `${workload.name}: enter what was found` },
    [{ ...ids, epoch, nowMs: Date.now() }],
  );
  await activities.endTreeCheck.executeWithOptions({ summary: `${workload.name}: end the check` }, [
    ids,
  ]);
  return outcome;
}
