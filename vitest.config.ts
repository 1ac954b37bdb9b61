import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.js';

/** Two projects: the tests that talk to Temporal share one server, started only when one of them is selected. */
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    reporters: [
      'default',
      './test/support/guarantee-reporter.ts',
      './test/support/count-reporter.ts',
    ],
    projects: [
      {
        extends: true,
        test: {
          name: 'plain',
          include: ['test/{unit,conformance,replay,compat,boundary}/**/*.test.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'temporal',
          include: ['test/{workflow,integration}/**/*.test.ts'],
          globalSetup: ['./test/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
