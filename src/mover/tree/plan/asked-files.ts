import { HOUR_MS } from '../../../domain/elapsed.js';
import { faultOfSourceFile } from '../../../domain/trees/one-file-fault.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import type { FileEntry } from '../../../tree/file-index.js';
import { treeFile } from '../../../tree/tree-paths.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { statTarget } from '../stat-target.js';

/** A copy of no more files is asked for all of them. */
const FEW_FILES = 300;
/** Of more files one in so many, others with each hour: prime, so that a job that runs every day or week at one hour comes to all of them. */
const ONE_IN = 31;
/** Asked for together, and while they are, no other ones are found: what is held of them is bounded. */
const AT_ONCE = 32;

/** The files for which a session asks that has nothing to copy: of each class the first that the copy has, and a share of all that is another one at another time. A target that was wiped, or whose
 *  place another one has taken, or that has lost some of its files, has them no more, whatever its record says; a look at all files would cost more than all else that such a session does. */
export class AskedFiles {
  readonly #seen = new Set<string>();
  readonly #turn: number;
  readonly #oneIn: number;
  #number = 0;
  #waiting: FileEntry[] = [];
  #isMissing = false;

  constructor(
    private readonly target: SourceRepository,
    private readonly tree: string,
    { index }: Pick<TreeRecord, 'index'>,
    nowMs: number,
  ) {
    const count = index.reduce((sum, { fileCount }) => sum + fileCount, 0);
    this.#oneIn = count > FEW_FILES ? ONE_IN : 1;
    this.#turn = Math.floor(nowMs / HOUR_MS) % this.#oneIn;
  }

  /** Called for the files of a class in the order of the index.
   *  @returns what has to be awaited before the next call; undefined: nothing */
  note(fileClass: string, entry: FileEntry): Promise<void> | undefined {
    const isFirst = !this.#seen.has(fileClass);
    this.#seen.add(fileClass);
    const isDue = this.#number++ % this.#oneIn === this.#turn;
    if (!isFirst && !isDue) return undefined;
    this.#waiting.push(entry);
    return this.#waiting.length < AT_ONCE ? undefined : this.#ask();
  }

  /** Whether each that was noted lies there in its length, as far as its storage can tell: what is wrong with one that it cannot look at, a look at all files says. */
  async areThere(): Promise<boolean> {
    await this.#ask();
    return !this.#isMissing;
  }

  async #ask(): Promise<void> {
    const asked = this.#waiting;
    this.#waiting = [];
    if (this.#isMissing) return;
    const lie = await Promise.all(asked.map((entry) => this.#isThere(entry)));
    this.#isMissing = lie.includes(false);
  }

  async #isThere({ path, stamp }: FileEntry): Promise<boolean> {
    try {
      const lies = await statTarget(this.target, treeFile(this.tree, path));
      return lies?.stamp.sizeBytes === stamp.sizeBytes;
    } catch (error) {
      if (faultOfSourceFile(error) === null) throw error;
      return false;
    }
  }
}
