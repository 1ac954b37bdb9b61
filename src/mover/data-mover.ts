import { availableParallelism } from 'node:os';
import { Worker, type ResourceLimits } from 'node:worker_threads';
import type { BackupRepository, SourceRepository } from '../repository/backup-repository.js';
import { kindOf } from '../repository/kinds.js';
import type { RepositoryLocation } from '../repository/open-repository.js';
import type { FolderWatch } from '../repository/repository-kind.js';
import { RateMeters } from '../repository/rate-meters.js';
import { seenMarkers } from '../repository/seen-markers.js';
import { StorageProbes } from '../repository/storage-probes.js';
import { KnownTargets } from './known-targets.js';
import { FactKeeper } from './fact-keeper.js';
import type { FactAnswer, FactRequest } from './thread-facts.js';
import { LOOK_OPERATIONS } from './look-operations.js';
import type {
  OperationInput,
  OperationOutput,
  ThreadOperation,
  WindowInput,
  WindowOperation,
} from './mover-operations.js';
import type { TaskControl } from './task/task-control.js';
import { MAX_LOOPS, windowsOfASync } from './task/window-loop.js';
import { WindowRange, windowsIn, type WindowRun } from './task/window-runs.js';
import {
  decodeError,
  type ThreadReply,
  type ThreadRequest,
  type ThreadSetup,
} from './thread-messages.js';
import { threadEntry } from './thread-entry.js';
import { heapOfProcess, memoryOf, threadFailure, type ThreadWork } from './thread-memory.js';

/** One reads while another computes. */
const MIN_THREADS = 2;

/** Runs the data mover's work on threads of its own, so that heartbeats and the event loop never wait for it. The threads stay: starting
 *  one costs 30–40 ms (docs/PERFORMANCE.md, Resident mover). */
export class DataMover {
  private readonly threads: MoverThread[] = [];
  private lookThread: MoverThread | null = null;
  /** A plan of a job lists its sources whole, and reads trees: it keeps no look waiting. */
  private planThread: MoverThread | null = null;
  /** For the small looks that need no thread: listing, records. */
  readonly repository: (id: string) => Promise<BackupRepository>;
  /** The same for what is only read. */
  readonly source: (id: string) => Promise<SourceRepository>;
  /** What the storage of the targets can do. */
  readonly storage: StorageProbes;
  /** What is known of the files of the sources, for all threads. */
  readonly facts = new FactKeeper();
  /** How fast its threads may read and write. */
  readonly meters: RateMeters;
  private readonly targets: KnownTargets;
  private readonly threadCount = Math.max(MIN_THREADS, availableParallelism());

  /** @param stateDirectory where it is remembered which targets were seen; null: nowhere */
  constructor(
    private readonly locations: readonly RepositoryLocation[],
    private readonly stateDirectory: string | null = null,
  ) {
    this.targets = new KnownTargets(locations, seenMarkers(stateDirectory));
    this.repository = this.targets.open;
    this.source = this.targets.open;
    this.meters = RateMeters.of(locations.map(({ id }) => id));
    this.storage = new StorageProbes(locations, this.repository);
  }

  /** Takes what lies in the folder of a target now for that target, whatever was there before.
   *  @returns what `KnownTargets.accept` returns
   *  @throws REPOSITORY_MISSING, REPOSITORY_UNREACHABLE, CONFIG_INVALID */
  accept(repositoryId: string): Promise<string | null> {
    return this.targets.accept(repositoryId);
  }

  /** Rings soon after a change in a folder of a repository, where something tells of it; null: nothing does. The caller closes it. */
  watch(repositoryId: string, onChange: () => void): FolderWatch | null {
    const storage = this.locations.find(({ id }) => id === repositoryId)?.storage;
    return storage === undefined ? null : (kindOf(storage).watch?.(storage, onChange) ?? null);
  }

  /** Runs one operation that frees more of a target than it takes: where there is no room it may use what the target keeps aside. */
  async runFreeing<N extends ThreadOperation>(
    name: N,
    input: OperationInput<N> & { readonly targetRepositoryId: string },
    control: TaskControl,
  ): Promise<OperationOutput<N>> {
    return this.storage.withReserve(input.targetRepositoryId, () => this.run(name, input, control));
  }

  /** Runs one operation on the least busy thread, a look and the plan of a job on threads of their own. Stop it through `control`; it then rejects with
   *  `TaskStopped`. */
  async run<N extends ThreadOperation>(
    name: N,
    input: OperationInput<N>,
    control: TaskControl,
  ): Promise<OperationOutput<N>> {
    const thread = this.threadFor(name);
    const output = await thread.ask({
      type: 'operation',
      name,
      input,
      control: control.shared,
    });
    return output as OperationOutput<N>;
  }

