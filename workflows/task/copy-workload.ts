import { ApplicationFailure } from '@temporalio/workflow';
import type { WorkLook } from '../../activities/payloads/chain-payloads.js';
import type { RestorePointScope } from '../../src/domain/jobs/copy-job.js';
import type { EndedTask, KeptAnswers } from '../../src/domain/sessions/kept-answers.js';
import { workloadEnd } from '../../src/domain/sessions/workload-ending.js';
import type { DiskWork } from '../../src/domain/targets/disk-work.js';
import { recreatedMessage, type ChainDetection } from '../../src/domain/sources/recreated-chain.js';
import type {
  RestorePointSelection,
  SelectedRestorePoint,
} from '../../src/domain/sources/select-restore-points.js';
import { dataActivities, dataTries, listingActivities } from '../activity-profiles.js';
import {
  discardFulls,
  isRemovalDue,
  maintainChain,
  mayFree,
  type MaintenanceInput,
} from './chain-maintenance.js';
import type { CopyWorkloadInput } from './copy-workload-input.js';
import { DiskBatches } from './disk-batches.js';
import { lookPastFormer } from './former-copies.js';
import { codeOf, reasonOf } from '../failures.js';
import { goOnInNewRun, isHistoryLong } from '../history-length.js';
import { Pause } from './pause.js';
import { PointWait } from './point-wait.js';
import { runWorkloadTask, type WorkloadTask } from './run-task.js';
import { SessionPlace } from './session-place.js';
import { CopyTaskState } from './task-state.js';
import { Turn } from '../turn.js';

/** The part of a session that copies one workload. Its workflow id is the lock on the target chain. It never fails: its task says how it
 *  ended. A run that has grown long goes on in a new one between two batches: the plan and the cursor in the staging folder hold the place. */
export async function copyWorkload(input: CopyWorkloadInput): Promise<EndedTask> {
  return runWorkloadTask(new WorkloadCopy(input), input);
}

const FREED = 'the target has no room left: what retention lets go was removed all the same';

/** Asks for the work to be looked at anew: the source or the staging folder is not what the plan was made for. */
const PLAN_AGAIN = ['SOURCE_CHANGED', 'STAGING_INVALID', 'FILE_MISSING', 'RESTORE_POINT_MISSING'];

function isSaid(text: string | undefined): text is string {
  return text !== undefined;
}

class WorkloadCopy implements WorkloadTask {
  readonly state: CopyTaskState;
  readonly pause: Pause;
  keeps: KeptAnswers | null = null;
  readonly turn: Turn;
  readonly place: SessionPlace;
  /** null: the chain is not ours yet. */
  private chainEpoch: number | null = null;
  private isMaintenanceDue = true;
  private replans = 0;
  private readonly wait: PointWait;
  private warnings: readonly string[] = [];
  private doubt: string | undefined;
  private activeFull: boolean;
  /** null: retention has not begun. */
  private maintenanceWarnings: string[] | null;
  private readonly batches: DiskBatches;
  private readonly data;
  private readonly tries;
  private readonly listing;
  readonly ids;

