import type { ActivityInterfaceFor } from '@temporalio/workflow';
import type { CopyActivities } from '../../activities/task/copy-activities.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import {
  batchBytesOf,
  batchesOf,
  doneBytesOf,
  openAtByte,
  workBytesOf,
  type DiskBatch,
  type DiskWork,
} from '../../src/domain/targets/disk-work.js';
import type { Pause } from './pause.js';
import type { CopyTaskState } from './task-state.js';

/** Where a batch belongs. */
interface BatchTarget {
  readonly targetRepositoryId: string;
  readonly jobId: string;
  readonly workloadId: string;
  /** Name of the staging folder. */
  readonly stagingId: string;
  readonly reference: { readonly token: string; readonly epoch: number };
}

interface DiskBatchesParts {
  readonly tries: ActivityInterfaceFor<Pick<CopyActivities, 'copyBlocks' | 'scanBlocks'>>;
  readonly settings: CopySettings;
  readonly state: CopyTaskState;
  readonly pause: Pause;
  /** Called between two batches; may end this run of the workflow. */
  readonly betweenBatches: () => Promise<void>;
}

/** Copies (or compares) disks in batches of windows, with progress and pauses. */
export class DiskBatches {
  /** Work that is in the task's progress already. */
  readonly counted: Set<string>;

  constructor(
    private readonly parts: DiskBatchesParts,
    counted: readonly string[] = [],
  ) {
    this.counted = new Set(counted);
  }

  /** Compares the open windows of all disks, and nothing is copied after it. */
  async compare(target: BatchTarget, disks: readonly DiskWork[]): Promise<void> {
    this.count('scan', target, disks, (bytes, doneBytes) =>
      this.parts.state.addWork(bytes, doneBytes),
    );
    for (const disk of disks) await this.runDisk('scanBlocks', target, disk);
  }

  /** Compares the open windows of all disks. What differs is copied afterwards: until that is known, all of it is taken to differ. */
  async scan(target: BatchTarget, disks: readonly DiskWork[]): Promise<void> {
    this.count('scan', target, disks, (bytes, doneBytes) =>
      this.parts.state.addWork(2 * bytes, doneBytes),
    );
    for (const disk of disks) await this.runDisk('scanBlocks', target, disk);
  }

  /** Copies the open windows of all disks, batch by batch.
   *  @param compared the disks of the comparison before, whose blocks count as done where they did not differ */
  async copy(
    target: BatchTarget,
    disks: readonly DiskWork[],
    compared: readonly DiskWork[] = [],
  ): Promise<void> {
    const comparedBytes = bytesOf(compared);
    this.count('copy', target, disks, (bytes, doneBytes) =>
      this.parts.state.addWork(
        Math.max(0, bytes - comparedBytes),
        Math.max(0, comparedBytes - bytes) + doneBytes,
      ),
    );
    for (const disk of disks) await this.runDisk('copyBlocks', target, disk);
  }

  private async runDisk(
    activity: 'copyBlocks' | 'scanBlocks',
    target: BatchTarget,
    disk: DiskWork,
  ): Promise<void> {
    for (const batch of batchesOf(disk, this.parts.settings.batchWindows)) {
      await this.parts.betweenBatches();
      await this.runBatch(activity, target, disk, batch);
    }
  }

  private async runBatch(
    activity: 'copyBlocks' | 'scanBlocks',
    target: BatchTarget,
    work: DiskWork,
    part: DiskBatch,
  ): Promise<void> {
    const { disk } = work;
    const { firstWindow, windowCount, firstBlock, lastBlock } = part;
    const { workload } = this.parts.state.task;
    const summary = `${workload} ${disk}: blocks ${firstBlock}–${lastBlock}`;
    if (activity === 'copyBlocks')
      this.parts.state.show({ state: 'copying' }, `copying ${summary}`);
    else this.parts.state.show({ state: 'planning' }, `comparing ${summary}`);
    const batch = { ...target, disk, firstWindow, windowCount };
    const startedAtMs = Date.now();
    const counts = await this.parts.pause.untilDone(this.parts.settings.unavailableLimitMs, () =>
      this.parts.tries[activity].executeWithOptions({ summary }, [batch]),
    );
    if (counts.attempt > 1) {
      const firstOpenWindow = firstWindow + counts.resumedWindows;
      const resumedAt = openAtByte({ ...work, firstOpenWindow });
      this.parts.state.resumed(disk, resumedAt, counts.attempt);
    }
    this.parts.state.addProgress(
      counts,
      batchBytesOf(work, part, counts),
      Date.now() - startedAtMs,
    );
  }

  /** Counts the work of all disks together, before the first block and once, however many runs and attempts it takes. A scan and the copy
   *  after it share the token of their plan. */
  private count(
    work: 'scan' | 'copy',
    { reference }: BatchTarget,
    disks: readonly DiskWork[],
    add: (bytes: number, doneBytes: number) => void,
  ): void {
    const key = `${work}/${reference.token}`;
    const doneBytes = disks.reduce((sum, disk) => sum + doneBytesOf(disk), 0);
    if (this.counted.has(key)) return this.parts.state.expectLeft(bytesOf(disks) - doneBytes);
    this.counted.add(key);
    add(bytesOf(disks), doneBytes);
    for (const disk of disks) this.parts.state.resumed(disk.disk, openAtByte(disk));
  }
}

function bytesOf(disks: readonly DiskWork[]): number {
  return disks.reduce((sum, disk) => sum + workBytesOf(disk), 0);
}
