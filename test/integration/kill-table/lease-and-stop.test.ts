import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { holdLease, LEASE_MS, releaseLease } from '../../../src/chain/leases.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import { NOW_MS } from '../../support/kill-table/change-run.js';
import { prepareScenario, type ScenarioName } from '../../support/kill-table/scenarios.js';
import type { Scenario } from '../../support/kill-table/try-positions.js';
import type { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { ChainSteps } from '../../support/workflows/chain-steps.js';

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
        const isStopped = await isStoppedByCrash(begin, stopped, scenario.chain);
        const next = stopped.restart({ kind: 'none' });

        const { chain } = scenario;
        const steps = await stepsOn(next, chain);
        const { notes } = await steps.take('next', NOW_MS + 1);
        const { pending } = (await readChainRecord(next, chain))!;
        expect(await filesOf(next, chain), `stopped at ${atOperation}`).toEqual(before);
        if (pending !== null) {
          postponed++;
          expect(notes.join()).toMatch(/waits: restore point .* is being read/);
        }

        await releaseLease(next, chain, LEASE_ID);
        await steps.take('last', NOW_MS + 1);
        expect((await readChainRecord(next, chain))!.pending).toBeNull();
        if (pending !== null) expect(await filesOf(next, chain)).not.toEqual(before);
        if (!isStopped) break;
      }
      expect(postponed).toBeGreaterThan(0);
    },
  );
});

async function withLeaseOnOldest({ target, chain }: Scenario): Promise<SimulatedRepository> {
  const leased = target.clone();
  const record = await readChainRecord(leased, chain);
  const lease = { restorePointId: record!.points[0]!.id, ...WHILE_READING };
  await holdLease(leased, chain, LEASE_ID, lease);
  leased.settleAll();
  return leased;
}

/** Merges the oldest increment, as planned before the restore began. */
async function merge(target: SimulatedRepository, chain: string): Promise<void> {
  const steps = await stepsOn(target, chain);
  const { epoch } = await steps.take('first', NOW_MS);
  const [full, increment] = (await readChainRecord(target, chain))!.points;
  await steps.merge(epoch, NOW_MS, full!.id, increment!.id);
}

/** Deletes the older one of two chains, as planned before the restore began. */
async function remove(target: SimulatedRepository, chain: string): Promise<void> {
  const steps = await stepsOn(target, chain);
  const { epoch } = await steps.take('first', NOW_MS);
  const { points } = (await readChainRecord(target, chain))!;
  const older = points.filter(({ chainId }) => chainId === points[0]!.chainId);
  await steps.delete(epoch, NOW_MS, older.map(({ id }) => id).reverse());
}

async function stepsOn(target: SimulatedRepository, chain: string): Promise<ChainSteps> {
  const { jobId, workload } = (await readChainRecord(target, chain))!;
  return new ChainSteps(target, jobId, workload);
}

/** false: the change was called off because of the lease. */
async function isStoppedByCrash(
  begin: (target: SimulatedRepository, chain: string) => Promise<void>,
  target: SimulatedRepository,
  chain: string,
): Promise<boolean> {
  try {
    await begin(target, chain);
  } catch (error) {
    if (target.isCrashed) return true;
    expect(error).toMatchObject({ type: 'POINT_IN_USE' });
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
