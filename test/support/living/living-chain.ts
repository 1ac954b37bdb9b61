import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import type {
  BackupRepository,
  FolderRepository,
} from '../../../src/repository/backup-repository.js';
import { testJob } from '../session/test-site.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import { GrowingSource } from './growing-source.js';
import { pointsOf, wrongPoints, type ChainUnderTest } from './read-chain.js';

export type LivingPolicy = Pick<CopyJob, 'mode' | 'gfs' | 'retention' | 'timeZone'> &
  Partial<Pick<CopyJob, 'compact'>>;

/** Only the newest points, and no fulls for longer. */
export function newest(value: number): LivingPolicy {
  const retention = { type: 'restorePoints', value } as const;
  return { mode: 'periodic', gfs: null, retention, timeZone: 'UTC' };
}

const HOUR_MS = 3_600_000;

/** A machine that is backed up and copied day by day under a clock of the test's own, by the product's workflows and activities. */
export class LivingChain {
  readonly chain: ChainUnderTest;

  private constructor(
    readonly source: GrowingSource,
    private readonly repositories: { source: BackupRepository; target: BackupRepository },
    workloadId: string,
    readonly policy: LivingPolicy,
  ) {
    this.chain = { repository: repositories.target, jobId: 'nightly', workloadId };
  }

  /** Makes the machine's first backup. */
  static async begin(
    repositories: { source: FolderRepository; target: BackupRepository },
    firstAtMs: number,
    policy: LivingPolicy,
    blockCount = 12,
  ): Promise<LivingChain> {
    const source = new GrowingSource(repositories.source, 'mail01', { blockCount });
    await source.backUp(firstAtMs, 'full');
    const [workload] = await listSourceWorkloads(repositories.source);
    return new LivingChain(source, repositories, workload!.id, policy);
  }

  /** A session an hour after the newest backup, or at `nowMs`. @returns what it warns of; empty: nothing */
  async session(
    options: {
      nowMs?: number;
      policy?: LivingPolicy;
      immutableForDays?: number;
      /** As the session finds it. */
      target?: BackupRepository;
    } = {},
  ): Promise<string> {
    const { source } = this.repositories;
    const { nowMs = this.afterNewestBackupMs, policy = this.policy, immutableForDays } = options;
    const target = options.target ?? this.repositories.target;
    const job = testJob({ ...policy, restorePoints: 'latest' });
    const sessions = new LocalSessions([source, target], { immutableForDays });
    const { result, reason } = await sessions.copy(job, nowMs);
    return result === 'warning' ? (reason ?? '') : '';
  }

  /** When a session that follows the newest backup takes place. */
  get afterNewestBackupMs(): number {
    return this.source.days.at(-1)!.createdAtMs + HOUR_MS;
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
