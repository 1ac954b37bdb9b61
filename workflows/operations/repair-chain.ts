import type { ChainDamage } from '../carried-state.js';
import { patched, workflowInfo } from '@temporalio/workflow';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import {
  damageText,
  quarantinedText,
  type Damage,
  type LastingDamage,
  type VerifiedPoint,
} from '../../src/domain/targets/damage.js';
import type { KeptAnswers } from '../../src/domain/sessions/kept-answers.js';
import { assertNever } from '../../src/domain/errors.js';
import type { WorkloadType } from '../../src/domain/sources/source-workload.js';
import { cut } from '../../src/domain/sessions/task-brief.js';
import { healthActivities, listingActivities } from '../activity-profiles.js';
import { codeOf } from '../failures.js';
import { noteAnswersTold } from '../task/told-answers.js';
import { MAX_NOTES, NOTE_CHARACTERS } from './operation-state.js';
import { counted } from '../../src/domain/sentences.js';

export interface RepairInput {
  readonly targetRepositoryId: string;
  readonly jobId: string;
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  readonly damage: readonly ChainDamage[];
  /** Points in which nothing was found. */
  readonly verified: readonly VerifiedPoint[];
  /** When the verification began; RFC 3339 UTC. */
  readonly since: string;
  readonly settings: CopySettings;
  /** What keeps a change from being finished was looked at for a while: what cannot be read still counts as damaged. */
  readonly isLastLook?: boolean;
}

export interface RepairOutcome {
  readonly unhealed: number;
  /** As many as a verification shows. */
  readonly notes: readonly string[];
  readonly omittedNotes: number;
  /** Why a change of the chain that was announced waits for somebody to do something; null, and absent in outcomes of before: none does. */
  readonly stuck?: string | null;
}

/** Heals what a verification found, as the owner of the chain (its workflow id is the chain's lock); what cannot be healed is marked, and
 *  what no good restore point builds on goes to the quarantine. What was read without a fault gets the date of that. */
export async function repairChain(input: RepairInput): Promise<RepairOutcome> {
  const repair = new ChainRepair(input);
  await repair.run();
  const notes = repair.notes.slice(0, MAX_NOTES).map((note) => cut(note, NOTE_CHARACTERS));
  const omittedNotes = repair.notes.length - notes.length;
  return { unhealed: repair.unhealed, notes, omittedNotes, stuck: repair.stuck };
}

/** Before, the chain kept what a check had told. */
const NOTES_TOLD = 'repairChain-20261128-notes-told';

class ChainRepair {
  unhealed = 0;
  readonly notes: string[] = [];
  stuck: string | null = null;
  private readonly lasting: LastingDamage[] = [];
  private isSourceUnknown = false;
  private epoch = 0;
  private taken = 0;
  private hasMarked = false;
  private readonly activities;

  constructor(private readonly input: RepairInput) {
    this.activities = healthActivities(input.targetRepositoryId, input.settings);
  }

  private get place() {
    const { targetRepositoryId, jobId, workload } = this.input;
    return { targetRepositoryId, jobId, workloadId: workload.id, epoch: this.epoch };
  }

  async run(): Promise<void> {
    const { targetRepositoryId, settings, workload } = this.input;
    const owner = workflowInfo().firstExecutionRunId;
    const chain = await listingActivities(
      targetRepositoryId,
      settings,
    ).inspectTargetChain.executeWithOptions({ summary: `${workload.name}: take the chain over` }, [
      {
        ...{ ...this.place, workload, isKept: true, isLastLook: this.input.isLastLook === true },
        ...{ owner, nowMs: Date.now() },
      },
    ]);
    this.epoch = chain.epoch;
    this.stuck = chain.stuck ?? null;
    // Of a chain that is only asked to finish its change whoever asks tells it, once.
    const isTold = this.input.damage.length + this.input.verified.length > 0;
    if (isTold) this.notes.push(...chain.notes);
    this.taken = isTold ? chain.notes.length : 0;
    for (const { pointId, damage } of this.input.damage) await this.healUnlessGone(pointId, damage);
    if (this.lasting.length > 0) await this.mark();
    if (this.input.verified.length > 0) await this.markVerified();
    await this.noteTold(owner);
  }

  /** What was found when the chain was taken over, and what was set aside. */
  private async noteTold(owner: string): Promise<void> {
    const { hasMarked } = this;
    if ((this.taken === 0 && !hasMarked) || !patched(NOTES_TOLD)) return;
    const { settings, workload } = this.input;
    const keeps: KeptAnswers = {
      ...{ workloadId: workload.id, owner, hasTaken: true },
      ...(hasMarked ? { hasMarked } : {}),
    };
    await noteAnswersTold(this.place, settings, [keeps]);
  }

  /** The check goes on without a point that a session took away meanwhile. Where it was merged, its damage may have gone along: it is not
   *  called healed. */
  private async healUnlessGone(pointId: string, damage: Damage): Promise<void> {
    try {
      await this.heal(pointId, damage);
    } catch (error) {
      if (codeOf(error) !== 'RESTORE_POINT_MISSING') throw error;
      this.unhealed++;
      this.notes.push(
        `${pointId}: ${damageText(damage)} were damaged; it was merged or deleted before it could be healed`,
      );
    }
  }

