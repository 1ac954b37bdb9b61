import { ContinueAsNew, patched } from '@temporalio/workflow';
import type { RetentionActivities } from '../../activities/task/retention-activities.js';
import type { ChainPolicy } from '../../src/domain/jobs/copy-job.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import { assertNever } from '../../src/domain/errors.js';
import type { RetentionAction } from '../../src/domain/retention/retention.js';
import { fullStagingId } from '../../src/domain/targets/staging-id.js';
import type { GfsFlag } from '../../src/domain/targets/target-point.js';
import { dataActivities, retentionActivities } from '../activity-profiles.js';
import type { DiskBatches } from './disk-batches.js';
import { codeOf, isStop, reasonOf } from '../failures.js';
import type { Pause } from './pause.js';
import type { CopyTaskState } from './task-state.js';

export interface MaintenanceInput {
  readonly job: ChainPolicy;
  readonly settings: CopySettings;
  readonly ids: {
    readonly targetRepositoryId: string;
    readonly jobId: string;
    readonly workloadId: string;
    readonly epoch: number;
  };
  readonly state: CopyTaskState;
  readonly pause: Pause;
  readonly batches: DiskBatches;
  /** What did not work, in plain words; the restore points are good all the same. Added to; not empty at the start when an earlier run of
   *  the workflow began. */
  readonly warnings: string[];
  /** An earlier run of the workflow has begun, and told the warnings of its plan. */
  readonly goesOn: boolean;
  /** The copy found no room, and the next try takes it up. */
  readonly keepsStaging?: boolean;
  /** Called between two steps; may end this run of the workflow. */
  readonly betweenSteps: () => Promise<void>;
}

/** After the copy: GFS fulls and retention (first what makes, then what removes), then a compact full when it is due. Each is planned from
 *  the chain as it is, so a run that goes on for another one begins with a plan of what is left. */
export async function maintainChain(input: MaintenanceInput): Promise<void> {
  try {
    await new ChainMaintenance(input).run();
  } catch (error) {
    if (isStop(error) || error instanceof ContinueAsNew) throw error;
    // A point that someone reads is merged or deleted by the next session.
    if (codeOf(error) === 'POINT_IN_USE') input.state.note(reasonOf(error));
    else input.warnings.push(reasonOf(error));
    if (codeOf(error) === 'REPOSITORY_FULL')
      await discardFulls(input.settings, input.ids, input.state);
  }
}

/** Half of a synthetic full helps nobody, and takes the room that the next copy needs.
 *  @returns whether there was any */
export async function discardFulls(
  settings: CopySettings,
  ids: MaintenanceInput['ids'],
  state: CopyTaskState,
): Promise<boolean> {
  if (!patched('copyWorkload-20261127-discards-fulls')) return false;
  try {
    const retention = retentionActivities(ids.targetRepositoryId, settings);
    const { discarded } = await retention.discardStagedFulls.executeWithOptions(
      { summary: `${state.task.workload}: discard staged fulls of a target without room` },
      [{ ...ids, nowMs: Date.now() }],
    );
    if (discarded.length > 0) state.giveUpWork();
    for (const name of discarded)
      state.note(`the target has no room left: what was staged of the full ${name} was discarded`);
    return discarded.length > 0;
  } catch (error) {
    if (isStop(error)) throw error;
    state.note(`staged fulls were not discarded: ${reasonOf(error)}`);
    return false;
  }
}

/** Whether anything may go of a target in which a copy found no room. */
export async function isRemovalDue(
  job: ChainPolicy,
  settings: CopySettings,
  ids: MaintenanceInput['ids'],
  state: CopyTaskState,
): Promise<boolean> {
  try {
    const { planMaintenance } = retentionActivities(ids.targetRepositoryId, settings);
    const { actions, superseded } = await planMaintenance.executeWithOptions(
      { summary: `${state.task.workload}: see what may go of a target without room` },
      [{ ...ids, nowMs: Date.now(), job, keepsStaging: 'all' }],
    );
    return actions.length > 0 || superseded.length > 0;
  } catch (error) {
    if (isStop(error)) throw error;
    state.note(`what may go was not found: ${reasonOf(error)}`);
    return false;
  }
}

