import { describe, expect, it } from 'vitest';
import { LEASE_MS } from '../../../../../src/chain/leases.js';
import { restoreStaging } from '../../../../../src/domain/targets/staging-id.js';
import { stagedPath, writeStagedJson } from '../../../../../src/mover/staging/copy-plan.js';
import { withdrawOrder } from '../../../../../src/mover/staging/restore-under-way.js';
import { writeTreeRecord } from '../../../../../src/tree/tree-store.js';
import { InProcessMover } from '../../../../support/mover/in-process-mover.js';
import type { SimulatedRepository } from '../../../../support/repository/simulated-repository.js';
import { filesBelow, TreeWorld } from '../../../../support/tree/tree-world.js';
import {
  LARGE,
  beginRestore,
  digests,
  folder,
  setWorld,
  storeWorld,
} from '../../../../support/tree/copied-trees.js';

const LEASES = ['one', 'two'];

describe('a restore of a tree that finds in its folder', () => {
  it('what another one has begun, of another copy with a point of that date, has its own files', async () => {
    const world = await storeWorld();
    const other = new TreeWorld('other');
    await other.write('STORE', 'v1 of another');
    await other.write('data/x', 'another');
    const snapshot = JSON.stringify({ at: Date.UTC(2026, 10, 24, 22), needs: [] });
    await other.write('snapshots/s24.json', snapshot);
    await other.copy();
    const idsOf = async (of: TreeWorld) => (await of.record()).points.map(({ id }) => id);
    expect(await idsOf(world)).toEqual(expect.arrayContaining(await idsOf(other)));
    const target = folder();
    await beginRestore(world, target);
    expect((await other.restore(target, 's24')).result).toBe('success');
    expect(digests(await filesBelow(target, ''))).toEqual(digests(other.files));
  });

  it('what was begun before the copy changed has the files as they are now', async () => {
    const world = await storeWorld();
    const target = folder();
    await beginRestore(world, target);
    await world.write('index/large', Buffer.alloc(LARGE, 8));
    await world.write('index/small', 'new');
    expect((await world.copy()).result).toBe('success');
    expect((await world.restore(target, 's24')).result).toBe('success');
    expect(digests(await filesBelow(target, ''))).toEqual(digests(world.files));
  });

  it('a restore of a machine with such a point discards it', async () => {
    const world = await storeWorld();
    const target = folder();
    const { points } = await world.record();
    const staging = restoreStaging(points.at(-1)!.id);
    await target.makePlace(staging);
    const plan = { token: 'of a machine', epoch: 0, disks: [], companions: [] };
    await writeStagedJson(target, stagedPath.plan(staging), plan);
    expect((await world.restore(target, 's24')).result).toBe('success');
    expect(digests(await filesBelow(target, ''))).toEqual(digests(world.files));
  });

  it('what it had itself begun, ordered again when the copy has got other points, goes on with it', async () => {
    const world = await setWorld();
    const target = folder();
    const { points } = await world.record();
    const pointId = points.find(({ source }) => source.restorePointId === 'log-22-2')!.id;
    const input = {
      ...{ repositoryId: 'offsite', chain: world.tree, pointId, nowMs: world.nowMs },
      ...{ destinationPath: '/tmp', intoExisting: false, leaseId: 'one' },
    };
    const mover = new InProcessMover(world.target, target);
    const first = await mover.run('prepareTreeRestore', input);
    // Each counts as dead to the next.
    const later = () => ({ ...input, nowMs: (input.nowMs += LEASE_MS + 60_000) });
    for (const night of ['24', '25']) {
      for (const name of [`db-${night}.a.set`, `db-${night}.done`]) await world.write(name, name);
      expect((await world.copy()).result).toBe('success');
      const order = { ...later(), leaseId: `of ${night}` };
      expect(await mover.run('prepareTreeRestore', order)).toEqual(first);
    }
    // What it lacks now is told at its end: that is another list.
    const { points: now, ...record } = await world.record();
    const without = now.filter(({ source }) => source.restorePointId !== 'log-22-1');
    await writeTreeRecord(world.target, world.tree, { ...record, points: without });
    const third = await mover.run('prepareTreeRestore', { ...later(), leaseId: 'three' });
    expect(third.token).not.toBe(first.token);
  });

  it('that another one was begun there meanwhile fails, and takes nothing of it away', async () => {
    const world = await storeWorld();
    const target = folder();
    const { points } = await world.record();
    const input = {
      ...{ repositoryId: 'offsite', chain: world.tree, pointId: points.at(-1)!.id },
      ...{ destinationPath: '/tmp', intoExisting: false, leaseId: 'one', nowMs: world.nowMs },
    };
    const mover = new InProcessMover(world.target, target);
    const { token } = await mover.run('prepareTreeRestore', input);
    // The copy goes on, and the first restore counts as dead to whoever orders the second.
    await world.write('index/small', 'new');
    await world.copy();
    const other = { ...input, leaseId: 'two', nowMs: input.nowMs + LEASE_MS + 60_000 };
    const second = await mover.run('prepareTreeRestore', other);
    expect(second.token).not.toBe(token);
    const first = { ...input, ...(token === undefined ? {} : { token }) };
    await expect(mover.run('finishTreeRestore', first)).rejects.toMatchObject({
      code: 'STAGING_INVALID',
    });
    await mover.run('endTreeRestore', first);
    // A restore that goes on by its own lease takes it up, whatever the copy has got meanwhile.
    await writeTreeRecord(world.target, world.tree, { ...(await world.record()), points });
    expect(await mover.run('prepareTreeRestore', other)).toEqual(second);
    expect((await world.target.list(`${world.tree}/.leases`)).map(({ name }) => name)).toEqual([
      'two.json',
    ]);
  });

  it('the same one under way is refused, and takes nothing of it away', async () => {
    const world = await storeWorld();
    const target = folder();
    const { points } = await world.record();
    const input = {
      ...{ repositoryId: 'offsite', chain: world.tree, pointId: points.at(-1)!.id },
      ...{ destinationPath: '/tmp', intoExisting: true, leaseId: 'one', nowMs: world.nowMs },
    };
    const mover = new InProcessMover(world.target, target);
    const first = await mover.run('prepareTreeRestore', input);
    const second = { ...input, leaseId: 'two', nowMs: input.nowMs + LEASE_MS - 60_000 };
    await expect(mover.run('prepareTreeRestore', second)).rejects.toMatchObject({
      code: 'RESTORE_DESTINATION_INVALID',
      message: expect.stringContaining('is under way'),
    });
    expect(await mover.run('prepareTreeRestore', input)).toEqual(first);
    expect((await world.target.list(`${world.tree}/.leases`)).map(({ name }) => name)).toEqual([
      'one.json',
    ]);
  });

  it('the same one that began at once is refused, and takes nothing of it away', async () => {
    const world = await storeWorld();
    const target = folder();
    const { points } = await world.record();
    const input = {
      ...{ repositoryId: 'offsite', chain: world.tree, pointId: points.at(-1)!.id },
      ...{ destinationPath: '/tmp', intoExisting: false, leaseId: 'one', nowMs: world.nowMs },
    };
    const mover = new InProcessMover(world.target, target);
    const list = target.list.bind(target);
    let first: unknown;
    target.list = async (path) => {
      target.list = list;
      // Behind the look of the second whether one is under way.
      first = await mover.run('prepareTreeRestore', input);
      return list(path);
    };
    const second = { ...input, leaseId: 'two' };
    await expect(mover.run('prepareTreeRestore', second)).rejects.toMatchObject({
      code: 'RESTORE_DESTINATION_INVALID',
      message: expect.stringContaining('is under way'),
    });
    expect(await mover.run('prepareTreeRestore', input)).toEqual(first);
  });

  it.each([0, 1, 2, 3, 5, 8, 13])(
    'the same one that began %d steps before it: at most one goes on, and it ends',
    async (steps) => {
      const world = await storeWorld();
      const target = folder();
      const { points } = await world.record();
      const order = (leaseId: string) => ({
        ...{ repositoryId: 'offsite', chain: world.tree, pointId: points.at(-1)!.id },
        ...{ destinationPath: '/tmp', intoExisting: false, leaseId, nowMs: world.nowMs },
      });
      const mover = new InProcessMover(world.target, target);
      const prepare = (leaseId: string) => mover.run('prepareTreeRestore', order(leaseId));
      const one = prepare('one');
      for (let step = 0; step < steps; step++) await new Promise(setImmediate);
      const ends = await Promise.allSettled([one, prepare('two')]);
      const refused = ends.filter(({ status }) => status === 'rejected');
      expect(refused.length).toBeGreaterThan(0);
      for (const { reason } of refused as PromiseRejectedResult[])
        expect(reason).toMatchObject({ code: 'RESTORE_DESTINATION_INVALID' });
      const index = ends.findIndex(({ status }) => status === 'fulfilled');
      if (index < 0) expect(await prepare('three')).toMatchObject({ unleased: null });
      else
        expect({ status: 'fulfilled', value: await prepare(LEASES[index]!) }).toEqual(ends[index]);
    },
  );

  it('one of another point that began at once is refused, though the folder was empty for both', async () => {
    const world = await setWorld();
    const target = folder();
    const { points } = await world.record();
    const [one, other] = points.filter(({ kind }) => kind === 'full');
    const input = {
      ...{ repositoryId: 'offsite', chain: world.tree, pointId: one!.id },
      ...{ destinationPath: '/tmp', intoExisting: false, leaseId: 'one', nowMs: world.nowMs },
    };
    const mover = new InProcessMover(world.target, target);
    const list = target.list.bind(target);
    target.list = async (path) => {
      const found = await list(path);
      target.list = list;
      // Behind the look of the second whether the folder is empty.
      await mover.run('prepareTreeRestore', input);
      return found;
    };
    const second = { ...input, pointId: other!.id, leaseId: 'two' };
    await expect(mover.run('prepareTreeRestore', second)).rejects.toMatchObject({
      code: 'RESTORE_DESTINATION_INVALID',
    });
    expect((await target.list('')).map(({ name }) => name)).toEqual([restoreStaging(one!.id)]);
  });

  it('an order that was entered after its own restore had ended stays when that is ended again', async () => {
    const world = await storeWorld();
    const target = folder();
    const input = await orderOf(world);
    const mover = new InProcessMover(world.target, target);
    const { token } = await mover.run('prepareTreeRestore', input);
    const first = { ...input, ...(token === undefined ? {} : { token }) };
    await mover.run('endTreeRestore', first);
    expect(await target.list('')).toEqual([]);
    const path = await enter(target, input, 'two');
    await mover.run('endTreeRestore', first);
    expect(await target.stat(path)).not.toBeNull();
  });

  it('an order that is entered while its own is withdrawn takes nothing of it away', async () => {
    const target = folder();
    const input = { repositoryId: 'offsite', chain: 'a/b', pointId: 'p', leaseId: 'one' };
    await enter(target, input, 'one');
    const stat = target.stat.bind(target);
    let path = '';
    target.stat = async (asked) => {
      if (asked.endsWith('plan.json')) path = await enter(target, input, 'two');
      return stat(asked);
    };
    await withdrawOrder(target, input);
    expect(await stat(path)).not.toBeNull();
    expect((await target.list(path.slice(0, path.lastIndexOf('/')))).length).toBe(1);
  });

  it('an order that it cannot read is refused for as long as that one may hold its lease', async () => {
    const world = await storeWorld();
    const target = folder();
    const input = await orderOf(world);
    const path = await enter(target, input, 'two');
    await target.put(path, Buffer.from('{'));
    const list = target.list.bind(target);
    const modifiedAtNs = String(BigInt(input.nowMs) * 1_000_000n);
    target.list = async (of) =>
      (await list(of)).map((entry) => ({ ...entry, stamp: { ...entry.stamp, modifiedAtNs } }));
    const mover = new InProcessMover(world.target, target);
    const at = (nowMs: number) => mover.run('prepareTreeRestore', { ...input, nowMs });
    await expect(at(input.nowMs + LEASE_MS)).rejects.toMatchObject({
      code: 'RESTORE_DESTINATION_INVALID',
      message: expect.stringContaining('is under way'),
      details: { leaseId: 'two' },
    });
    expect(await target.stat(path)).not.toBeNull();
    expect(await at(input.nowMs + LEASE_MS + 1)).toMatchObject({ unleased: null });
  });
});

async function orderOf(world: TreeWorld) {
  const { points } = await world.record();
  return {
    ...{ repositoryId: 'offsite', chain: world.tree, pointId: points.at(-1)!.id },
    ...{ destinationPath: '/tmp', intoExisting: true, leaseId: 'one', nowMs: world.nowMs },
  };
}

/** What another restore enters before it plans. @returns its path */
async function enter(
  target: SimulatedRepository,
  { repositoryId, chain, pointId }: { repositoryId: string; chain: string; pointId: string },
  leaseId: string,
): Promise<string> {
  const orders = `${restoreStaging(pointId)}/orders`;
  await target.makePlace(orders);
  const path = `${orders}/${leaseId}.json`;
  const order = { token: leaseId, repositoryId, chain, leaseId };
  await writeStagedJson(target, path, order);
  return path;
}
