import { assertOwnCopies } from '../../src/chain/sessions/copies-owner.js';
import type { AbsentWorkload, KeptPage } from '../../src/domain/retention/absent-workloads.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import type {
  AbsenceAnswer,
  AbsenceRequest,
  LookForAbsentRequest,
} from '../payloads/chain-payloads.js';
import { onChain } from '../running/on-chain.js';
import { runTask } from '../running/run-task.js';
import type { TreeAbsenceAnswer, TreeAbsenceRequest } from '../payloads/tree-payloads.js';

/** What a session has to know and do about workloads that are gone. */
export function createRemovedWorkloadActivities(deps: {
  readonly mover: DataMover;
  /** Days during which a repository changes nothing. */
  readonly immutableForDays: (repositoryId: string) => number;
}) {
  const { mover, immutableForDays } = deps;
  return {
    /** Workloads of which the job keeps copies, page by page; a chain whose record cannot be read is left alone and named. Reads only.
     *  @throws COPIES_OF_OTHER_JOB */
    async listKeptWorkloads(input: {
      targetRepositoryId: string;
      jobId: string;
      after: string | null;
      origin?: string;
      takeOver?: boolean | undefined;
    }): Promise<KeptPage> {
      const { takeOver, ...place } = input;
      const { jobId, origin } = place;
      const job = { id: jobId, ...(origin === undefined ? {} : { origin }) };
      return runTask(async (control) => {
        if (takeOver !== true)
          await assertOwnCopies(await mover.source(input.targetRepositoryId), job);
        return mover.run('listKeptWorkloads', place, control);
      });
    },

    /** What is to be done about these workloads. Reads only. */
    async lookForAbsent(input: LookForAbsentRequest): Promise<AbsentWorkload[]> {
      const days = immutableForDays(input.targetRepositoryId);
      const order = { ...input, immutableForDays: days };
      return runTask((control) => mover.run('lookForAbsent', order, control));
    },

    /** Enters the look into the record of the chain; when the workload is gone for good, all its restore points are deleted. */
    async settleAbsence(
      input: AbsenceRequest,
    ): Promise<{ deleted: number; standing: AbsenceAnswer }> {
      return runTask(async (control) => {
        const place = onChain(input);
        const rule = { ...place, immutableForDays: immutableForDays(input.targetRepositoryId) };
        const { pointIds, ...standing } = await mover.runFreeing('noteAbsence', rule, control);
        if (standing.state !== 'due') return { deleted: 0, standing };
        const order = { ...place, ids: pointIds };
        const { deleted } = await mover.runFreeing('deleteRestorePoints', order, control);
        return { deleted: deleted.length, standing };
      });
    },

    /** The same of the copy of a tree, which is taken over first. */
    async settleTreeAbsence(input: TreeAbsenceRequest): Promise<TreeAbsenceAnswer> {
      const days = immutableForDays(input.targetRepositoryId);
      const rule = { ...onChain(input), immutableForDays: days };
      return runTask((control) => mover.runFreeing('settleTreeAbsence', rule, control));
    },
  };
}

export type RemovedWorkloadActivities = ReturnType<typeof createRemovedWorkloadActivities>;
