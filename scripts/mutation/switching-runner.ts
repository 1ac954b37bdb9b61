import { TestRunner, type RunnerTestCase } from 'vitest';
import {
  append,
  FOLDER_VARIABLE,
  LOADED,
  noticedIn,
  ONCE,
  REACHES,
  readLines,
  readPlan,
  TRIALS,
  type Reach,
  type Trial,
} from './tried-tests.js';

/** What the code asks that Stryker's instrumenter has changed. */
interface Switch {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number;
  hitLimit?: number;
  mutantCoverage?: {
    static: Record<string, number>;
    perTest: Record<string, Record<string, number>>;
  };
}

interface Attempt {
  readonly repeats: number;
}

const folder = process.env[FOLDER_VARIABLE]!;
const plan = readPlan(folder);
const isDrawn = new Set(plan.drawn);
/** By this process, or by one before it that a change has ended. */
const noticed = new Set(noticedIn(readLines<Trial>(folder, TRIALS)));
const theSwitch: Switch = ((globalThis as { __stryker__?: Switch }).__stryker__ ??= {});
const QUICK_MS = 200;
const SHORTEST_LIMIT_MS = 2_000;
const LATE = new Error('too late');

/** Runs each test once more for every change that it comes to and that no test before it has noticed, in one process: nothing is loaded
 *  again, and what is made before all tests of a file stays as it is. */
export default class SwitchingRunner extends TestRunner {
  readonly #reaches = new Map(
    readLines<Reach>(folder, REACHES).map((reach) => [reach.test, reach] as const),
  );
  #changes: readonly string[] = [];
  #limitMs = Infinity;
  #isRepeatable = true;
  #isLate = false;

  override async onBeforeRunTask(test: RunnerTestCase): Promise<void> {
    await super.onBeforeRunTask(test);
    if (plan.step === 'reach') {
      theSwitch.currentTestId = test.id;
      return;
    }
    const reach = this.#reachOf(test);
    this.#changes = Object.keys(reach?.hits ?? {}).filter(
      (change) => isDrawn.has(change) && !noticed.has(change),
    );
    if (this.#changes.length === 0) test.mode = 'skip';
    this.#limitMs = Math.max(SHORTEST_LIMIT_MS, 5 * (reach?.durationMs ?? 0));
    this.#isRepeatable = true;
    // The first time without a change: a test that cannot be run twice in one process says nothing.
    test.repeats = this.#changes.length;
  }

  override onBeforeTryTask(test: RunnerTestCase, attempt?: Attempt): void {
    super.onBeforeTryTask(test);
    this.#isLate = false;
    const change = this.#changeOf(attempt);
    if (change === undefined || !this.#isRepeatable) return;
    append(folder, TRIALS, { change, state: 'trying' });
    theSwitch.hitCount = 0;
    theSwitch.hitLimit = 1_000 + 100 * (this.#reaches.get(test.id)?.hits[change] ?? 0);
    theSwitch.activeMutant = change;
  }

  async runTask(test: RunnerTestCase): Promise<void> {
    if (!this.#isRepeatable) return;
    const run = Promise.resolve(TestRunner.getTestFn(test)());
    if (plan.step === 'reach') return run;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#isLate = true;
        reject(LATE);
      }, this.#limitMs);
    });
    await Promise.race([run, late]).finally(() => clearTimeout(timer));
  }

  onAfterRetryTask(test: RunnerTestCase, attempt: Attempt): void {
    if (plan.step === 'reach') return;
    theSwitch.activeMutant = undefined;
    const change = this.#changeOf(attempt);
    const failed = test.result?.state === 'fail';
    if (change === undefined) {
      this.#isRepeatable = !failed;
      if (failed) append(folder, ONCE, [test.fullName]);
    } else if (failed) {
      noticed.add(change);
      append(folder, TRIALS, { change, state: this.#isLate ? 'late' : 'noticed' });
    }
    if (test.result !== undefined) Object.assign(test.result, { state: 'run', errors: [] });
  }

  override onAfterRunTask(test: RunnerTestCase): void {
    super.onAfterRunTask(test);
    if (plan.step !== 'reach') return;
    theSwitch.currentTestId = undefined;
    append(folder, REACHES, {
      test: test.id,
      title: test.fullName,
      file: test.file.filepath,
      passed: test.result?.state === 'pass',
      durationMs: test.result?.duration ?? 0,
      hits: theSwitch.mutantCoverage?.perTest[test.id] ?? {},
    });
  }

  override onAfterRunFiles(): void {
    super.onAfterRunFiles();
    if (plan.step === 'reach')
      append(folder, LOADED, Object.keys(theSwitch.mutantCoverage?.static ?? {}));
  }

  /** null: not a test of this step. */
  #reachOf(test: RunnerTestCase): Reach | null {
    const reach = this.#reaches.get(test.id);
    if (reach?.passed !== true) return null;
    return reach.durationMs <= QUICK_MS === (plan.step === 'tryQuick') ? reach : null;
  }

  #changeOf(attempt: Attempt | undefined): string | undefined {
    return plan.step === 'reach' ? undefined : this.#changes[(attempt?.repeats ?? 0) - 1];
  }
}
