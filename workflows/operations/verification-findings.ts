import type { CarriedFindings, ChainFindings } from '../carried-state.js';
import { executeChild, sleep } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import { damageText, type Damage, type VerifiedPoint } from '../../src/domain/targets/damage.js';
import { jsonBytes } from '../../src/domain/sessions/task-brief.js';
import { ERROR_CODES, isErrorCode } from '../../src/domain/errors.js';
import type { CheckedChain } from '../../src/domain/targets/verification.js';
import { chainWorkflowId, CONTROL_TASK_QUEUE } from '../messages.js';
import type { OperationState } from './operation-state.js';
import { codeOf, reasonOf } from '../failures.js';
import { repairChain, type RepairOutcome } from './repair-chain.js';

interface Repairs extends ChainFindings {
  readonly isLastLook?: boolean;
}

/** What was found in one chain goes into its record in parts of this size, so that neither a run nor a message carries more. */
const DAMAGE_BYTES = 250_000;
const VERIFIED_POINTS = 500;
/** With more of it, the sessions that hold the chains are waited for. */
const LATE_BYTES = 250_000;

interface VerificationFindingsParts {
  readonly repositoryId: string;
  readonly settings: CopySettings;
  readonly state: OperationState;
  /** Called with the number of places that could not be healed. */
  readonly onUnhealed: (count: number) => void;
  /** Called for a chain in which nothing can be entered. */
  readonly onUnreadable: () => void;
  /** Called while a session is waited for; may end this run of the workflow. */
  readonly whileWaiting: () => Promise<void>;
}

/** What a verification finds, chain after chain, until it is repaired or entered under the chain's lock. */
export class VerificationFindings {
  private open: ChainFindings | null;
  private late: readonly ChainFindings[];

  constructor(
    private readonly parts: VerificationFindingsParts,
    carried: CarriedFindings = { open: null, late: [] },
  ) {
    this.open = carried.open;
    this.late = carried.late;
  }

  carry(): CarriedFindings {
    return { open: this.open, late: this.late };
  }

  /** The next points are of this chain: what was found in the one before is settled. */
  async begin({ jobId, workloadId, workload }: CheckedChain): Promise<void> {
    const { open } = this;
    if (open?.chain.jobId === jobId && open.chain.workloadId === workloadId) return;
    await this.settle();
    this.open = { chain: { jobId, workloadId, workload }, damage: [], verified: [] };
  }

  isVerified(pointId: string): boolean {
    return this.open?.verified.some((point) => point.pointId === pointId) ?? false;
  }

  /** @param damage empty: nothing was found in the point */
  async add(damage: readonly Damage[], verified: VerifiedPoint): Promise<void> {
    const open = this.open!;
    const found = damage.map((one) => ({ pointId: verified.pointId, damage: one }));
    this.open =
      found.length === 0
        ? { ...open, verified: [...open.verified, verified] }
        : { ...open, damage: [...open.damage, ...found] };
    const { length } = this.open.verified;
    if (length < VERIFIED_POINTS && jsonBytes(this.open.damage) < DAMAGE_BYTES) return;
    await this.settle();
    this.open = { chain: open.chain, damage: [], verified: [] };
  }

  async settleAll(): Promise<void> {
    await this.settle();
    await this.settleLate(0);
  }

  /** The check ends now, so nothing else will tell what is damaged. */
  tellUnrepaired(): void {
    if (this.open !== null) this.tellDamage(this.open, 'the check ended before their repair did');
  }

  private tellDamage({ chain, damage }: ChainFindings, why: string): void {
    for (const { pointId, damage: one } of damage)
      this.parts.state.note(
        `${chain.workload.name} ${pointId}: ${damageText(one)} are damaged; ${why}`,
      );
  }

  /** Finishes what was left of a change of the chain.
   *  @param isLastLook no other one follows: what it needs and cannot be read counts as damaged
   *  @returns why it waits for somebody to do something; null: it is finished, or waits for a reader */
  async finishChange(isLastLook: boolean): Promise<string | null> {
    const { chain } = this.open!;
    const { stuck = null } = await this.repair({ chain, damage: [], verified: [], isLastLook });
    return stuck;
  }

