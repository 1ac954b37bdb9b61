import { monitorEventLoopDelay } from 'node:perf_hooks';
import { join } from 'node:path';
import { chainFolder, stagingFolder } from '../src/chain/chain-paths.js';
import { availablePoints } from '../src/chain/chain-record.js';
import { readChainRecord } from '../src/chain/chain-store.js';
import { newLeaseId } from '../src/chain/leases.js';
import type { VerifyAfterCopy } from '../src/domain/jobs/copy-job.js';
import type { DigestAlgorithm } from '../src/domain/targets/digest.js';
import type { RestoreFormat } from '../src/domain/targets/restore-format.js';
import { DataMover } from '../src/mover/data-mover.js';
import type { DiskProof } from '../src/mover/change/prove-blocks.js';
import { comparisonJournal, rawRestoreJournal } from '../src/mover/staging/journals.js';
import { openRuns } from '../src/mover/task/window-journal.js';
import { windowRuns } from '../src/mover/task/window-runs.js';
import type { DiskWork } from '../src/domain/targets/disk-work.js';
import type { WindowInput } from '../src/mover/mover-operations.js';
import type { PlanCopyInput } from '../src/mover/copy/plan-copy.js';
import { replacementStaging } from '../src/mover/change/replace-files.js';
import { listSourceWorkloads, rememberLook } from '../src/mover/source/source-catalogue.js';
import { restoreStaging } from '../src/domain/targets/staging-id.js';
import type { PointRestore } from '../src/mover/restore/point-restore.js';
import { TaskControl } from '../src/mover/task/task-control.js';
import { folderRepositoryId } from '../src/repository/open-repository.js';

const SOURCE = 'source';
const TARGET = 'target';
const JOB = 'bench';

export interface Measurement {
  readonly seconds: number;
  /** 99th percentile of how late the main thread's timers were. */
  readonly eventLoopDelayMs: number;
}

/** One target chain and the data mover that works on it, resident, as in a worker. What is timed is all that the mover does for the
 *  operation, until its result is durable; taking the chain over, and the look at the source that chooses the restore point, belong to the session. */
export class ChainUnderTest {
  private readonly mover: DataMover;
  private ids!: {
    targetRepositoryId: string;
    sourceRepositoryId: string;
    workloadId: string;
    chain: string;
    epoch: number;
    sourceFolders: readonly string[];
    lookId?: string;
  };
  private sourcePoints: string[] = [];
  /** Of disks, to the target, so far. */
  transferredBytes = 0;

  constructor(
    sourceFolder: string,
    private readonly targetFolder: string,
  ) {
    this.mover = new DataMover([
      { id: SOURCE, storage: directory(sourceFolder), isReadOnly: true },
      { id: TARGET, storage: directory(targetFolder), isReadOnly: false },
    ]);
  }

  /** Takes the chain over; to be called again when its folder was exchanged. */
  async open(): Promise<void> {
    const [workload] = await listSourceWorkloads(await this.mover.source(SOURCE));
    if (workload === undefined) throw new Error('the source folder holds no backups');
    this.sourcePoints = workload.restorePoints.map(({ id }) => id);
    const chain = chainFolder(JOB, workload.id);
    const { record } = await this.mover.run(
      'inspectTargetChain',
      {
        targetRepositoryId: TARGET,
        chain,
        jobId: JOB,
        workload,
        owner: 'bench',
        nowMs: Date.now(),
      },
      new TaskControl(),
    );
    const source = { sourceRepositoryId: SOURCE, workloadId: workload.id };
    const ids = { ...source, targetRepositoryId: TARGET, chain };
    // As a session's plan knows what its look has found.
    const { facts, repository } = this.mover;
    const context = { control: new TaskControl(), facts, repository, source: this.mover.source };
    const lookId = await rememberLook(context, ids, workload);
    this.ids = {
      ...{ ...ids, epoch: record.epoch, sourceFolders: workload.folders },
      ...(lookId === null ? {} : { lookId }),
    };
  }

