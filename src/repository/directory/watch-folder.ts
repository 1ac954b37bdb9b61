import { watch, type FSWatcher } from 'node:fs';
import { basename, join } from 'node:path';
import type { FolderWatch } from '../repository-kind.js';
import { errnoOf } from '../storage-error.js';

/** Folders that one watch has at most; a system gives all of a user's programs 8,192 of them, or more (inotify(7)). */
const MOST_FOLDERS = 1_024;

/** A backup tool writes its files one after the other: one look for all of them. */
const QUIET_MS = 500;

/** Rings soon after something in one of the folders changed, as far as the operating system tells: on network shares and for changes made on other
 *  machines it often does not, so whoever uses this must also look from time to time. Each folder costs one call, whatever lies in it: nothing is listed
 *  and nothing below is watched. The call is waited for in place, as long as its storage takes. Never throws, and never ends by itself.
 *  @param onChange is called for all changes of half a second together */
export function watchFolders(rootPath: string, onChange: () => void): FolderWatch {
  return new WatchedFolders(rootPath, onChange);
}

class WatchedFolders implements FolderWatch {
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | null = null;
  /** The system watches no more of them, or this one is closed. */
  #isOver = false;

  constructor(
    private readonly rootPath: string,
    private readonly onChange: () => void,
  ) {}

  add(folders: readonly string[], afterEach?: () => void): boolean {
    const before = this.#watchers.size;
    // Where there are too many, those that new folders appear in come first.
    const ordered = folders.toSorted((a, b) => depthOf(a) - depthOf(b));
    for (const folder of ordered) {
      if (this.#isOver || this.#watchers.size >= MOST_FOLDERS) break;
      if (this.#watchers.has(folder)) continue;
      this.#watch(folder);
      afterEach?.();
    }
    return this.#watchers.size > before;
  }

  close(): void {
    this.#isOver = true;
    for (const folder of this.#watchers.keys()) this.#end(folder);
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #watch(folder: string): void {
    const path = join(this.rootPath, folder);
    try {
      const watcher = watch(path, { persistent: false }, (event, name) => {
        // The folder itself, or one in it, has another name or is gone; what has its name now is watched when a look finds it.
        if (event === 'rename' && name === basename(path)) this.#endWithin(folder);
        if (event === 'rename' && name !== null)
          this.#endWithin(folder === '' ? name : `${folder}/${name}`);
        this.#ring();
      });
      watcher.on('error', () => this.#end(folder));
      this.#watchers.set(folder, watcher);
    } catch (error) {
      // What is left of the system's watches is for others: looking from time to time is what this one does.
      if (OUT_OF_WATCHES.includes(errnoOf(error) ?? '')) this.close();
    }
  }

  /** The watches below a folder that was moved stay on what was moved. */
  #endWithin(folder: string): void {
    for (const watched of this.#watchers.keys())
      if (folder === '' || watched === folder || watched.startsWith(`${folder}/`))
        this.#end(watched);
  }

  #end(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #ring(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.onChange();
    }, QUIET_MS);
  }
}

/** inotify_init(2), inotify_add_watch(2): the limits of the user or of the process. */
const OUT_OF_WATCHES = ['ENOSPC', 'EMFILE', 'ENFILE', 'ENOMEM'];

function depthOf(folder: string): number {
  return folder === '' ? 0 : folder.split('/').length;
}
