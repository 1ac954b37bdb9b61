import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { holdLease, LEASE_MS, releaseLease } from '../../../src/chain/leases.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import {
  NOW_MS,
  orderFor,
  prepareScenario,
  type ScenarioName,
} from '../../kill-table/scenarios.js';
import type { Scenario } from '../../kill-table/try-positions.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import {
  SimulatedCrash,
  type SimulatedRepository,
} from '../../support/repository/simulated-repository.js';

const LEASE_ID = '6d8e4ad2-0f5e-4f0d-9c3b-0d1f5f6b7a10';
/** As long as it takes until the simulated restore is over. */
const WHILE_READING = { purpose: 'restore', expiresAtMs: NOW_MS + LEASE_MS } as const;

/** A restore holds the oldest point while a session that does not know it yet begins to take it away and is stopped at any operation. */
describe('a point that is being restored', () => {
  it.each<{ change: string; name: ScenarioName; begin: typeof merge }>([
    { change: 'merge', name: 'merge in a chain of 2', begin: merge },
    { change: 'deletion', name: 'delete of a chain', begin: remove },
  ])(
    'keeps its files through a $change that is stopped before it looks for leases, until the restore ends',
    async ({ name, begin }) => {
      const scenario = await prepareScenario(name);
      const before = await filesOf(scenario.target, scenario.chain);
      const leased = await withLeaseOnOldest(scenario);
      let postponed = 0;
      for (let atOperation = 1; ; atOperation++) {
        const crash = { atOperation, when: 'after' } as const;
        const stopped = leased.clone({ crash });
        const isStopped = await isStoppedByCrash(() => begin(stopped, scenario));
        const next = stopped.restart({ kind: 'none' });

        const order = await orderFor(scenario.source);
        const mover = new InProcessMover(scenario.source, next);
        const { chain } = scenario;
        const inspect = { ...order, chain, owner: 'next', nowMs: NOW_MS + 1 };
        const { record, notes } = await mover.run('inspectTargetChain', inspect);
        expect(await filesOf(next, chain), `stopped at ${atOperation}`).toEqual(before);
        if (record.pending !== null) {
          postponed++;
          expect(notes.join()).toMatch(/waits: restore point .* is being read/);
        }

        await releaseLease(next, chain, LEASE_ID);
        const after = await mover.run('inspectTargetChain', { ...inspect, owner: 'last' });
        expect(after.record.pending).toBeNull();
        if (record.pending !== null) expect(await filesOf(next, chain)).not.toEqual(before);
        if (!isStopped) break;
      }
      expect(postponed).toBeGreaterThan(0);
    },
    60_000,
  );
});

async function withLeaseOnOldest({ target, chain }: Scenario): Promise<SimulatedRepository> {
  const leased = target.clone();
  const record = await readChainRecord(leased, chain);
  const lease = { restorePointId: record!.points[0]!.id, ...WHILE_READING };
  await holdLease(leased, chain, LEASE_ID, lease);
  leased.settle();
  return leased;
}

/** Merges the oldest increment, as planned before the restore began. */
async function merge(target: SimulatedRepository, scenario: Scenario): Promise<void> {
  const { mover, place, record } = await takeChain(target, scenario);
  const [full, increment] = record.points;
  await mover.mergeIncrement({ ...place, fullId: full!.id, incrementId: increment!.id });
}

/** Deletes the older one of two chains, as planned before the restore began. */
async function remove(target: SimulatedRepository, scenario: Scenario): Promise<void> {
  const { mover, place, record } = await takeChain(target, scenario);
  const older = record.points.filter(({ chainId }) => chainId === record.points[0]!.chainId);
  const ids = older.map(({ id }) => id).reverse();
  await mover.run('deleteRestorePoints', { ...place, ids });
}

async function takeChain(target: SimulatedRepository, { source, chain }: Scenario) {
  const mover = new InProcessMover(source, target);
  const order = { ...(await orderFor(source)), chain, owner: 'first', nowMs: NOW_MS };
  const { record } = await mover.run('inspectTargetChain', order);
  const place = { targetRepositoryId: target.id, chain, epoch: record.epoch, nowMs: NOW_MS };
  return { mover, place, record };
}

/** false: the change was called off because of the lease. */
async function isStoppedByCrash(begin: () => Promise<void>): Promise<boolean> {
  try {
    await begin();
  } catch (error) {
    if (error instanceof SimulatedCrash) return true;
    expect(error).toMatchObject({ code: 'POINT_IN_USE' });
    return false;
  }
  throw new Error('the change was carried out under a lease');
}

/** SHA-256 of every file of the chain's restore points, by path. */
async function filesOf(
  target: SimulatedRepository,
  folder: string,
): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { type, name, path } of await target.list(folder)) {
    if (name.startsWith('.') || name.startsWith('chain.json')) continue;
    if (type === 'folder') Object.assign(files, await filesOf(target, path));
    else
      files[path] = createHash('sha256')
        .update((await readWholeFile(target, path, MAX_BYTES))!)
        .digest('hex');
  }
  return files;
}

const MAX_BYTES = 16 * 1024 * 1024;
