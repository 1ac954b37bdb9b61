import { mayHoldClass, namesFolder } from '../../../domain/trees/class-folders.js';
import type { FileFault } from '../../../domain/trees/file-faults.js';
import { LackingList, type Lacking } from '../../../domain/trees/lacking-files.js';
import type { TreePoint } from '../../../domain/trees/source-tree.js';
import { foldersOf } from '../../../domain/trees/tree-path.js';
import { classOf, type TreeRules } from '../../../domain/trees/tree-rules.js';

/** What a look at a tree could not read, or the target cannot take: nothing is known of what lies in such a folder, and points lack such a file. */
export class UnreadPlaces {
  readonly #folders = new Set<string>();
  /** Reasons, by path with `/` behind. */
  readonly #links = new Map<string, string>();
  readonly #files = new Set<string>();
  readonly #byClass = new Map<number, LackingList>();

  constructor(
    private readonly rules: TreeRules,
    private readonly points: readonly TreePoint[],
  ) {}

  /** @param path with `/` behind
   *  @returns whether this is the first that is heard of it */
  addFolder({ path, reason }: FileFault): boolean {
    if (this.#folders.has(path)) return false;
    this.#folders.add(path);
    const { classes } = this.rules;
    const first = classes.findIndex((_, index) => mayHoldClass(this.rules, index, path));
    if (first >= 0) this.#add(first, { path, reason });
    return true;
  }

  /** A link may lead to a folder of the store, and is as often a stray one, for which nobody is to wait: it counts as a folder where a class names one, or when the
   *  copy has a file below it (`has`). As a file it counts besides, where a class takes its path.
   *  @param path without `/` behind */
  addLink({ path, reason }: FileFault): void {
    if (classOf(this.rules, path) !== null) this.addFile({ path, reason });
    const folder = `${path}/`;
    if (this.rules.classes.some((_, index) => namesFolder(this.rules, index, folder)))
      this.addFolder({ path: folder, reason });
    else this.#links.set(folder, reason);
  }

  /** A file that is none of its type is passed over. */
  addFile(fault: FileFault): void {
    this.#files.add(fault.path);
    const index = classOf(this.rules, fault.path);
    if (index !== null) this.#add(index, fault);
  }

  /** Whether a file of the copy that the source does not show is such a file, or lies in a folder that could not be looked into: it is not known to be gone. */
  has(path: string): boolean {
    if (this.#files.has(path)) return true;
    if (this.#folders.size === 0 && this.#links.size === 0) return false;
    const folders = foldersOf(path).map((at) => `${at}/`);
    for (const folder of folders) {
      const reason = this.#links.get(folder);
      if (reason !== undefined) this.addFolder({ path: folder, reason });
    }
    return folders.some((folder) => this.#folders.has(folder));
  }

  /** Whether there are folders that could not be looked into. */
  get hasFolders(): boolean {
    return this.#folders.size > 0;
  }

  get byClass(): [number, Lacking][] {
    return [...this.#byClass].map(([index, list]) => [index, list.lacking]);
  }

  #add(classIndex: number, fault: FileFault): void {
    const list = this.#byClass.get(classIndex) ?? new LackingList(this.rules, this.points);
    list.add(fault);
    this.#byClass.set(classIndex, list);
  }
}
