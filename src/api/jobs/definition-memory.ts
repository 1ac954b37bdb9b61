/** Definitions of jobs as a process has read them, kept for the process after it: else the first list after a start asks Temporal for each of them. A file
 *  in the state directory. It is a memory and no record: when it is lost, damaged or behind, a definition is read from its Schedule again. */

import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the Schedule of a job told when it was read. */
export interface RememberedDefinition {
  /** Which definition it carried (`versionOf`). */
  readonly version: string;
  /** Argument of its action, as it stands there. */
  readonly input: unknown;
  readonly skippedStarts: number;
  readonly createdAtMs: number;
  readonly writtenAtMs: number;
  readonly nextTimeMs: number | null;
}

/** Of the jobs of one kind. */
export interface DefinitionMemory {
  /** By the id of the job. */
  read(): Promise<ReadonlyMap<string, RememberedDefinition>>;
  write(definitions: ReadonlyMap<string, RememberedDefinition>): void;
}

export const NO_MEMORY: DefinitionMemory = { read: async () => new Map(), write: () => undefined };

const FORMAT = 1;

/** Changes that come soon after one another are written together. */
const WRITE_AFTER_MS = 1_000;

/** @param kind tells the files of one folder apart
 *  @param stateDirectory it is not made, because one that vanished is to be noticed; null: nothing is remembered */
export function definitionMemory(stateDirectory: string | null, kind: string): DefinitionMemory {
  return stateDirectory === null ? NO_MEMORY : new FileMemory(join(stateDirectory, `${kind}.json`));
}

class FileMemory implements DefinitionMemory {
  #latest: ReadonlyMap<string, RememberedDefinition> = new Map();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(private readonly path: string) {}

  async read(): Promise<ReadonlyMap<string, RememberedDefinition>> {
    try {
      const file = JSON.parse(await readFile(this.path, 'utf8')) as Partial<DefinitionFile> | null;
      if (file?.longhaulDefinitions !== FORMAT) return new Map();
      return new Map(Object.entries(file.jobs ?? {}).filter(([, found]) => isWhole(found)));
    } catch {
      // Nothing is remembered.
      return new Map();
    }
  }

  write(definitions: ReadonlyMap<string, RememberedDefinition>): void {
    this.#latest = definitions;
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#writing = this.#writing.then(() => this.#put());
    }, WRITE_AFTER_MS).unref();
  }

  /** Half a file is none: it is renamed when it is whole. A folder that cannot be written to costs the memory alone. */
  async #put(): Promise<void> {
    const file: DefinitionFile = {
      longhaulDefinitions: FORMAT,
      jobs: Object.fromEntries(this.#latest),
    };
    try {
      await writeFile(`${this.path}.new`, JSON.stringify(file), { mode: 0o600 });
      await rename(`${this.path}.new`, this.path);
    } catch {
      // Of a state directory that is lost, `serve` tells, and so do the workers of one that they cannot write to.
    }
  }
}

interface DefinitionFile {
  readonly longhaulDefinitions: number;
  readonly jobs: Readonly<Record<string, RememberedDefinition>>;
}

function isWhole(found: unknown): boolean {
  if (typeof found !== 'object' || found === null) return false;
  const { version, input, skippedStarts, createdAtMs, writtenAtMs, nextTimeMs } =
    found as Partial<RememberedDefinition>;
  const numbers = [skippedStarts, createdAtMs, writtenAtMs, nextTimeMs ?? 0];
  return typeof version === 'string' && carriesJob(input) && numbers.every(Number.isFinite);
}

function carriesJob(input: unknown): boolean {
  if (typeof input !== 'object' || input === null) return false;
  const { job } = input as { readonly job?: unknown };
  return typeof job === 'object' && job !== null;
}
