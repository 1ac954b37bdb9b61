import { compareBytes } from '../domain/byte-order.js';

export interface Sorted {
  readonly path: string;
}

/** A stream that comes in parts, sorted by path, without a promise for each of a million entries. */
export class SortedStream<T extends Sorted> {
  #part: readonly T[] = [];
  #at = 0;
  /** null: at the end. Before the first `advance` also. */
  current: T | null = null;

  constructor(private readonly parts: AsyncIterator<readonly T[]>) {}

  static async of<T extends Sorted>(parts: AsyncIterable<readonly T[]>): Promise<SortedStream<T>> {
    const stream = new SortedStream(parts[Symbol.asyncIterator]());
    await stream.#nextPart();
    return stream;
  }

  /** @returns what has to be awaited before `current` is the next one; null: nothing */
  advance(): Promise<void> | null {
    if (++this.#at >= this.#part.length) return this.#nextPart();
    this.current = this.#part[this.#at]!;
    return null;
  }

  /** What it reads from is closed, although it is not at its end. */
  async close(): Promise<void> {
    await this.parts.return?.();
  }

  async #nextPart(): Promise<void> {
    for (;;) {
      const next: IteratorResult<readonly T[], unknown> = await this.parts.next();
      if (next.done === true) {
        this.#part = [];
        this.current = null;
        return;
      }
      const { value } = next;
      if (value.length === 0) continue;
      this.#part = value;
      this.#at = 0;
      this.current = value[0]!;
      return;
    }
  }
}

/** Entries of several streams as one: of those with one path, that of the last stream counts. */
export async function* mergeStreams<T extends Sorted>(
  streams: readonly SortedStream<T>[],
): AsyncGenerator<readonly T[]> {
  let part: T[] = [];
  for (;;) {
    let first: T | null = null;
    for (const { current } of streams)
      if (current !== null && (first === null || compareBytes(current.path, first.path) <= 0))
        first = current;
    if (first === null) break;
    const { path } = first;
    for (const stream of streams) {
      if (stream.current?.path !== path) continue;
      const wait = stream.advance();
      if (wait !== null) await wait;
    }
    part.push(first);
    if (part.length === PART_ENTRIES) {
      yield part;
      part = [];
    }
  }
  yield part;
}

export const PART_ENTRIES = 1_024;

/** Walks through two sorted streams side by side.
 *  @param visit gets what both have under one path, or one of them alone; may say what has to be awaited */
export async function walkBoth<A extends Sorted, B extends Sorted>(
  left: SortedStream<A>,
  right: SortedStream<B>,
  visit: (a: A | null, b: B | null) => Promise<void> | undefined,
): Promise<void> {
  for (;;) {
    const { current: a } = left;
    const { current: b } = right;
    if (a === null && b === null) return;
    const order = orderOf(a, b);
    const wait = visit(order <= 0 ? a : null, order >= 0 ? b : null);
    if (wait !== undefined) await wait;
    const waits = [order <= 0 ? left.advance() : null, order >= 0 ? right.advance() : null];
    for (const next of waits) if (next !== null) await next;
  }
}

/** Of the next two of both; null: there is none, and the other one comes first. Most are the same. */
function orderOf(a: Sorted | null, b: Sorted | null): number {
  if (a === null || b === null) return a === null ? 1 : -1;
  return a.path === b.path ? 0 : compareBytes(a.path, b.path);
}
