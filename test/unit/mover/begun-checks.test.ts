import { beforeAll, describe, expect, it } from 'vitest';
import { CopiedMachine, type MachineCopy } from '../../support/living/copied-machine.js';

let machine: CopiedMachine;
let disk: string;
beforeAll(async () => {
  machine = await CopiedMachine.make({ later: () => Promise.resolve() });
  disk = machine.before.points[0]!.disks[0]!.disk;
});

async function leases(copy: MachineCopy): Promise<string[]> {
  return (await copy.target.list(`${machine.chain}/.leases`)).map(({ name }) => name);
}

describe('a verification whose lease was over between two batches', () => {
  it('judges no files but those that it was prepared for', async () => {
    const copy = await machine.copy();
    const input = { ...copy.input, pointId: machine.idOf(1) };
    const { disks, token } = await copy.mover.run('prepareVerification', input);
    await copy.target.remove(`${machine.chain}/.leases/verify-${machine.idOf(1)}.json`);
    const pair = { fullId: machine.idOf(0), incrementId: machine.idOf(1) };
    await copy.mover.run('mergeIncrement', { ...copy.input, ...pair });
    const batch = { ...input, disk, token };
    const run = copy.mover.runWindows('verifyBlocks', batch, [{ first: 0, count: 1 }]);
    await expect(run).rejects.toMatchObject({ code: 'STAGING_INVALID' });
    const collect = copy.mover.run('collectDamage', { ...input, disks, token });
    await expect(collect).rejects.toMatchObject({ code: 'STAGING_INVALID' });
    const again = await copy.mover.run('prepareVerification', input);
    expect(again.token).not.toBe(token);
  });
});

describe('two health checks of one point', () => {
  const leaseOf = (point: number) => `${machine.chain}/.leases/verify-${machine.idOf(point)}.json`;

  it('read it one after the other, also where the first is away for longer than its lease lasts', async () => {
    const copy = await machine.copy();
    const order = { ...copy.input, pointId: machine.idOf(1) };
    const [first, second] = [
      { ...order, operation: 'first' },
      { ...order, operation: 'second' },
    ];
    const { disks } = await copy.mover.run('prepareVerification', first);
    await expect(copy.mover.run('prepareVerification', second)).rejects.toMatchObject({
      code: 'CHECK_UNDER_WAY',
    });
    expect(await leases(copy)).toEqual([`verify-${machine.idOf(1)}.json`]);
    await copy.mover.run('prepareVerification', first);

    await copy.target.remove(leaseOf(1));
    await copy.mover.run('prepareVerification', second);
    const gone = { code: 'STAGING_INVALID' };
    const run = copy.mover.runWindows('verifyBlocks', { ...first, disk }, [{ first: 0, count: 1 }]);
    await expect(run).rejects.toMatchObject(gone);
    const collect = copy.mover.run('collectDamage', { ...first, disks });
    await expect(collect).rejects.toMatchObject(gone);
    await copy.mover.runWindows('verifyBlocks', { ...second, disk }, [{ first: 0, count: 1 }]);
    const { damage } = await copy.mover.run('collectDamage', { ...second, disks });
    expect(damage).toEqual([]);
    await copy.mover.run('prepareVerification', first);
  });
});
