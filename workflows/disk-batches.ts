import type { ActivityInterfaceFor } from '@temporalio/workflow';
import type { CopyActivities } from '../activities/copy-activities.js';
import type { CopySettings } from '../src/domain/copy-settings.js';
import { BLOCK_BYTES, WINDOW_BLOCKS, WINDOW_BYTES } from '../src/domain/digest.js';
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

export interface DiskToCopy {
  readonly disk: string;
  readonly blockCount: number;
  readonly windowCount: number;
  readonly firstOpenWindow: number;
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
    disk: DiskToCopy,
  ): Promise<void> {
    const { batchWindows } = this.settings;
    this.count(`${target.reference.token}/${activity}/${disk.disk}`, disk);
    for (let first = disk.firstOpenWindow; first < disk.windowCount; first += batchWindows) {
      await this.betweenBatches();
      await this.runBatch(activity, target, disk, first);
    }
  }

  private async runBatch(
    activity: 'copyBlocks' | 'scanBlocks',
    target: BatchTarget,
    disk: DiskToCopy,
    firstWindow: number,
  ): Promise<void> {
    const windowCount = Math.min(this.settings.batchWindows, disk.windowCount - firstWindow);
    const firstBlock = firstWindow * WINDOW_BLOCKS;
    const endBlock = Math.min((firstWindow + windowCount) * WINDOW_BLOCKS, disk.blockCount);
    const { workload } = this.state.task;
    const summary = `${workload} ${disk.disk}: blocks ${firstBlock}–${endBlock - 1}`;
    if (activity === 'copyBlocks') this.state.show({ state: 'copying' }, `copying ${summary}`);
    else this.state.show({ state: 'planning' }, `comparing ${summary}`);
    const batch = { ...target, disk: disk.disk, firstWindow, windowCount };
    const startedAtMs = Date.now();
    const counts = await this.pause.pausable(() =>
      this.data[activity].executeWithOptions({ summary }, [batch]),
    );
    if (counts.attempt > 1) {
      const resumedAt = (firstWindow + counts.resumedWindows) * WINDOW_BYTES;
      this.state.resumed(disk.disk, resumedAt, counts.attempt);
    }
    const batchBytes = (endBlock - firstBlock) * BLOCK_BYTES;
    this.state.addProgress(counts, batchBytes, Date.now() - startedAtMs);
  }

  /** Counts a disk's work once, however many runs and attempts it takes. */
  private count(key: string, disk: DiskToCopy): void {
    if (this.countedDisks.has(key)) return;
    this.countedDisks.add(key);
    const doneBytes = Math.min(disk.firstOpenWindow * WINDOW_BYTES, disk.blockCount * BLOCK_BYTES);
    this.state.addWork(disk.blockCount * BLOCK_BYTES, doneBytes);
    this.state.resumed(disk.disk, doneBytes);
  }
}
