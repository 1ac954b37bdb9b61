import type { DataMover } from '../src/mover/data-mover.js';
import type { DiskProof } from '../src/mover/change/prove-blocks.js';
import { windowRuns } from '../src/mover/task/window-runs.js';
import type { TaskControl } from '../src/mover/task/task-control.js';
import type { DiskWork } from '../src/domain/disk-work.js';
import type { OperationInput, OperationOutput } from '../src/mover/mover-operations.js';
import type { PlanReference } from '../src/mover/staging/copy-plan.js';
import { onChain, type OnChain } from './on-chain.js';
import { runTask } from './run-task.js';

/** Steps of GFS and retention. Each announces its change in the commit record first and can be repeated after a stop at any place. */
export function createRetentionActivities(deps: {
  readonly mover: DataMover;
  /** Days during which a repository changes nothing. */
  readonly immutableForDays: (repositoryId: string) => number;
}) {
  const { mover, immutableForDays } = deps;
  return {
    /** Reads only. */
    async planMaintenance(
      input: OnChain<Omit<OperationInput<'planMaintenance'>, 'immutableForDays'>>,
    ): Promise<Omit<OperationOutput<'planMaintenance'>, 'keep'>> {
      return runTask(async (control) => {
        const days = immutableForDays(input.targetRepositoryId);
        const request = { ...onChain(input), immutableForDays: days };
        // Why every single point is kept is asked by people, not by the workflow.
        const { keep: _, ...plan } = await mover.run('planMaintenance', request, control);
        return plan;
      });
    },

    /** Reads only. */
    async planCompact(
      input: OnChain<Omit<OperationInput<'planCompact'>, 'immutableForDays'>>,
    ): Promise<OperationOutput<'planCompact'>> {
      return runTask((control) => {
        const days = immutableForDays(input.targetRepositoryId);
        return mover.run('planCompact', { ...onChain(input), immutableForDays: days }, control);
      });
    },

    /** Every block of the increment is read and compared with its digest before the first one goes into the full. */
    async mergeIncrement(
      input: OnChain<OperationInput<'mergeIncrement'>>,
    ): Promise<{ state: 'merged' | 'refused'; reason: string | null }> {
      return runTask(async (control) => {
        const merge = onChain(input);
        const plan = await mover.run('prepareMerge', merge, control);
        if (plan.state !== 'ready') return { reason: null, ...plan };
        for (const proof of plan.proofs) await prove(mover, input, proof, control);
        await mover.run('mergeIncrement', merge, control);
        return { state: 'merged', reason: null };
      });
    },

    async planSyntheticFull(
      input: OnChain<OperationInput<'planSyntheticFull'>>,
    ): Promise<{ reference: PlanReference; disks: DiskWork[] }> {
      return runTask((control) => mover.run('planSyntheticFull', onChain(input), control));
    },

    async replaceWithFull(input: OnChain<OperationInput<'replaceWithFull'>>): Promise<void> {
      await runTask((control) => mover.run('replaceWithFull', onChain(input), control));
    },

    async flagRestorePoint(input: OnChain<OperationInput<'flagRestorePoint'>>): Promise<void> {
      await runTask((control) => mover.run('flagRestorePoint', onChain(input), control));
    },

    /** Ends copies that were given up. */
    async releaseStaging(
      input: OnChain<OperationInput<'releaseStaging'>>,
    ): Promise<OperationOutput<'releaseStaging'>> {
      return runTask((control) => mover.run('releaseStaging', onChain(input), control));
    },

    async deleteRestorePoints(
      input: OnChain<OperationInput<'deleteRestorePoints'>>,
    ): Promise<OperationOutput<'deleteRestorePoints'>> {
      return runTask((control) => mover.run('deleteRestorePoints', onChain(input), control));
    },
  };
}

async function prove(
  mover: DataMover,
  { targetRepositoryId }: { readonly targetRepositoryId: string },
  proof: DiskProof,
  task: TaskControl,
): Promise<void> {
  const windows = windowRuns(0, proof.windowCount);
  await mover.runWindows('proveBlocks', { targetRepositoryId, ...proof }, windows, task);
}

export type RetentionActivities = ReturnType<typeof createRetentionActivities>;
