import {
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  patched,
} from '@temporalio/workflow';
import type { CopyJob } from '../../src/domain/jobs/copy-job.js';
import type { EndedTask, KeptAnswers } from '../../src/domain/sessions/kept-answers.js';
import { awaitedReason } from '../../src/domain/sources/settle.js';
import { faultNotes, joinFaults, NO_FAULTS } from '../../src/domain/trees/file-faults.js';
import {
  failedTreeNotes,
  nextRound,
  NO_ROUNDS,
  removalRefusal,
  treeEnd,
  type TreeFates,
} from '../../src/domain/trees/tree-ending.js';
import type { LeftTree, PlannedTree, TreeWork } from '../../src/domain/trees/tree-work.js';
import type { RemovedTreeFiles } from '../../activities/payloads/tree-payloads.js';
import { dataTries, toldActivities, treeActivities } from '../activity-profiles.js';
import type { CopyTreeInput } from './copy-tree-input.js';
import { codeOf, reasonOf } from '../failures.js';
import { goOnInNewRun, isHistoryLong } from '../history-length.js';
import { Pause } from './pause.js';
import { PointWait } from './point-wait.js';
import { removeFromTree } from './remove-from-tree.js';
import { runWorkloadTask, TOLD_LAST, type WorkloadTask } from './run-task.js';
import { SessionPlace } from './session-place.js';
import { CopyTaskState } from './task-state.js';
import { Turn } from '../turn.js';

/** The part of a session that copies one tree of files. Its workflow id is the lock on the copy, as that of `copyWorkload`. A run that has grown long
 *  goes on in a new one between two batches: what was copied is in the journal beside the data, and is entered into the index by the next plan. */
export async function copyTree(input: CopyTreeInput): Promise<EndedTask> {
  return runWorkloadTask(new TreeCopy(input), input);
}

/** Before, the record of the copy never heard what a session had told. */
const NOTES_TOLD = 'copyTree-20261128-notes-told';

/** Before, a task ended beside points in progress. */
const AWAITS = 'copyTree-20261129-awaits-points';

/** Asks for the source to be looked at anew. */
const PLAN_AGAIN: readonly string[] = ['SOURCE_CHANGED', 'STAGING_INVALID', 'FILE_MISSING'];

class TreeCopy implements WorkloadTask {
  readonly state: CopyTaskState;
  readonly pause: Pause;
  readonly turn: Turn;
  readonly place: SessionPlace;
  readonly ids;
  private replans = 0;
  private fates: TreeFates;
  private readonly wait: PointWait;
  /** As `CarriedRounds.awaits`: where logs arrive all the time, one always is in progress. */
  private awaits: readonly string[] | null;
  /** Of the plan that was committed. */
  private committedWarnings: readonly string[] = [];
  /** Answers that the record of the copy keeps until they are told. */
  private hasCommit: boolean;
  private hasRemoval: boolean;
  private readonly data;
  private readonly tries;

  constructor(private readonly input: CopyTreeInput) {
    const { job, workload, settings, carried, sourceRepositoryId } = input;
    this.state = new CopyTaskState(workload, carried?.task);
    this.turn = new Turn({
      repositoryId: job.target.repositoryId,
      settings,
      name: workload.name,
      onWait: (reason) => this.state.wait(reason),
    });
    this.place = new SessionPlace({
      workloadId: workload.id,
      isCounted: input.countsPlaces === true,
      isGivenBack: carried?.rounds?.isPlaceGivenBack === true,
      turn: this.turn,
      onWait: (reason) => this.state.wait(reason),
    });
    this.pause = new Pause(this.state, this.turn);
    const rounds = carried?.rounds;
    this.wait = new PointWait(this, job, rounds?.waitingSinceMs ?? null);
    this.awaits = rounds?.awaits ?? null;
    this.hasCommit = rounds?.hasCommit ?? false;
    this.hasRemoval = rounds?.hasRemoval ?? false;
    this.fates = {
      ...{ faults: NO_FAULTS, lacking: 0, lost: 0 },
      ...{ leftOut: [], hasLeftOut: false, sentAgain: NO_FAULTS },
      before: rounds?.before ?? NO_ROUNDS,
    };
    this.data = treeActivities(job.target.repositoryId, settings);
    this.tries = dataTries(job.target.repositoryId, settings);
    this.ids = {
      targetRepositoryId: job.target.repositoryId,
      sourceRepositoryId,
      jobId: job.id,
      workloadId: workload.id,
    };
  }

