import type { TreeCheckOutcome, TreeRepairPlan } from '../../src/domain/trees/tree-damage.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import { keptJournal } from '../../src/mover/tree/health/kept-lists.js';
import { checkedFiles } from '../../src/mover/tree/health/plan-check.js';
import { repairFiles } from '../../src/mover/tree/health/repair-tree.js';
import { openIn, runBatch } from '../task/block-activities.js';
import type { BatchCounts } from '../payloads/chain-payloads.js';
import { onChain } from '../running/on-chain.js';
import { nowSince, whileLeased } from '../running/reader-lease.js';
import { runTask } from '../running/run-task.js';
import type {
  CheckBatch,
  EndTreeCheckRequest,
  HealBatch,
  PlannedTreeCheck,
  PlanTreeCheckRequest,
  PlanTreeRepairRequest,
  SettleTreeCheckRequest,
} from '../payloads/tree-payloads.js';

/** Steps of a health check of a tree of files. Reading changes nothing but notes of its own progress; healing and marking need the tree's epoch. */
export function createTreeHealthActivities({ mover }: { readonly mover: DataMover }) {
  return {
    /** Lists the files that are to be read; one that was stopped is gone on with. */
    async planTreeCheck(input: PlanTreeCheckRequest): Promise<PlannedTreeCheck> {
      const order = { ...onChain(input), nowMs: nowSince(input.nowMs) };
      return runTask((control) => mover.run('planTreeCheck', order, control));
    },

    /** Reads files, or parts of large ones. Windows that are done are left alone. */
    async checkFiles(batch: CheckBatch): Promise<BatchCounts> {
      const input = onChain(batch);
      const { chain, reference } = input;
      return runBatch(
        mover,
        batch,
        async (target, control) => {
          const journal = keptJournal(checkedFiles(await target(), chain, reference));
          return openIn(journal, batch)(target, control);
        },
        (windows, control) => {
          const { check } = reference;
          const renew = (nowMs: number) =>
            mover.run('leaseForTreeCheck', { ...input, nowMs, check }, control);
          return whileLeased(input.nowMs, control, renew, () =>
            mover.runWindows('checkFiles', input, windows, control),
          );
        },
      );
    },

    /** Takes the tree over and lists what is still damaged. */
    async planTreeRepair(input: PlanTreeRepairRequest): Promise<TreeRepairPlan> {
      return runTask((control) => mover.run('planTreeRepair', onChain(input), control));
    },

    /** Writes the right bytes of damaged files beside them. Windows that are done are left alone. */
    async healFiles(batch: HealBatch): Promise<BatchCounts> {
      const input = onChain(batch);
      const { chain, reference, epoch } = input;
      return runBatch(
        mover,
        batch,
        async (target, control) => {
          const journal = keptJournal(repairFiles(await target(), chain, reference, epoch));
          return openIn(journal, batch)(target, control);
        },
        (windows, control) => mover.runWindows('healFiles', input, windows, control),
      );
    },

    /** Gives healed files their names and enters into the record what was found. */
    async settleTreeCheck(input: SettleTreeCheckRequest): Promise<TreeCheckOutcome> {
      return runTask((control) => mover.run('settleTreeCheck', onChain(input), control));
    },

    /** Takes the notes away. */
    async endTreeCheck(input: EndTreeCheckRequest): Promise<void> {
      return runTask((control) => mover.run('endTreeCheck', onChain(input), control));
    },
  };
}

export type TreeHealthActivities = ReturnType<typeof createTreeHealthActivities>;
