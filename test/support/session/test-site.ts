import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { availablePoints, type ChainRecord } from '../../../src/chain/chain-record.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { RepositoryConfig } from '../../../src/config/config.js';
import type { PrimaryBackup } from '../../../src/domain/jobs/primary-backup.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { checkImage, rawDigest } from '../image/qemu-oracle.js';
import { directory } from '../repository/directory-storage.js';

export const LIBVIRT_FIXTURE = join(import.meta.dirname, '../../fixtures/libvirt-push');
export const OVIRT_FIXTURE = join(import.meta.dirname, '../../fixtures/ovirt');

/** SHA-256 of the raw disks, made by the tool that made the backups: workload → checkpoint → disk. */
type Truth = Record<string, Record<string, Record<string, string>>>;

export async function libvirtTruth(): Promise<Truth> {
  return truthOf(LIBVIRT_FIXTURE);
}

/** As each workload's points show them, oldest first. */
export async function truthOf(fixture: string): Promise<Truth> {
  return JSON.parse(await readFile(join(fixture, 'truth.json'), 'utf8')) as Truth;
}

/** A primary and an off-site repository in a temporary folder. */
export class TestSite {
  /** Sources besides `primary`. */
  otherSources: readonly RepositoryConfig[] = [];
  /** Of the primary repository. 0: what a test writes is copied at once. */
  settleSeconds = 0;
  workloadLimit = 10;
  primaryBackups: readonly PrimaryBackup[] = [];

  private constructor(readonly folder: string) {}

  /** @param fixture folder whose content becomes the primary repository; null: an empty one */
  static async create(fixture: string | null = LIBVIRT_FIXTURE): Promise<TestSite> {
    const site = new TestSite(await mkdtemp(join(tmpdir(), 'longhaul-site-')));
    await mkdir(site.path('offsite'));
    if (fixture === null) await mkdir(site.path('primary'));
    else await cp(fixture, site.path('primary'), { recursive: true });
    return site;
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  async makeFolder(...parts: string[]): Promise<void> {
    await mkdir(this.path(...parts), { recursive: true });
  }

  get repositories(): RepositoryConfig[] {
    const shared = {
      taskLimit: 4,
      workloadLimit: this.workloadLimit,
      immutableForDays: 0,
      settleSeconds: 0,
      contents: 'backups',
    } as const;
    const { settleSeconds } = this;
    return [
      {
        ...shared,
        id: 'primary',
        ...directory(this.path('primary')),
        role: 'primary',
        settleSeconds,
      },
      { ...shared, id: 'offsite', ...directory(this.path('offsite')), role: 'target' },
      ...this.otherSources,
    ];
  }

  openTarget() {
    const rootPath = this.path('offsite');
    return openDirectoryRepository({ id: 'offsite', rootPath, readOnly: false });
  }

  openSource() {
    const rootPath = this.path('primary');
    return openDirectoryRepository({ id: 'primary', rootPath, readOnly: true });
  }

  async chain(jobId: string, workloadName: string): Promise<ChainRecord | null> {
    const workload = await this.workload(workloadName);
    return readChainRecord(await this.openTarget(), chainFolder(jobId, workload.id));
  }

  async workload(name: string) {
    const workloads = await listSourceWorkloads(await this.openSource());
    return workloads.find((workload) => workload.name === name)!;
  }

  /** Raw SHA-256 of every disk of every point that the commit record shows, oldest first; each file is checked by qemu-img. */
  async readBack(jobId: string, workloadName: string): Promise<Record<string, string>[]> {
    const workload = await this.workload(workloadName);
    const record = await this.chain(jobId, workloadName);
    const points: Record<string, string>[] = [];
    for (const point of record === null ? [] : availablePoints(record)) {
      const disks: Record<string, string> = {};
      for (const { disk, path } of point.disks) {
        const file = this.path('offsite', chainFolder(jobId, workload.id), path);
        await checkImage(file);
        disks[disk] = await rawDigest(file);
      }
      points.push(disks);
    }
    return points;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A job from `primary` to `offsite` that copies all restore points by hand. */
export function testJob(changes: Partial<CopyJob> = {}): CopyJob {
  return {
    id: 'nightly',
    name: 'Nightly off-site',
    description: '',
    revision: 1,
    mode: 'periodic',
    sources: { include: [{ repositoryId: 'primary' }], exclude: [] },
    target: { repositoryId: 'offsite' },
    restorePoints: 'all',
    retention: { type: 'restorePoints', value: 7 },
    gfs: null,
    timeZone: 'UTC',
    schedule: { type: 'manual' },
    missedStarts: 'run',
    allowedHours: null,
    transactionLogs: false,
    retry: { attempts: 0, pausesMinutes: [10] },
    onSourceChainRecreated: 'requireNewJob',
    storage: { digest: 'sha256', verifyAfterCopy: 'cached' },
    healthCheck: null,
    compact: null,
    rpo: null,
    removedWorkloadsAfterDays: null,
    replaces: null,
    ...changes,
  };
}
