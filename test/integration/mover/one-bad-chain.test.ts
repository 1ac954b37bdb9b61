import { rm } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { holdLease, LEASE_MS } from '../../../src/chain/leases.js';
import { readChainRecord, writeChainRecord } from '../../../src/chain/chain-store.js';
import { machineFolder, machineId, manyMachines } from '../../support/layout/many-machines.js';
import { breakSectors } from '../../support/repository/bad-sectors.js';
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
  // Nothing to heal it from, in a source that shows the others.
  await rm(source.at(machineFolder(1)), { recursive: true });
  const sessions = new LocalSessions([source.repository, target]);
  const status = await sessions.verify('offsite', CHECKED_AT_MS);
  expect(status).toMatchObject({
    result: 'failed',
    reason: '1 of 1 damaged place could not be healed',
  });
  expect(status.notes[0]).toContain('contents of one unit of disk vda are damaged');
  const dates = [];
  for (const workload of ids)
    dates.push((await readChainRecord(target, `nightly/${workload}`))!.points[0]!.verifiedAt);
  // Of the copy, and of the check a day later.
  const isLater = dates.map((date) => Date.parse(date!) >= CHECKED_AT_MS);
  expect(isLater).toEqual([false, true, true]);
});

it('a sector that cannot be read is found and healed, and keeps no other chain from being checked', async () => {
  const source = await manyMachines(3);
  const target = new SimulatedRepository('offsite');
  await new LocalSessions([source.repository, target]).copy(LATEST, NOW_MS);
  const ids = [1, 2, 3].map(machineId).sort();
  const [first] = (await readChainRecord(target, `nightly/${ids[0]!}`))!.points;
  breakSectors(target, `nightly/${ids[0]!}/${first!.disks[0]!.path}`, [65_536 * 2]);
  const sessions = new LocalSessions([source.repository, target]);
  const status = await sessions.verify('offsite', CHECKED_AT_MS);
  expect(status).toMatchObject({
    result: 'warning',
    reason: '1 damaged place was found and healed',
  });
  const again = await sessions.verify('offsite', CHECKED_AT_MS + 86_400_000);
  expect(again).toMatchObject({ result: 'success' });
});

it('a copy whose head names another version of its format is healed, and keeps no other chain from being checked', async () => {
  const source = await manyMachines(3);
  const target = new SimulatedRepository('offsite');
  await new LocalSessions([source.repository, target]).copy(LATEST, NOW_MS);
  const chain = `nightly/${[1, 2, 3].map(machineId).sort()[0]!}`;
  const [point] = (await readChainRecord(target, chain))!.points;
  const file = await target.openWrite(`${chain}/${point!.disks[0]!.path}`, 'existing');
  await file.write(Buffer.from([7]), 7);
  await file.close();
  const sessions = new LocalSessions([source.repository, target]);
  expect(await sessions.verify('offsite', CHECKED_AT_MS)).toMatchObject({
    result: 'warning',
    reason: '1 damaged place was found and healed',
  });
  const again = await sessions.verify('offsite', CHECKED_AT_MS + 86_400_000);
  expect(again).toMatchObject({ result: 'success' });
});

it('a copy of a format that only a newer release knows keeps no other chain from being checked', async () => {
  const source = await manyMachines(3);
  const target = new SimulatedRepository('offsite');
  await new LocalSessions([source.repository, target]).copy(LATEST, NOW_MS);
  const chain = `nightly/${[1, 2, 3].map(machineId).sort()[0]!}`;
  const record = (await readChainRecord(target, chain))!;
  const points = record.points.map((point) => ({
    ...point,
    disks: point.disks.map((disk) => ({ ...disk, format: 'holodisk' })),
  }));
  await writeChainRecord(target, chain, { ...record, points });
  const sessions = new LocalSessions([source.repository, target]);
  expect(await sessions.verify('offsite', CHECKED_AT_MS)).toMatchObject({
    result: 'failed',
    reason: expect.stringMatching(/^1 chain cannot be read; of the others 2/) as string,
    notes: [expect.stringContaining('IMAGE_FORMAT_UNKNOWN')],
  });
});

it('a bug over the files of one chain keeps no other one from being checked', async () => {
  const source = await manyMachines(3);
  const target = new SimulatedRepository('offsite');
  await new LocalSessions([source.repository, target]).copy(LATEST, NOW_MS);
  const chain = `nightly/${[1, 2, 3].map(machineId).sort()[0]!}`;
  const [point] = (await readChainRecord(target, chain))!.points;
  const openRead = target.openRead.bind(target);
  target.openRead = (path) =>
    path === `${chain}/${point!.disks[0]!.digests.path}`
      ? Promise.reject(new TypeError('digests of undefined'))
      : openRead(path);
  const sessions = new LocalSessions([source.repository, target]);
  expect(await sessions.verify('offsite', CHECKED_AT_MS)).toMatchObject({
    result: 'failed',
    reason: expect.stringMatching(/^1 chain cannot be read; of the others 2/) as string,
    notes: [expect.stringMatching(/digests of undefined.*BUG/)],
  });
});

it.each([
  {
    chains: 1,
    ends: 'after the others',
    result: 'failed',
    reason: /^1 chain cannot be read; of the others 2/,
  },
  { chains: 2, ends: 'at the second', result: 'failed', reason: /EIO/ },
])('a check that cannot read the digests of $chains chains any more ends $ends', async (row) => {
  const source = await manyMachines(3);
  const target = new SimulatedRepository('offsite');
  await new LocalSessions([source.repository, target]).copy(LATEST, NOW_MS);
  for (const workload of [1, 2, 3].map(machineId).sort().slice(0, row.chains)) {
    const chain = `nightly/${workload}`;
    const [point] = (await readChainRecord(target, chain))!.points;
    failLater(target, `${chain}/${point!.disks[0]!.digests.path}`);
  }
  const sessions = new LocalSessions([source.repository, target]);
  const { result, reason } = await sessions.verify('offsite', CHECKED_AT_MS);
  expect({ result, reason }).toEqual({
    result: row.result,
    reason: expect.stringMatching(row.reason) as string,
  });
});

/** Once it can be read, then its storage cannot do so any more. */
function failLater(repository: SimulatedRepository, path: string): void {
  const openRead = repository.openRead.bind(repository);
  let isFirst = true;
  repository.openRead = (asked) => {
    const file = openRead(asked);
    if (asked === path && isFirst) {
      isFirst = false;
      breakSectors(repository, path, [0]);
    }
    return file;
  };
}