  /** What the job says of how long points stay. */
  private get policy(): Pick<CopyJob, 'mode' | 'gfs' | 'endedGfs' | 'retention' | 'timeZone'> {
    const { mode, gfs, endedGfs, retention, timeZone } = this.input.job;
    return { mode, gfs, endedGfs, retention, timeZone };
  }

  async run(): Promise<void> {
    try {
      await this.copyAllOrFree();
    } catch (error) {
      // Of a run that goes on in another one nothing is lost: that one looks again.
      if (!(error instanceof ContinueAsNew)) this.noteFaults();
      throw error;
    } finally {
      await this.noteTold();
      await this.turn.giveUp();
    }
  }

  get keeps(): KeptAnswers | null {
    const { hasCommit, hasRemoval } = this;
    if (!hasCommit && !hasRemoval) return null;
    return {
      ...{ workloadId: this.ids.workloadId, owner: this.input.owner },
      ...(hasCommit ? { hasCommit } : {}),
      ...(hasRemoval ? { hasRemoval } : {}),
    };
  }

  /** Of a task that an earlier build has begun. */
  private async noteTold(): Promise<void> {
    const { ids, hasCommit, hasRemoval } = this;
    if ((!hasCommit && !hasRemoval) || patched(TOLD_LAST) || !patched(NOTES_TOLD)) return;
    const { owner, settings, workload } = this.input;
    const { noteTold: note } = toldActivities(ids.targetRepositoryId, settings);
    await CancellationScope.nonCancellable(() =>
      note.executeWithOptions({ summary: `${workload.name}: note what was told` }, [
        { ...ids, owner, hasCommit, hasRemoval },
      ]),
    ).catch(() => undefined);
  }

  /** What retention lets go is freed although the target has no room for the copy, for the next try.
   *  @throws REPOSITORY_FULL */
  private async copyAllOrFree(): Promise<void> {
    try {
      await this.copyAll();
    } catch (error) {
      if (codeOf(error) === 'REPOSITORY_FULL' && patched('copyTree-20261127-free-when-full'))
        await this.free();
      throw error;
    }
  }

  private async free(): Promise<void> {
    const refusal = removalRefusal(this.fates);
    if (refusal !== null) return this.state.note(refusal);
    const { workload, owner } = this.input;
    const summary = `${workload.name}: free what may go of a target without room`;
    // By its time the record knows the removal again, also after a pause.
    const nowMs = Date.now();
    await this.remove((choice) =>
      this.data.freeTree.executeWithOptions({ summary }, [
        { ...this.ids, workload, owner, nowMs, choice, ...this.claim },
      ]),
    );
  }

  private async copyAll(): Promise<void> {
    if (this.input.job.once !== undefined)
      throw ApplicationFailure.nonRetryable(
        'a one-time copy takes a machine; a set of files is copied by a job',
        'JOB_KIND_WRONG',
      );
    for (;;) {
      try {
        const plan = await this.copyRound();
        if (plan === null) return;
        if (!(await this.hasAwaited(plan))) return this.end(plan);
        this.replans = 0;
      } catch (error) {
        const { maxReplans } = this.input.settings;
        if (!PLAN_AGAIN.includes(codeOf(error)) || this.replans >= maxReplans) throw error;
        this.replans++;
        this.state.giveUpWork();
        this.state.note(`planned again: ${reasonOf(error)}`);
      }
    }
  }

  /** One look at the source and the copy of what it shows, class by class: all that a class may refer to is there, durable, before it.
   *  @returns null: it has ended */
  private async copyRound(): Promise<PlannedTree | LeftTree | null> {
    const plan: PlannedTree | LeftTree = await this.plan();
    this.awaits ??= (plan.awaited ?? []).map(({ restorePointId }) => restorePointId);
    const { faults, lacking = 0 } = plan;
    const lost = Math.max(this.fates.lost, plan.lost ?? 0);
    this.fates = { ...this.fates, faults, lacking, lost };
    if (plan.state !== 'planned') {
      if (plan.state === 'same') return plan;
      this.endSuspicious(plan);
      return null;
    }
    await this.place.take();
    // A run that goes on for another one plans what that had left.
    this.state.giveUpWork();
    this.state.addWork(
      plan.classes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      0,
    );
    for (const work of plan.classes) await this.copyClass(plan, work);
    await this.commit(plan);
    // What the commit has told nobody tells again.
    this.committedWarnings = plan.warnings;
    for (const note of plan.notes ?? []) this.state.note(note);
    await this.removeDue(plan);
    return plan;
  }

