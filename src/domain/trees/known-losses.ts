/** Files of a copied tree that are known not to be there as they were copied, and what its points are worth as long as they are not. Plain JSON of bounded
 *  size. */

import type { TargetTreePoint } from './target-tree.js';
import { pointsThatNeed, type LostFile } from './tree-damage.js';
import type { TreeRules } from './tree-rules.js';

export interface LostCopy extends LostFile {
  /** As the index has it: of another one nothing is known. */
  readonly digest: string;
}

export interface KnownLosses {
  readonly count: number;
  /** All of them, when they are no more than this. */
  readonly files: readonly LostCopy[];
}

export const NO_LOSSES: KnownLosses = { count: 0, files: [] };

/** More than these only a health check heals. */
const MOST_FILES = 200;

export class LossList {
  #count = 0;
  readonly #files: LostCopy[] = [];

  add({ path, digest, goneSinceMs }: LostCopy): void {
    this.#count++;
    if (this.#files.length < MOST_FILES) this.#files.push({ path, digest, goneSinceMs });
  }

  get losses(): KnownLosses {
    return { count: this.#count, files: this.#files };
  }
}

export function joinLosses(a: KnownLosses, b: KnownLosses): KnownLosses {
  return { count: a.count + b.count, files: [...a.files, ...b.files].slice(0, MOST_FILES) };
}

export function lossesWithout(
  { count, files }: KnownLosses,
  isMended: (path: string) => boolean,
): KnownLosses {
  const left = files.filter(({ path }) => !isMended(path));
  return { count: count - (files.length - left.length), files: left };
}

interface Standing {
  readonly points: readonly TargetTreePoint[];
  readonly lost?: KnownLosses;
}

/** Whether it is known of all points that are not good what they suffer from. */
export function areLossesKnown({ points, lost }: Standing): boolean {
  if (lost === undefined) return points.every(({ health }) => health === 'good');
  return lost.count === lost.files.length;
}

/** The points when files were sent again: one is good when nothing is left of what it suffered from. Each file was proven when it was sent, and the others
 *  when they were copied or checked.
 *  @param before of the record until now
 *  @param isBehind what the source has removed points that it shows may need all the same */
export function pointsWithout(
  before: Standing,
  points: readonly TargetTreePoint[],
  left: KnownLosses,
  {
    rules,
    isBehind,
  }: { readonly rules: Pick<TreeRules, 'shape' | 'pointOf'>; readonly isBehind: boolean },
): TargetTreePoint[] {
  const isAllKnown = areLossesKnown(before) && left.count === left.files.length;
  if (!isAllKnown) return [...points];
  const needed = isBehind
    ? left.files.map(({ path }) => ({ path, goneSinceMs: null }))
    : left.files;
  const hurt = pointsThatNeed(points, needed, rules);
  return points.map((point) =>
    point.health === 'good' || hurt.has(point.id) ? point : { ...point, health: 'good' },
  );
}
