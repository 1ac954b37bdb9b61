import { ApplicationFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import { testJob } from '../../support/session/test-site.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.UTC(2026, 10, 27, 22);
const HOUR_MS = 3_600_000;

it.each([
  ['its blocks are read', 'copyBlocks'],
  ['the copy is planned', 'planCopy'],
])('a source that is away for hours when %s lets others have its turn', async (_when, away) => {
  const source = new SimulatedRepository('primary');
  const file = await source.openWrite('web01.img', 'open-or-new');
  await file.write(Buffer.alloc(1_048_576, 7), 0);
  await file.close();
  let tries = 0;
  const sessions: LocalSessions = new LocalSessions([source, new SimulatedRepository('offsite')], {
    beforeActivity: async (name) => {
      if (name !== away || sessions.nowMs > NOW_MS + 3 * HOUR_MS) return Promise.resolve();
      tries++;
      throw ApplicationFailure.retryable('no answer', 'REPOSITORY_UNREACHABLE');
    },
  });
  const { result } = await sessions.copy(testJob({ restorePoints: 'all' }), NOW_MS);
  expect(result).toBe('success');
  expect(tries).toBeGreaterThan(150);
  // One for each quarter of an hour, and the one in which it is copied.
  expect(sessions.turnsGiven).toBeGreaterThan(10);
  expect(sessions.turnsGiven).toBeLessThan(16);
});
