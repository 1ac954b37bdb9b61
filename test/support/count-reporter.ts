import type { Reporter, TestModule } from 'vitest/node';

/** Last line of a run: `N passed, N failed, N skipped`, alone on its line, for programs that read test results.
 *  A file that could not be loaded, and an error outside every test, count as failed. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counts[state === 'pending' ? 'skipped' : state] += 1;
      }
      if (module.errors().length > 0) counts.failed += 1;
    }
    const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
    // After the summary of the default reporter, which is printed in the same tick.
    process.once('exit', () => process.stdout.write(`${line}\n`));
  }
}
