import { chainFolder } from '../../src/chain/chain-paths.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import type { DiskProof } from '../../src/mover/change/prove-blocks.js';
import { windowRuns } from '../../src/mover/task/window-runs.js';
import type { TaskControl } from '../../src/mover/task/task-control.js';
import { BackupError, isBackupError, isUnreadable } from '../../src/domain/errors.js';
import { sentences } from '../../src/domain/sentences.js';
import type { DiskWork, PlanReference } from '../../src/domain/targets/disk-work.js';
import type {
  ChainChange,
  DeleteRequest,
  ExpiryAnswer,
  ExpiryRequest,
  FlagRequest,
  MergeRequest,
  PlanMaintenanceRequest,
  PlannedMaintenance,
  PlanRemovalRequest,
  PointChange,
  RehomeRequest,
  RemoveRequest,
  ReplaceRequest,
  TakeFormerRequest,
} from '../payloads/chain-payloads.js';
import { onChain } from '../running/on-chain.js';
import { runTask } from '../running/run-task.js';

interface RetentionDependencies {
  readonly mover: DataMover;
  /** Days during which a repository changes nothing. */
  readonly immutableForDays: (repositoryId: string) => number;
}

/** @returns why it has to wait; null: it is done */
async function release(
  mover: DataMover,
  request: ChainChange & { readonly chain: string; readonly keepsPlanned: boolean },
  control: TaskControl,
): Promise<string | null> {
  try {
    await mover.runFreeing('releaseStaging', request, control);
    return null;
  } catch (error) {
    // Of the file of a change that was announced. Where the storage reads nothing, what is planned next says so.
    if (isBackupError(error, 'POINT_IN_USE') || isUnreadable(error))
      return sentences(error.message, error.hint);
    throw error;
  }
}

/** Steps of GFS and retention. Each announces its change in the commit record first and can be repeated after a stop at any place. */
export function createRetentionActivities(deps: RetentionDependencies) {
  const { mover, immutableForDays } = deps;
  return {
    ...createRemovalActivities(deps),
    /** Ends copies that were given up, unless they are kept, and plans what GFS, retention and compacts want of the chain as it is then. */
    async planMaintenance(input: PlanMaintenanceRequest): Promise<PlannedMaintenance> {
      return runTask(async (control) => {
        const days = immutableForDays(input.targetRepositoryId);
        const { keepsStaging, ...asked } = input;
        const request = { ...onChain(asked), immutableForDays: days };
        const keepsPlanned = keepsStaging === 'planned';
        const postponed =
          keepsStaging === 'all'
            ? null
            : await release(mover, { ...request, keepsPlanned }, control);
        // Why every single point is kept is asked by people, not by the workflow.
        const found = await mover.run('planMaintenance', request, control);
        const { keep: _, wantedFulls, hasUnwanted, ...plan } = found;
        if (hasUnwanted && postponed === null && keepsStaging !== 'all') {
          const order = { ...onChain(asked), wanted: wantedFulls ?? [] };
          await mover.runFreeing('discardStagedFulls', order, control);
        }
        // A full is written anew to save room, where copies have enough of it.
        const compactId = keepsStaging === undefined ? plan.compactId : null;
        return { ...plan, compactId, postponed };
      });
    },

    /** Takes away what is staged of fulls that nobody has announced yet.
     *  @returns names of the staging folders */
    async discardStagedFulls(input: ChainChange): Promise<{ readonly discarded: string[] }> {
      const order = { ...onChain(input), wanted: [], call: `${input.epoch} ${input.nowMs}` };
      return runTask((control) => mover.runFreeing('discardStagedFulls', order, control));
    },

    /** Every block of the increment is read and compared with its digest before the first one goes into the full. */
    async mergeIncrement(
      input: MergeRequest,
    ): Promise<{ state: 'merged' | 'refused'; reason: string | null }> {
      return runTask(async (control) => {
        const merge = onChain(input);
        const plan = await mover.runFreeing('prepareMerge', merge, control);
        if (plan.state !== 'ready') return { reason: null, ...plan };
        for (const proof of plan.proofs) await prove(mover, input, proof, control);
        await mover.runFreeing('mergeIncrement', merge, control);
        return { state: 'merged', reason: null };
      });
    },

    async planSyntheticFull(
      input: PointChange,
    ): Promise<{ reference: PlanReference; disks: DiskWork[] }> {
      return runTask((control) => mover.run('planSyntheticFull', onChain(input), control));
    },

    async replaceWithFull(input: ReplaceRequest): Promise<void> {
      await runTask((control) => mover.run('replaceWithFull', onChain(input), control));
    },

    async flagRestorePoint(input: FlagRequest): Promise<void> {
      await runTask((control) => mover.runFreeing('flagRestorePoint', onChain(input), control));
    },

    async deleteRestorePoints(
      input: DeleteRequest,
    ): Promise<{ readonly deleted: readonly string[] }> {
      return runTask((control) => mover.runFreeing('deleteRestorePoints', onChain(input), control));
    },
  };
}

/** What an operator takes out of a chain. */
function createRemovalActivities({ mover, immutableForDays }: RetentionDependencies) {
  return {
    /** Which points go when an operator takes one out. Reads only. */
    async planRemoval(input: PlanRemovalRequest): Promise<{ ids: string[] }> {
      const rule = { immutableForDays: immutableForDays(input.targetRepositoryId) };
      return runTask((control) =>
        mover.runFreeing('planRemoval', { ...onChain(input), ...rule }, control),
      );
    },

    /** Deletes a one-time copy when it may go: all of its points or none. */
    async expireChain(input: ExpiryRequest): Promise<ExpiryAnswer> {
      return runTask(async (control) => {
        // One clock that runs ahead ends nothing.
        const nowMs = Math.min(input.nowMs, Date.now());
        const place = { ...onChain(input), nowMs };
        const rule = { immutableForDays: immutableForDays(input.targetRepositoryId) };
        const { ids, heldBy } = await mover.runFreeing(
          'planExpiry',
          { ...place, ...rule },
          control,
        );
        if (ids.length === 0 && heldBy !== null) return { deleted: 0, heldBy };
        const order = { ...place, ids };
        const { deleted } = await mover.runFreeing('deleteRestorePoints', order, control);
        await mover.run('releaseStaging', place, control);
        return { deleted: deleted.length, heldBy: null };
      });
    },

    /** Gives the copies of a workload the id that it has now. @throws CHAIN_FOREIGN, CHAIN_EXISTS, POINT_IN_USE */
    async takeFormerCopies(input: TakeFormerRequest): Promise<{ pointCount: number }> {
      const order = { ...input, chain: chainFolder(input.jobId, input.formerId) };
      return runTask((control) => mover.run('takeFormerChain', order, control));
    },

    /** Gives the copies of a workload, chain or tree, to another job.
     *  @throws WORKLOAD_MISSING, CHAIN_FOREIGN, CHAIN_EXISTS, POINT_IN_USE */
    async rehomeCopies(input: RehomeRequest): Promise<{ pointCount: number }> {
      return runTask(async (control) => {
        const order = onChain(input);
        const rehomed =
          (await mover.run('rehomeChain', order, control)) ??
          (await mover.run('rehomeTree', order, control));
        if (rehomed !== null) return rehomed;
        const { jobId, workload } = input;
        throw new BackupError(
          'WORKLOAD_MISSING',
          `job ${jobId} keeps no copies of ${workload.name} here`,
        );
      });
    },

    async removeRestorePoints(input: RemoveRequest): Promise<void> {
      await runTask((control) => mover.runFreeing('removeRestorePoints', onChain(input), control));
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
