import { expect, it } from 'vitest';
import { holdLease, LEASE_MS } from '../../../src/chain/leases.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { machineId, manyMachines } from '../../support/layout/many-machines.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.parse('2026-11-25T22:00:00Z');
const CHECKED_AT_MS = NOW_MS + 86_400_000;
const LATEST = testJob({ restorePoints: 'latest' });

it('a damaged point that is being restored keeps no other chain from being checked, and what was found in it is told', async () => {
  const source = await manyMachines(3);
  const target = new SimulatedRepository('offsite');
  await new LocalSessions([source.repository, target]).copy(LATEST, NOW_MS);
  const ids = [1, 2, 3].map(machineId).sort();
  const chain = `nightly/${ids[0]!}`;
  const { id, disks } = (await readChainRecord(target, chain))!.points[0]!;
  const file = await target.openWrite(`${chain}/${disks[0]!.path}`, 'existing');
  await file.write(Buffer.from('damaged'), 65_536 * 2);
  await file.close();
  await holdLease(target, chain, 'reader', {
    ...{ restorePointId: id, purpose: 'restore' },
    expiresAtMs: CHECKED_AT_MS + LEASE_MS,
  });
  // Nothing to heal it from.
  const status = await new LocalSessions([new SimulatedRepository('primary'), target]).verify(
    'offsite',
    CHECKED_AT_MS,
  );
  expect(status).toMatchObject({
    result: 'failed',
    reason: '1 of 1 damaged places could not be healed',
  });
  expect(status.notes[0]).toContain('1 units of disk vda are damaged');
  const dates = [];
  for (const workload of ids)
    dates.push((await readChainRecord(target, `nightly/${workload}`))!.points[0]!.verifiedAt);
  // Of the copy, and of the check a day later.
  const isLater = dates.map((date) => Date.parse(date!) >= CHECKED_AT_MS);
  expect(isLater).toEqual([false, true, true]);
});
