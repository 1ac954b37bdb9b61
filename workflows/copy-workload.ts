import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { ChainState, WorkloadToCopy } from '../activities/copy-activities.js';
import type { CopyJob, StartOverrides } from '../src/domain/copy-job.js';
import { NO_PROGRESS, type CopyTask, type SessionResult } from '../src/domain/copy-session.js';
import type { CopySettings } from '../src/domain/copy-settings.js';
import { WINDOW_BLOCKS, WINDOW_BYTES, BLOCK_BYTES } from '../src/domain/digest.js';
import { isErrorCode } from '../src/domain/errors.js';
import { recreatedMessage, type ChainDetection } from '../src/domain/recreated-chain.js';
import type { SelectedRestorePoint } from '../src/domain/select-restore-points.js';
import { taskProgress } from '../src/domain/session-result.js';
import { dataActivities, listingActivities } from './activity-profiles.js';
import { SEARCH_ATTRIBUTES, taskPauseSignal, taskQuery } from './messages.js';

export interface CopyWorkloadInput {
  readonly job: CopyJob;
  readonly overrides: StartOverrides;
  readonly workload: WorkloadToCopy;
  readonly sourceRepositoryId: string;
  readonly settings: CopySettings;
  /** The same in every run of this task, so that they share one epoch of the chain. */
  readonly owner: string;
  /** State of the task when this run goes on for an earlier one. */
  readonly carried?: {
    readonly task: CopyTask;
    readonly activeFullDone: boolean;
    /** Disks whose work is in the task's progress already. */
    readonly countedDisks: readonly string[];
  };
}

/** The part of a session that copies one workload. Its workflow id is the lock on the target chain. It never fails: its task says how it
 *  ended. A run that has grown long goes on in a new one between two batches: the plan and the cursor in the staging folder hold the place. */
export async function copyWorkload(input: CopyWorkloadInput): Promise<CopyTask> {
  const copy = new WorkloadCopy(input);
  setHandler(taskQuery, () => copy.task);
  setHandler(taskPauseSignal, (paused) => copy.setPaused(paused));
  try {
    await copy.run();
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    if (!isStop(error)) copy.fail(error);
    else copy.end('stopped', 'the session was stopped');
  }
  upsertSearchAttributes([{ key: RESULT, value: copy.task.result ?? 'failed' }]);
  return copy.task;
}

const RESULT = defineSearchAttributeKey(SEARCH_ATTRIBUTES.result, SearchAttributeType.KEYWORD);

/** Asks for the work to be looked at anew: the source or the staging folder is not what the plan was made for. */
const PLAN_AGAIN: readonly string[] = [
  'SOURCE_CHANGED',
  'STAGING_INVALID',
  'FILE_MISSING',
  'RESTORE_POINT_MISSING',
];

class WorkloadCopy {
  task: CopyTask;
  private paused = false;
  private running: CancellationScope | null = null;
  private epoch = 0;
  private replans = 0;
  private activeFull: boolean;
  private readonly countedDisks: Set<string>;
  private readonly data;
  private readonly listing;
  private readonly ids;

  constructor(private readonly input: CopyWorkloadInput) {
    const { job, workload, settings, overrides, carried, sourceRepositoryId } = input;
    this.data = dataActivities(job.target.repositoryId, settings);
    this.listing = listingActivities(job.target.repositoryId, settings);
    this.activeFull = overrides.activeFull === true && carried?.activeFullDone !== true;
    this.countedDisks = new Set(carried?.countedDisks);
    this.ids = {
      targetRepositoryId: job.target.repositoryId,
      sourceRepositoryId,
      jobId: job.id,
      workloadId: workload.id,
    };
    this.task = carried?.task ?? {
      workload: workload.name,
      state: 'inspecting',
      result: null,
      algorithm: 'none',
      restorePoint: null,
      committed: [],
      progress: NO_PROGRESS,
      resumedFromBytes: 0,
      attempt: 1,
      code: null,
      reason: null,
      notes: [],
    };
  }

  async run(): Promise<void> {
    this.show({ state: 'inspecting' }, 'looking at the target chain');
    const chain = await this.inspect();
    this.epoch = chain.epoch;
    for (;;) {
      try {
        if (await this.copyRound()) continue;
        return;
      } catch (error) {
        if (!PLAN_AGAIN.includes(codeOf(error)) || this.replans >= this.input.settings.maxReplans)
          throw error;
        this.replans++;
        this.note(`planned again: ${reasonOf(error)}`);
      }
    }
  }

  private async inspect(): Promise<ChainState> {
    const { workload, owner } = this.input;
    const chain = await this.listing.inspectTargetChain.executeWithOptions(
      { summary: `${workload.name}: inspect target chain` },
      [{ ...this.ids, workload, owner }],
    );
    for (const note of chain.notes) this.note(note);
    return chain;
  }

