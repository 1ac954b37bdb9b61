import { expect, it } from 'vitest';
import { rm } from 'node:fs/promises';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { oneTimeJob } from '../../../src/domain/jobs/one-time-copy.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { copyToRepository } from '../../support/layout/repository-copy.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.parse('2026-11-25T22:00:00Z');

it('fails a one-time copy of a point that lacks a file, and copies no other in its place', async () => {
  const source = await copyToRepository('libvirt-push/files01');
  const [first] = await listSourceWorkloads(source.repository);
  const named = first!.restorePoints[1]!.id;
  await rm(source.at('vdb.cp2.qcow2'));
  const [workload] = await listSourceWorkloads(source.repository);
  expect(workload!.restorePoints.map(({ state }) => state)[0]).toBe('complete');
  expect(workload!.restorePoints.find(({ id }) => id === named)!.state).not.toBe('complete');

  const target = new SimulatedRepository('offsite');
  const order = {
    source: { repositoryId: 'primary', workload: 'files01', restorePointId: named },
    target: { repositoryId: 'offsite' },
    expiresAt: null,
  };
  const sessions = new LocalSessions([source.repository, target]);
  const job = oneTimeJob('once-files01', order, 'UTC');
  const outcome = await sessions.tryToCopy(job, NOW_MS);
  expect(outcome.result).toBe('failed');
  expect(JSON.stringify(outcome)).toContain(`restore point ${named}`);
  const record = await readChainRecord(target, `once-files01/${workload!.id}`);
  expect(record?.points).toEqual([]);
});
