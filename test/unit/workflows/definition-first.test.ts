import { expect, it } from 'vitest';
import { readJobDefinition } from '../../../src/chain/sessions/session-record.js';
import { GrowingSource } from '../../support/living/growing-source.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

it('the definition of a job lies beside its data before the first of them is copied', async () => {
  const nowMs = Date.parse('2026-11-01T01:00:00Z');
  const source = new SimulatedRepository('primary');
  const target = new SimulatedRepository('offsite');
  for (const name of ['mail01', 'web02'])
    await new GrowingSource(source, name, { blockCount: 4 }).backUp(nowMs, 'full');
  const job = testJob({ restorePoints: 'all', origin: 'this one' });
  const found: unknown[] = [];
  const sessions = new LocalSessions([source, target], {
    beforeActivity: async (name) => {
      if (name === 'planCopy') found.push(await readJobDefinition(target, job.id));
    },
  });
  await sessions.copy(job, nowMs + 3_600_000);
  expect(found).toEqual([job, job]);
});
