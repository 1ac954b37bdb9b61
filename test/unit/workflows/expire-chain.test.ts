import { expect, it } from 'vitest';
import { DEFAULT_COPY_SETTINGS } from '../../../src/domain/jobs/copy-settings.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

it('the end of a one-time copy begins no chain where its own was moved away meanwhile', async () => {
  const target = new SimulatedRepository('offsite');
  const workload = { id: 'web01', name: 'web01', type: 'libvirt-kvm' } as const;
  const chain = { jobId: 'once-1', workloadId: 'web01', workload };
  const settings = DEFAULT_COPY_SETTINGS;
  const input = { repositoryId: 'offsite', chain, isOrdered: true, settings };
  const answer = await new LocalSessions([target]).expire(input, Date.UTC(2026, 10, 27));
  expect(answer).toEqual({ deleted: 0, heldBy: null });
  expect(await target.list('once-1')).toEqual([]);
});