  /** Waits for the points that the first look showed in progress; false: there are none any more, or they are awaited no longer. */
  private async hasAwaited(plan: PlannedTree | LeftTree): Promise<boolean> {
    const awaited = (plan.awaited ?? []).filter(({ restorePointId }) =>
      this.awaits?.includes(restorePointId),
    );
    if (awaited.length === 0 || !patched(AWAITS)) return false;
    const hasCommitted = this.state.task.committed.length > 0;
    const next = nextRound(plan, this.fates, hasCommitted);
    return this.wait.untilNextLook(awaited, awaitedReason(awaited), async () => {
      this.fates = next.fates;
      for (const note of next.notes) this.state.note(note);
      await this.continueIfLong();
    });
  }

  /** By which the copies become those of the job. */
  private get claim() {
    const { job, overrides, definition } = this.input;
    return {
      ...(job.origin === undefined ? {} : { origin: job.origin }),
      ...(overrides.takeOver === undefined ? {} : { takeOver: overrides.takeOver }),
      ...(definition === undefined ? {} : { definition }),
    };
  }

  private async plan(): Promise<PlannedTree | LeftTree> {
    const { job, workload, overrides, owner, sourceFolders, formerIds, settings } = this.input;
    this.state.show({ state: 'inspecting' }, 'comparing the source with its copy');
    const { restorePoints } = job;
    const scope = overrides.restorePoints ?? restorePoints;
    const request = {
      ...{ ...this.ids, workload, owner, sourceFolders },
      choice: { scope, withLogs: job.transactionLogs, ...this.policy },
      verifyAfterCopy: job.storage.verifyAfterCopy,
      acceptChanges: overrides.acceptChanges === true,
      ...{ now: overrides.now ?? false, seen: this.wait.seen, hasHeard: this.hasCommit },
      ...(formerIds === undefined ? {} : { formerIds }),
      ...this.claim,
    };
    let compared = { windows: 0, isNoted: true };
    for (;;) {
      // What is not noted would be compared for ever.
      const step = compared.isNoted ? { compareWindows: settings.batchWindows } : {};
      const plan = await this.pause.untilDone(settings.unavailableLimitMs, () =>
        this.tries.planTree.executeWithOptions(
          { summary: `${workload.name}: compare with its copy` },
          [{ ...request, ...step, nowMs: Date.now() }],
        ),
      );
      if (plan.state !== 'comparing') return plan;
      compared = { windows: plan.windows, isNoted: plan.windows > compared.windows };
      this.state.show(
        { state: 'inspecting' },
        `comparing the copy with its index: ${plan.comparedCount} files so far`,
      );
      await this.turn.giveUpIfLong();
      await this.continueIfLong();
    }
  }

  private async copyClass(plan: PlannedTree, work: TreeWork): Promise<void> {
    const { settings, workload } = this.input;
    const { windowCount, sizeBytes, fileCount } = work;
    const what = { ...this.ids, reference: plan.reference, class: work.class };
    for (let first = 0; first < windowCount; first += settings.batchWindows) {
      await this.turn.giveUpIfLong();
      await this.continueIfLong();
      const count = Math.min(settings.batchWindows, windowCount - first);
      const summary = `${workload.name} ${work.class}: windows ${first}–${first + count - 1} of ${windowCount}`;
      this.state.show(
        { state: 'copying', algorithm: 'increment' },
        `copying ${fileCount} files, ${summary}`,
      );
      const startedAtMs = Date.now();
      const counts = await this.pause.untilDone(settings.unavailableLimitMs, () =>
        this.tries.copyFiles.executeWithOptions({ summary }, [
          { ...what, firstWindow: first, windowCount: count },
        ]),
      );
      const share = Math.round((sizeBytes * count) / windowCount);
      this.state.addProgress(counts, share, Date.now() - startedAtMs);
    }
    this.state.show({ state: 'composing' }, `naming the files of ${work.class}`);
    const {
      drifted,
      driftedPath,
      faults,
      lacking = 0,
    } = await this.pause.pausable(() =>
      this.data.publishFiles.executeWithOptions(
        { summary: `${workload.name} ${work.class}: name the files` },
        [what],
      ),
    );
    if (drifted > 0)
      throw ApplicationFailure.nonRetryable(
        `${drifted} files of ${work.class} are not what they were when they were listed (${driftedPath ?? ''})`,
        'SOURCE_CHANGED',
      );
    this.fates = {
      ...this.fates,
      faults: joinFaults(this.fates.faults, faults),
      lacking: this.fates.lacking + lacking,
    };
  }

