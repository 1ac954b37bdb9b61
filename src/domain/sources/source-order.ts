/** The order of a workload's restore points in a source. */

import type { SourceRestorePoint } from './source-workload.js';

type OrderedPoint = Pick<SourceRestorePoint, 'id' | 'createdAtMs' | 'parentId'>;

/** Oldest first, a parent always before its children. Dates decide as far as they do not contradict the lineage: a machine whose clock stood
 *  ten years ahead for one run must not put that run behind everything that came after it. Along each line of increments the fewest
 *  possible dates are passed over, so that the others ascend; a point whose date is passed over stands right behind its parent, a full right
 *  before its first child. The dates themselves stay as the backup tool gave them. Points that build on each other in a circle are ordered
 *  by their dates. Ids are unique. */
export function orderByLineage<T extends OrderedPoint>(points: readonly T[]): T[] {
  const places = new Map<string, Place>();
  for (const line of linesOf(points)) placeLine(line, places);
  return [...points].sort((a, b) => {
    const [first, second] = [places.get(a.id)!, places.get(b.id)!];
    return first.ms - second.ms || first.depth - second.depth || (a.id < b.id ? -1 : 1);
  });
}

/** `ms` never descends along a line; `depth` is the number of points below. */
interface Place {
  readonly ms: number;
  readonly depth: number;
}

/** Lines of points from the bottom up, the longest first; together they hold every point, and no two lines share one: a branch begins
 *  behind the point that it leaves its line at. */
function linesOf<T extends OrderedPoint>(
  points: readonly T[],
): { readonly below: T | null; readonly line: T[] }[] {
  const byId = new Map(points.map((point) => [point.id, point]));
  const depths = depthsOf(points, byId);
  const deepestFirst = [...points].sort((a, b) => depths.get(b.id)! - depths.get(a.id)!);
  const taken = new Set<string>();
  const lines: { below: T | null; line: T[] }[] = [];
  for (const tip of deepestFirst) {
    const line: T[] = [];
    let below: T | undefined = tip;
    while (below !== undefined && !taken.has(below.id)) {
      taken.add(below.id);
      line.push(below);
      below = parentOf(below, byId);
    }
    if (line.length > 0) lines.push({ below: below ?? null, line: line.reverse() });
  }
  return lines;
}

function parentOf<T extends OrderedPoint>(point: T, byId: ReadonlyMap<string, T>): T | undefined {
  return point.parentId === null ? undefined : byId.get(point.parentId);
}

/** Number of points below each; those of a circle count as many as are passed before it closes. */
function depthsOf<T extends OrderedPoint>(
  points: readonly T[],
  byId: ReadonlyMap<string, T>,
): Map<string, number> {
  const depths = new Map<string, number>();
  for (const point of points) {
    const climbed: T[] = [];
    const passed = new Set<string>();
    let next: T | undefined = point;
    while (next !== undefined && !depths.has(next.id) && !passed.has(next.id)) {
      passed.add(next.id);
      climbed.push(next);
      next = parentOf(next, byId);
    }
    let depth = next === undefined ? 0 : (depths.get(next.id) ?? 0) + 1;
    for (const { id } of climbed.reverse()) depths.set(id, depth++);
  }
  return depths;
}

/** A clock that lost its battery starts in 1970 or 1980; no backup that is read here is older than this. */
const EARLIEST_DATE_MS = Date.UTC(2000, 0);

function placeLine<T extends OrderedPoint>(
  { below, line }: { readonly below: T | null; readonly line: readonly T[] },
  places: Map<string, Place>,
): void {
  const floor = (below === null ? undefined : places.get(below.id)) ?? { ms: -Infinity, depth: -1 };
  const dates = line.map(({ createdAtMs }) => createdAtMs);
  const isPossible = (ms: number): boolean => ms >= floor.ms && ms >= EARLIEST_DATE_MS;
  const trusted = longestAscent(dates.map((ms) => (isPossible(ms) ? ms : null)));
  const first = trusted.findIndex(Boolean);
  let ms = first === -1 ? Math.max(floor.ms, ...dates) : dates[first]!;
  line.forEach(({ id }, index) => {
    if (trusted[index]) ms = dates[index]!;
    places.set(id, { ms, depth: floor.depth + 1 + index });
  });
}

/** Which entries belong to a longest sequence that never descends; null entries never do. */
function longestAscent(values: readonly (number | null)[]): boolean[] {
  /** `ends[n]`: index of the smallest value that ends a sequence of n + 1. */
  const ends: number[] = [];
  const previous: number[] = values.map(() => -1);
  values.forEach((value, index) => {
    if (value === null) return;
    let length = ends.length;
    while (length > 0 && values[ends[length - 1]!]! > value) length--;
    previous[index] = length === 0 ? -1 : ends[length - 1]!;
    ends[length] = index;
  });
  const belongs = values.map(() => false);
  for (let index = ends.at(-1) ?? -1; index >= 0; index = previous[index]!) belongs[index] = true;
  return belongs;
}
