import type {
  FolderRepository,
  ReadableFile,
  RepositoryCapacity,
  RepositoryEntry,
  WritableFile,
  SyncAll,
} from '../../../src/repository/backup-repository.js';
import { FolderVerbs } from '../../../src/repository/folder-verbs.js';

export interface NameStep {
  readonly kind: 'rename' | 'remove';
  /** Of a rename: the new name. */
  readonly path: string;
}

/** Swaps steps on purpose: `heldBack` renames that `isHeldBack` tells, after `passed` others, are done only after the next step that
 *  `isAwaited` tells. */
export class PostponingRepository extends FolderVerbs implements FolderRepository {
  readonly id: string;
  readonly capabilities;
  readonly limits;
  readonly #held: (() => Promise<void>)[] = [];
  #matches = 0;

  constructor(
    private readonly inner: FolderRepository,
    private readonly isHeldBack: (step: NameStep) => boolean,
    private readonly isAwaited: (step: NameStep) => boolean,
    private readonly passed: number,
    private readonly heldBack: number,
  ) {
    super();
    this.id = inner.id;
    this.limits = inner.limits;
    this.capabilities = inner.capabilities;
  }

  async rename(from: string, to: string): Promise<void> {
    const step = { kind: 'rename', path: to } as const;
    if (this.isHeldBack(step)) {
      const match = this.#matches++;
      if (match >= this.passed && match < this.passed + this.heldBack) {
        this.#held.push(() => this.inner.rename(from, to));
        return;
      }
    }
    await this.inner.rename(from, to);
    await this.#letGo(step);
  }

  linkFile(from: string, to: string): Promise<void> {
    return this.inner.linkFile(from, to);
  }

  async unlink(path: string): Promise<void> {
    await this.inner.unlink(path);
    await this.#letGo({ kind: 'remove', path });
  }

  async #letGo(step: NameStep): Promise<void> {
    if (!this.isAwaited(step)) return;
    for (const rename of this.#held.splice(0)) await rename();
  }

  openReadPastCache(path: string) {
    return this.inner.openReadPastCache(path);
  }

  list(folder: string): Promise<RepositoryEntry[]> {
    return this.inner.list(folder);
  }

  entries(folder: string, after?: string): AsyncIterable<RepositoryEntry> {
    return this.inner.entries(folder, after);
  }

  stat(path: string): Promise<RepositoryEntry | null> {
    return this.inner.stat(path);
  }

  openRead(path: string): Promise<ReadableFile> {
    return this.inner.openRead(path);
  }

  openWrite(path: string, create: 'new' | 'open-or-new' | 'existing'): Promise<WritableFile> {
    return this.inner.openWrite(path, create);
  }

  makeFolder(folder: string): Promise<void> {
    return this.inner.makeFolder(folder);
  }

  removeFolder(folder: string): Promise<void> {
    return this.inner.removeFolder(folder);
  }

  syncFolder(folder: string): Promise<void> {
    return this.inner.syncFolder(folder);
  }

  openSyncAll(): Promise<SyncAll | null> {
    return this.inner.openSyncAll();
  }

  capacity(): Promise<RepositoryCapacity> {
    return this.inner.capacity();
  }
}