  private async commit({ reference }: PlannedTree): Promise<void> {
    const { name } = this.input.workload;
    this.state.show({ state: 'committing' }, 'entering what was copied into the index');
    const {
      committed,
      committedCount,
      leftOut,
      hasLeftOut = false,
      sentAgain = NO_FAULTS,
      lost = 0,
    } = await this.data.commitTree.executeWithOptions({ summary: `${name}: commit` }, [
      {
        ...{ ...this.ids, reference, nowMs: Date.now(), choice: this.policy },
        ...(patched(NOTES_TOLD) ? { isToldApart: true } : {}),
      },
    ]);
    this.hasCommit = true;
    for (const id of committed) this.state.committed(id);
    if (committedCount > committed.length)
      this.state.note(
        `${committedCount} restore points were committed; the last ${committed.length} are named`,
      );
    const known = this.fates;
    this.fates = { ...known, leftOut, hasLeftOut, sentAgain, lost: known.lost + lost };
    this.state.show({ restorePoint: committed.at(-1) ?? null }, 'committed');
  }

  private async removeDue({ reference }: PlannedTree): Promise<void> {
    const { workload } = this.input;
    // What the source has removed the older state may need that the copy is in, and what was not read may need it. Points that miss files count as good
    // until a health check has judged them, and others would go in their stead.
    if (removalRefusal(this.fates) !== null) return;
    const { epoch } = reference;
    const summary = `${workload.name}: retention`;
    const nowMs = Date.now();
    await this.remove((choice) =>
      this.data.removeTreeFiles.executeWithOptions({ summary }, [
        { ...this.ids, epoch, nowMs, choice },
      ]),
    );
  }

  private async remove(
    removal: (choice: TreeCopy['policy']) => Promise<RemovedTreeFiles>,
  ): Promise<void> {
    const { hasRemoved, kept } = await removeFromTree(this, () => removal(this.policy));
    if (kept !== undefined) this.fates = { ...this.fates, kept };
    this.hasRemoval ||= hasRemoved;
  }

  private noteFaults(): void {
    for (const note of failedTreeNotes(this.fates, this.committedWarnings)) this.state.note(note);
  }

  private endSuspicious({ reason, code = 'SOURCE_SUSPICIOUS' }: LeftTree): void {
    for (const note of faultNotes(this.fates.faults)) this.state.note(note);
    this.state.show({ code }, reason);
    this.state.end('actionRequired', reason);
  }

  private end(plan: PlannedTree | LeftTree): void {
    const { state } = this;
    const hasCommitted = state.task.committed.length > 0;
    const { mode } = this.input.job;
    const end = treeEnd(plan, this.fates, { hasCommitted, mode });
    for (const note of end.notes) state.note(note);
    if (end.notCopied !== null) state.show({ code: 'FILE_NOT_COPIED' }, end.notCopied);
    if (end.code !== null) state.show({ code: end.code }, end.reason ?? '');
    if (end.isFoundCopied) state.foundCopied();
    state.end(end.result, end.reason);
  }

  private async continueIfLong(): Promise<void> {
    if (!isHistoryLong(this.input.settings)) return;
    await this.pause.whilePaused();
    await this.turn.giveUp();
    const { hasCommit, hasRemoval, awaits } = this;
    const { before } = this.fates;
    const rounds = {
      ...{ before, awaits, waitingSinceMs: this.wait.sinceMs, hasCommit, hasRemoval },
      ...(this.place.isGivenBack ? { isPlaceGivenBack: true as const } : {}),
    };
    const carried = { task: this.state.task, rounds };
    await goOnInNewRun<typeof copyTree>({ ...this.input, carried });
  }
}
