import { watch, type FSWatcher } from 'node:fs';

/** Calls `onChange` soon after something in the folder or below it changed, as far as the operating system tells: on network shares and for
 *  changes made on other machines it often does not, so whoever uses this must also look from time to time. Never throws, and never ends
 *  by itself.
 *  @returns stops it */
export function watchFolder(rootPath: string, onChange: () => void): () => void {
  let watcher: FSWatcher | null = null;
  let timer: NodeJS.Timeout | null = null;
  const ring = (): void => {
    timer ??= setTimeout(() => {
      timer = null;
      onChange();
    }, QUIET_MS);
  };
  try {
    watcher = watch(rootPath, { recursive: true, persistent: false }, ring);
    watcher.on('error', () => watcher?.close());
  } catch {
    // No watching here: looking from time to time is what is left.
  }
  return () => {
    watcher?.close();
    if (timer !== null) clearTimeout(timer);
  };
}

/** A backup tool writes its files one after the other: one look for all of them. */
const QUIET_MS = 500;
