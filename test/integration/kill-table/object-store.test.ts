import { describe, expect, it } from 'vitest';
import { prepareScenario, type ScenarioName } from '../../kill-table/scenarios.js';
import { STORE_SABOTAGES } from '../../kill-table/store-sabotages.js';
import { tryRequests } from '../../kill-table/try-requests.js';

/** Every how many requests, for every build; `npm run kill-table -- --objects` tries them all. */
const SCENARIOS: readonly (readonly [ScenarioName, number])[] = [
  ['copy of a first full', 61],
  ['copy of one increment', 211],
  ['synthetic full and delete instead of a merge', 223],
  ['delete of a chain', 43],
  ['heal of damaged blocks', 67],
];

describe('requests that an object store loses, does twice or does too late', () => {
  it.each(SCENARIOS)('lose no restore point: %s', async (name, stride) => {
    const tally = await tryRequests(await prepareScenario(name), { stride });
    expect(tally.faults).toBeGreaterThan(5);
    expect(tally.pointsRead).toBeGreaterThan(tally.faults);
    expect(tally.lost).toEqual([]);
    expect(tally.wrong).toEqual([]);
  });

  it.each(STORE_SABOTAGES)(
    'lose some when a promise is broken: $name',
    async ({ scenario, first, wrap }) => {
      const prepared = await prepareScenario(scenario);
      const tally = await tryRequests(prepared, { stride: 1, first, wrap, untilLost: true });
      expect(tally.lost).not.toEqual([]);
    },
  );
});
