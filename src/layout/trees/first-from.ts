/** Index of the first that is of `ms` or later; their number when none is.
 *  @param ordered oldest first: a log every few minutes makes tens of thousands
 *  @param msOf the time by which they are ordered */
export function firstFrom<T>(ordered: readonly T[], ms: number, msOf: (one: T) => number): number {
  let [low, high] = [0, ordered.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (msOf(ordered[middle]!) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
