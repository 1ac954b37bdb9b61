import { isBackupError } from '../domain/errors.js';
import type { SourceRepository } from '../repository/backup-repository.js';
import { joinPath } from '../repository/repository-path.js';
import { datedPlace } from './dated-folders.js';

/** Folders that differ from one in its date alone: those of other runs of one script, `2026-11-23/vms` of `2026-11-24/vms`. */
export class SiblingRuns {
  #folders: Promise<readonly string[]> | null = null;

  /** @param folder path within the repository */
  constructor(
    private readonly repository: SourceRepository,
    private readonly folder: string,
  ) {}

  /** Whether one of them holds a file of this name. What several runs hold is no machine that somebody has put into the folder of a day, whenever it was
   *  written: a source that was moved without its times has all of them from one day.
   *  @throws what the repository throws */
  async hold(name: string): Promise<boolean> {
    this.#folders ??= this.#look();
    for (const sibling of await this.#folders)
      if (await this.#isFile(joinPath(sibling, name))) return true;
    return false;
  }

  async #isFile(path: string): Promise<boolean> {
    try {
      return (await this.repository.stat(path))?.type === 'file';
    } catch (error) {
      // There is a file, or a link, where this run has a folder.
      if (isBackupError(error, 'PATH_FORBIDDEN')) return false;
      throw error;
    }
  }

  async #look(): Promise<readonly string[]> {
    const names = this.folder.split('/');
    const own = datedPlace(this.folder);
    const depth = depthOfDate(names);
    if (depth === null) return [];
    const above = names.slice(0, depth).join('/');
    const below = names.slice(depth + 1);
    const entries = await this.repository.list(above);
    return entries.flatMap(({ type, path, name }) => {
      if (type !== 'folder' || name === names[depth]) return [];
      const sibling = [path, ...below].join('/');
      const { place, date } = datedPlace(sibling);
      const isOtherRun = place === own.place && date?.date !== own.date?.date;
      return date !== null && isOtherRun ? [sibling] : [];
    });
  }
}

/** Of the innermost folder with a date; null: none has one. */
function depthOfDate(names: readonly string[]): number | null {
  for (let depth = names.length - 1; depth >= 0; depth--) {
    const without = datedPlace(names.slice(0, depth).join('/')).date;
    const date = datedPlace(names.slice(0, depth + 1).join('/')).date;
    if (date !== null && date.date !== without?.date) return depth;
  }
  return null;
}
