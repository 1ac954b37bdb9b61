import { expect, it } from 'vitest';
import { readShownPoints } from '../../kill-table/read-points.js';
import { prepareScenario } from '../../kill-table/scenarios.js';
import { MACHINE } from '../../kill-table/source-chain.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import {
  SimulatedCrash,
  type SimulatedRepository,
} from '../../support/repository/simulated-repository.js';

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

it('copies a point whose commit was stopped and whose source was rewritten before the next session', async () => {
  const scenario = await prepareScenario('copy of a chain of 2');
  const { chain } = scenario;
  const undisturbed = scenario.target.clone();
  await scenario.run(new InProcessMover(scenario.source, undisturbed), 'session-1');
  const naming = undisturbed.operations.find(({ to }) => to === `${chain}/${FIRST}`);
  const crash = { atOperation: naming?.number ?? 0, when: 'after' } as const;
  const stopped = scenario.target.clone({ crash });
  const first = scenario.run(new InProcessMover(scenario.source, stopped), 'session-1');
  await expect(first).rejects.toThrow(SimulatedCrash);

  const source = scenario.source.clone();
  await touchFiles(source);
  const next = stopped.restart({ kind: 'none' });
  await scenario.run(new InProcessMover(source, next), 'session-2');

  expect(await readShownPoints(next, scenario)).toEqual({ shown: [FIRST, SECOND], faults: [] });
  const aside = await next.list(`${chain}/.quarantine`);
  expect(aside.map(({ name }) => name)).toEqual([`${FIRST}-uncommitted-2`]);
});
