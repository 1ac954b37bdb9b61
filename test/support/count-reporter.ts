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
    // At exit, because the summary of the default reporter comes after this call; and because a failed global set-up shows
    // in the exit code alone.
    process.once('exit', (code) => {
      const failed = code === 0 ? counts.failed : Math.max(counts.failed, 1);
      process.stdout.write(
        `${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped\n`,
      );
    });
  }
}