  /** What is damaged is repaired now; a date is entered now, or later: a session that copies the workload holds up no other chain. */
  private async settle(): Promise<void> {
    const { open } = this;
    if (open === null) return;
    const { damage, verified } = open;
    if (damage.length > 0) await this.orNote(open, () => this.repair(open));
    else if (
      verified.length > 0 &&
      (await this.orNote(open, () => this.repairNow(open))) === 'held'
    ) {
      this.late = [...this.late, open];
      this.open = null;
      await this.settleLate(LATE_BYTES);
    }
    this.open = null;
  }

  private async settleLate(maxBytes: number): Promise<void> {
    while (this.late.length > 0 && (maxBytes === 0 || jsonBytes(this.late) > maxBytes)) {
      const first = this.late[0]!;
      await this.orNote(first, () => this.repair(first));
      this.late = this.late.slice(1);
    }
  }

  /** What one chain cannot be repaired for keeps no other from being checked. */
  private async orNote<T>(findings: ChainFindings, settle: () => Promise<T>): Promise<T | null> {
    try {
      return await settle();
    } catch (error) {
      if (!isOfOneChain(error) && codeOf(error) !== 'REPOSITORY_FULL') throw error;
      this.tellDamage(findings, 'they could not be repaired');
      this.parts.state.note(
        `${findings.chain.workload.name}: what was found could not be entered: ${reasonOf(error)} (${codeOf(error)})`,
      );
      this.parts.onUnhealed(findings.damage.length);
      if (findings.damage.length === 0) this.parts.onUnreadable();
      return null;
    }
  }

  /** Under the chain's lock; when a session holds it, after that session. */
  private async repair(findings: Repairs): Promise<Pick<RepairOutcome, 'stuck'>> {
    for (;;) {
      const outcome = await this.repairNow(findings);
      if (outcome !== 'held') return outcome;
      this.parts.state.show(`waiting for the session that copies ${findings.chain.workload.name}`);
      await this.parts.whileWaiting();
      await sleep(this.parts.settings.lockRetryMs);
    }
  }

  /** `held`: a session holds the chain. */
  private async repairNow({
    chain,
    damage,
    verified,
    isLastLook = false,
  }: Repairs): Promise<Pick<RepairOutcome, 'stuck'> | 'held'> {
    const { repositoryId: targetRepositoryId, settings } = this.parts;
    const { jobId, workloadId, workload } = chain;
    const since = this.parts.state.startedAt;
    try {
      const outcome = await executeChild(repairChain, {
        workflowId: chainWorkflowId(targetRepositoryId, jobId, workloadId),
        taskQueue: CONTROL_TASK_QUEUE,
        staticSummary: `${workload.name}: ${damage.length > 0 ? 'repair' : 'enter what was verified'}`,
        args: [
          { targetRepositoryId, jobId, workload, damage, verified, since, settings, isLastLook },
        ],
      });
      for (const note of outcome.notes) this.parts.state.note(`${workload.name}: ${note}`);
      this.parts.state.omitNotes(outcome.omittedNotes);
      this.parts.onUnhealed(outcome.unhealed);
      return outcome;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return 'held';
      if (codeOf(error) !== 'RESTORE_POINT_MISSING') throw error;
      this.parts.state.note(
        `${workload.name}: its copies went elsewhere meanwhile: check them there`,
      );
      this.parts.onUnhealed(damage.length);
      return {};
    }
  }
}

/** Whatever is wrong with the record or the files of a chain, or keeps them from being read or changed, is nothing that the other chains share: also
 *  what nobody has thought of. What the storage or a worker says of itself is, but for a sector that cannot be read. */
export function isOfOneChain(error: unknown): boolean {
  const code = codeOf(error);
  if (code === 'BUG') return true;
  if (!isErrorCode(code)) return false;
  if (code === 'REPOSITORY_IO_ERROR') return true;
  return !code.startsWith('REPOSITORY_') && ERROR_CODES[code].kind !== 'unavailable';
}
