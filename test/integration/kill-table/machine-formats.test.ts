import { afterEach, describe, expect, it } from 'vitest';
import { reducedFormatPlan } from '../../kill-table/format-table.js';
import { KillTally } from '../../kill-table/kill-tally.js';
import { formatNamed, MACHINE_FORMATS } from '../../kill-table/machine-formats.js';
import { makeMachinesKnown } from '../../kill-table/machine-layout.js';
import { SABOTAGES } from '../../kill-table/sabotages.js';
import { prepareScenario } from '../../kill-table/scenarios.js';
import { tryPositions } from '../../kill-table/try-positions.js';
import { requireTool } from '../../support/image/qemu.js';

/** The whole table of a format: `npm run kill-table -- --format vhdx`. */
const ROWS = MACHINE_FORMATS.flatMap((format, index) =>
  reducedFormatPlan(index).map(([name, effort]) => ({ id: format.id, name, effort, format })),
);

describe.skipIf(!requireTool('qemu-img'))('chains of other formats', () => {
  let forget: (() => void) | undefined;
  afterEach(() => forget?.());

  it.each(ROWS)('of $id lose nothing in a $name that is stopped', async (row) => {
    const { format, name, effort } = row;
    forget = makeMachinesKnown(format.id);
    const tally = new KillTally();
    await tryPositions(await prepareScenario(name, format), effort, tally);
    expect(tally.findings).toEqual([]);
    expect(tally.total.positions).toBeGreaterThan(0);
  });

  it('of VHDX lose points when a promise is broken', async () => {
    const format = formatNamed('vhdx');
    forget = makeMachinesKnown(format.id);
    const { scenario, sabotage, stride } = SABOTAGES.find(({ name }) => name === TOO_SOON)!;
    const tally = new KillTally();
    const within = ['commitRestorePoint'];
    const effort = { powerCuts: 0, stride, witnessStride: 0, sabotage, within, untilLost: true };
    await tryPositions(await prepareScenario(scenario, format), effort, tally);
    expect(tally.total.lost).toBeGreaterThan(0);
  });
});

const TOO_SOON = 'the commit record lists a point before its files have their names';
