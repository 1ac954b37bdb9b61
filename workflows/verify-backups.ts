import { executeChild, sleep } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Damage, VerifiedPoint } from '../src/domain/damage.js';
import { batchesOf, doneBytesOf, type DiskWork } from '../src/domain/disk-work.js';
import { codeOf, reasonOf } from './failures.js';
import type { ChainToVerify } from '../activities/health-activities.js';
import type { CopySettings } from '../src/domain/copy-settings.js';
import { BLOCK_BYTES } from '../src/domain/digest.js';
import type { OperationStatus } from '../src/domain/operation.js';
import { controlActivities, healthActivities } from './activity-profiles.js';
import { chainWorkflowId, CONTROL_TASK_QUEUE, type VerifyInput } from './messages.js';
import { OperationState } from './operation-state.js';
import { repairChain, type ChainDamage } from './repair-chain.js';

/** A health check: reads every block of the files of a point, a job or a repository and compares it with its digest; what is damaged is
 *  healed under the chain's lock. Copies of other chains go on meanwhile, and of this one too. */
export async function verifyBackups(input: VerifyInput): Promise<OperationStatus> {
  const state = new OperationState();
  try {
    const settings = await controlActivities.readCopySettings.executeWithOptions(
      { summary: 'read settings' },
      [],
    );
    return await new Verification(input, settings, state).run();
  } catch (error) {
    return state.fail(error);
  }
}

class Verification {
  private readonly activities;
  /** Points of the chain in work in which nothing was found. */
  private verified: VerifiedPoint[] = [];
  /** Chains that a session held when their points were to get the date of the verification. */
  private readonly late: { chain: ChainToVerify; verified: readonly VerifiedPoint[] }[] = [];
  private damaged = 0;
  private unhealed = 0;

  constructor(
    private readonly input: VerifyInput,
    private readonly settings: CopySettings,
    private readonly state: OperationState,
  ) {
    this.activities = healthActivities(input.repositoryId, settings);
  }

  async run(): Promise<OperationStatus> {
    const { repositoryId, restorePointId, jobId } = this.input;
    const { chains, unreadable } = await this.activities.listVerification.executeWithOptions(
      { summary: `${repositoryId}: list what is to be verified` },
      [{ repositoryId, restorePointId, jobId: jobId ?? null }],
    );
    for (const { path, code, reason } of unreadable)
      this.state.note(`${path} cannot be verified: ${reason} (${code})`);
    let points = 0;
    for (const chain of chains) {
      const damage: ChainDamage[] = [];
      for (const pointId of chain.pointIds) {
        damage.push(...(await this.verifyPoint(chain, pointId)));
        points++;
      }
      const { verified } = this;
      this.verified = [];
      if (damage.length > 0) await this.repair(chain, damage, verified);
      else if (verified.length > 0) await this.enter(chain, verified);
    }
    for (const { chain, verified } of this.late) await this.repair(chain, [], verified);
    if (unreadable.length > 0)
      return this.state.end(
        'failed',
        `${unreadable.length} chains cannot be read; of the others ${points} restore points were verified, ${this.unhealed} of ${this.damaged} damaged places could not be healed`,
      );
    if (this.damaged === 0)
      return this.state.end('success', `${points} restore points are as they were written`);
    return this.unhealed === 0
      ? this.state.end('warning', `${this.damaged} damaged places were found and healed`)
      : this.state.end(
          'failed',
          `${this.unhealed} of ${this.damaged} damaged places could not be healed`,
        );
  }

  /** Again when the notes of what was found are gone before they were told. */
  private async verifyPoint(chain: ChainToVerify, pointId: string): Promise<ChainDamage[]> {
    for (let readings = 1; ; readings++) {
      try {
        return await this.readPoint(chain, pointId);
      } catch (error) {
        const isOver = readings > this.settings.maxReplans;
        if (codeOf(error) !== 'STAGING_INVALID' || isOver) throw error;
        this.state.note(`${chain.workload.name} ${pointId} is read again: ${reasonOf(error)}`);
      }
    }
  }

