import { availableParallelism } from 'node:os';
import type { BackupRepository, SourceRepository } from '../repository/backup-repository.js';
import { kindOf } from '../repository/kinds.js';
import { asTarget, type RepositoryLocation } from '../repository/open-repository.js';
import { RateMeters } from '../repository/rate-meters.js';
import { seenMarkers } from '../repository/seen-markers.js';
import { StorageProbes } from '../repository/storage-probes.js';
import { awaitedStorage, type AwaitedStorage } from '../repository/unanswered-calls.js';
import { KnownTargets } from './known-targets.js';
import { FactKeeper } from './fact-keeper.js';
import { FolderWatches, type WatchedRepository } from './folder-watches.js';
import { LOOK_OPERATIONS } from './look-operations.js';
import type {
  OperationInput,
  OperationOutput,
  ThreadOperation,
  WindowInput,
  WindowOperation,
} from './mover-operations.js';
import type { TaskControl } from './task/task-control.js';
import { MAX_LOOPS, bytesOfASync } from './task/window-loop.js';
import { WindowRange, windowsIn, type WindowRun } from './task/window-runs.js';
import { MoverThread } from './resident-thread.js';
import { heapOfProcess, memoryOf, type ThreadWork } from './thread-memory.js';
import { HeldThreads, PULSE_MS } from './thread-pulse.js';

/** One reads while another computes. */
const MIN_THREADS = 2;

/** Of those that copy, for each that is needed: some may stand with storage that hangs. */
const MOST_FOR_EACH = 12;

/** Runs the data mover's work on threads of its own, so that heartbeats and the event loop never wait for it. The threads stay: starting
 *  one costs 30–40 ms (docs/PERFORMANCE.md, Resident mover). */
export class DataMover {
  private readonly threads: MoverThread[] = [];
  private lookThread: MoverThread | null = null;
  /** A plan of a job lists its sources whole, and reads trees: it keeps no look waiting. */
  private planThread: MoverThread | null = null;
  /** For the small writes that need no thread: records. @throws REPOSITORY_READ_ONLY for one that is only read */
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
  private readonly held: HeldThreads;
  private readonly watches = new FolderWatches();
  private lookAfter: NodeJS.Timeout | null = null;

  /** @param stateDirectory where it is remembered which targets were seen; null: nowhere */
  constructor(
    private readonly locations: readonly RepositoryLocation[],
    private readonly stateDirectory: string | null = null,
  ) {
    this.targets = new KnownTargets(locations, seenMarkers(stateDirectory));
    this.repository = async (id) => asTarget(await this.targets.open(id));
    this.source = async (id) => (await this.targets.open(id)).source;
    this.meters = RateMeters.of(this.ids);
    this.held = new HeldThreads(this.ids, this.threadCount);
    this.storage = new StorageProbes(locations, this.repository);
  }

  /** Takes what lies in the folder of a target now for that target, whatever was there before.
   *  @returns what `KnownTargets.accept` returns
   *  @throws REPOSITORY_MISSING, REPOSITORY_UNREACHABLE, CONFIG_INVALID */
  accept(repositoryId: string): Promise<string | null> {
    return this.targets.accept(repositoryId);
  }

  /** Rings soon after a change in a folder of a repository, where something tells of it; null: nothing does. The caller closes it.
   *  @param onChange also when a folder has begun to be watched: what changed in it before is not told */
  watch(repositoryId: string, onChange: () => void): WatchedRepository | null {
    const storage = this.locations.find(({ id }) => id === repositoryId)?.storage;
    if (storage === undefined || kindOf(storage).watch === null) return null;
    return this.watches.watch(repositoryId, storage, onChange);
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
    this.tellWaits(control);
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
    this.tellWaits(control);
    const request = {
      claims: new WindowRange(windows).shared,
      bytesOfASync: bytesOfASync(count),
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

  private get ids(): string[] {
    return this.locations.map(({ id }) => id);
  }

  private leastBusy(): MoverThread {
    const able = this.threads.filter((thread) => !thread.stands);
    const idle = able.find((thread) => thread.pending === 0);
    if (idle !== undefined) return idle;
    // Slow storage gets no faster by more threads: only what counts as silent is replaced again and again.
    const most = this.threads.some(({ heldBy }) => heldBy !== null) ? MOST_FOR_EACH : 2;
    const mayStart = this.threads.length < most * this.threadCount;
    if (able.length < this.threadCount && mayStart) {
      this.lookAfter ??= setInterval(() => this.lookAfterThreads(), PULSE_MS).unref();
      const thread = this.newThread('copies', () =>
        this.threads.splice(this.threads.indexOf(thread), 1),
      );
      this.threads.push(thread);
      return thread;
    }
    return (able.length > 0 ? able : this.threads).reduce((best, thread) =>
      thread.pending < best.pending ? thread : best,
    );
  }

  /** What a thread that stands has not begun goes to others; whose storage it waits for, all threads know. */
  private lookAfterThreads(): void {
    const standing = this.threads.filter((thread) => thread.stands);
    this.held.set(standing.map((thread) => thread.heldBy));
    for (const thread of standing)
      for (const work of thread.takeBack()) this.leastBusy().give(work);
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
    const held = { held: this.held.shared, mostHeld: this.threadCount };
    const setup = { repositories, stateDirectory, meters: meters.shared, isForLooks, ...held };
    return new MoverThread(setup, memoryOf(work, heapOfProcess()), this.facts, onExit);
  }

  /** Repositories that something here waits for, and for how long its oldest call has had no answer. */
  unanswered(): { readonly repositoryId: string; readonly seconds: number }[] {
    const longest = new Map<string, number>();
    const inThreads = this.allThreads.flatMap((thread) => thread.awaits());
    const all = [...awaitedStorage(), ...inThreads, ...this.watches.awaited()];
    for (const { repositoryId, forMs } of all)
      longest.set(repositoryId, Math.max(forMs, longest.get(repositoryId) ?? 0));
    return [...longest].map(([repositoryId, forMs]) => ({
      repositoryId,
      seconds: Math.round(forMs / 1000),
    }));
  }

  /** Whoever runs the task can tell what keeps it. */
  private tellWaits(control: TaskControl): void {
    control.awaitedInThreads = (): AwaitedStorage[] =>
      this.allThreads.flatMap((thread) => thread.awaits(control.shared));
  }

  private get allThreads(): MoverThread[] {
    const ofLists = [this.lookThread, this.planThread].filter((thread) => thread !== null);
    return [...this.threads, ...ofLists];
  }

  async close(): Promise<void> {
    if (this.lookAfter !== null) clearInterval(this.lookAfter);
    await Promise.all([
      this.watches.close(),
      ...this.allThreads.map((thread) => thread.terminate()),
    ]);
  }
}
