import { hash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { CopiedMachine, NOW_MS } from '../../support/living/copied-machine.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import type { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { filesBelow } from '../../support/tree/tree-world.js';

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make();
});

const now = () => ({ ...machine.before.workload, id: `${machine.before.workload.id}-now` });
const home = () => chainFolder('nightly', now().id);

function order(target: SimulatedRepository, owner = 'first') {
  const { chain, before } = machine;
  const ids = { targetRepositoryId: 'offsite', chain, jobId: 'nightly' };
  const more = { workload: now(), formerId: before.workload.id, owner, nowMs: NOW_MS };
  return new InProcessMover(target).run('takeFormerChain', { ...ids, ...more });
}

async function expectTaken(target: SimulatedRepository): Promise<void> {
  expect(await readChainRecord(target, machine.chain)).toBeNull();
  const record = await readChainRecord(target, home());
  expect(record).toMatchObject({ jobId: 'nightly', workload: now() });
  expect(record?.points).toEqual(machine.before.points);
}

/** Of the points; the record changes with who owns it. */
async function pointFiles(target: SimulatedRepository, chain: string) {
  const files = [...(await filesBelow(target, chain))];
  return files
    .filter(([path]) => !/chain\.json|\.leases|\.staging/.test(path))
    .map(([path, bytes]) => [path, hash('sha256', bytes)]);
}

describe('copies of a workload that has another id now', () => {
  it('lie under it, file for file', async () => {
    const { target } = await machine.copy();
    const before = await pointFiles(target, machine.chain);
    expect(before.length).toBeGreaterThan(4);
    expect(await order(target)).toEqual({ pointCount: 4 });
    await expectTaken(target);
    expect(await pointFiles(target, home())).toEqual(before);
    // An answer that was lost.
    expect(await order(target)).toEqual({ pointCount: 4 });
  });

  it('stay where they are while they are read, and go when the reader is done', async () => {
    const { target } = await machine.copy([1, 'restore']);
    await expect(order(target)).rejects.toMatchObject({ code: 'POINT_IN_USE' });
    const { workload, points } = machine.before;
    expect(await readChainRecord(target, machine.chain)).toMatchObject({ workload, points });
    await target.remove(`${machine.chain}/.leases/lease-0.json`);
    await order(target, 'second');
    await expectTaken(target);
  });

  it('lie in one place, whole, whatever it was stopped at, and the next session finds them there', async () => {
    const copy = await machine.copy();
    copy.target.settleAll();
    const undisturbed = copy.target.clone();
    await order(undisturbed);
    const count = undisturbed.operations.length;
    expect(count).toBeGreaterThan(5);
    for (let atOperation = 1; atOperation <= count; atOperation++)
      for (const loss of [{ kind: 'none' }, { kind: 'power', seed: 1 }] as const) {
        const crashing = copy.target.clone({ crash: { atOperation, when: 'before' } });
        await expect(order(crashing)).rejects.toThrow();
        const left = crashing.restart(loss);
        const records = [
          await readChainRecord(left, machine.chain),
          await readChainRecord(left, home()),
        ];
        const [there, ...others] = records.filter((record) => record !== null);
        expect(others).toEqual([]);
        expect(there!.points).toEqual(machine.before.points);
        if (records[0] !== null) await order(left, 'later');
        await expectTaken(left);
      }
  });

  it('are refused where there are copies under its id, and both stay', async () => {
    const { target } = await machine.copy();
    const record = await target.openRead(`${machine.chain}/chain.json`);
    const bytes = Buffer.alloc((await record.stamp()).sizeBytes);
    await record.read(bytes, 0);
    await record.close();
    await target.makePlace(home());
    await target.put(`${home()}/chain.json`, bytes);
    await expect(order(target)).rejects.toMatchObject({ code: 'CHAIN_EXISTS' });
    expect((await readChainRecord(target, machine.chain))?.points).toHaveLength(4);
  });

  it('are none of another machine', async () => {
    const { target } = await machine.copy();
    const ids = { targetRepositoryId: 'offsite', chain: machine.chain, jobId: 'nightly' };
    const more = { workload: now(), formerId: 'other', owner: 'first', nowMs: NOW_MS };
    await expect(
      new InProcessMover(target).run('takeFormerChain', { ...ids, ...more }),
    ).rejects.toMatchObject({ code: 'CHAIN_FOREIGN' });
  });
});