  constructor(private readonly input: CopyWorkloadInput) {
    const { job, workload, settings, overrides, carried, sourceRepositoryId } = input;
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
      isGivenBack: carried?.isPlaceGivenBack === true,
      turn: this.turn,
      onWait: (reason) => this.state.wait(reason),
    });
    this.pause = new Pause(this.state, this.turn);
    this.wait = new PointWait(this, job, carried?.waitingSinceMs ?? null);
    this.data = dataActivities(job.target.repositoryId, settings);
    this.tries = dataTries(job.target.repositoryId, settings);
    this.listing = listingActivities(job.target.repositoryId, settings);
    this.maintenanceWarnings = carried?.warnings?.slice() ?? null;
    this.doubt = carried?.doubt;
    this.activeFull = overrides.activeFull === true && carried?.activeFullDone !== true;
    this.batches = new DiskBatches(
      {
        ...{ tries: this.tries, settings, state: this.state, pause: this.pause },
        betweenBatches: () => this.betweenSteps(),
      },
      carried?.counted,
    );
    this.ids = {
      targetRepositoryId: job.target.repositoryId,
      sourceRepositoryId,
      jobId: job.id,
      workloadId: workload.id,
    };
  }

  async run(): Promise<void> {
    try {
      if (this.maintenanceWarnings !== null) {
        await this.takeChain();
        await this.maintain();
      } else if ((await this.copyAllOrFree()) && this.isMaintenanceDue) {
        await this.place.take();
        await this.maintain();
      }
    } finally {
      await this.turn.giveUp();
    }
  }

  /** For a run that goes on after the copy. */
  private async takeChain(): Promise<void> {
    const { workload } = this.input;
    this.state.show({ state: 'inspecting' }, 'looking at the target chain');
    const chain = await this.listing.inspectTargetChain.executeWithOptions(
      { summary: `${workload.name}: inspect target chain` },
      [{ ...this.ids, ...this.taking() }],
    );
    this.own(chain);
  }

  private taking() {
    const { workload, owner } = this.input;
    return { workload, owner, nowMs: Date.now(), isSeen: true };
  }

  private own({ epoch, notes }: Pick<WorkLook, 'epoch' | 'notes'>): void {
    this.chainEpoch = epoch;
    for (const note of notes) this.state.note(note);
    const { workloadId } = this.ids;
    if (notes.length > 0) this.keeps = { workloadId, owner: this.input.owner, hasTaken: true };
  }

  private get owned() {
    return { ...this.ids, epoch: this.epoch };
  }

  /** @throws when the chain was not taken over yet */
  private get epoch(): number {
    if (this.chainEpoch === null) throw new Error('the chain was not taken over yet');
    return this.chainEpoch;
  }

  /** A copy that finds no room is tried again without what was staged of synthetic fulls. If that is not enough, what retention lets go is freed all
   *  the same, for the next try, and what was copied so far stays for it. @throws REPOSITORY_FULL */
  private async copyAllOrFree(): Promise<boolean> {
    for (let tries = 1; ; tries++)
      try {
        return await this.copyAll();
      } catch (error) {
        if (codeOf(error) !== 'REPOSITORY_FULL' || this.chainEpoch === null || !mayFree())
          throw error;
        if (tries === 1 && (await discardFulls(this.input.settings, this.owned, this.state)))
          continue;
        await this.maintainFull();
        throw error;
      }
  }

  private async maintainFull(): Promise<void> {
    const { job, settings } = this.input;
    if (!(await isRemovalDue(job, settings, this.owned, this.state))) return;
    const warnings: string[] = [];
    // The run is not to be gone on with: it fails.
    await this.maintainWith(warnings, () => this.turn.giveUpIfLong(), { keepsStaging: true });
    for (const note of warnings.length === 0 ? [FREED] : warnings) this.state.note(note);
  }

  /** Rounds of looking and copying until there is nothing left; false when the chain must be left alone. */
  private async copyAll(): Promise<boolean> {
    for (;;) {
      try {
        const round = await this.copyRound();
        if (round !== 'again') return round === 'done';
      } catch (error) {
        if (!PLAN_AGAIN.includes(codeOf(error)) || this.replans >= this.input.settings.maxReplans)
          throw error;
        this.replans++;
        this.state.giveUpWork();
        this.state.note(`planned again: ${reasonOf(error)}`);
      }
    }
  }

  /** One look at the source and the copy of what it shows. */
  private async copyRound(): Promise<'again' | 'done' | 'leave'> {
    const { job } = this.input;
    const { detection, selection, lookId, passesOver, newDoubt } = await this.look();
    if (newDoubt !== undefined) this.addDoubt(newDoubt);
    if (detection.toCompare.length > 0) {
      await this.place.take();
      for (const pair of detection.toCompare) await this.compare(pair);
      return 'again';
    }
    if (this.needsNewJob(detection)) return 'leave';
    const { lacking } = selection;
    this.warnings = [...detection.warnings, ...[lacking].filter(isSaid)];
    const { awaited, reason } = selection;
    const isNext = selection.points.length === 0;
    if (isNext && (await this.wait.untilNextLook(awaited, reason, () => this.continueIfLong())))
      return 'again';
    for (const { restorePointId, reason } of selection.skipped)
      this.state.note(`restore point ${restorePointId} was passed over: ${reason}`);
    if (selection.points.length === 0) return this.endCopy(selection);
    this.wait.sinceMs = null;
    await this.place.take();
    for (const [index, point] of selection.points.entries()) {
      // A full behind the first starts a chain of its own: look again from there.
      if (index > 0 && point.kind === 'full') return 'again';
      const laterPoints = selection.points.length - index - 1 + selection.morePoints;
      this.state.show({ remainingPoints: laterPoints }, `${laterPoints} more points afterwards`);
      await this.copyPoint(point, { lookId, passesOver });
    }
    const isMoreWanted = this.scope === 'all' || job.mode === 'immediate';
    return isMoreWanted || selection.awaited.length > 0 ? 'again' : this.endCopy(selection);
  }

  /** For the end of the task, which a later look does not find any more. */
  private addDoubt(doubt: string): void {
    if (this.doubt?.includes(doubt) === true) return;
    const isIn = this.doubt !== undefined && doubt.includes(this.doubt);
    this.doubt = [isIn ? undefined : this.doubt, doubt].filter(isSaid).join('; ');
    this.state.note(doubt); // however the task ends
  }

  private async look(): Promise<WorkLook> {
    const { job, workload, overrides, sourceFolders, formerIds, definition } = this.input;
    this.state.show({ state: 'inspecting' }, 'comparing the source with what was copied');
    const order = () => ({
      ...{ ...this.ids, ...this.taking(), epoch: this.chainEpoch, sourceFolders },
      ...{ now: overrides.now === true, seen: this.wait.seen },
      ...{ job, scope: this.scope, activeFull: this.activeFull },
      ...(overrides.takeOver === undefined ? {} : { takeOver: overrides.takeOver }),
      ...(definition === undefined ? {} : { definition }),
      ...(formerIds === undefined ? {} : { formerIds }),
    });
    const summary = `${workload.name}: look for what is to be copied`;
    const look = await lookPastFormer(
      () => this.listing.lookForWork.executeWithOptions({ summary }, [order()]),
      { ...this.ids, ...this.taking(), settings: this.input.settings },
      (text) => this.state.note(text),
    );
    this.own(look);
    this.isMaintenanceDue = look.isMaintenanceDue;
    return look;
  }

  private get scope(): RestorePointScope {
    const { job, overrides } = this.input;
    return overrides.restorePoints ?? job.restorePoints;
  }

  /** Only a comparison of every block proves that a source point, whose files are not the ones that were copied, is what was copied. */
  private async compare(pair: ChainDetection['toCompare'][number]): Promise<void> {
    const { workload, sourceFolders } = this.input;
    const input = { ...this.owned, ...pair, sourceFolders };
    const { restorePointId } = pair;
    this.state.show({ state: 'inspecting' }, `comparing ${restorePointId} with its copy`);
    const { disks, ...staged } = await this.pause.pausable(() =>
      this.data.planComparison.executeWithOptions(
        { summary: `${workload.name} ${restorePointId}: plan comparison with its copy` },
        [input],
      ),
    );
    await this.batches.compare({ ...this.ids, ...staged }, disks);
    const { outcome } = await this.data.settleComparison.executeWithOptions(
      { summary: `${workload.name} ${restorePointId}: settle comparison` },
      [input],
    );
    this.state.note(outcome);
  }

  private endCopy(selection: RestorePointSelection): 'done' | 'leave' {
    const { state, doubt } = this;
    const warnings = [...this.warnings, ...[doubt].filter(isSaid)];
    const hasCopied = state.task.committed.length > 0;
    const end = workloadEnd(this.input.job, selection, { hasCopied, warnings });
    if (end.isFoundCopied === true) state.foundCopied();
    if (end.code !== undefined) state.show({ code: end.code }, end.reason ?? '');
    state.end(end.result, end.reason);
    return end.next;
  }

  private needsNewJob(detection: ChainDetection): boolean {
    const { job, workload } = this.input;
    if (detection.state !== 'recreated' && detection.state !== 'replaced') return false;
    if (job.onSourceChainRecreated === 'startNewChain') {
      this.state.note(`a new chain was started: ${detection.reasons.join('; ')}`);
      return false;
    }
    const reason = recreatedMessage(job.id, workload.name, detection);
    this.state.show({ code: 'SOURCE_CHAIN_RECREATED' }, reason);
    this.state.end('actionRequired', reason);
    return true;
  }

  private async copyPoint(
    point: SelectedRestorePoint,
    { lookId, passesOver }: Pick<WorkLook, 'lookId' | 'passesOver'>,
  ): Promise<void> {
    await this.betweenSteps(); // points without a changed block have no batches
    const { workload, job, sourceFolders, overrides } = this.input;
    const { restorePointId, kind, changedBy, lineageFrom } = point;
    this.state.show(
      { state: 'planning', algorithm: kind, restorePoint: restorePointId },
      `planning restore point ${restorePointId} (${point.reason})`,
    );
    const input = {
      ...{ ...this.owned, sourceFolders, seen: this.wait.seen },
      ...{ restorePointId, kind, changedBy, lineageFrom, passesOver: passesOver ?? true },
      ...job.storage,
      ...(lookId === null ? {} : { lookId }),
      ...(overrides.now === true ? { now: true } : {}),
    };
    const summary = `${workload.name} ${restorePointId}: plan copy`;
    const plan = () =>
      this.pause.untilDone(this.input.settings.unavailableLimitMs, () =>
        this.tries.planCopy.executeWithOptions({ summary }, [input]),
      );
    let outcome = await plan();
    let compared: readonly DiskWork[] = [];
    if (outcome.state === 'scan') {
      const target = { ...this.ids, stagingId: outcome.pointId, reference: outcome.reference };
      compared = outcome.disks;
      await this.batches.scan(target, compared);
      outcome = await plan();
      if (outcome.state === 'scan')
        throw ApplicationFailure.nonRetryable('the source changed again', 'SOURCE_CHANGED');
    }
    const { lostKeys } = outcome;
    if (lostKeys?.isNew === true) this.addDoubt(lostKeys.text);
    else if (lostKeys !== undefined) this.state.note(lostKeys.text);
    // What its disks are stored in, and how large they are now, the plan alone knows.
    if (outcome.kind !== kind)
      this.state.show(
        { algorithm: outcome.kind },
        `restore point ${restorePointId} is kept as a full`,
      );
    const target = { ...this.ids, stagingId: outcome.pointId, reference: outcome.reference };
    await this.batches.copy(target, outcome.disks, compared);
    await this.commit(restorePointId, outcome.pointId, target);
  }

  private async commit(
    restorePointId: string,
    pointId: string,
    target: { readonly stagingId: string; readonly reference: { token: string; epoch: number } },
  ): Promise<void> {
    const { name } = this.input.workload;
    const input = { ...this.ids, ...target, pointId };
    this.state.show({ state: 'composing' }, `composing the backup files of ${pointId}`);
    await this.pause.pausable(() =>
      this.data.composeTargetFile.executeWithOptions(
        { summary: `${name} ${restorePointId}: compose backup files` },
        [input],
      ),
    );
    this.state.show({ state: 'committing' }, `committing ${pointId}`);
    await this.pause.pausable(() =>
      this.data.commitRestorePoint.executeWithOptions(
        { summary: `${name} ${restorePointId}: commit restore point` },
        [{ ...input, flags: [], copiedAt: new Date().toISOString() }],
      ),
    );
    this.activeFull = false;
    this.replans = 0;
    this.state.committed(pointId);
  }

  /** GFS fulls and retention. What fails here leaves a good copy behind, so it is a warning, and the next session tries again. */
  private async maintain(): Promise<void> {
    const { result, reason } = this.state.task;
    const goesOn = this.maintenanceWarnings !== null;
    const warnings = (this.maintenanceWarnings ??= []);
    await this.maintainWith(warnings, () => this.betweenSteps(), { goesOn });
    if (warnings.length === 0) this.state.end(result ?? 'success', reason);
    else this.state.end('warning', [...(reason === null ? [] : [reason]), ...warnings].join('; '));
  }

  private async maintainWith(
    warnings: string[],
    betweenSteps: () => Promise<void>,
    how: Partial<Pick<MaintenanceInput, 'goesOn' | 'keepsStaging'>>,
  ): Promise<void> {
    const { job, settings } = this.input;
    const { state, pause, batches } = this;
    const ids = this.owned;
    await maintainChain({
      ...{ job, settings, ids, state, pause, batches, warnings, betweenSteps, goesOn: false },
      ...how,
    });
  }

  private async betweenSteps(): Promise<void> {
    await this.turn.giveUpIfLong();
    await this.continueIfLong();
  }

  private async continueIfLong(): Promise<void> {
    if (!isHistoryLong(this.input.settings)) return;
    await this.pause.whilePaused();
    await this.turn.giveUp();
    const carried = {
      task: this.state.task,
      activeFullDone: !this.activeFull,
      waitingSinceMs: this.wait.sinceMs,
      counted: [...this.batches.counted],
      warnings: this.maintenanceWarnings,
      ...(this.doubt === undefined ? {} : { doubt: this.doubt }),
      ...(this.place.isGivenBack ? { isPlaceGivenBack: true as const } : {}),
    };
    await goOnInNewRun<typeof copyWorkload>({ ...this.input, carried });
  }
}
