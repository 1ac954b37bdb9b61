import { chainFolder } from '../../src/chain/chain-paths.js';
import type { VerificationPage } from '../../src/domain/targets/verification.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import { preparedPoint, verificationToken } from '../../src/mover/health/verify-plan.js';
import { verificationJournal } from '../../src/mover/staging/journals.js';
import { verifyStagingId } from '../../src/domain/targets/staging-id.js';
import { openIn, runBatch, type FindOpenRuns } from '../task/block-activities.js';
import type {
  BatchCounts,
  CollectDamageRequest,
  CollectedDamage,
  HealCompanionRequest,
  HealDiskRequest,
  HealedCompanion,
  HealedDisk,
  HealTableRequest,
  ListVerificationRequest,
  MarkDamageRequest,
  MarkedDamage,
  MarkVerifiedRequest,
  PointCheck,
  PreparedCheck,
  VerifyBatch,
} from '../payloads/chain-payloads.js';
import { onChain, stagingOf } from '../running/on-chain.js';
import { nowSince, whileLeased } from '../running/reader-lease.js';
import { runTask } from '../running/run-task.js';

/** Steps of a health check. Reading changes nothing but notes of its own progress; healing and marking need the chain's epoch. */
export function createHealthActivities({ mover }: { readonly mover: DataMover }) {
  return { ...createVerifyActivities(mover), ...createRepairActivities(mover) };
}

export type HealthActivities = ReturnType<typeof createHealthActivities>;

function createVerifyActivities(mover: DataMover) {
  return {
    /** What one point needs (itself and all below it), or everything that Longhaul keeps in the repository or for one job, page by page. */
    async listVerification(input: ListVerificationRequest): Promise<VerificationPage> {
      return runTask((control) => mover.run('listVerification', input, control));
    },

    async prepareVerification(input: PointCheck): Promise<PreparedCheck> {
      const order = { ...onChain(input), nowMs: nowSince(input.nowMs) };
      return runTask((control) => mover.run('prepareVerification', order, control));
    },

    async verifyBlocks(batch: VerifyBatch): Promise<BatchCounts> {
      const staging = stagingOf({ ...batch, stagingId: verifyStagingId(batch.pointId) });
      const { targetRepositoryId, pointId, disk, nowMs, token, operation } = batch;
      const chain = chainFolder(batch.jobId, batch.workloadId);
      const prepared = {
        ...(token === undefined ? {} : { token }),
        ...(operation === undefined ? {} : { operation }),
      };
      const input = { targetRepositoryId, chain, pointId, disk, nowMs, ...prepared };
      const findOpen: FindOpenRuns = async (target, control) => {
        const point = await preparedPoint(await target(), input);
        const journal = verificationJournal(staging, disk, verificationToken(point));
        return openIn(journal, batch)(target, control);
      };
      return runBatch(mover, batch, findOpen, (windows, control) => {
        const renew = (at: number) =>
          mover.run('leaseForVerification', { ...input, nowMs: at }, control);
        return whileLeased(nowMs, control, renew, () =>
          mover.runWindows('verifyBlocks', input, windows, control),
        );
      });
    },

    /** Of a check that was stopped or failed: nobody waits for its lease. What it has noted stays. */
    async giveCheckBack(input: PointCheck): Promise<void> {
      return runTask((control) => mover.run('giveCheckBack', onChain(input), control));
    },

    async collectDamage(input: CollectDamageRequest): Promise<CollectedDamage> {
      return runTask((control) => mover.run('collectDamage', onChain(input), control));
    },
  };
}

function createRepairActivities(mover: DataMover) {
  return {
    async healDisk(input: HealDiskRequest): Promise<HealedDisk> {
      return runTask((control) => mover.run('healDisk', onChain(input), control));
    },

    async healDigestTable(input: HealTableRequest): Promise<{ healed: boolean }> {
      return runTask((control) => mover.run('healDigestTable', onChain(input), control));
    },

    async healCompanion(input: HealCompanionRequest): Promise<HealedCompanion> {
      return runTask((control) => mover.run('healCompanion', onChain(input), control));
    },

    async markDamage(input: MarkDamageRequest): Promise<MarkedDamage> {
      return runTask((control) => mover.run('markDamage', onChain(input), control));
    },

    async markVerified(input: MarkVerifiedRequest): Promise<{ readonly marked: number }> {
      return runTask((control) => mover.run('markVerified', onChain(input), control));
    },
  };
}
