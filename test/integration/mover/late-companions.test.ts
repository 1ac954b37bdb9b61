import { readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { machineFolder, manyMachines } from '../../support/layout/many-machines.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.parse('2026-11-25T22:00:00Z');
const DAY_MS = 86_400_000;

it('a machine definition that was written to after its point was copied is a warning of the next session', async () => {
  const source = await manyMachines(1);
  const sessions = new LocalSessions([source.repository, new SimulatedRepository('offsite')]);
  const job = testJob({ restorePoints: 'latest' });
  await sessions.copy(job, NOW_MS);
  const unchanged = await sessions.copy(job, NOW_MS + DAY_MS);
  expect(unchanged.tasks).toMatchObject([{ result: 'nothingToCopy', notes: [] }]);

  const path = source.at(`${machineFolder(1)}/domain.cp3.xml`);
  await writeFile(path, `${await readFile(path, 'utf8')}\n`);
  const { tasks } = await sessions.copy(job, NOW_MS + 2 * DAY_MS);
  expect(tasks).toMatchObject([
    {
      result: 'warning',
      reason: expect.stringMatching(/domain\.cp3\.xml changed after it was copied/),
    },
  ]);
});
