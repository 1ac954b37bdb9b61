import { expect, it } from 'vitest';
import { aHistory, liveThrough } from '../../../support/tree/databases/database-history.js';
import fc from '../../../support/properties.js';

/** `LONGHAUL_DATABASE_HISTORIES=500` tries so many. */
const HISTORIES = Number(process.env['LONGHAUL_DATABASE_HISTORIES'] ?? '5');

it('brings a database back from each point of its copy that is listed as good, and to each moment of the kept days', async () => {
  let [good, moments] = [0, 0];
  await fc.assert(
    fc.asyncProperty(aHistory, async (history) => {
      const judge = await liveThrough(history);
      good += judge.good;
      moments += judge.moments;
    }),
    { numRuns: HISTORIES, endOnFailure: true },
  );
  expect(good).toBeGreaterThan(100);
  expect(moments).toBeGreaterThan(100);
}, 600_000);
