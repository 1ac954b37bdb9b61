import { Worker } from 'node:worker_threads';
import type { StorageSettings } from '../repository/repository-kind.js';
import type { AwaitedStorage } from '../repository/unanswered-calls.js';
import { threadEntry } from './thread-entry.js';
import type { WatchNews, WatchOrder } from './watch-thread.js';

/** A disk may take as long that has to start. */
const STANDS_MS = 10_000;

const LOOK_MS = 1_000;

/** Folders of a repository in which changes are told. */
export interface WatchedRepository {
  /** Watches these, too: the names in each of them, and not what lies below.
   *  @param folders that a look has just listed; `''` is the root */
  add(folders: readonly string[]): void;
  close(): void;
}

/** The watches of a process, on a thread of their own: to begin one is a call that waits for the storage, and this thread answers heartbeats. When the thread
 *  stands in such a call, those of other repositories are begun anew on another; those of that one when the call has returned. */
export class FolderWatches {
  #thread: WatchThread | null = null;
  readonly #watches = new Map<number, Watch>();
  /** Repositories whose storage a thread stands with, and since when. */
  readonly #silentSinceMs = new Map<string, number>();
  #next = 0;
  #look: NodeJS.Timeout | null = null;

  /** @param onChange is called soon after a change in one of its folders, and when one of them has begun to be watched: what changed in it before is not told */
  watch(repositoryId: string, storage: StorageSettings, onChange: () => void): WatchedRepository {
    const number = this.#next++;
    const watch: Watch = { number, repositoryId, storage, onChange, folders: [] };
    this.#watches.set(number, watch);
    return {
      add: (folders) => {
        watch.folders = folders;
        this.#begin(watch);
      },
      close: () => {
        this.#watches.delete(number);
        this.#thread?.order({ watch: number, storage, folders: null }, repositoryId);
      },
    };
  }

  /** Storage that keeps a thread from watching more. */
  awaited(): AwaitedStorage[] {
    const first = this.#thread?.first ?? null;
    const silent = [...this.#silentSinceMs, ...(first === null ? [] : [first])];
    return silent.map(([repositoryId, sinceMs]) => ({
      repositoryId,
      forMs: Math.round(performance.now() - sinceMs),
    }));
  }

  async close(): Promise<void> {
    this.#watches.clear();
    if (this.#look !== null) clearInterval(this.#look);
    await this.#thread?.end();
  }

  #begin({ number: watch, repositoryId, storage, folders }: Watch): void {
    if (folders.length === 0 || this.#silentSinceMs.has(repositoryId)) return;
    this.#thread ??= this.#newThread();
    this.#look ??= setInterval(() => this.#lookAfterThread(), LOOK_MS).unref();
    this.#thread.order({ watch, storage, folders }, repositoryId);
  }

  #newThread(): WatchThread {
    return new WatchThread(
      (news) => {
        if (news.type === 'changed' || (news.type === 'added' && news.hasMore))
          this.#watches.get(news.watch)?.onChange();
      },
      // Until the next look begins them anew, it alone finds what has changed.
      (ended) => (this.#thread === ended ? (this.#thread = null) : null),
    );
  }

  #lookAfterThread(): void {
    const thread = this.#thread;
    const first = thread?.first ?? null;
    if (thread === null || first === null || performance.now() - first[1] < STANDS_MS) return;
    const [silent, sinceMs] = first;
    this.#thread = null;
    this.#silentSinceMs.set(silent, sinceMs);
    void thread.end().then(() => {
      this.#silentSinceMs.delete(silent);
      this.#beginAll((repositoryId) => repositoryId === silent);
    });
    this.#beginAll(() => true);
  }

  #beginAll(isWanted: (repositoryId: string) => boolean): void {
    for (const watch of this.#watches.values())
      if (isWanted(watch.repositoryId)) this.#begin(watch);
  }
}

interface Watch {
  readonly number: number;
  readonly repositoryId: string;
  readonly storage: StorageSettings;
  readonly onChange: () => void;
  /** Those that the last look listed. */
  folders: readonly string[];
}

/** A thread, and the orders that it has not carried out. */
class WatchThread {
  readonly #worker: Worker;
  /** The repository of each. */
  readonly #waiting: string[] = [];
  /** When the one in work began: when it was given, or when the one before it was done. */
  #sinceMs = 0;

  constructor(tell: (news: WatchNews) => void, onEnd: (ended: WatchThread) => void) {
    this.#worker = new Worker(threadEntry('watch-thread'));
    this.#worker.unref();
    this.#worker.on('message', (news: WatchNews) => {
      if (news.type === 'added') this.#waiting.shift();
      if (news.type !== 'changed') this.#sinceMs = performance.now();
      tell(news);
    });
    // What it took to begin the thread, but for its modules, is not the storage's.
    this.#worker.on('online', () => (this.#sinceMs = performance.now()));
    // It exits then. Until the next look begins its watches anew, looks alone find what has changed.
    this.#worker.on('error', (error) =>
      process.emitWarning(`the thread that watches folders ended: ${error.message}`),
    );
    this.#worker.on('exit', () => onEnd(this));
  }

  /** Whose storage it waits for, and since when; null: it has nothing to do. */
  get first(): readonly [repositoryId: string, sinceMs: number] | null {
    const [repositoryId] = this.#waiting;
    return repositoryId === undefined ? null : [repositoryId, this.#sinceMs];
  }

  order(order: WatchOrder, repositoryId: string): void {
    if (order.folders !== null) {
      if (this.#waiting.length === 0) this.#sinceMs = performance.now();
      this.#waiting.push(repositoryId);
    }
    this.#worker.postMessage(order);
  }

  /** Resolves when a call that it stands in has returned. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
