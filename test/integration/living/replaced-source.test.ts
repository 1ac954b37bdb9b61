import { expect, it } from 'vitest';
import { GrowingSource } from '../../support/living/growing-source.js';
import { LivingChain, newest } from '../../support/living/living-chain.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const HOUR_MS = 3_600_000;
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');

it('asks for a decision when the files of a restore point hold other bytes under the same names and dates', async () => {
  const source = new SimulatedRepository('primary');
  const target = new SimulatedRepository('offsite');
  const living = await LivingChain.begin({ source, target }, FIRST_AT_MS, newest(9));
  await living.session();
  const files = async () => (await living.points()).map(({ id, disks }) => ({ id, disks }));
  const before = await files();

  await living.source.removeAll();
  const other = new GrowingSource(source, 'mail01', { blockCount: 12, seed: 5 });
  await other.backUp(FIRST_AT_MS, 'full');
  expect(other.days[0]!.fileName).toBe(living.source.days[0]!.fileName);

  const job = testJob({ onSourceChainRecreated: 'requireNewJob' });
  const sessions = new LocalSessions([source, target]);
  const { result, tasks } = await sessions.copy(job, living.afterNewestBackupMs + HOUR_MS);
  expect(result).toBe('actionRequired');
  expect(tasks).toMatchObject([{ code: 'SOURCE_CHAIN_RECREATED', committed: [] }]);
  expect(await files()).toEqual(before);
  expect(await living.wrongPoints()).toEqual([]);
});