  private async heal(pointId: string, damage: Damage): Promise<void> {
    switch (damage.type) {
      case 'units':
        return this.healUnits(pointId, damage.disk, damage.units, damage.count);
      case 'digestTable':
        return this.healTable(pointId, damage.disk);
      case 'file':
        this.unhealed++;
        this.notes.push(`${pointId}: ${damage.reason}`);
        this.lasting.push({ pointId, disk: damage.disk, units: null, isStructural: true });
        return;
      case 'companion':
        return this.healCompanion(pointId, damage.path);
      default:
        return assertNever(damage);
    }
  }

  private async healUnits(
    pointId: string,
    disk: string,
    units: readonly number[],
    count: number,
  ): Promise<void> {
    const outcome = await this.activities.healDisk.executeWithOptions(
      { summary: `${this.input.workload.name} ${pointId} ${disk}: heal ${count} units` },
      [{ ...this.place, pointId, disk, units }],
    );
    this.notes.push(...outcome.notes);
    // Where no unit is named the source was not asked for any.
    this.isSourceUnknown ||= outcome.isSourceUnknown || units.length === 0;
    const isWhole = count > units.length;
    if (isWhole)
      this.notes.push(
        `disk ${disk} of ${pointId}: ${count} damaged units are too many to heal one by one`,
      );
    if (outcome.notes.length > 0 || !isWhole)
      this.tellHealedBefore(pointId, disk, units.length - outcome.notes.length);
    if (outcome.remaining.length === 0 && !isWhole) return;
    // Of a disk whose damaged units are too many none may be listed: then nothing was read again.
    if (outcome.notes.length === 0 && units.length > 0) {
      // Storage that could not read for a while; what was found is not there any more.
      this.unhealed++;
      this.notes.push(
        `disk ${disk} of ${pointId}: ${counted(units.length, 'of these units was read again and is as it was', 'of these units were read again and are as they were')} written: check it again`,
      );
      return;
    }
    this.unhealed++;
    this.lasting.push({ pointId, disk, units: isWhole ? null : outcome.remaining });
  }

  /** An attempt that was stopped, or whose answer was lost, has told nothing of what it healed. */
  private tellHealedBefore(pointId: string, disk: string, count: number): void {
    if (count <= 0) return;
    this.notes.push(
      `disk ${disk} of ${pointId}: ${counted(count, 'unit that was read as damaged is as it was', 'units that were read as damaged are as they were')} written: an attempt that was stopped has healed that, or the storage reads it again`,
    );
  }

  private async healTable(pointId: string, disk: string): Promise<void> {
    const { healed } = await this.activities.healDigestTable.executeWithOptions(
      { summary: `${this.input.workload.name} ${pointId} ${disk}: heal the digest table` },
      [{ ...this.place, pointId, disk }],
    );
    const what = `disk ${disk} of ${pointId}: the digest table`;
    if (healed) {
      this.notes.push(`${what} was damaged and was made anew; the file is as it was written`);
      return;
    }
    this.unhealed++;
    this.notes.push(`${what} is damaged, and so is the file it covers`);
    this.lasting.push({ pointId, disk, units: null });
  }

  private async healCompanion(pointId: string, path: string): Promise<void> {
    const { isHealed, isSourceUnknown, wasRight } =
      await this.activities.healCompanion.executeWithOptions(
        { summary: `${this.input.workload.name} ${pointId}: heal ${path}` },
        [{ ...this.place, pointId, path }],
      );
    if (isHealed) {
      this.notes.push(
        wasRight === true
          ? `${pointId}: ${path} was read as damaged and is as it was written: an attempt that was stopped has healed it, or the storage reads it again`
          : `${pointId}: ${path} was damaged and was taken from the source again`,
      );
      return;
    }
    this.isSourceUnknown ||= isSourceUnknown;
    this.unhealed++;
    this.notes.push(`${pointId}: ${path} is damaged; the disks are not affected`);
  }

  private async markVerified(): Promise<void> {
    const { verified, since, workload } = this.input;
    await this.activities.markVerified.executeWithOptions(
      { summary: `${workload.name}: enter ${verified.length} verified restore points` },
      [{ ...this.place, nowMs: Date.now(), verified, since }],
    );
  }

  private async mark(): Promise<void> {
    const outcome = await this.activities.markDamage.executeWithOptions(
      { summary: `${this.input.workload.name}: mark corrupt restore points` },
      [
        {
          ...this.place,
          nowMs: Date.now(),
          damage: this.lasting,
          mayQuarantine: !this.isSourceUnknown,
        },
      ],
    );
    for (const { pointId, disk } of outcome.sound ?? []) {
      this.unhealed--;
      this.notes.push(`${pointId}: disk ${disk} was changed meanwhile and is as it was written`);
    }
    if (outcome.corrupt.length > 0)
      this.notes.push(`corrupt restore points: ${outcome.corrupt.join(', ')}`);
    // What is only marked is kept for a repeat, too.
    this.hasMarked = outcome.corrupt.length > 0;
    if (outcome.quarantined.length > 0) this.notes.push(quarantinedText(outcome.quarantined));
  }
}