/** Whether this run frees a target without room, which those of before did not. */
export function mayFree(): boolean {
  return patched('copyWorkload-20261127-free-when-full');
}

type PlannedMaintenance = Awaited<ReturnType<RetentionActivities['planMaintenance']>>;

class ChainMaintenance {
  private readonly retention;
  private readonly data;

  constructor(private readonly input: MaintenanceInput) {
    this.retention = retentionActivities(input.ids.targetRepositoryId, input.settings);
    this.data = dataActivities(input.ids.targetRepositoryId, input.settings);
  }

  private get place() {
    return { ...this.input.ids, nowMs: Date.now() };
  }

  async run(): Promise<void> {
    const { state, job } = this.input;
    let plan = await this.plan('plan GFS and retention');
    if (plan.superseded.length > 0) {
      await this.delete(plan.superseded, 'taken too early and copied again since');
      plan = await this.plan('plan GFS and retention without what was copied again');
    }
    const isLeft = plan.fulls.length > 0 || plan.actions.length > 0;
    if (!this.input.goesOn || !isLeft) this.input.warnings.push(...plan.warnings);
    if (plan.postponed !== null) {
      // A point that someone reads is merged or deleted by the next session.
      state.note(plan.postponed);
      return;
    }
    if (isLeft) {
      await this.retain(plan);
      if (job.compact !== null) plan = await this.plan('see whether a compact full is due');
    }
    await this.compact(plan.compactId);
  }

  private async retain({ fulls, actions }: PlannedMaintenance): Promise<void> {
    this.input.state.show({ state: 'retention' }, 'GFS and retention');
    try {
      await this.makeFulls(fulls);
    } catch (error) {
      if (codeOf(error) !== 'REPOSITORY_FULL' || !mayFree()) throw error;
      if (!(await this.deleteBeforeFulls())) throw error;
      await this.makeFulls((await this.plan('plan GFS and retention with more room')).fulls);
    }
    // Flags decide what goes, so what is to be removed is asked for anew once they are set.
    const removals =
      fulls.length === 0 ? actions : (await this.plan('plan retention with the new fulls')).actions;
    for (const action of removals) {
      await this.input.betweenSteps();
      await this.act(action);
    }
  }

  private async makeFulls(fulls: PlannedMaintenance['fulls']): Promise<void> {
    for (const full of fulls) {
      await this.input.betweenSteps();
      if (full.synthesize) await this.makeFull(full.restorePointId, full.flags, full.reason);
      else await this.flag(full.restorePointId, full.flags, full.reason);
    }
  }

  /** What removals free comes after the fulls otherwise, and would never come where there is no room for these.
   *  @returns whether anything went */
  private async deleteBeforeFulls(): Promise<boolean> {
    const { beforeFulls = [] } = await this.plan('see what may go before the fulls');
    for (const action of beforeFulls) {
      await this.input.betweenSteps();
      await this.act(action);
    }
    return beforeFulls.length > 0;
  }

  private async plan(what: string): Promise<PlannedMaintenance> {
    const { state, job, keepsStaging } = this.input;
    return this.retention.planMaintenance.executeWithOptions(
      { summary: `${state.task.workload}: ${what}` },
      [{ ...this.place, job, ...(keepsStaging === true ? { keepsStaging: 'planned' } : {}) }],
    );
  }

  private async act(action: RetentionAction): Promise<void> {
    switch (action.type) {
      case 'merge':
        return this.merge(action.fullId, action.incrementId);
      case 'synthetic':
        return this.makeFull(action.restorePointId, [], 'retention without merging');
      case 'delete':
        return this.delete(action.ids);
      default:
        return assertNever(action);
    }
  }

