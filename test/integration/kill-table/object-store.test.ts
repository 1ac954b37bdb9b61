import { describe, expect, it } from 'vitest';
import { KillTally } from '../../support/kill-table/kill-tally.js';
import { wholePlan } from '../../support/kill-table/kill-table.js';
import { prepareScenario, SCENARIO_NAMES } from '../../support/kill-table/scenarios.js';
import { STORE_SABOTAGES } from '../../support/kill-table/store-sabotages.js';
import { wholeStorePlan } from '../../support/kill-table/store-table.js';
import { tryRequests } from '../../support/kill-table/try-requests.js';

/** For every build: few requests, at another place in each scenario, and of what may happen to them a quarter.
 *  `npm run kill-table -- --objects` tries them all. */
const SCENARIOS = wholeStorePlan(89)
  .filter(([, , { secondStopStride }]) => secondStopStride === undefined)
  .map(([name, shows, effort], index) => {
    const part = { index: index % 4, count: 4 };
    return { name, effort: { ...effort, shows, part, first: 1 + ((index * 7) % 17) } };
  });

describe('requests that an object store loses, does twice or does too late', () => {
  it.each(SCENARIOS)('lose no restore point: $name', async ({ name, effort }) => {
    const tally = new KillTally();
    await tryRequests(await prepareScenario(name), effort, tally);
    expect(tally.findings).toEqual([]);
    expect(tally.total.positions).toBeGreaterThan(0);
  });

  it('lose no restore point when the next process dies too, while it recovers', async () => {
    const tally = new KillTally();
    const scenario = await prepareScenario('heal of damaged blocks');
    await tryRequests(scenario, { stride: 13, first: 9, secondStopStride: 23 }, tally);
    expect(tally.findings).toEqual([]);
    expect(tally.total.positions).toBeGreaterThan(0);
  });

  it('leave a quarantine in one folder that is stopped between two files of a point', async () => {
    const tally = new KillTally();
    const scenario = await prepareScenario('quarantine of what cannot be healed');
    const part = { index: 0, count: 4 };
    await tryRequests(scenario, { stride: 2, first: 35, part, shows: 'markDamage' }, tally);
    expect(tally.findings).toEqual([]);
  });

  it('are tried with every change that a directory is tried with', () => {
    const inPlace = /merge/;
    const tried = wholeStorePlan(1).map(([name]) => name);
    const onDirectory = wholePlan(1).map(([name]) => name);
    expect(onDirectory.filter((name) => !inPlace.test(name) && !tried.includes(name))).toEqual([]);
    expect(new Set([...onDirectory, ...tried])).toEqual(new Set(SCENARIO_NAMES));
  });

  it.each(STORE_SABOTAGES)(
    'lose some when a promise is broken: $name',
    async ({ scenario, first, wrap }) => {
      const tally = new KillTally();
      const effort = { stride: 1, first, wrap, untilLost: true };
      await tryRequests(await prepareScenario(scenario), effort, tally);
      expect(tally.total.lost).toBeGreaterThan(0);
    },
  );
});
