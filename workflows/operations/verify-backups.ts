import {
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  patched,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { PreparedCheck } from '../../activities/payloads/chain-payloads.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import type { Damage } from '../../src/domain/targets/damage.js';
import { batchesOf, type DiskWork } from '../../src/domain/targets/disk-work.js';
import type { OperationStatus } from '../../src/domain/sessions/operation.js';
import { restorePointKey } from '../../src/domain/targets/repository-view.js';
import type {
  ChainToVerify,
  VerificationPage,
  VerificationPosition,
} from '../../src/domain/targets/verification.js';
import { controlActivities, healthActivities, leaseActivities } from '../activity-profiles.js';
import { codeOf, reasonOf } from '../failures.js';
import { goOnInNewRun, isHistoryLong } from '../history-length.js';
import type { CheckedPoint, VerifyInput } from '../messages.js';
import { OperationState } from './operation-state.js';
import { Turn } from '../turn.js';
import { TreeVerification } from './verify-tree.js';
import type { VerificationCounts } from '../carried-state.js';
import { isOfOneChain, VerificationFindings } from './verification-findings.js';
import { counted } from '../../src/domain/sentences.js';

/** A health check: reads every block of the files of a point, a job or a repository and compares it with its digest; what is damaged is
 *  healed under the chain's lock. Copies of other chains go on meanwhile, and of this one too. A run that has grown long goes on in a new
 *  one between two batches: the notes in the staging folder hold the place within a point. */
export async function verifyBackups(input: VerifyInput): Promise<OperationStatus> {
  const state = new OperationState(input.carried?.operation);
  try {
    const settings =
      input.carried?.settings ??
      (await controlActivities.readCopySettings.executeWithOptions(
        { summary: 'read settings' },
        [],
      ));
    return await new Verification(input, settings, state).run();
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    return state.fail(error);
  }
}

/** Before, a check kept its turn while it waited for a session, and the session may have waited for the turn. */
const WAITS_WITHOUT_TURN = 'verifyBackups-20261127-waits-without-turn';

/** Before, the lease of a check that was stopped or failed lasted for up to 15 minutes. */
const GIVES_BACK = 'verifyBackups-20261128-gives-lease-back';

/** Room that a change of a chain waits for may come with the end of a session, and a sector may be read at another time. What is damaged stays so. */
const LOOKS_AT_STUCK = 3;

const NOTHING = { points: 0, damaged: 0, unhealed: 0, unreadable: 0, unknown: 0 };

/** Whose verification is prepared. */
type BegunPoint = CheckedPoint & Pick<PreparedCheck, 'token'>;

class Verification {
  private readonly activities;
  private readonly turn: Turn;
  private readonly findings: VerificationFindings;
  private readonly trees: TreeVerification;
  private counts: VerificationCounts;
  private unreadInARow = 0;
  private unreadableChain: string | null = null;
  /** Whose lease it holds. */
  private inWork: CheckedPoint | null;
  /** All up to here is read. */
  private done: VerificationPosition | null;

  constructor(
    private readonly input: VerifyInput,
    private readonly settings: CopySettings,
    private readonly state: OperationState,
  ) {
    const { repositoryId, carried } = input;
    this.activities = healthActivities(repositoryId, settings);
    this.turn = new Turn({
      repositoryId,
      settings,
      name: `verification of ${repositoryId}`,
      onWait: (reason) => state.wait(reason),
    });
    this.counts = carried?.counts ?? NOTHING;
    this.done = carried?.done ?? null;
    this.inWork = carried?.inWork ?? null;
    this.findings = new VerificationFindings(
      {
        ...{ repositoryId, settings, state },
        onUnhealed: (unhealed) => this.count({ unhealed }),
        onUnreadable: () => this.count({ unreadable: 1 }),
        whileWaiting: () => this.whileWaiting(),
      },
      carried?.findings,
    );
    this.trees = new TreeVerification(
      {
        ...{ repositoryId, settings, state },
        count: (more) => this.count(more),
        betweenSteps: () => this.betweenSteps(),
        whileWaiting: () => this.whileWaiting(),
      },
      carried?.lateTrees,
    );
  }

  async run(): Promise<OperationStatus> {
    try {
      await this.verifyAll();
      return this.end();
    } catch (error) {
      if (!(error instanceof ContinueAsNew)) {
        await this.giveCheckBack();
        this.findings.tellUnrepaired();
      }
      throw error;
    } finally {
      await this.turn.giveUp();
    }
  }

  /** Whoever orders the check again, and changes of the chain, would wait for its lease. */
  private async giveCheckBack(): Promise<void> {
    const { inWork, settings } = this;
    if (inWork === null || !patched(GIVES_BACK)) return;
    const { giveCheckBack: give } = leaseActivities(inWork.targetRepositoryId, settings);
    await CancellationScope.nonCancellable(() =>
      give.executeWithOptions({ summary: `${inWork.pointId}: give it free` }, [
        { ...inWork, nowMs: Date.now() },
      ]),
    ).catch(() => undefined);
  }

  private async verifyAll(): Promise<void> {
    for (let isLast = false; !isLast;) {
      const page = await this.nextPage();
      for (const part of page.parts) await this.verifyPart(part);
      ({ isLast } = page);
    }
    await this.findings.settleAll();
    await this.trees.settleLate();
  }

  private async verifyPart(part: VerificationPage['parts'][number]): Promise<void> {
    const { path } = part;
    switch (part.type) {
      case 'chain':
        return this.verifyChain(part);
      case 'tree':
        await this.trees.verify(part);
        this.done = { path, pointId: null, isTree: true };
        return;
      case 'unreadable': {
        const { code, reason, isTree } = part;
        this.state.note(`${path} cannot be verified: ${reason} (${code})`);
        this.count({ unreadable: 1 });
        this.done = { path, pointId: null, ...(isTree === undefined ? {} : { isTree }) };
      }
    }
  }

  private nextPage(): Promise<VerificationPage> {
    const { repositoryId, restorePointId, jobId } = this.input;
    const since = this.state.startedAt;
    const asked = { repositoryId, restorePointId, jobId: jobId ?? null, since, nowMs: Date.now() };
    return this.activities.listVerification.executeWithOptions(
      { summary: `${repositoryId}: list what is to be verified` },
      [{ ...asked, after: this.done }],
    );
  }

  private end(): OperationStatus {
    const { points, damaged, unhealed, unreadable, unknown } = this.counts;
    if (unreadable > 0)
      return this.state.end(
        'failed',
        `${counted(unreadable, 'chain')} cannot be read; of the others ${counted(points, 'restore point was', 'restore points were')} verified, ${unhealedText(unhealed, damaged)}`,
      );
    // What is not mounted looks empty, too.
    if (points === 0)
      return this.state.end('warning', 'nothing was verified: there is no restore point');
    if (damaged === 0 && unknown > 0)
      return this.state.end(
        'warning',
        `${asWritten(points)}; ${counted(unknown, 'file lies', 'files lie')} beside theirs that nobody knows`,
      );
    if (damaged === 0) return this.state.end('success', asWritten(points));
    return unhealed === 0
      ? this.state.end(
          'warning',
          `${counted(damaged, 'damaged place was', 'damaged places were')} found and healed`,
        )
      : this.state.end('failed', unhealedText(unhealed, damaged));
  }

  private count(more: Partial<VerificationCounts>): void {
    const { points, damaged, unhealed, unreadable, unknown } = this.counts;
    this.counts = {
      points: points + (more.points ?? 0),
      damaged: damaged + (more.damaged ?? 0),
      unhealed: unhealed + (more.unhealed ?? 0),
      unreadable: unreadable + (more.unreadable ?? 0),
      unknown: unknown + (more.unknown ?? 0),
    };
  }

  private async verifyChain(chain: ChainToVerify): Promise<void> {
    await this.findings.begin(chain);
    for (const pointId of chain.pointIds) {
      const isVerified = this.findings.isVerified(pointId);
      const goesOn = isVerified || (await this.verifyPoint(chain, pointId));
      const last = goesOn ? pointId : chain.pointIds.at(-1)!;
      this.done = { path: chain.path, pointId: last };
      if (!goesOn) return;
    }
  }

  /** @returns false: the others of its chain cannot be judged either */
  private async verifyPoint(chain: ChainToVerify, pointId: string): Promise<boolean> {
    const { jobId, workloadId, path } = chain;
    const place = {
      ...{ targetRepositoryId: this.input.repositoryId, jobId, workloadId, pointId },
      operation: workflowInfo().firstExecutionRunId,
    };
    const name = `${chain.workload.name} ${pointId}`;
    for (let readings = 1; ; readings++) {
      try {
        const { found, content } = await this.readPoint(place, name);
        const verifiedAt = new Date().toISOString();
        this.unreadInARow = 0;
        this.count({ points: 1, damaged: found.length });
        this.done = { path, pointId };
        await this.findings.add(found, { pointId, content, verifiedAt });
        return true;
      } catch (error) {
        const code = codeOf(error);
        // The notes of what was found are gone before they were told; another check of the point has ended.
        const isGone = code === 'STAGING_INVALID' || code === 'FILE_MISSING';
        if (isGone && readings <= this.settings.maxReplans) {
          this.state.note(`${name} is read again: ${reasonOf(error)}`);
          continue;
        }
        if (code === 'RESTORE_POINT_MISSING') {
          if (this.isAskedFor(place)) throw error;
          this.state.note(`${name} was merged or deleted before it was read`);
          return true;
        }
        if (!isOfOneChain(error) || this.isOfStorage(code)) throw error;
        this.state.note(`${name} cannot be verified: ${reasonOf(error)} (${code})`);
        this.countUnreadable(path);
        return code !== 'CHAIN_LOCKED';
      }
    }
  }

  /** Once a chain, however many of its points cannot be read. */
  private countUnreadable(path: string): void {
    if (this.unreadableChain !== path) this.count({ unreadable: 1 });
    this.unreadableChain = path;
  }

  /** Two points one after the other that cannot be read: it is the storage that fails, and each try of it takes hours. */
  private isOfStorage(code: string): boolean {
    if (code !== 'REPOSITORY_IO_ERROR') return false;
    this.unreadInARow++;
    return this.unreadInARow > 1;
  }

  private isAskedFor({ jobId, workloadId, pointId }: CheckedPoint): boolean {
    return restorePointKey([jobId, workloadId, pointId]) === this.input.restorePointId;
  }

  private async readPoint(
    place: CheckedPoint,
    name: string,
  ): Promise<{ found: Damage[]; content: string }> {
    await this.betweenSteps();
    this.state.show(`verifying ${name}`);
    this.inWork = place;
    const plan = await this.prepare(place, name);
    this.state.beginPiece(plan.disks);
    const { disks, token } = plan;
    const begun = token === undefined ? place : { ...place, token };
    for (const disk of disks) await this.readDisk(begun, name, disk);
    const { damage, content } = await this.activities.collectDamage.executeWithOptions(
      { summary: `${name}: collect what was found` },
      [{ ...begun, nowMs: Date.now(), disks }],
    );
    this.inWork = null;
    this.state.endPiece();
    return { found: [...plan.damage, ...damage], content };
  }

  private async readDisk(place: BegunPoint, name: string, disk: DiskWork): Promise<void> {
    const { batchWindows } = this.settings;
    for (const part of batchesOf(disk, batchWindows)) {
      await this.betweenSteps();
      const summary = `${name} ${disk.disk}: units ${part.firstBlock}–${part.lastBlock}`;
      const batch = {
        ...place,
        nowMs: Date.now(),
        disk: disk.disk,
        firstWindow: part.firstWindow,
        windowCount: part.windowCount,
      };
      await this.activities.verifyBlocks.executeWithOptions({ summary }, [batch]);
      this.state.addProgress(part.sizeBytes);
    }
  }

  /** Waits for another check of the point, and for a change of the chain that is under way; one that was left by a crash is finished under the chain's lock.
   *  @throws CHAIN_LOCKED when it waits for somebody to do something */
  private async prepare(place: CheckedPoint, name: string): Promise<PreparedCheck> {
    for (let looks = 1; ;) {
      try {
        return await this.activities.prepareVerification.executeWithOptions(
          { summary: `${name}: check files and tables` },
          [{ ...place, nowMs: Date.now() }],
        );
      } catch (error) {
        if (codeOf(error) === 'CHECK_UNDER_WAY') {
          await this.waitFor(error);
          await this.turn.take();
          continue;
        }
        if (codeOf(error) !== 'CHAIN_LOCKED') throw error;
        // The change may wait in its turn, for a lease on what goes: also for that of a process that is dead.
        if (looks > 1) await this.waitFor(error);
        else if (patched(WAITS_WITHOUT_TURN)) await this.turn.giveUp();
        const stuck = await this.findings.finishChange(looks >= LOOKS_AT_STUCK);
        await this.turn.take();
        if (stuck !== null && looks >= LOOKS_AT_STUCK)
          throw ApplicationFailure.nonRetryable(stuck, 'CHAIN_LOCKED');
        looks++;
      }
    }
  }

  private async waitFor(error: unknown): Promise<void> {
    this.state.wait(`waiting: ${reasonOf(error)}`);
    await this.continueIfLong();
    await this.turn.giveUp();
    await sleep(this.settings.lockRetryMs);
    this.state.wait(null);
  }

  /** Whoever holds the chain may wait for its turn. */
  private async whileWaiting(): Promise<void> {
    if (patched(WAITS_WITHOUT_TURN)) await this.turn.giveUp();
    await this.continueIfLong();
  }

  private async betweenSteps(): Promise<void> {
    await this.turn.giveUpIfLong();
    await this.continueIfLong();
    await this.turn.take();
  }

  private async continueIfLong(): Promise<void> {
    if (!isHistoryLong(this.settings)) return;
    await this.turn.giveUp();
    const { settings, done, counts, inWork } = this;
    const operation = this.state.carry();
    const late = { findings: this.findings.carry(), lateTrees: this.trees.carry() };
    const carried = { settings, operation, done, counts, inWork, ...late };
    await goOnInNewRun<typeof verifyBackups>({ ...this.input, carried });
  }
}

function asWritten(points: number): string {
  return points === 1
    ? '1 restore point is as it was written'
    : `${points} restore points are as they were written`;
}

function unhealedText(unhealed: number, damaged: number): string {
  return `${unhealed} of ${counted(damaged, 'damaged place')} could not be healed`;
}
