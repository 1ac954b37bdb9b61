import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { sessionWorkflowId } from '../../../src/domain/sessions/copy-session.js';
import type { SimulatedRepository } from '../repository/simulated-repository.js';
import { LocalServer } from '../workflows/local-server.js';
import { InProcessWorker } from '../workflows/local-worker.js';

/** When the changes take place, a Wednesday. */
export const NOW_MS = Date.parse('2026-11-25T00:00:00Z');

/** A change of a chain: a workflow of the product, which may end in one of several ways however often it was begun. */
export interface Change {
  readonly workflowType: string;
  readonly input: unknown;
  /** Values of the outcome's `result`; null: the workflow returns nothing. */
  readonly endsWith: readonly (string | null)[];
  /** What comes behind it, by the same worker: what it may have left is finished, or not done again. Of another type. */
  readonly next?: Change;
}

interface RunOptions {
  /** Of the session; each has its own. */
  readonly number: number;
  /** The target as the worker sees it. */
  readonly seen?: BackupRepository;
  readonly nowMs?: number;
}

/** A target that may crash. */
type KilledTarget = BackupRepository & { readonly isCrashed: boolean };

/** A change at work: the server that leads it, and the worker that does it on a target which may crash. */
export class ChangeRun<T extends KilledTarget = SimulatedRepository> {
  private constructor(
    private readonly change: Change,
    private readonly source: BackupRepository,
    readonly target: T,
    readonly worker: InProcessWorker,
    private readonly server: LocalServer,
    private readonly number: number,
  ) {}

  static begin<T extends KilledTarget>(
    change: Change,
    source: BackupRepository,
    target: T,
    { number, seen = target, nowMs = NOW_MS }: RunOptions,
  ): ChangeRun<T> {
    const worker = new InProcessWorker([source, seen], { isDead: () => target.isCrashed });
    const server = new LocalServer(worker, nowMs);
    return new ChangeRun(change, source, target, worker, server, number);
  }

  /** The server goes on with another worker, which finds the target as it is now. */
  withNewWorker(target: T): ChangeRun<T> {
    const { change, source, number } = this;
    const worker = new InProcessWorker([source, target]);
    const server = this.server.withNewWorker(worker);
    return new ChangeRun(change, source, target, worker, server, number);
  }

  /** @returns why the end is none that the change may have; null: it is
   *  @throws WorkerDeath */
  async toEnd(): Promise<string | null> {
    for (let change: Change | undefined = this.change; change !== undefined; change = change.next) {
      const { workflowType, input, endsWith } = change;
      const workflowId = sessionWorkflowId(workflowType, NOW_MS + this.number * 1_000);
      if (!this.server.has(workflowId)) this.server.begin(workflowType, workflowId, input);
      const outcome = (await this.server.end(workflowId)) as Outcome | undefined;
      if (!endsWith.includes(outcome?.result ?? null))
        return `${workflowType} ends with ${JSON.stringify(outcome)}`;
    }
    return null;
  }
}

interface Outcome {
  readonly result: string;
}
