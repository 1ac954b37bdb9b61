import { describe, expect, it } from 'vitest';
import { KillTally } from '../../support/kill-table/kill-tally.js';
import { wholePlan } from '../../support/kill-table/kill-table.js';
import { prepareScenario, SCENARIO_NAMES } from '../../support/kill-table/scenarios.js';
import { STORE_SABOTAGES } from '../../support/kill-table/store-sabotages.js';
import { wholeStorePlan } from '../../support/kill-table/store-table.js';
import { tryRequests } from '../../support/kill-table/try-requests.js';

/** What goes wrong without another session at work. */
const ALONE = ['before', 'after', 'unanswered', 'late', 'lostRace'] as const;

/** For every build: few requests, at another place in each scenario, and of what may happen to them a quarter.
 *  `npm run kill-table -- --objects` tries them all. */
const SCENARIOS = wholeStorePlan(89)
  .filter(([, , { secondStopStride }]) => secondStopStride === undefined)
  .map(([name, shows, effort], index) => {
    const part = { index: index % 4, count: 4 };
    const place = { part, first: 1 + ((index * 7) % 17), ways: ALONE };
    return { name, effort: { ...effort, shows, ...place } };
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

  it('lose no restore point when another session does its work right before a record is put', async () => {
    const tally = new KillTally();
    const scenario = await prepareScenario('delete of a chain');
    const ways = ['overtaken', 'overtakenKilled'] as const;
    const part = { index: 0, count: 3 };
    await tryRequests(scenario, { stride: 1, ways, part }, tally);
    expect(tally.findings).toEqual([]);
    expect(tally.total.positions).toBeGreaterThan(ways.length);
  });

  it('leave a quarantine in one folder that is stopped between two files of a point', async () => {
    const tally = new KillTally();
    const scenario = await prepareScenario('quarantine of what cannot be healed');
    const part = { index: 0, count: 4 };
    const effort = { stride: 2, first: 35, part, shows: 'markDamage', ways: ALONE };
    await tryRequests(scenario, effort, tally);
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
    async ({ scenario, first, ways, broken }) => {
      const tally = new KillTally();
      const effort = { stride: 1, first, ways: ways ?? ALONE, broken, untilLost: true };
      await tryRequests(await prepareScenario(scenario), effort, tally);
      expect(tally.total.lost).toBeGreaterThan(0);
    },
  );
});
