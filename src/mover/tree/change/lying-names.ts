import { isBackupError } from '../../../domain/errors.js';
import type { RepositoryEntry, SourceRepository } from '../../../repository/backup-repository.js';
import { parentFolder } from '../../../repository/repository-path.js';

/** Which of many files lie there under their own names. Where storage does not tell names apart that differ by case alone, a file that was renamed so lies
 *  under the name that it has now, and would go with its old one. */
export class LyingNames {
  /** By folder: those on the way to the path that was asked for last. */
  readonly #listed = new Map<string, ReadonlySet<string>>();

  constructor(private readonly target: SourceRepository) {}

  /** @param paths in their order: then each folder is listed once */
  async of(paths: readonly string[]): Promise<string[]> {
    const lying: string[] = [];
    for (const path of paths) if ((await this.#in(parentFolder(path))).has(path)) lying.push(path);
    return lying;
  }

  async #in(folder: string): Promise<ReadonlySet<string>> {
    const known = this.#listed.get(folder);
    if (known !== undefined) return known;
    for (const other of this.#listed.keys())
      if (!folder.startsWith(`${other}/`)) this.#listed.delete(other);
    const paths = new Set((await this.#list(folder)).map(({ path }) => path));
    this.#listed.set(folder, paths);
    return paths;
  }

  async #list(folder: string): Promise<RepositoryEntry[]> {
    try {
      return await this.target.list(folder);
    } catch (error) {
      if (isBackupError(error, 'FILE_MISSING')) return [];
      throw error;
    }
  }
}
