import { expect, it } from 'vitest';
import { aHistory, liveThrough } from '../../../support/tree/databases/database-history.js';
import fc from '../../../support/properties.js';

/** `LONGHAUL_DATABASE_HISTORIES=500` tries so many. */
const HISTORIES = Number(process.env['LONGHAUL_DATABASE_HISTORIES'] ?? '5');

it('brings a database back from each point of its copy that is listed as good', async () => {
  let good = 0;
  await fc.assert(
    fc.asyncProperty(aHistory, async (history) => {
      good += (await liveThrough(history)).good;
    }),
    { numRuns: HISTORIES, endOnFailure: true },
  );
  expect(good).toBeGreaterThan(100);
}, 600_000);