  private async merge(fullId: string, incrementId: string): Promise<void> {
    const { state, pause } = this.input;
    state.show({ state: 'retention' }, `merging ${incrementId} into the full ${fullId}`);
    const outcome = await pause.pausable(() =>
      this.retention.mergeIncrement.executeWithOptions(
        { summary: `${state.task.workload}: merge ${incrementId} into ${fullId}` },
        [{ ...this.place, fullId, incrementId }],
      ),
    );
    if (outcome.state === 'merged') {
      state.note(`${incrementId} was merged into the full; ${fullId} is gone`);
      return;
    }
    await this.makeFull(incrementId, [], `it cannot be merged in place: ${outcome.reason ?? ''}`);
    await this.delete([fullId]);
  }

  private async compact(pointId: string | null): Promise<void> {
    if (pointId === null) return;
    const compactedAt = new Date().toISOString();
    await this.makeFull(pointId, [], 'without what merges left unused in it', { compactedAt });
  }

  /** Also makes a compact full of a full. What a power cut at the target took of its staging folder is made again. */
  private async makeFull(
    pointId: string,
    flags: readonly GfsFlag[],
    reason: string,
    compacted: { readonly compactedAt?: string } = {},
  ): Promise<void> {
    const { state, settings } = this.input;
    state.show({ state: 'retention' }, `making a synthetic full of ${pointId}: ${reason}`);
    for (let replans = 0; ; replans++)
      try {
        await this.makeFullOnce(pointId, flags, compacted);
        state.note(`${pointId} is a synthetic full now: ${reason}`);
        return;
      } catch (error) {
        if (codeOf(error) !== 'STAGING_INVALID' || replans >= settings.maxReplans) throw error;
        state.giveUpWork();
        state.note(`planned again: ${reasonOf(error)}`);
      }
  }

  private async makeFullOnce(
    pointId: string,
    flags: readonly GfsFlag[],
    compacted: { readonly compactedAt?: string },
  ): Promise<void> {
    const { state, pause, batches, ids } = this.input;
    const name = state.task.workload;
    const plan = await pause.pausable(() =>
      this.retention.planSyntheticFull.executeWithOptions(
        { summary: `${name} ${pointId}: plan synthetic full` },
        [{ ...this.place, pointId }],
      ),
    );
    const target = {
      targetRepositoryId: ids.targetRepositoryId,
      jobId: ids.jobId,
      workloadId: ids.workloadId,
      stagingId: fullStagingId(pointId),
      reference: plan.reference,
    };
    await batches.copy(target, plan.disks);
    await pause.pausable(() =>
      this.data.composeTargetFile.executeWithOptions(
        { summary: `${name} ${pointId}: compose synthetic full` },
        [target],
      ),
    );
    await pause.pausable(() =>
      this.retention.replaceWithFull.executeWithOptions(
        { summary: `${name} ${pointId}: put the synthetic full in place` },
        [{ ...this.place, pointId, reference: plan.reference, flags, ...compacted }],
      ),
    );
  }

  private async flag(pointId: string, flags: readonly GfsFlag[], reason: string): Promise<void> {
    const { state } = this.input;
    await this.retention.flagRestorePoint.executeWithOptions(
      { summary: `${state.task.workload} ${pointId}: flag ${flags.join(', ')}` },
      [{ ...this.place, pointId, flags }],
    );
    state.note(`${pointId} is flagged: ${reason}`);
  }

  private async delete(ids: readonly string[], why = 'deleted by retention'): Promise<void> {
    const { state } = this.input;
    await this.retention.deleteRestorePoints.executeWithOptions(
      { summary: `${state.task.workload}: delete ${ids.length} restore points` },
      [{ ...this.place, ids }],
    );
    state.note(`${why}: ${ids.join(', ')}`);
  }
}
