import { expect, it } from 'vitest';
import { ChangeRun } from '../../support/kill-table/change-run.js';
import { readShownPoints } from '../../support/kill-table/read-points.js';
import { prepareScenario } from '../../support/kill-table/scenarios.js';
import { MACHINE } from '../../support/kill-table/source-chain.js';
import type { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { WorkerDeath } from '../../support/workflows/local-server.js';

const FIRST = '2026-11-01T010000Z';
const SECOND = '2026-11-02T010000Z';

/** The same bytes again: the files have other stamps now, so no plan that read them can be taken up. */
async function touchFiles(source: SimulatedRepository): Promise<void> {
  for (const { path } of await source.list(MACHINE)) {
    const file = await source.openWrite(path, 'existing');
    const start = new Uint8Array(4);
    await file.read(start, 0);
    await file.write(start, 0);
    await file.close();
  }
}

it.each([0, -1])(
  'copies a point whose commit was stopped at a name and whose source was rewritten before the next session',
  async (at) => {
    const scenario = await prepareScenario('copy of a chain of 2');
    const { chain, change } = scenario;
    const begin = (source: SimulatedRepository, target: SimulatedRepository, number: number) =>
      ChangeRun.begin(change, source, target, { number });
    const undisturbed = scenario.target.clone();
    await begin(scenario.source, undisturbed, 1).toEnd();
    // With some of its files named, and with all.
    const naming = undisturbed.operations
      .filter(({ to }) => to?.startsWith(`${chain}/${FIRST}/`) === true)
      .at(at);
    const crash = { atOperation: naming?.number ?? 0, when: 'after' } as const;
    const stopped = scenario.target.clone({ crash });
    await expect(begin(scenario.source, stopped, 1).toEnd()).rejects.toThrow(WorkerDeath);

    const source = scenario.source.clone();
    await touchFiles(source);
    const next = stopped.restart({ kind: 'none' });
    // Of another plan that came to nothing under the same record.
    await next.put(`${chain}/.quarantine/${FIRST}-uncommitted-2/vda.qcow2`, Buffer.from('older'));
    expect(await begin(source, next, 2).toEnd()).toBeNull();

    expect(await readShownPoints(next, scenario)).toMatchObject({
      shown: [FIRST, SECOND],
      faults: [],
    });
    const aside = await next.list(`${chain}/.quarantine`);
    expect(aside.map(({ name }) => name)).toEqual([
      `${FIRST}-uncommitted-2-2`,
      `${FIRST}-uncommitted-2`,
    ]);
  },
);
