import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `npm run mutate` and the processes that run its tests tell each other, in files of one folder. */
export interface Plan {
  /** First what each test comes to, then what each notices: those that end at once, then the slow ones with what is left. */
  readonly step: 'reach' | 'tryQuick' | 'trySlow';
  /** Paths of the test files. */
  readonly tests: readonly string[];
  /** The ids of the changes to be tried. */
  readonly drawn: readonly string[];
}

/** What one test comes to, without any change switched on. */
export interface Reach {
  /** The runner's id of it. */
  readonly test: string;
  readonly title: string;
  readonly file: string;
  readonly passed: boolean;
  readonly durationMs: number;
  /** How often, by id of the change. */
  readonly hits: Readonly<Record<string, number>>;
}

/** `trying` is written before the test runs, so that a change with which it never ends is known. */
export interface Trial {
  readonly change: string;
  readonly state: 'trying' | 'noticed' | 'late';
}

/** Where the runner finds the folder. */
export const FOLDER_VARIABLE = 'LONGHAUL_MUTATION_FOLDER';
export const PLAN = 'plan.json';
export const REACHES = 'reaches.jsonl';
/** Titles of tests that fail when they are run twice in one process, and so say nothing. */
export const ONCE = 'once.jsonl';
/** Ids of changes that are made when a file is loaded. */
export const LOADED = 'loaded.jsonl';
export const TRIALS = 'trials.jsonl';

export function readPlan(folder: string): Plan {
  return JSON.parse(readFileSync(join(folder, PLAN), 'utf8')) as Plan;
}

export function append(
  folder: string,
  file: string,
  line: Reach | Trial | readonly string[],
): void {
  appendFileSync(join(folder, file), `${JSON.stringify(line)}\n`);
}

export function readLines<Line>(folder: string, file: string): readonly Line[] {
  const path = join(folder, file);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Line);
}

export function noticedIn(trials: readonly Trial[]): ReadonlySet<string> {
  return new Set(trials.filter(({ state }) => state !== 'trying').map(({ change }) => change));
}