  /** One look at the source and the copy of what it shows; true when another look is worth it. */
  private async copyRound(): Promise<boolean> {
    const { job, workload, overrides } = this.input;
    this.show({ state: 'inspecting' }, 'comparing the source with what was copied');
    const detection = await this.listing.detectRecreatedChain.executeWithOptions(
      { summary: `${workload.name}: detect recreated chain` },
      [{ ...this.ids, epoch: this.epoch }],
    );
    if (this.needsNewJob(detection)) return false;
    const scope = overrides.restorePoints ?? job.restorePoints;
    const selection = await this.listing.enumerateRestorePoints.executeWithOptions(
      { summary: `${workload.name}: enumerate restore points` },
      [
        {
          ...this.ids,
          epoch: this.epoch,
          mode: job.mode,
          restorePoints: scope,
          activeFull: this.activeFull,
          detection,
        },
      ],
    );
    for (const { restorePointId, reason } of selection.skipped)
      this.note(`restore point ${restorePointId} was passed over: ${reason}`);
    if (selection.points.length === 0) {
      if (this.task.committed.length > 0) this.end('success', null);
      else this.end('nothingToCopy', selection.reason);
      return false;
    }
    for (const [index, point] of selection.points.entries()) {
      // Points behind the first build on it: what they need was known only after its commit.
      if (index > 0 && point.algorithm === 'full') return true;
      await this.copyPoint(point);
    }
    if (scope === 'all' || job.mode === 'immediate') return true;
    this.end('success', null);
    return false;
  }

  private needsNewJob(detection: ChainDetection): boolean {
    const { job, workload } = this.input;
    if (detection.state !== 'recreated' && detection.state !== 'replaced') return false;
    if (job.onSourceChainRecreated === 'startNewChain') {
      this.note(`a new chain was started: ${detection.reasons.join('; ')}`);
      return false;
    }
    const reason = recreatedMessage(job.id, workload.name, detection);
    this.task = { ...this.task, code: 'SOURCE_CHAIN_RECREATED' };
    this.end('actionRequired', reason);
    return true;
  }

  private async copyPoint(point: SelectedRestorePoint): Promise<void> {
    const { workload, job } = this.input;
    this.show(
      {
        state: 'planning',
        algorithm: point.algorithm,
        restorePoint: point.restorePointId,
      },
      `planning restore point ${point.restorePointId} (${point.reason})`,
    );
    const planInput = {
      ...this.ids,
      epoch: this.epoch,
      restorePointId: point.restorePointId,
      algorithm: point.algorithm,
      changedBy: point.changedBy,
      lineageFrom: point.lineageFrom,
      digest: job.storage.digest,
    };
    const plan = () =>
      this.data.planCopy.executeWithOptions(
        { summary: `${workload.name} ${point.restorePointId}: plan copy` },
        [planInput],
      );
    let outcome = await this.pausable(plan);
    if (outcome.state === 'scan') {
      for (const disk of outcome.disks)
        await this.runDisk('scanBlocks', outcome.pointId, outcome.reference, disk);
      outcome = await this.pausable(plan);
      if (outcome.state === 'scan')
        throw ApplicationFailure.nonRetryable('the source changed again', 'SOURCE_CHANGED');
    }
    for (const disk of outcome.disks)
      await this.runDisk('copyBlocks', outcome.pointId, outcome.reference, disk);
    await this.commit(point, outcome.pointId, outcome.reference);
  }

  private async commit(
    point: SelectedRestorePoint,
    pointId: string,
    reference: { token: string; epoch: number },
  ): Promise<void> {
    const { workload } = this.input;
    const target = { ...this.ids, pointId, reference };
    this.show({ state: 'composing' }, `composing the backup files of ${pointId}`);
    await this.pausable(() =>
      this.data.composeTargetFile.executeWithOptions(
        { summary: `${workload.name} ${point.restorePointId}: compose backup files` },
        [target],
      ),
    );
    this.show({ state: 'committing' }, `committing ${pointId}`);
    await this.pausable(() =>
      this.data.commitRestorePoint.executeWithOptions(
        { summary: `${workload.name} ${point.restorePointId}: commit restore point` },
        [{ ...target, flags: [], copiedAt: new Date().toISOString() }],
      ),
    );
    this.activeFull = false;
    this.replans = 0;
    this.task = { ...this.task, committed: [...this.task.committed, pointId] };
  }