  async copy(
    pointIndex: number,
    { kind, changedBy, digest = 'sha256', verifyAfterCopy = 'cached' }: CopyCommand,
  ): Promise<Measurement> {
    return measured(async () => {
      const input = {
        ...this.ids,
        kind,
        changedBy,
        restorePointId: this.sourcePoints[pointIndex]!,
        lineageFrom: changedBy === 'lineage' ? this.sourcePoints[0]! : null,
        digest,
        verifyAfterCopy,
      };
      let plan = await this.mover.run('planCopy', input, new TaskControl());
      const staging = stagingFolder(this.ids.chain, plan.pointId);
      const work = { targetRepositoryId: TARGET, staging, reference: plan.reference };
      if (plan.state === 'scan') {
        for (const disk of plan.disks) await this.scanDisk(work, disk);
        plan = await this.mover.run('planCopy', input, new TaskControl());
        work.reference = plan.reference;
      }
      for (const disk of plan.disks) await this.copyDisk(work, disk);
      await this.mover.run('composeTargetFile', work, new TaskControl());
      const { chain } = this.ids;
      const commit = { ...work, chain, pointId: plan.pointId, flags: [], copiedAt: now() };
      await this.mover.run('commitRestorePoint', commit, new TaskControl());
    });
  }

  async merge(): Promise<Measurement> {
    const [full, increment] = await this.pointIds();
    return measured(async () => {
      const input = { ...this.change(), fullId: full!, incrementId: increment! };
      const plan = await this.mover.run('prepareMerge', input, new TaskControl());
      if (plan.state !== 'ready') throw new Error(`not merged: ${plan.state}`);
      for (const proof of plan.proofs) await this.prove(proof);
      await this.mover.run('mergeIncrement', input, new TaskControl());
    });
  }

  /** Makes the newest point a full, from the files of the chain. */
  async synthesize(): Promise<Measurement> {
    const pointId = (await this.pointIds()).at(-1)!;
    return measured(async () => {
      const input = { ...this.change(), pointId };
      const { reference, disks } = await this.mover.run(
        'planSyntheticFull',
        input,
        new TaskControl(),
      );
      const staging = replacementStaging(this.ids.chain, pointId);
      const work = { targetRepositoryId: TARGET, staging, reference };
      for (const disk of disks) await this.copyDisk(work, disk);
      await this.mover.run('composeTargetFile', work, new TaskControl());
      await this.mover.run(
        'replaceWithFull',
        { ...input, reference, flags: [] },
        new TaskControl(),
      );
    });
  }

  /** Reads every block of the newest point's files and compares it with its digest. */
  async verify(): Promise<Measurement> {
    const pointId = (await this.pointIds()).at(-1)!;
    return measured(async () => {
      const { chain } = this.ids;
      const input = { targetRepositoryId: TARGET, chain, pointId, nowMs: Date.now() };
      const { disks } = await this.mover.run('prepareVerification', input, new TaskControl());
      for (const { disk, windowCount } of disks) {
        const windows = windowRuns(0, windowCount);
        const batch = { ...input, disk, maxBytesPerSecond: 0 };
        await this.mover.runWindows('verifyBlocks', batch, windows, new TaskControl());
      }
      const { damage } = await this.mover.run(
        'collectDamage',
        { ...input, disks },
        new TaskControl(),
      );
      if (damage.length > 0) throw new Error(`damaged: ${JSON.stringify(damage)}`);
    });
  }

  /** Restores the newest point into a new folder.
   *  @param folder absolute */
  async restore(format: RestoreFormat, folder: string): Promise<Measurement> {
    const pointId = (await this.pointIds()).at(-1)!;
    const input: PointRestore = {
      repositoryId: TARGET,
      chain: this.ids.chain,
      pointId,
      destinationPath: folder,
      format,
      disks: null,
      intoExisting: false,
      leaseId: newLeaseId(),
      nowMs: Date.now(),
    };
    return measured(async () => {
      const plan = await this.mover.run('prepareRestore', input, new TaskControl());
      const { reference } = plan;
      const staging = restoreStaging(pointId);
      const work = { targetRepositoryId: folderRepositoryId(folder), staging, reference };
      for (const disk of plan.disks)
        if (format === 'raw') await this.restoreRawDisk(work, disk);
        else await this.copyDisk(work, disk);
      if (format === 'same') await this.mover.run('composeTargetFile', work, new TaskControl());
      await this.mover.run('finishRestore', { ...input, reference }, new TaskControl());
    });
  }

