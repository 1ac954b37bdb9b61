import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { ChainRecord } from '../../../src/chain/chain-record.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { TestSite, testJob } from '../session/test-site.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import { GrowingSource } from './growing-source.js';
import { pointsOf, wrongPoints } from './read-chain.js';

const DAY_MS = 86_400_000;

/** Real repositories with machines that grow, for sessions of real workers. */
export class LivingSite {
  readonly machines = new Map<string, GrowingSource>();

  private constructor(readonly site: TestSite) {}

  /** @param machines each with a full and one increment, of 1 and 2 November 2026 */
  static async create(machines: readonly string[] = ['mail01']): Promise<LivingSite> {
    const living = new LivingSite(await TestSite.create(null));
    for (const [seed, name] of machines.entries()) {
      await living.addMachine(name, seed);
      await living.backUp(name, 1, 'full');
      await living.backUp(name, 2);
    }
    return living;
  }

  /** A machine without backups; under a known name it takes the place of the one before. */
  async addMachine(name: string, seed: number): Promise<void> {
    const primary = await this.openPrimary();
    this.machines.set(name, new GrowingSource(primary, name, { blockCount: 12, seed }));
  }

  /** The machines' backups go to the folder that is there now in place of the one before. */
  async remountPrimary(): Promise<void> {
    for (const machine of this.machines.values()) machine.repository = await this.openPrimary();
  }

  private openPrimary() {
    const rootPath = this.site.path('primary');
    return openDirectoryRepository({ id: 'primary', rootPath, readOnly: false });
  }

  machine(name = 'mail01'): GrowingSource {
    return this.machines.get(name)!;
  }

  /** Works for a day of November 2026 and makes the backup of its evening. */
  async backUp(
    name: string,
    day: number,
    kind: 'full' | 'incremental' = 'incremental',
  ): Promise<void> {
    const machine = this.machine(name);
    if (machine.days.length > 0) machine.work(day);
    await machine.backUp(Date.UTC(2026, 9, 31, 22) + day * DAY_MS, kind);
  }

  async record(jobId = 'nightly', name = 'mail01'): Promise<ChainRecord> {
    const { id } = await this.site.workload(name);
    return (await readChainRecord(await this.site.openTarget(), chainFolder(jobId, id)))!;
  }

  async points(jobId = 'nightly', name = 'mail01'): Promise<TargetRestorePoint[]> {
    return pointsOf(await this.chain(jobId, name));
  }

  /** Ids of the points that do not read back bit for bit. */
  async wrongPoints(jobId = 'nightly', name = 'mail01'): Promise<string[]> {
    return wrongPoints(await this.chain(jobId, name), ({ createdAt }) =>
      this.machine(name).diskAt(createdAt),
    );
  }

  /** Copies everything in this process, as a session of another time would have done. */
  async copyAt(
    copiedAt: string,
    { jobId }: { readonly jobId: string } = { jobId: 'nightly' },
    name = 'mail01',
  ): Promise<void> {
    const repositories = [await this.site.openSource(), await this.site.openTarget()];
    const job = testJob({ id: jobId, retention: { type: 'restorePoints', value: 99 } });
    await new LocalSessions(repositories).copy(job, Date.parse(copiedAt), { workloads: [name] });
  }

  private async chain(jobId: string, name: string) {
    const { id } = await this.site.workload(name);
    return { repository: await this.site.openTarget(), jobId, workloadId: id };
  }
}
