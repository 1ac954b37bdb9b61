import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.js';

/** Files that put another module in the place of one, have modules loaded anew, add a row before anything reads the rows, or set the clock by which activities of a process know
 *  that it stood still (those of the next file would be given up), or ask whether it did: each has a process of its own. All others
 *  share theirs, because loading the same modules for each of them takes longer than most tests do. So a test leaves a process as it found
 *  it: rows, prototypes, clocks and what was started are taken back. */
const ALONE = [
  'test/unit/activities/reader-lease.test.ts',
  'test/unit/activities/run-task.test.ts',
  'test/unit/config/another-kind.test.ts',
  'test/unit/image/run-buffer.test.ts',
  'test/unit/mover/folder-watches.test.ts',
  'test/unit/mover/mover-threads.test.ts',
  'test/unit/mover/standing-threads.test.ts',
  'test/unit/repository/calls-of-thread.test.ts',
  'test/unit/temporal/state-lock.test.ts',
];

/** The tests that talk to Temporal are a project of their own: they share one server, started only when one of them is selected. */
export default defineConfig({
  test: {
    pool: 'forks',
    // Of two processors: tests of sessions wait a third of their time, for a retry or a look that comes later.
    maxWorkers: 3,
    // They end what hangs. A build machine that is half as fast, or has other work, is no fault.
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    expect: { poll: { timeout: 60_000 } },
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
          exclude: ALONE,
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE },
      },
      {
        extends: true,
        test: {
          name: 'temporal',
          include: ['test/{workflow,integration}/**/*.test.ts'],
          isolate: false,
          globalSetup: ['./test/global-setup.ts'],
        },
      },
    ],
  },
});
