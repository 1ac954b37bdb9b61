import { hash } from 'node:crypto';

/** Paths that are only ever asked for, in 8 bytes each: a datastore has millions. Two of them are taken for one in one of 10^7 sets of a million. */
export class PathSet {
  #marks = new BigUint64Array(1_024);
  #count = 0;
  #isSorted = true;

  add(path: string): void {
    if (this.#count === this.#marks.length) {
      const larger = new BigUint64Array(this.#count * 2);
      larger.set(this.#marks);
      this.#marks = larger;
    }
    this.#marks[this.#count++] = markOf(path);
    this.#isSorted = false;
  }

  has(path: string): boolean {
    const marks = this.#marks.subarray(0, this.#count);
    if (!this.#isSorted) marks.sort();
    this.#isSorted = true;
    const mark = markOf(path);
    let [low, high] = [0, marks.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (marks[middle]! < mark) low = middle + 1;
      else high = middle;
    }
    return marks[low] === mark;
  }
}

function markOf(path: string): bigint {
  return hash('sha256', path, 'buffer').readBigUInt64LE(0);
}
