import type { ExpiryAnswer } from '../../../activities/payloads/chain-payloads.js';
import type { CopyJob, StartOverrides } from '../../../src/domain/jobs/copy-job.js';
import { sessionWorkflowId } from '../../../src/domain/sessions/copy-session.js';
import type { JobPlan, OperationStatus } from '../../../src/domain/sessions/operation.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import {
  WORKFLOW_COPY_SESSION,
  WORKFLOW_PLAN_JOB,
  WORKFLOW_REHOME,
  WORKFLOW_REMOVE,
  WORKFLOW_RESTORE,
  WORKFLOW_VERIFY,
  type CopySessionInput,
  type CopySessionOutcome,
  type PlanJobInput,
  type RehomeInput,
  type RemoveInput,
  type RestoreInput,
  type VerifyInput,
} from '../../../workflows/messages.js';
import type { ExpireChainInput } from '../../../workflows/session/one-time-copy.js';
import type { RepairInput, RepairOutcome } from '../../../workflows/operations/repair-chain.js';
import { LocalServer, type HeldId } from './local-server.js';
import { InProcessWorker, type WorkerOptions } from './local-worker.js';

/** Sessions and health checks at times of the test's own, by the product's workflows and activities, in this process. */
export class LocalSessions {
  /** Events in each run of what was executed last. */
  runLengths: readonly number[] = [];
  private server: LocalServer | null = null;
  private resident: InProcessWorker | null = null;

  constructor(
    private readonly repositories: readonly BackupRepository[],
    private readonly options: WorkerOptions = {},
  ) {}

  /** @throws what the session ended with, if it failed */
  async copy(
    job: CopyJob,
    nowMs: number,
    overrides: StartOverrides = {},
  ): Promise<CopySessionOutcome> {
    const outcome = await this.tryToCopy(job, nowMs, overrides);
    if (outcome.result === 'failed') throw new Error(JSON.stringify(outcome));
    return outcome;
  }

  async tryToCopy(
    job: CopyJob,
    nowMs: number,
    overrides: StartOverrides = {},
  ): Promise<CopySessionOutcome> {
    const input: CopySessionInput = { job, overrides };
    const id = sessionWorkflowId(job.id, nowMs);
    return (await this.execute(WORKFLOW_COPY_SESSION, id, input, nowMs)) as CopySessionOutcome;
  }

  async verify(
    repositoryId: string,
    nowMs: number,
    held: HeldId | null = null,
  ): Promise<OperationStatus> {
    const input: VerifyInput = { repositoryId, restorePointId: null };
    return (await this.execute(WORKFLOW_VERIFY, 'verify', input, nowMs, held)) as OperationStatus;
  }

  async expire(input: ExpireChainInput, nowMs: number): Promise<ExpiryAnswer> {
    return (await this.execute('expireChain', 'expire', input, nowMs)) as ExpiryAnswer;
  }

  async repair(input: RepairInput, nowMs: number): Promise<RepairOutcome> {
    return (await this.execute('repairChain', 'repair', input, nowMs)) as RepairOutcome;
  }

  async remove(input: RemoveInput, nowMs: number): Promise<OperationStatus> {
    return (await this.execute(WORKFLOW_REMOVE, 'remove', input, nowMs)) as OperationStatus;
  }

  async rehome(
    input: RehomeInput,
    nowMs: number,
    held: HeldId | null = null,
  ): Promise<OperationStatus> {
    return (await this.execute(WORKFLOW_REHOME, 'rehome', input, nowMs, held)) as OperationStatus;
  }

  async restore(input: RestoreInput, nowMs: number): Promise<OperationStatus> {
    return (await this.execute(WORKFLOW_RESTORE, 'restore', input, nowMs)) as OperationStatus;
  }

  /** What a session would do, page after page. */
  async plan(job: CopyJob, nowMs: number): Promise<JobPlan[]> {
    const pages: JobPlan[] = [];
    let after: string | null = null;
    do {
      const input: PlanJobInput = { job, after };
      pages.push((await this.execute(WORKFLOW_PLAN_JOB, 'plan', input, nowMs)) as JobPlan);
      after = pages.at(-1)!.nextCursor ?? null;
    } while (after !== null);
    return pages;
  }

  /** Asks a workflow of what is executed now to stop, as `LocalServer.stop`. */
  stop(workflowId: string): void {
    this.server?.stop(workflowId);
  }

  /** What is in work just now takes so long. */
  takeMs(ms: number): void {
    this.server?.takeMs(ms);
  }

  get nowMs(): number {
    return this.server?.nowMs ?? 0;
  }

  get turnsHeld(): number {
    return this.server?.turnsHeld ?? 0;
  }

  /** As `LocalServer.ordered`. */
  get ordered(): ReadonlySet<string> {
    return this.server?.ordered ?? new Set();
  }

  get turnsGiven(): number {
    return this.server?.turnsGiven ?? 0;
  }

  /** How many runs a workflow had in what was executed last, children too. */
  runsOf(workflowId: string): number {
    return this.server?.runLengths(workflowId).length ?? 0;
  }

  private async execute(
    type: string,
    id: string,
    input: unknown,
    nowMs: number,
    held: HeldId | null = null,
  ): Promise<unknown> {
    const worker = this.resident ?? new InProcessWorker(this.repositories, this.options);
    if (this.options.isResident === true) this.resident = worker;
    const server = new LocalServer(worker, nowMs, held);
    this.server = server;
    server.begin(type, id, input);
    const result = await server.end(id);
    this.runLengths = server.runLengths(id);
    return result;
  }
}
