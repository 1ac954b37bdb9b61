import type { BigIntStats } from 'node:fs';
import type { FolderAccess, OpenFolder, RepositoryRoot } from './open-folder.js';

/** Enough for the way to everything that one operation works on; a source of thousands of folders is listed once. */
const MAX_KEPT = 32;

interface KeptFolder {
  readonly folder: OpenFolder;
  users: number;
  /** Not any more: whoever leaves it last closes it. */
  isForgotten: boolean;
}

/** The folders of a repository for one piece of work: what was opened stays open until `close`, so that a name costs one call and not the
 *  whole way from the root. The root is checked when it is opened. A folder that another process moves or removes meanwhile is the one
 *  that was opened all the same: nothing new appears in it, and nothing outside is reached. */
export class KeptFolders implements FolderAccess {
  readonly #root: RepositoryRoot;
  /** By path, the longest unused first. */
  readonly #kept = new Map<string, KeptFolder>();

  constructor(root: RepositoryRoot) {
    this.#root = root;
  }

  async within<T>(
    segments: readonly string[],
    action: (folder: OpenFolder) => Promise<T>,
  ): Promise<T> {
    // Names would be reached by path, past the folder that is held.
    if (!this.#root.reachesThroughHandles) return this.#root.within(segments, action);
    const entered = await this.#enter(segments);
    try {
      return await action(entered.folder);
    } finally {
      await this.#leave(entered);
    }
  }

  confirm(segments: readonly string[], opened: BigIntStats): Promise<void> {
    return this.#root.confirm(segments, opened);
  }

  async forget(path: string): Promise<void> {
    for (const [key, kept] of this.#kept)
      if (key === path || key.startsWith(`${path}/`)) await this.#drop(key, kept);
  }

  async close(): Promise<void> {
    for (const [key, kept] of this.#kept) await this.#drop(key, kept);
  }

  async #enter(segments: readonly string[]): Promise<KeptFolder> {
    const path = segments.join('/');
    const kept = this.#kept.get(path);
    if (kept !== undefined) {
      kept.users += 1;
      this.#kept.delete(path);
      this.#kept.set(path, kept);
      return kept;
    }
    if (segments.length === 0) return this.#keep(path, await this.#root.openRoot());
    const parent = await this.#enter(segments.slice(0, -1));
    try {
      return await this.#keep(path, await this.#root.openIn(parent.folder, segments));
    } finally {
      await this.#leave(parent);
    }
  }

  async #keep(path: string, folder: OpenFolder): Promise<KeptFolder> {
    // Two calls at once may both have opened it.
    const entered = { folder, users: 1, isForgotten: this.#kept.has(path) };
    if (!entered.isForgotten) this.#kept.set(path, entered);
    for (const [key, kept] of this.#kept) {
      if (this.#kept.size <= MAX_KEPT) break;
      if (kept.users === 0) await this.#drop(key, kept);
    }
    return entered;
  }

  async #leave(entered: KeptFolder): Promise<void> {
    entered.users -= 1;
    if (entered.isForgotten && entered.users === 0) await entered.folder.handle.close();
  }

  async #drop(path: string, kept: KeptFolder): Promise<void> {
    this.#kept.delete(path);
    kept.isForgotten = true;
    if (kept.users === 0) await kept.folder.handle.close();
  }
}
