import { Worker, type ResourceLimits } from 'node:worker_threads';
import type { AwaitedStorage } from '../repository/unanswered-calls.js';
import type { FactKeeper } from './fact-keeper.js';
import { threadEntry } from './thread-entry.js';
import type { FactAnswer, FactRequest } from './thread-facts.js';
import { threadFailure } from './thread-memory.js';
import {
  decodeError,
  type ThreadReply,
  type ThreadRequest,
  type ThreadSetup,
  type ThreadWaits,
} from './thread-messages.js';
import { ThreadPulse } from './thread-pulse.js';

/** A thread tells what it waits for each second. */
const TOLD_FOR_MS = 5_000;

/** One thread and the requests it has not answered yet. */
export class MoverThread {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, GivenWork>();
  private readonly pulse: ThreadPulse;
  /** As the thread told it last: calls for which it does not stand. */
  private told: ThreadWaits['waits'] = [];
  private toldAtMs = 0;
  private nextId = 0;

  constructor(
    setup: Omit<ThreadSetup, 'pulse'>,
    memory: ResourceLimits,
    private readonly facts: FactKeeper,
    onExit: () => void,
  ) {
    this.pulse = new ThreadPulse(setup.repositories.map(({ id }) => id));
    const workerData: ThreadSetup = { ...setup, pulse: this.pulse.shared };
    this.worker = new Worker(threadEntry('mover-thread'), { workerData, resourceLimits: memory });
    this.worker.unref();
    this.worker.on('message', (message: ThreadReply | FactRequest | ThreadWaits) =>
      this.take(message),
    );
    this.worker.on('error', (error) => this.failAll(threadFailure(error, memory)));
    this.worker.on('exit', () => {
      this.failAll(new Error('a data mover thread ended unexpectedly'));
      onExit();
    });
  }

  get pending(): number {
    return this.waiting.size;
  }

  /** It has work, and has been in one call for so long that it gets no more. */
  get stands(): boolean {
    return this.pending > 0 && this.pulse.standsForMs > 0;
  }

  /** Id of the repository that holds it up; null: none does. */
  get heldBy(): string | null {
    return this.pulse.isHeld ? this.awaited : null;
  }

  /** Id of the repository whose answer it waits for; null: it does not. */
  get awaited(): string | null {
    return this.pulse.awaited;
  }

  /** What its requests wait for, and for how long they have been seen to.
   *  @param control of a task: those of its requests alone */
  awaits(control?: SharedArrayBuffer): AwaitedStorage[] {
    const isAsked = (work: GivenWork | undefined) =>
      work !== undefined && (control === undefined || work.request.control === control);
    // Who goes on in calls that are waited for in place does not get to telling.
    const isOld = performance.now() - this.toldAtMs > TOLD_FOR_MS;
    const told = (isOld ? [] : this.told).filter(({ id }) => isAsked(this.waiting.get(id)));
    const { awaited: repositoryId, inOneCallMs: forMs } = this.pulse;
    const stands = repositoryId === null ? [] : [...this.waiting.values()].filter(hasBegun);
    return [
      ...told.map((each) => ({ repositoryId: each.repositoryId, forMs: each.forMs })),
      ...(stands.some(isAsked) ? [{ repositoryId: repositoryId!, forMs }] : []),
    ];
  }

  ask(request: Work['request']): Promise<unknown> {
    return new Promise((resolve, reject) => this.give({ request, resolve, reject }));
  }

  give(work: Work): void {
    const id = this.nextId++;
    const begun = new SharedArrayBuffer(4);
    this.waiting.set(id, { ...work, begun: new Int32Array(begun) });
    this.worker.ref();
    this.worker.postMessage({ ...work.request, id, begun });
  }

  /** What it has not begun, and will not. */
  takeBack(): Work[] {
    const taken: Work[] = [];
    for (const [id, { begun, ...work }] of this.waiting)
      if (Atomics.compareExchange(begun, 0, 0, 1) === 0) {
        this.waiting.delete(id);
        taken.push(work);
      }
    return taken;
  }

  private take(message: ThreadReply | FactRequest | ThreadWaits): void {
    switch (message.type) {
      case 'saveFacts':
        return this.facts.save(message.key, message.text);
      case 'loadFacts':
        return void this.tell(message);
      case 'waits':
        this.told = message.waits;
        this.toldAtMs = performance.now();
        return;
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

/** A request, and who waits for its answer. */
interface Work {
  readonly request: DistributiveOmit<ThreadRequest, 'id' | 'begun'>;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface GivenWork extends Work {
  readonly begun: Int32Array;
}

/** What waits behind a call is not kept by it: it goes to another thread. */
function hasBegun({ begun }: GivenWork): boolean {
  return Atomics.load(begun, 0) === 1;
}

type DistributiveOmit<T, K extends keyof never> = T extends unknown ? Omit<T, K> : never;
