import { mayHoldClass } from '../../domain/trees/class-folders.js';
import type { FileFault } from '../../domain/trees/file-faults.js';
import { LackingList, type Lacking } from '../../domain/trees/lacking-files.js';
import type { TreePoint } from '../../domain/trees/source-tree.js';
import { foldersOf } from '../../domain/trees/tree-path.js';
import { classOf, type TreeRules } from '../../domain/trees/tree-rules.js';

/** What a look at a tree could not read, or the target cannot take: nothing is known of what lies in such a folder, and points lack such a file. */
export class UnreadPlaces {
  readonly #folders = new Set<string>();
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

  /** A file that is none of its type is passed over. */
  addFile(fault: FileFault): void {
    this.#files.add(fault.path);
    const index = classOf(this.rules, fault.path);
    if (index !== null) this.#add(index, fault);
  }

  /** Whether it is such a file, or lies in a folder that could not be looked into: it is not known to be gone. */
  has(path: string): boolean {
    if (this.#files.has(path)) return true;
    return this.#folders.size > 0 && foldersOf(path).some((at) => this.#folders.has(`${at}/`));
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
