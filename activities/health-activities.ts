import { chainFolder, jobFolder } from '../src/chain/chain-paths.js';
import { availablePoints, lineageOf } from '../src/chain/chain-record.js';
import type { Damage } from '../src/domain/damage.js';
import { BackupError } from '../src/domain/errors.js';
import { partsOfRestorePointKey, type UnreadablePart } from '../src/domain/repository-view.js';
import type { WorkloadType } from '../src/domain/restore-point.js';
import type { DataMover } from '../src/mover/data-mover.js';
import type { DiskWork } from '../src/domain/disk-work.js';
import { findOwnChains } from '../src/chain/find-chains.js';
import type { HealOutcome } from '../src/mover/health/heal-disk.js';
import type { OperationInput, OperationOutput } from '../src/mover/mover-operations.js';
import { verifyStagingId } from '../src/domain/staging-id.js';
import { openByMark, runBatch, type BatchCounts } from './block-activities.js';
import { onChain, stagingOf, type ChainIds, type OnChain } from './on-chain.js';
import { runTask } from './run-task.js';

/** A chain and those of its points whose files are to be read. */
export interface ChainToVerify extends ChainIds {
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  /** Oldest first. */
  readonly pointIds: readonly string[];
}

/** What there is to verify, and what cannot be because it cannot be read. */
export interface VerificationList {
  readonly chains: readonly ChainToVerify[];
  readonly unreadable: readonly UnreadablePart[];
}

export interface VerifyBatch extends ChainIds {
  readonly targetRepositoryId: string;
  readonly pointId: string;
  readonly disk: string;
  readonly firstWindow: number;
  readonly windowCount: number;
  readonly nowMs: number;
  /** 0: as fast as it goes. */
  readonly maxBytesPerSecond: number;
}

/** Steps of a health check. Reading changes nothing but notes of its own progress; healing and marking need the chain's epoch. */
export function createHealthActivities({ mover }: { readonly mover: DataMover }) {
  return { ...createVerifyActivities(mover), ...createRepairActivities(mover) };
}

export type HealthActivities = ReturnType<typeof createHealthActivities>;

function createVerifyActivities(mover: DataMover) {
  return {
    /** What one point needs (itself and all below it), or everything that Longhaul keeps in the repository or for one job. */
    async listVerification(input: {
      repositoryId: string;
      restorePointId: string | null;
      jobId: string | null;
    }): Promise<VerificationList> {
      return runTask(() => chainsToVerify(mover, input));
    },

    async prepareVerification(
      input: OnChain<OperationInput<'prepareVerification'>>,
    ): Promise<{ disks: DiskWork[]; damage: Damage[] }> {
      return runTask((control) => mover.run('prepareVerification', onChain(input), control));
    },

    async verifyBlocks(batch: VerifyBatch): Promise<BatchCounts> {
      const staging = stagingOf({ ...batch, stagingId: verifyStagingId(batch.pointId) });
      const { targetRepositoryId, pointId, disk, maxBytesPerSecond, nowMs } = batch;
      const chain = chainFolder(batch.jobId, batch.workloadId);
      const input = { targetRepositoryId, chain, pointId, disk, maxBytesPerSecond, nowMs };
      return runBatch(mover, batch, openByMark(batch, staging), async (windows, control) => {
        await mover.run('leaseForVerification', input, control);
        await mover.runWindows('verifyBlocks', input, windows, control);
      });
    },

    async collectDamage(
      input: OnChain<OperationInput<'collectDamage'>>,
    ): Promise<OperationOutput<'collectDamage'>> {
      return runTask((control) => mover.run('collectDamage', onChain(input), control));
    },
  };
}

function createRepairActivities(mover: DataMover) {
  return {
    async healDisk(input: OnChain<OperationInput<'healDisk'>>): Promise<HealOutcome> {
      return runTask((control) => mover.run('healDisk', onChain(input), control));
    },

    async healDigestTable(
      input: OnChain<OperationInput<'healDigestTable'>>,
    ): Promise<{ healed: boolean }> {
      return runTask((control) => mover.run('healDigestTable', onChain(input), control));
    },

    async markDamage(
      input: OnChain<OperationInput<'markDamage'>>,
    ): Promise<OperationOutput<'markDamage'>> {
      return runTask((control) => mover.run('markDamage', onChain(input), control));
    },

    async markVerified(
      input: OnChain<OperationInput<'markVerified'>>,
    ): Promise<OperationOutput<'markVerified'>> {
      return runTask((control) => mover.run('markVerified', onChain(input), control));
    },
  };
}

async function chainsToVerify(
  mover: DataMover,
  input: { repositoryId: string; restorePointId: string | null; jobId: string | null },
): Promise<VerificationList> {
  const { repositoryId, restorePointId } = input;
  const { chains, unreadable } = await findOwnChains(await mover.repository(repositoryId));
  const [jobId, workloadId, pointId] =
    input.restorePointId === null ? [] : partsOfRestorePointKey(input.restorePointId);
  const isMeant = ({ path }: UnreadablePart) =>
    restorePointId !== null
      ? path === chainFolder(jobId ?? '', workloadId ?? '')
      : input.jobId === null || path.split('/')[0] === jobFolder(input.jobId);
  const meant = unreadable.filter(isMeant);
  const found: ChainToVerify[] = [];
  for (const { record } of chains) {
    const ids = { jobId: record.jobId, workloadId: record.workload.id };
    if (input.jobId !== null && record.jobId !== input.jobId) continue;
    if (input.restorePointId === null) {
      const pointIds = availablePoints(record).map(({ id }) => id);
      found.push({ ...ids, workload: record.workload, pointIds });
    } else if (ids.jobId === jobId && ids.workloadId === workloadId) {
      const pointIds = lineageOf(record, pointId ?? '').map(({ id }) => id);
      found.push({ ...ids, workload: record.workload, pointIds: pointIds.reverse() });
    }
  }
  if (restorePointId !== null && found.length === 0 && meant.length === 0)
    throw new BackupError(
      'RESTORE_POINT_MISSING',
      `repository ${input.repositoryId} holds no copy ${input.restorePointId}; only what Longhaul has copied carries the digests to verify it`,
    );
  return { chains: found, unreadable: meant };
}
