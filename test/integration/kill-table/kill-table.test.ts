import { describe, expect, it } from 'vitest';
import { KillTally } from '../../support/kill-table/kill-tally.js';
import { REDUCED_PLAN } from '../../support/kill-table/kill-table.js';
import { SABOTAGES } from '../../support/kill-table/sabotages.js';
import { prepareScenario } from '../../support/kill-table/scenarios.js';
import { tryPositions } from '../../support/kill-table/try-positions.js';

/** The whole table: `npm run kill-table`. */
describe('the kill table, with gaps', () => {
  it.each(
    REDUCED_PLAN.map(([name, effort]) => ({
      name,
      effort,
      stops:
        (effort.secondStopStride === undefined ? 'once' : 'twice') +
        (effort.within === undefined ? '' : ` in ${effort.within.join(', ')}`),
    })),
  )('loses no restore point in a $name that is stopped $stops', async ({ name, effort }) => {
    const tally = new KillTally();
    await tryPositions(await prepareScenario(name), effort, tally);
    expect(tally.findings).toEqual([]);
    expect(tally.total).toMatchObject({ lost: 0, wrong: 0 });
    expect(tally.total.positions).toBeGreaterThan(9);
    expect(tally.total.pointsRead).toBeGreaterThan(9);
    expect(tally.total.witnessed > 0).toBe(effort.witnessStride > 0);
  });
});

describe('a promise that is broken on purpose', () => {
  it.each(SABOTAGES)('loses restore points when $name', async ({ scenario, sabotage, stride }) => {
    const tally = new KillTally();
    // A swap of steps shows when the process is just killed.
    const powerCuts = sabotage.wrap === undefined ? 3 : 0;
    const effort = { powerCuts, stride, witnessStride: 0, sabotage, untilLost: true };
    await tryPositions(await prepareScenario(scenario), effort, tally);
    expect(tally.total.lost).toBeGreaterThan(0);
  });
});
