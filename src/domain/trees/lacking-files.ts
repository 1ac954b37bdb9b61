/** What a copy lacks because files of the source could not be copied, and which others wait for them: without these the copy is what it was, older and
 *  whole. Plain JSON of bounded size, however much is lacking. */

import {
  FaultList,
  joinFaults,
  NO_FAULTS,
  type FileFault,
  type FileFaults,
} from './file-faults.js';
import type { TreePoint } from './source-tree.js';
import type { TargetTreePoint } from './target-tree.js';
import type { TreeRules } from './tree-rules.js';

type Rules = Pick<TreeRules, 'shape' | 'pointOf'> & Partial<Pick<TreeRules, 'classes'>>;
type Points = readonly Pick<TreePoint, 'id' | 'files'>[];

interface LackingPoint {
  readonly id: string;
  readonly faults: FileFaults;
  /** Files are known to be lacking; otherwise only folders could not be looked into, where there may be nothing new. */
  readonly lacksFiles: boolean;
}

/** What is lacking of one class of files, or of several. */
export interface Lacking {
  readonly faults: FileFaults;
  /** Any point may need one of them. */
  readonly any: boolean;
  /** And of those some are files; otherwise only folders could not be looked into, where there may be nothing new. */
  readonly anyFile: boolean;
  /** Points that do. */
  readonly points: readonly LackingPoint[];
  /** The first one in the order of a sequence. null: nothing is lacking. */
  readonly first: string | null;
}

export const NOTHING_LACKING: Lacking = {
  ...{ faults: NO_FAULTS, any: false, anyFile: false, points: [], first: null },
};

/** `data/0/9` before `data/0/10`. */
const BY_NUMBER = new Intl.Collator('en', { numeric: true });

/** The order of a sequence of files (`FileClass.inSequence`). */
export function sequenceOrder(a: string, b: string): number {
  return BY_NUMBER.compare(a, b);
}

/** Gathers files that could not be copied, and folders that could not be looked into (with `/` behind). */
export class LackingList {
  readonly #faults = new FaultList();
  readonly #points = new Map<string, { readonly faults: FaultList; lacksFiles: boolean }>();
  #any = false;
  #anyFile = false;
  #first: string | null = null;
  #idsByPath: ReadonlyMap<string, readonly string[]> | null = null;

  constructor(
    private readonly rules: Rules,
    private readonly points: Points,
  ) {}

  add(fault: FileFault): void {
    const { path } = fault;
    this.#faults.add(fault);
    if (this.#first === null || sequenceOrder(path, this.#first) < 0) this.#first = path;
    for (const id of this.#owners(path)) {
      const known = this.#points.get(id) ?? { faults: new FaultList(), lacksFiles: false };
      known.faults.add(fault);
      known.lacksFiles ||= !path.endsWith('/');
      this.#points.set(id, known);
    }
  }

  get lacking(): Lacking {
    const points = [...this.#points].map(([id, { faults, lacksFiles }]) => ({
      ...{ id, faults: faults.faults, lacksFiles },
    }));
    const [any, anyFile] = [this.#any, this.#anyFile];
    return { faults: this.#faults.faults, any, anyFile, points, first: this.#first };
  }

  #owners(path: string): readonly string[] {
    if (this.rules.shape === 'sets') return this.#ownersOfSets.get(path) ?? [];
    const owner = this.rules.pointOf?.(path) ?? '';
    if (owner !== '') return [owner];
    if (this.rules.classes?.some((one) => one.isOfNoPoint === true && one.match.test(path)))
      return [];
    this.#any = true;
    this.#anyFile ||= !path.endsWith('/');
    return [];
  }

  get #ownersOfSets(): ReadonlyMap<string, readonly string[]> {
    if (this.#idsByPath !== null) return this.#idsByPath;
    const ids = new Map<string, string[]>();
    for (const { id, files } of this.points)
      for (const path of files ?? []) {
        const known = ids.get(path);
        if (known === undefined) ids.set(path, [id]);
        else known.push(id);
      }
    return (this.#idsByPath = ids);
  }
}

export function joinLacking(parts: readonly Lacking[]): Lacking {
  const points = new Map<string, LackingPoint>();
  for (const point of parts.flatMap((part) => part.points)) {
    const known = points.get(point.id);
    const faults = known === undefined ? point.faults : joinFaults(known.faults, point.faults);
    const lacksFiles = point.lacksFiles || known?.lacksFiles === true;
    points.set(point.id, { id: point.id, faults, lacksFiles });
  }
  const firsts = parts.flatMap(({ first }) => (first === null ? [] : [first]));
  return {
    faults: parts.reduce((sum, { faults }) => joinFaults(sum, faults), NO_FAULTS),
    any: parts.some(({ any }) => any),
    anyFile: parts.some(({ anyFile }) => anyFile),
    points: [...points.values()],
    first: firsts.sort(sequenceOrder)[0] ?? null,
  };
}

/** What a point lacks that is worth something without it (`TreeRules.isPartial`). One that had all its files does not lack any because a folder cannot be
 *  looked into now.
 *  @param before as it was copied; null: it is new */
export function lackedBy(
  { any, anyFile, faults, points }: Lacking,
  id: string,
  before: Pick<TargetTreePoint, 'lacks'> | null,
): Pick<TargetTreePoint, 'lacks'> {
  const wasWhole = before !== null && before.lacks === undefined;
  if (any && (anyFile || !wasWhole)) return { lacks: faults };
  const own = points.find((point) => point.id === id);
  if (own === undefined) return {};
  return wasWhole && !own.lacksFiles ? {} : { lacks: own.faults };
}

/** How many of them keep in the copy what the source has removed: points that are there may need it for as long as they are not followed by what was
 *  lacking. What is worth something for itself, or lists all that it needs, needs nothing else. */
export function keepingRemoved(
  { faults, any }: Lacking,
  { shape, isOpaque, isPartial }: Pick<TreeRules, 'shape' | 'isOpaque' | 'isPartial'>,
): number {
  if (shape === 'sets' || isOpaque === true) return 0;
  return isPartial === true && !any ? 0 : faults.count;
}

/** Which files of a class are held back.
 *  @param earlier what is lacking of the classes before it: its files may refer to that. Those of sets wait only when all of their points lack something
 *  @param own what is lacking of its own: in a sequence each builds on those before it */
export function heldBack(
  { earlier, own, inSequence }: HeldBackBy,
  { shape, pointOf }: Rules,
  points: Points,
): (path: string) => boolean {
  const isAfter = (path: string): boolean =>
    inSequence && own.first !== null && sequenceOrder(path, own.first) >= 0;
  const ids = new Set(earlier.points.map(({ id }) => id));
  if (shape === 'store')
    return (path) => earlier.any || ids.has(pointOf?.(path) ?? '') || isAfter(path);
  const held = new Set<string>();
  for (const { id, files } of points)
    if (ids.has(id)) for (const path of files ?? []) held.add(path);
  for (const { id, files } of points)
    if (!ids.has(id)) for (const path of files ?? []) held.delete(path);
  return (path) => held.has(path) || isAfter(path);
}

interface HeldBackBy {
  readonly earlier: Lacking;
  readonly own: Lacking;
  readonly inSequence: boolean;
}
