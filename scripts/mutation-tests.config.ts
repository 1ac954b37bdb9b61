import { defineConfig } from 'vitest/config';

/** For `npm run mutate`: tests without the set-up of a Temporal server. */
export default defineConfig({
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
});
