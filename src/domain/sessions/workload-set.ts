/** Workloads by their ids or, where there are many, by short marks of them. Pure. */

import { fingerprint } from '../targets/path-segment.js';

/** 48 bits: of a thousand workloads two are taken for one in one of a hundred million sessions. */
const MARK_CHARACTERS = 12;
const MARK = /^#[0-9a-f]{12}$/;

/** Stands for an id in a fixed length. */
export function markOf(workloadId: string): string {
  return `#${fingerprint(workloadId).slice(-MARK_CHARACTERS)}`;
}

/** Takes and tells ids and marks alike: what was added by its mark is found by its id, and the other way round. */
export class WorkloadSet {
  readonly #names = new Set<string>();
  /** Of all that were added; null: nobody has asked by a mark. */
  #marks: Set<string> | null = null;
  #hasMarks = false;

  constructor(names: Iterable<string> = []) {
    for (const name of names) this.add(name);
  }

  get size(): number {
    return this.#names.size;
  }

  /** As they were added. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  add(name: string): void {
    this.#names.add(name);
    this.#hasMarks ||= MARK.test(name);
    this.#marks?.add(asMark(name));
  }

  has(name: string): boolean {
    if (this.#names.has(name)) return true;
    if (!MARK.test(name)) return this.#hasMarks && this.#names.has(markOf(name));
    this.#marks ??= new Set([...this.#names].map(asMark));
    return this.#marks.has(name);
  }
}

function asMark(name: string): string {
  return MARK.test(name) ? name : markOf(name);
}