  /** Does the windows on all threads at once. The first failure stops the others and is thrown when all have come to rest. */
  async runWindows<N extends WindowOperation>(
    name: N,
    input: WindowInput<N>,
    windows: readonly WindowRun[],
    control: TaskControl,
  ): Promise<void> {
    const count = Math.min(this.threadCount, MAX_LOOPS, windowsIn(windows));
    if (count === 0) return;
    const request = {
      claims: new WindowRange(windows).shared,
      windowsOfASync: windowsOfASync(count),
      control: control.shared,
    };
    const failures: unknown[] = [];
    const loops = Array.from({ length: count }, () =>
      this.leastBusy()
        .ask({ ...request, type: 'windows', name, input, windows })
        .catch((error: unknown) => {
          failures.push(error);
          control.stop();
        }),
    );
    await Promise.all(loops);
    if (failures.length > 0) throw failures[0];
  }

  private threadFor(name: ThreadOperation): MoverThread {
    if (LOOK_OPERATIONS.has(name)) return this.threadOfLooks();
    return name === 'planJob' ? this.threadOfPlans() : this.leastBusy();
  }

  private leastBusy(): MoverThread {
    const idle = this.threads.find((thread) => thread.pending === 0);
    if (idle !== undefined) return idle;
    if (this.threads.length < this.threadCount) {
      const thread = this.newThread('copies', () =>
        this.threads.splice(this.threads.indexOf(thread), 1),
      );
      this.threads.push(thread);
      return thread;
    }
    return this.threads.reduce((best, thread) => (thread.pending < best.pending ? thread : best));
  }

  private threadOfLooks(): MoverThread {
    return (this.lookThread ??= this.newThread('lists', () => (this.lookThread = null)));
  }

  private threadOfPlans(): MoverThread {
    return (this.planThread ??= this.newThread('lists', () => (this.planThread = null)));
  }

  private newThread(work: ThreadWork, onExit: () => void): MoverThread {
    const { locations: repositories, stateDirectory, meters } = this;
    // One thread plans for all jobs: it must not stand still with the storage of one of them.
    const isForLooks = work === 'lists';
    const setup = { repositories, stateDirectory, meters: meters.shared, isForLooks };
    return new MoverThread(setup, memoryOf(work, heapOfProcess()), this.facts, onExit);
  }

  async close(): Promise<void> {
    const ofLists = [this.lookThread, this.planThread].filter((thread) => thread !== null);
    await Promise.all([...this.threads, ...ofLists].map((thread) => thread.terminate()));
  }
}

/** One thread and the requests it has not answered yet. */
class MoverThread {
  private readonly worker: Worker;
  private readonly waiting = new Map<
    number,
    { resolve: (output: unknown) => void; reject: (error: unknown) => void }
  >();
  private nextId = 0;

  constructor(
    setup: ThreadSetup,
    memory: ResourceLimits,
    private readonly facts: FactKeeper,
    onExit: () => void,
  ) {
    this.worker = new Worker(threadEntry(), { workerData: setup, resourceLimits: memory });
    this.worker.unref();
    this.worker.on('message', (message: ThreadReply | FactRequest) => this.take(message));
    this.worker.on('error', (error) => this.failAll(threadFailure(error, memory)));
    this.worker.on('exit', () => {
      this.failAll(new Error('a data mover thread ended unexpectedly'));
      onExit();
    });
  }

  get pending(): number {
    return this.waiting.size;
  }

  ask(request: DistributiveOmit<ThreadRequest, 'id'>): Promise<unknown> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.ref();
      this.worker.postMessage({ ...request, id });
    });
  }

  private take(message: ThreadReply | FactRequest): void {
    switch (message.type) {
      case 'saveFacts':
        return this.facts.save(message.key, message.text);
      case 'loadFacts':
        return void this.tell(message);
      default:
        return this.settle(message);
    }
  }

  private async tell({ ask, key }: Extract<FactRequest, { type: 'loadFacts' }>): Promise<void> {
    const answer: FactAnswer = { type: 'facts', ask, text: await this.facts.load(key) };
    this.worker.postMessage(answer);
  }

  private settle(reply: ThreadReply): void {
    const waiter = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (this.waiting.size === 0) this.worker.unref();
    if (reply.type === 'done') waiter?.resolve(reply.output);
    else waiter?.reject(decodeError(reply.error));
  }

  private failAll(error: unknown): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  async terminate(): Promise<void> {
    await this.worker.terminate();
  }
}

type DistributiveOmit<T, K extends keyof never> = T extends unknown ? Omit<T, K> : never;
