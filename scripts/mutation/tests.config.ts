import { defineConfig } from 'vitest/config';
import { FOLDER_VARIABLE, readPlan } from './tried-tests.js';

const { tests } = readPlan(process.env[FOLDER_VARIABLE]!);

/** For `npm run mutate`: these tests alone, in one process and without a Temporal server. */
export default defineConfig({
  test: {
    include: [...tests],
    runner: 'scripts/mutation/switching-runner.ts',
    reporters: ['dot'],
    pool: 'forks',
    maxWorkers: 1,
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