  private async readPoint(chain: ChainToVerify, pointId: string): Promise<ChainDamage[]> {
    const { repositoryId } = this.input;
    const { jobId, workloadId } = chain;
    const place = { targetRepositoryId: repositoryId, jobId, workloadId, pointId };
    const name = `${chain.workload.name} ${pointId}`;
    this.state.show(`verifying ${name}`);
    const plan = await this.prepare(chain, place, name);
    for (const disk of plan.disks) {
      this.state.addWork(disk.blockCount * BLOCK_BYTES, doneBytesOf(disk));
      const { batchWindows, verifyBytesPerSecond: maxBytesPerSecond } = this.settings;
      for (const part of batchesOf(disk, batchWindows)) {
        const summary = `${name} ${disk.disk}: units ${part.firstBlock}–${part.lastBlock}`;
        const batch = {
          ...place,
          nowMs: Date.now(),
          disk: disk.disk,
          firstWindow: part.firstWindow,
          windowCount: part.windowCount,
          maxBytesPerSecond,
        };
        await this.activities.verifyBlocks.executeWithOptions({ summary }, [batch]);
        this.state.addProgress(part.sizeBytes);
      }
    }
    const { damage, content } = await this.activities.collectDamage.executeWithOptions(
      { summary: `${name}: collect what was found` },
      [{ ...place, nowMs: Date.now(), disks: plan.disks }],
    );
    const found = [...plan.damage, ...damage];
    if (found.length === 0) {
      const verifiedAt = new Date().toISOString();
      this.verified.push({ pointId, content, verifiedAt });
    }
    return found.map((one) => ({ pointId, damage: one }));
  }

  /** Waits for a change of the chain that is under way; one that was left by a crash is finished under the chain's lock. */
  private async prepare(
    chain: ChainToVerify,
    place: { targetRepositoryId: string; jobId: string; workloadId: string; pointId: string },
    name: string,
  ): Promise<{ disks: DiskWork[]; damage: Damage[] }> {
    for (let looks = 1; ; looks++) {
      try {
        return await this.activities.prepareVerification.executeWithOptions(
          { summary: `${name}: check files and tables` },
          [{ ...place, nowMs: Date.now() }],
        );
      } catch (error) {
        if (codeOf(error) !== 'CHAIN_LOCKED') throw error;
        // The change may wait in its turn, for a lease on what goes: also for that of a process that is dead.
        if (looks > 1) {
          this.state.show(`waiting: ${reasonOf(error)}`);
          await sleep(this.settings.lockRetryMs);
        }
        await this.repair(chain, [], []);
      }
    }
  }

  /** Now, or when all else is verified: a session that copies the workload holds up no other chain. */
  private async enter(chain: ChainToVerify, verified: readonly VerifiedPoint[]): Promise<void> {
    if (!(await this.repairNow(chain, [], verified))) this.late.push({ chain, verified });
  }

  /** Under the chain's lock; when a session holds it, after that session. */
  private async repair(
    chain: ChainToVerify,
    damage: readonly ChainDamage[],
    verified: readonly VerifiedPoint[],
  ): Promise<void> {
    this.damaged += damage.length;
    while (!(await this.repairNow(chain, damage, verified))) {
      this.state.show(`waiting for the session that copies ${chain.workload.name}`);
      await sleep(this.settings.lockRetryMs);
    }
  }

  /** False: a session holds the chain. */
  private async repairNow(
    { jobId, workloadId, workload }: ChainToVerify,
    damage: readonly ChainDamage[],
    verified: readonly VerifiedPoint[],
  ): Promise<boolean> {
    const targetRepositoryId = this.input.repositoryId;
    const { settings } = this;
    try {
      const outcome = await executeChild(repairChain, {
        workflowId: chainWorkflowId(targetRepositoryId, jobId, workloadId),
        taskQueue: CONTROL_TASK_QUEUE,
        staticSummary: `${workload.name}: ${damage.length > 0 ? 'repair' : 'enter what was verified'}`,
        args: [{ targetRepositoryId, jobId, workload, damage, verified, settings }],
      });
      for (const note of outcome.notes) this.state.note(note);
      this.unhealed += outcome.unhealed;
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }
}
