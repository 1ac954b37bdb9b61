import { Worker } from 'node:worker_threads';
import { BackupError, isErrorCode, type ErrorDetails } from '../../../src/domain/errors.js';
import type { FolderRepository, WritableFile } from '../../../src/repository/backup-repository.js';
import { folderVerbs } from '../../../src/repository/folder-verbs.js';
import { entryOrder } from '../../../src/repository/repository-path.js';

export interface ThreadRequest {
  readonly call: number;
  /** Number of a repository or open file; 0: the thread itself, which opens repositories. */
  readonly target: number;
  readonly method: string;
  readonly parameters: readonly unknown[];
}

export interface ThreadAnswer {
  readonly call: number;
  readonly value?: unknown;
  /** As they are after `read` filled its buffer. */
  readonly parameters?: readonly unknown[];
  readonly error?: {
    readonly message: string;
    readonly code: unknown;
    readonly details: ErrorDetails;
  };
}

/** A worker thread in which directory repositories work as they do in a data mover; calls and answers go by message. */
export class RepositoryThread {
  readonly #worker = new Worker(new URL('./repository-thread.mjs', import.meta.url));
  readonly #waiting = new Map<number, (answer: ThreadAnswer) => void>();
  readonly #failed: Promise<never>;
  #calls = 0;

  constructor() {
    this.#failed = new Promise((_, reject) => this.#worker.once('error', reject));
    this.#failed.catch(() => undefined);
    this.#worker.on('message', (answer: ThreadAnswer) => this.#waiting.get(answer.call)?.(answer));
  }

  async open(options: {
    readonly id: string;
    readonly rootPath: string;
    readonly readOnly: boolean;
  }): Promise<FolderRepository> {
    return this.#repository(options.id, await this.#ask<number>(0, 'open')(options));
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #repository(id: string, target: number): FolderRepository {
    const open = (method: string) => async (path: string, create?: string) =>
      this.#file(path, await this.#ask<number>(target, method)(path, create));
    return {
      id,
      ...folderVerbs,
      capabilities: { stampsProve: true },
      list: this.#ask(target, 'list'),
      limits: { maxFileBytes: 2 ** 50 },
      entries: async function* (folder, after) {
        const last = { name: after ?? '', type: 'file' };
        for (const entry of await this.list(folder)) if (entryOrder(entry, last) > 0) yield entry;
      },
      stat: this.#ask(target, 'stat'),
      openRead: open('openRead'),
      openReadPastCache: open('openReadPastCache'),
      openWrite: open('openWrite'),
      makeFolder: this.#ask(target, 'makeFolder'),
      rename: this.#ask(target, 'rename'),
      linkFile: this.#ask(target, 'linkFile'),
      unlink: this.#ask(target, 'unlink'),
      removeFolder: this.#ask(target, 'removeFolder'),
      syncFolder: this.#ask(target, 'syncFolder'),
      openSyncAll: async () => {
        const sync = await this.#ask<number | null>(target, 'openSyncAll')();
        return sync === null
          ? null
          : { sync: this.#ask(sync, 'sync'), close: this.#ask(sync, 'close') };
      },
      setFileTraits: this.#ask(target, 'setFileTraits'),
      capacity: this.#ask(target, 'capacity'),
    };
  }

  #file(path: string, target: number): WritableFile {
    return {
      path,
      read: async (buffer, offset) => {
        const { value, parameters } = await this.#send(target, 'read', [buffer, offset]);
        const filled = parameters?.[0];
        if (filled instanceof Uint8Array) buffer.set(filled);
        return Number(value);
      },
      write: this.#ask(target, 'write'),
      truncate: this.#ask(target, 'truncate'),
      sync: this.#ask(target, 'sync'),
      stamp: this.#ask(target, 'stamp'),
      close: this.#ask(target, 'close'),
    };
  }

  #ask<T>(target: number, method: string) {
    return async (...parameters: unknown[]): Promise<T> =>
      (await this.#send(target, method, parameters)).value as T;
  }

  async #send(
    target: number,
    method: string,
    parameters: readonly unknown[],
  ): Promise<ThreadAnswer> {
    const call = (this.#calls += 1);
    const answered = new Promise<ThreadAnswer>((resolve) => this.#waiting.set(call, resolve));
    this.#worker.postMessage({ call, target, method, parameters } satisfies ThreadRequest);
    const answer = await Promise.race([answered, this.#failed]);
    this.#waiting.delete(call);
    if (answer.error === undefined) return answer;
    const { message, code, details } = answer.error;
    throw isErrorCode(code) ? new BackupError(code, message, { details }) : new Error(message);
  }
}
