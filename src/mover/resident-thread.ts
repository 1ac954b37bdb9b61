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
} from './thread-messages.js';
import { ThreadPulse } from './thread-pulse.js';

/** One thread and the requests it has not answered yet. */
export class MoverThread {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, GivenWork>();
  private readonly pulse: ThreadPulse;
  private nextId = 0;

  constructor(
    setup: Omit<ThreadSetup, 'pulse'>,
    memory: ResourceLimits,
    private readonly facts: FactKeeper,
    onExit: () => void,
  ) {
    this.pulse = new ThreadPulse(setup.repositories.map(({ id }) => id));
    const workerData: ThreadSetup = { ...setup, pulse: this.pulse.shared };
    this.worker = new Worker(threadEntry(), { workerData, resourceLimits: memory });
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

  /** What it waits for, and for how long it has been seen to; null: it does not. */
  get awaits(): AwaitedStorage | null {
    const { awaited: repositoryId, inOneCallMs: forMs } = this.pulse;
    return repositoryId === null || this.pending === 0 ? null : { repositoryId, forMs };
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

/** A request, and who waits for its answer. */
interface Work {
  readonly request: DistributiveOmit<ThreadRequest, 'id' | 'begun'>;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface GivenWork extends Work {
  readonly begun: Int32Array;
}

type DistributiveOmit<T, K extends keyof never> = T extends unknown ? Omit<T, K> : never;
