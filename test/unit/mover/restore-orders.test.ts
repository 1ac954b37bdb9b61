import { beforeEach, describe, expect, it } from 'vitest';
import { holdLease, LEASE_MS } from '../../../src/chain/leases.js';
import { BackupError } from '../../../src/domain/errors.js';
import { restoreStaging } from '../../../src/domain/targets/staging-id.js';
import { stagedPath, writeStagedJson } from '../../../src/mover/staging/copy-plan.js';
import {
  assertNoneUnderWay,
  discardUnlessOrdered,
  enterOrder,
  ORDERS,
  withdrawOrder,
} from '../../../src/mover/staging/restore-under-way.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const CHAIN = 'nightly/mail01';
const STAGING = restoreStaging('point');
/** When a simulated disk says that its files were written, about. */
const WRITTEN_AT_MS = 1_700_000_000_000;
const NOW_MS = WRITTEN_AT_MS + 60_000;

let copies: SimulatedRepository;
let folder: SimulatedRepository;
beforeEach(async () => {
  [copies, folder] = [new SimulatedRepository('offsite'), new SimulatedRepository('folder')];
  await copies.makePlace(CHAIN);
});

const context = (...repositories: SimulatedRepository[]) =>
  new InProcessMover(folder, ...(repositories.length > 0 ? repositories : [copies])).context();

/** The order of a restore, by its lease. */
const of = (leaseId: string, nowMs = NOW_MS, repositoryId = 'offsite') => ({
  ...{ pointId: 'point', destinationPath: '/restored', chain: CHAIN },
  ...{ leaseId, nowMs, repositoryId },
});

async function hold(leaseId: string, expiresAtMs = NOW_MS + LEASE_MS): Promise<void> {
  await holdLease(copies, CHAIN, leaseId, {
    ...{ restorePointId: 'point', purpose: 'restore', expiresAtMs },
  });
}

async function plan(leaseId: string): Promise<void> {
  await folder.makePlace(STAGING);
  const reader = { repositoryId: 'offsite', chain: CHAIN, leaseId };
  await writeStagedJson(folder, stagedPath.plan(STAGING), { token: 'a plan', of: reader } as never);
}

const orders = async () => (await folder.list(`${STAGING}/${ORDERS}`)).map(({ name }) => name);
const underWay = (leaseId: string) => ({
  code: 'RESTORE_DESTINATION_INVALID',
  message: 'a restore of point is under way in /restored',
  details: { leaseId },
});

describe('a restore into a folder in which another one is under way', () => {
  it('is refused while the lease of the plan there lasts, and not its own', async () => {
    await plan('first');
    await hold('first');
    await expect(assertNoneUnderWay(context(), folder, of('second'))).rejects.toMatchObject(
      underWay('first'),
    );
    await assertNoneUnderWay(context(), folder, of('first'));
    await assertNoneUnderWay(context(), folder, of('second', NOW_MS + LEASE_MS + 1));
  });

  it('is refused while the other is ordered and has not planned, and enters no order over it', async () => {
    await hold('first');
    await enterOrder(context(), folder, of('first'));
    await hold('second');
    await expect(enterOrder(context(), folder, of('second'))).rejects.toMatchObject(
      underWay('first'),
    );
    expect(await orders()).toEqual(['first.json', 'second.json']);
    // Each meets the other: of two that begin at once at least one is refused.
    await expect(enterOrder(context(), folder, of('first'))).rejects.toMatchObject(
      underWay('second'),
    );
  });

  it('goes on when the other has ended: its order is taken away', async () => {
    await hold('first', NOW_MS - 1);
    await enterOrder(context(), folder, of('first'));
    await hold('second');
    await enterOrder(context(), folder, of('second'));
    expect(await orders()).toEqual(['second.json']);
  });

  it('meets a plan that came up while it entered its order', async () => {
    await hold('first');
    await plan('first');
    await hold('second');
    await expect(enterOrder(context(), folder, of('second'))).rejects.toMatchObject(
      underWay('first'),
    );
  });
});

describe('an order that cannot be read', () => {
  beforeEach(async () => {
    await folder.makePlace(`${STAGING}/${ORDERS}`);
    await folder.put(`${STAGING}/${ORDERS}/first.json`, Buffer.from('{'));
  });

  it('is somebody’s for as long as a lease may last', async () => {
    const last = WRITTEN_AT_MS + LEASE_MS;
    await expect(enterOrder(context(), folder, of('second', last))).rejects.toMatchObject(
      underWay('first'),
    );
    await enterOrder(context(), folder, of('second', last + 60_000));
    expect(await orders()).toEqual(['second.json']);
  });
});

describe('whether the other one goes on', () => {
  beforeEach(async () => {
    await hold('first');
    await enterOrder(context(), folder, of('first'));
  });

  const away = () => new BackupError('REPOSITORY_UNREACHABLE', 'it does not answer');

  it('is not so on a worker that does not know what it reads', async () => {
    const other = new SimulatedRepository('other');
    await other.makePlace(CHAIN);
    await enterOrder(context(other), folder, of('second', NOW_MS, 'other'));
    expect(await orders()).toEqual(['second.json']);
  });

  it('is not so where what it reads has died, and this one reads another target', async () => {
    const other = new SimulatedRepository('other');
    await other.makePlace(CHAIN);
    copies.openRead = () => Promise.reject(away());
    copies.stat = () => Promise.reject(away());
    await enterOrder(context(copies, other), folder, of('second', NOW_MS, 'other'));
    expect(await orders()).toEqual(['second.json']);
  });

  it('is not known while the target of both is away', async () => {
    copies.openRead = () => Promise.reject(away());
    copies.stat = () => Promise.reject(away());
    await expect(enterOrder(context(), folder, of('second'))).rejects.toMatchObject({
      code: 'REPOSITORY_UNREACHABLE',
    });
  });
});

describe('an order that comes to nothing', () => {
  it('leaves nothing, and takes nothing of others along', async () => {
    await enterOrder(context(), folder, of('first'));
    await withdrawOrder(folder, of('first'));
    expect(await folder.stat(STAGING)).toBeNull();

    await enterOrder(context(), folder, of('first'));
    await hold('second');
    await enterOrder(context(), folder, of('second')).catch(() => undefined);
    await withdrawOrder(folder, of('first'));
    expect(await orders()).toEqual(['second.json']);
    // Without an order of its own it takes nothing away.
    await withdrawOrder(folder, of('third'));
    expect(await orders()).toEqual(['second.json']);
    await discardUnlessOrdered(folder, of('third'));
    expect(await orders()).toEqual(['second.json']);
  });

  it('leaves what was planned: another order goes on with it', async () => {
    await enterOrder(context(), folder, of('first'));
    await plan('first');
    await withdrawOrder(folder, of('first'));
    expect(await orders()).toEqual([]);
    expect(await folder.stat(stagedPath.plan(STAGING))).not.toBeNull();
    await discardUnlessOrdered(folder, of('first'));
    expect(await folder.stat(stagedPath.plan(STAGING))).not.toBeNull();
  });
});
