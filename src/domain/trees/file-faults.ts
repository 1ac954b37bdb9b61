/** Files of a tree that are not copied, with the reason. There may be many, so only the first ones are told one by one. Plain JSON. */

import { counted } from '../sentences.js';

export interface FileFault {
  /** Relative to the tree, as it can be shown. */
  readonly path: string;
  /** In plain words. */
  readonly reason: string;
}

export interface FileFaults {
  readonly count: number;
  /** The first ones. */
  readonly examples: readonly FileFault[];
}

export const NO_FAULTS: FileFaults = { count: 0, examples: [] };

const MAX_EXAMPLES = 20;

export class FaultList {
  #count = 0;
  readonly #examples: FileFault[] = [];

  add(fault: FileFault): void {
    this.#count++;
    if (this.#examples.length < MAX_EXAMPLES) this.#examples.push(fault);
  }

  get faults(): FileFaults {
    return { count: this.#count, examples: this.#examples };
  }
}

export function joinFaults(a: FileFaults, b: FileFaults): FileFaults {
  const examples = [...a.examples, ...b.examples].slice(0, MAX_EXAMPLES);
  return { count: a.count + b.count, examples };
}

/** One plain sentence for each example, and one for the rest. */
export function faultNotes(faults: FileFaults): string[] {
  return notesOf(faults, 'was not copied', 'were not copied for reasons like these');
}

/** In one sentence: the first one, and how many more there are. */
export function faultsText({ count, examples }: FileFaults): string {
  const [first] = examples;
  const rest = count - 1;
  const more =
    rest > 0 ? `; ${rest} more ${rest === 1 ? 'was' : 'were'} not, as the notes say` : '';
  return first === undefined
    ? `${counted(count, 'file was', 'files were')} not copied`
    : `${JSON.stringify(first.path)} was not copied: ${first.reason}${more}`;
}

/** The same of files that are copied later. */
export function waitingNotes(waiting: FileFaults): string[] {
  return notesOf(waiting, 'waits', 'wait like these');
}

function notesOf({ count, examples }: FileFaults, what: string, others: string): string[] {
  const rest = count - examples.length;
  return [
    ...examples.map(({ path, reason }) => `${JSON.stringify(path)} ${what}: ${reason}`),
    ...(rest > 0 ? [`${rest} more files ${others}`] : []),
  ];
}

/** One sentence for each file that is told, and one for the others. */
export function fileNotes(
  { count, examples }: FileFaults,
  say: (reason: string) => string,
): string[] {
  const rest = count - examples.length;
  return [
    ...examples.map(({ path, reason }) => `${JSON.stringify(path)} ${say(reason)}`),
    ...(rest > 0 ? [`and ${rest} more files like these`] : []),
  ];
}
