import type { CopyJob } from '../../../src/domain/copy-job.js';
import type { TargetRestorePoint } from '../../../src/domain/target-point.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { InProcessMover, type CopyOrder } from '../mover/in-process-mover.js';
import { GrowingSource } from './growing-source.js';
import { pointsOf, wrongPoints, type ChainUnderTest } from './read-chain.js';

export type LivingPolicy = Pick<CopyJob, 'mode' | 'gfs' | 'retention' | 'timeZone'>;

const HOUR_MS = 3_600_000;

/** A machine that is backed up and copied day by day under a clock of the test's own, through the data mover's real operations. */
export class LivingChain {
  readonly mover: InProcessMover;
  readonly chain: ChainUnderTest;
  private sessions = 0;

  private constructor(
    readonly source: GrowingSource,
    private readonly repositories: { source: BackupRepository; target: BackupRepository },
    private readonly order: Omit<CopyOrder, 'owner'>,
    readonly policy: LivingPolicy,
  ) {
    this.mover = new InProcessMover(repositories.source, repositories.target);
    const { jobId, workload } = order;
    this.chain = { repository: repositories.target, jobId, workloadId: workload.id };
  }

  /** Makes the machine's first backup. */
  static async begin(
    repositories: { source: BackupRepository; target: BackupRepository },
    firstAtMs: number,
    policy: LivingPolicy,
  ): Promise<LivingChain> {
    const source = new GrowingSource(repositories.source, 'mail01', { blockCount: 12 });
    await source.backUp(firstAtMs, 'full');
    const [workload] = await listSourceWorkloads(repositories.source);
    const order = {
      jobId: 'nightly',
      workload: { id: workload!.id, name: workload!.name, type: 'olvm-rhv' as const },
      sourceRepositoryId: repositories.source.id,
      targetRepositoryId: repositories.target.id,
      restorePoints: 'latest' as const,
      job: policy,
    };
    return new LivingChain(source, repositories, order, policy);
  }

  /** A session an hour after the newest backup, or at `nowMs`. @returns warnings of GFS and retention */
  async session(
    options: { nowMs?: number; policy?: LivingPolicy; immutableForDays?: number } = {},
  ): Promise<readonly string[]> {
    const nowMs = options.nowMs ?? this.afterNewestBackupMs;
    const order = this.nextOrder(nowMs);
    await this.mover.copy(order);
    const policy = options.policy ?? this.policy;
    return this.mover.maintain(order, policy, nowMs, options.immutableForDays);
  }

  /** When a session that follows the newest backup takes place. */
  get afterNewestBackupMs(): number {
    return this.source.days.at(-1)!.createdAtMs + HOUR_MS;
  }

  /** An order as the next session would give it. */
  nextOrder(nowMs: number): CopyOrder {
    this.sessions++;
    const copiedAt = new Date(nowMs).toISOString();
    return { ...this.order, owner: `session-${this.sessions}`, copiedAt };
  }

  points(): Promise<TargetRestorePoint[]> {
    return pointsOf(this.chain);
  }

  /** Times at which the source made the points that are there, oldest first. */
  async createdAtMs(): Promise<number[]> {
    return (await this.points()).map(({ createdAt }) => Date.parse(createdAt));
  }

  /** The raw disk as it was when the source made a point. */
  readonly truth = ({ createdAt }: { createdAt: string }): Buffer => this.source.diskAt(createdAt);

  /** Ids of the points that do not read back bit for bit. */
  wrongPoints(): Promise<string[]> {
    return wrongPoints(this.chain, this.truth);
  }
}