  private async restoreRawDisk(work: Work, { disk, windowCount }: DiskWork): Promise<void> {
    const target = await this.mover.repository(work.targetRepositoryId);
    const journal = rawRestoreJournal(work.staging, disk, work.reference.token);
    const windows = await openRuns(target, journal, 0, windowCount);
    await this.mover.runWindows('restoreRaw', { ...work, disk }, windows, new TaskControl());
  }

  /** Takes the newest points away until `count` are left. */
  async keepOldest(count: number): Promise<void> {
    const ids = (await this.pointIds()).slice(count).toReversed();
    if (ids.length === 0) return;
    await this.mover.run('deleteRestorePoints', { ...this.change(), ids }, new TaskControl());
  }

  /** Image files of the points, oldest first. */
  async images(): Promise<string[]> {
    const record = await readChainRecord(await this.mover.source(TARGET), this.ids.chain);
    return availablePoints(record!).map(({ disks }) =>
      join(this.targetFolder, this.ids.chain, disks[0]!.path),
    );
  }

  private async pointIds(): Promise<string[]> {
    const record = await readChainRecord(await this.mover.source(TARGET), this.ids.chain);
    return availablePoints(record!).map(({ id }) => id);
  }

  private change() {
    const { targetRepositoryId, chain, epoch } = this.ids;
    return { targetRepositoryId, chain, epoch, nowMs: Date.now() };
  }

  private async scanDisk(work: Work, { disk, windowCount }: DiskWork): Promise<void> {
    const target = await this.mover.repository(TARGET);
    const journal = comparisonJournal(work.staging, disk, work.reference.token);
    const windows = await openRuns(target, journal, 0, windowCount);
    await this.mover.runWindows('scanBlocks', { ...work, disk }, windows, new TaskControl());
  }

  private async copyDisk(work: Work, disk: DiskWork): Promise<void> {
    const input = { ...work, disk: disk.disk };
    const control = new TaskControl();
    const all = { ...input, firstWindow: 0, windowCount: disk.windowCount };
    const windows = await this.mover.run('openCopyWindows', all, control);
    await this.mover.runWindows('copyBlocks', input, windows, control);
    this.transferredBytes += control.get('transferredBytes');
  }

  private async prove(proof: DiskProof): Promise<void> {
    const windows = windowRuns(0, proof.windowCount);
    const input = { targetRepositoryId: TARGET, ...proof };
    await this.mover.runWindows('proveBlocks', input, windows, new TaskControl());
  }

  async close(): Promise<void> {
    await this.mover.close();
  }
}

/** A copy as it is asked for. */
type CopyCommand = Pick<PlanCopyInput, 'kind' | 'changedBy'> & {
  readonly digest?: DigestAlgorithm;
  readonly verifyAfterCopy?: VerifyAfterCopy;
};

type Work = Omit<WindowInput<'copyBlocks'>, 'disk'>;

function now(): string {
  return new Date().toISOString();
}

const DELAY_RESOLUTION_MS = 1;

/** How long an action takes, and how late the timers of this thread are meanwhile. */
export async function measured(action: () => Promise<void>): Promise<Measurement> {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  const startedAtMs = performance.now();
  await action();
  const seconds = (performance.now() - startedAtMs) / 1000;
  delay.disable();
  // The histogram holds the time between two firings of a timer.
  const eventLoopDelayMs = Math.max(0, delay.percentile(99) / 1e6 - DELAY_RESOLUTION_MS);
  return { seconds, eventLoopDelayMs };
}

/** @param path absolute */
export function directory(path: string): { readonly kind: string; readonly path: string } {
  return { kind: 'directory', path };
}
