import { afterEach, describe, expect, it } from 'vitest';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { TargetDisk } from '../../../src/domain/targets/target-point.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import { reducedFormatPlan } from '../../support/kill-table/format-table.js';
import { KillTally } from '../../support/kill-table/kill-tally.js';
import { formatNamed, MACHINE_FORMATS } from '../../support/kill-table/machine-formats.js';
import { makeMachinesKnown } from '../../support/kill-table/machine-layout.js';
import { SABOTAGES } from '../../support/kill-table/sabotages.js';
import { qemuFaults } from '../../support/kill-table/qemu-witness.js';
import { prepareScenario } from '../../support/kill-table/scenarios.js';
import { tryPositions } from '../../support/kill-table/try-positions.js';
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

  it.each(['vmdk', 'vhdx', 'vhd', 'virtnbd', 'raw'])(
    'of %s are read by a tool of its own, increments too',
    async (id) => {
      const format = formatNamed(id);
      forget = makeMachinesKnown(format.id);
      const scenario = await prepareScenario(
        'synthetic full and delete in a chain of 2, without merge',
        format,
      );
      const { target, chain, truth } = scenario;
      expect(await qemuFaults(target, scenario, false)).toEqual([]);
      const newest = (await readChainRecord(target, chain))!.points.at(-1)!;
      const [{ disk, path, kind }] = newest.disks as [TargetDisk];
      expect(kind).toBe('increment');
      // A block that the second day wrote, at 64 KiB of the disk.
      const written = truth.get(newest.source.restorePointId)!.get(disk)!;
      const bytes = (await readWholeFile(target, `${chain}/${path}`, 2 ** 24))!;
      const place = Buffer.from(bytes).indexOf(written.subarray(65_536, 65_552));
      expect(place).toBeGreaterThan(0);
      const file = await target.openWrite(`${chain}/${path}`, 'existing');
      await file.write(Buffer.from('other'), place);
      await file.close();
      expect(await qemuFaults(target, scenario, false)).toEqual([
        { pointId: newest.id, text: `a tool reads other bytes from ${path}` },
      ]);
    },
  );

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