  /** Copies (or compares) the open windows of one disk, batch by batch. */
  private async runDisk(
    activity: 'copyBlocks' | 'scanBlocks',
    pointId: string,
    reference: { token: string; epoch: number },
    disk: { disk: string; blockCount: number; windowCount: number; firstOpenWindow: number },
  ): Promise<void> {
    const { settings, workload } = this.input;
    const verb = activity === 'copyBlocks' ? 'copying' : 'comparing';
    const skippedBytes = Math.min(
      disk.firstOpenWindow * WINDOW_BYTES,
      disk.blockCount * BLOCK_BYTES,
    );
    const key = `${reference.token}/${activity}/${disk.disk}`;
    if (!this.countedDisks.has(key)) {
      this.countedDisks.add(key);
      this.addWork(disk.blockCount * BLOCK_BYTES, skippedBytes);
      this.resumed(disk.disk, skippedBytes);
    }
    for (
      let first = disk.firstOpenWindow;
      first < disk.windowCount;
      first += settings.batchWindows
    ) {
      await this.continueIfLong();
      const windowCount = Math.min(settings.batchWindows, disk.windowCount - first);
      const lastBlock = Math.min((first + windowCount) * WINDOW_BLOCKS, disk.blockCount) - 1;
      const summary = `${workload.name} ${disk.disk}: blocks ${first * WINDOW_BLOCKS}–${lastBlock}`;
      this.show(
        { state: activity === 'copyBlocks' ? 'copying' : 'planning' },
        `${verb} ${summary}`,
      );
      const batch = {
        targetRepositoryId: this.ids.targetRepositoryId,
        jobId: this.ids.jobId,
        workloadId: this.ids.workloadId,
        pointId,
        reference,
        disk: disk.disk,
        firstWindow: first,
        windowCount,
      };
      const startedAtMs = Date.now();
      const counts = await this.pausable(() =>
        this.data[activity].executeWithOptions({ summary }, [batch]),
      );
      if (counts.attempt > 1)
        this.resumed(disk.disk, (first + counts.resumedWindows) * WINDOW_BYTES, counts.attempt);
      const batchBytes = (lastBlock + 1 - first * WINDOW_BLOCKS) * BLOCK_BYTES;
      this.addProgress(counts, batchBytes, Date.now() - startedAtMs);
    }
  }

  private resumed(disk: string, bytes: number, attempt = this.task.attempt): void {
    if (bytes === 0) return;
    this.task = { ...this.task, resumedFromBytes: bytes, attempt };
    this.note(`disk ${disk} was taken up again at byte ${bytes}`);
  }

  private addWork(totalBytes: number, doneBytes: number): void {
    const { progress } = this.task;
    this.task = {
      ...this.task,
      progress: {
        ...progress,
        totalBytes: progress.totalBytes + totalBytes,
        processedBytes: progress.processedBytes + doneBytes,
      },
    };
  }

  private addProgress(
    counts: { readBytes: number; transferredBytes: number },
    batchBytes: number,
    elapsedMs: number,
  ): void {
    const { progress } = this.task;
    this.task = {
      ...this.task,
      progress: taskProgress({
        processedBytes: progress.processedBytes + batchBytes,
        totalBytes: progress.totalBytes,
        readBytes: progress.readBytes + counts.readBytes,
        transferredBytes: progress.transferredBytes + counts.transferredBytes,
        processedInAttemptBytes: batchBytes,
        elapsedMs,
      }),
    };
  }

  /** A pause stops what runs at its durable position, and it is taken up from there. */
  private async pausable<T>(run: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.whileRunning();
      const scope = new CancellationScope();
      this.running = scope;
      try {
        return await scope.run(run);
      } catch (error) {
        if (!this.paused || CancellationScope.current().consideredCancelled) throw error;
      } finally {
        this.running = null;
      }
    }
  }

  private async whileRunning(): Promise<void> {
    if (!this.paused) return;
    const { state } = this.task;
    this.show({ state: 'paused' }, 'paused');
    await condition(() => !this.paused);
    this.show({ state }, 'resumed');
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
    if (paused) this.running?.cancel();
  }

  private async continueIfLong(): Promise<void> {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    if (historyLength < this.input.settings.maxHistoryEvents && !continueAsNewSuggested) return;
    await this.whileRunning();
    const carried = {
      task: this.task,
      activeFullDone: !this.activeFull,
      countedDisks: [...this.countedDisks],
    };
    await continueAsNew<typeof copyWorkload>({ ...this.input, carried });
  }

  private show(change: Partial<CopyTask>, details: string): void {
    this.task = { ...this.task, ...change };
    setCurrentDetails(`**${this.task.workload}**: ${details}`);
  }

  private note(text: string): void {
    if (this.task.notes.includes(text)) return;
    this.task = { ...this.task, notes: [...this.task.notes, text].slice(-MAX_NOTES) };
  }

  end(result: SessionResult, reason: string | null): void {
    this.show({ state: 'ended', result, reason }, reason ?? result);
  }

  fail(error: unknown): void {
    const code = codeOf(error);
    this.task = { ...this.task, code: isErrorCode(code) ? code : null };
    this.end('failed', reasonOf(error));
  }
}

/** Enough to tell the story of a bad night. */
const MAX_NOTES = 50;

function isStop(error: unknown): boolean {
  return isCancellation(error) || CancellationScope.current().consideredCancelled;
}

/** The failure of an activity carries ours as its cause. */
function causeOf(error: unknown): unknown {
  return error instanceof ActivityFailure ? error.cause : error;
}

function codeOf(error: unknown): string {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure ? (cause.type ?? '') : '';
}

function reasonOf(error: unknown): string {
  const cause = causeOf(error);
  if (cause instanceof ApplicationFailure) {
    const hint = (cause.details?.[0] as { hint?: string } | undefined)?.hint;
    return hint === undefined ? cause.message : `${cause.message}. ${hint}`;
  }
  return cause instanceof Error ? cause.message : String(cause);
}
