import type { ActivityInterfaceFor } from '@temporalio/workflow';
import type { CopyActivities } from '../activities/copy-activities.js';
import type { CopySettings } from '../src/domain/copy-settings.js';
import { BLOCK_BYTES, WINDOW_BYTES } from '../src/domain/digest.js';
import { batchesOf, doneBytesOf, type DiskBatch, type DiskWork } from '../src/domain/disk-work.js';
import type { Pause } from './pause.js';
import type { TaskState } from './task-state.js';

/** Where a batch belongs. */
export interface BatchTarget {
  readonly targetRepositoryId: string;
  readonly jobId: string;
  readonly workloadId: string;
  /** Name of the staging folder. */
  readonly stagingId: string;
  readonly reference: { readonly token: string; readonly epoch: number };
}

/** Copies (or compares) disks in batches of windows, with progress and pauses. */
export class DiskBatches {
  /** Disks whose work is in the task's progress already. */
  readonly countedDisks: Set<string>;

  constructor(
    private readonly data: ActivityInterfaceFor<CopyActivities>,
    private readonly settings: CopySettings,
    private readonly state: TaskState,
    private readonly pause: Pause,
    /** Called between two batches; may end this run of the workflow. */
    private readonly betweenBatches: () => Promise<void>,
    countedDisks: readonly string[] = [],
  ) {
    this.countedDisks = new Set(countedDisks);
  }

  /** The open windows of one disk, batch by batch. */
  async run(
    activity: 'copyBlocks' | 'scanBlocks',
    target: BatchTarget,
    disk: DiskWork,
  ): Promise<void> {
    this.count(`${target.reference.token}/${activity}/${disk.disk}`, disk);
    for (const batch of batchesOf(disk, this.settings.batchWindows)) {
      await this.betweenBatches();
      await this.runBatch(activity, target, disk.disk, batch);
    }
  }

  private async runBatch(
    activity: 'copyBlocks' | 'scanBlocks',
    target: BatchTarget,
    disk: string,
    { firstWindow, windowCount, firstBlock, lastBlock, sizeBytes }: DiskBatch,
  ): Promise<void> {
    const { workload } = this.state.task;
    const summary = `${workload} ${disk}: blocks ${firstBlock}–${lastBlock}`;
    if (activity === 'copyBlocks') this.state.show({ state: 'copying' }, `copying ${summary}`);
    else this.state.show({ state: 'planning' }, `comparing ${summary}`);
    const batch = { ...target, disk, firstWindow, windowCount };
    const startedAtMs = Date.now();
    const counts = await this.pause.pausable(() =>
      this.data[activity].executeWithOptions({ summary }, [batch]),
    );
    if (counts.attempt > 1) {
      const resumedAt = (firstWindow + counts.resumedWindows) * WINDOW_BYTES;
      this.state.resumed(disk, resumedAt, counts.attempt);
    }
    this.state.addProgress(counts, sizeBytes, Date.now() - startedAtMs);
  }

  /** Counts a disk's work once, however many runs and attempts it takes. */
  private count(key: string, disk: DiskWork): void {
    if (this.countedDisks.has(key)) return;
    this.countedDisks.add(key);
    const doneBytes = doneBytesOf(disk);
    this.state.addWork(disk.blockCount * BLOCK_BYTES, doneBytes);
    this.state.resumed(disk.disk, doneBytes);
  }
}
