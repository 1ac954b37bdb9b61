import { beforeEach, describe, expect, it } from 'vitest';
import type { ChainRecord } from '../../../src/chain/chain-record.js';
import {
  holdLease,
  isLeaseHeld,
  isLeaseThere,
  LEASE_MS,
  leasedPointIds,
  readLeases,
  releaseLease,
  removeEndedLeases,
} from '../../../src/chain/leases.js';
import { BackupError } from '../../../src/domain/errors.js';
import { breakSectors } from '../../support/repository/bad-sectors.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { targetChain } from '../domain/retention/chain-builder.js';

const CHAIN = 'nightly/web01';
const DAY_MS = 86_400_000;
/** A full, and two increments on it; then a full of its own. */
const [FULL, FIRST, SECOND] = targetChain(['2026-11-21', '2026-11-22', '2026-11-23']);
const [OTHER] = targetChain(['2026-11-24']);
const RECORD: ChainRecord = {
  jobId: 'nightly',
  workload: { id: 'web01', name: 'web01', type: 'libvirt-kvm' },
  revision: 1,
  epoch: 1,
  owner: null,
  presence: { lastSeenAt: null, absence: null },
  points: [FULL!, FIRST!, SECOND!, OTHER!],
  pending: null,
};
const ALL = RECORD.points.map(({ id }) => id);

let repository: SimulatedRepository;
/** Now, by the clock of the storage. */
let nowMs: number;
beforeEach(async () => {
  repository = new SimulatedRepository('offsite');
  await repository.makePlace(`${CHAIN}/.leases`);
  await put('clock', Buffer.from(''));
  nowMs = await writtenAtMs('clock');
});

async function put(name: string, bytes: Uint8Array): Promise<void> {
  await repository.put(`${CHAIN}/.leases/${name}`, bytes);
}

async function writtenAtMs(name: string): Promise<number> {
  const entry = await repository.stat(`${CHAIN}/.leases/${name}`);
  return Number(BigInt(entry!.stamp.modifiedAtNs) / 1_000_000n);
}

async function hold(id: string, restorePointId: string, expiresAtMs: number): Promise<void> {
  await holdLease(repository, CHAIN, id, { restorePointId, purpose: 'restore', expiresAtMs });
}

async function names(): Promise<string[]> {
  const files = await repository.list(`${CHAIN}/.leases`);
  return files.map(({ name }) => name).sort();
}

async function leased(atMs = nowMs): Promise<string[]> {
  return [...leasedPointIds(RECORD, await readLeases(repository, CHAIN, atMs))].sort();
}

describe('a lease', () => {
  it('keeps its point and everything below it, and nothing else', async () => {
    await hold('one', FIRST!.id, nowMs + LEASE_MS);
    expect(await leased()).toEqual([FULL!.id, FIRST!.id]);
  });

  it('is renewed under its name, and ends when it is released', async () => {
    await hold('one', FIRST!.id, nowMs - 1);
    expect(await leased()).toEqual([]);
    await hold('one', FIRST!.id, nowMs + LEASE_MS);
    expect(await leased()).toEqual([FULL!.id, FIRST!.id]);
    await releaseLease(repository, CHAIN, 'one');
    expect(await leased()).toEqual([]);
    await releaseLease(repository, CHAIN, 'one');
  });

  it('lasts up to its last millisecond, and is left where it is by who only looks', async () => {
    await hold('one', SECOND!.id, nowMs);
    expect(await leased(nowMs)).toEqual([FULL!.id, FIRST!.id, SECOND!.id]);
    expect(await leased(nowMs + 1)).toEqual([]);
    const files = await repository.list(`${CHAIN}/.leases`);
    expect(files.map(({ name }) => name)).toContain('one.json');
  });

  it('is removed when it has ended, by the owner of the chain, and no other is', async () => {
    await hold('ended', FULL!.id, nowMs - LEASE_MS - 1);
    // Who holds it may be about to renew it.
    await hold('just-over', FULL!.id, nowMs - LEASE_MS);
    await hold('living', FULL!.id, nowMs);
    await put('torn.json', Buffer.from('{'));
    await removeEndedLeases(repository, CHAIN, nowMs);
    expect(await names()).toEqual(['clock', 'just-over.json', 'living.json', 'torn.json']);
  });

  it('on a point that is not listed is named, and keeps nothing', async () => {
    await hold('one', '2026-11-01T220000Z', nowMs + LEASE_MS);
    expect([...(await readLeases(repository, CHAIN, nowMs)).named]).toEqual(['2026-11-01T220000Z']);
    expect(await leased()).toEqual([]);
  });
});

describe('storage that does not answer', () => {
  const silent = (call: 'remove' | 'openRead') =>
    new Proxy(repository, {
      get: (subject, name) => {
        const value = Reflect.get(subject, name, subject) as unknown;
        if (name === call)
          return () =>
            Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'the share is gone'));
        return typeof value === 'function' ? (value.bind(subject) as unknown) : value;
      },
    });

  it('is no lease that cannot be read, and none that was released', async () => {
    await hold('one', FIRST!.id, nowMs - 1);
    const code = { code: 'REPOSITORY_UNREACHABLE' };
    await expect(readLeases(silent('openRead'), CHAIN, nowMs)).rejects.toMatchObject(code);
    await expect(removeEndedLeases(silent('openRead'), CHAIN, nowMs)).rejects.toMatchObject(code);
    await expect(releaseLease(silent('remove'), CHAIN, 'one')).rejects.toMatchObject(code);
  });
});

describe('what lies among leases', () => {
  it('and is no file, or has another ending, is no lease', async () => {
    await repository.makePlace(`${CHAIN}/.leases/folder.json`);
    await put('note.txt', Buffer.from('{'));
    expect(await readLeases(repository, CHAIN, nowMs)).toEqual({
      named: new Set(),
      doubtful: [],
    });
  });
});

describe('leases of one purpose', () => {
  it('are read without those of others, but with what cannot be read', async () => {
    await hold('one', FIRST!.id, nowMs + LEASE_MS);
    await put('torn.json', Buffer.from('{'));
    const look = (purpose: 'restore' | 'verify') => readLeases(repository, CHAIN, nowMs, [purpose]);
    expect([...(await look('restore')).named]).toEqual([FIRST!.id]);
    const ofVerifications = await look('verify');
    expect([...ofVerifications.named]).toEqual([]);
    expect(ofVerifications.doubtful.map(({ isUnreadable }) => isUnreadable)).toEqual([true]);
  });
});

describe('a lease that cannot be believed', () => {
  it.each([
    ['is empty', ''],
    ['is cut', '{"restorePointId":"2026-'],
    ['is null', 'null'],
    ['is a list', '[]'],
    ['has no time', '{"restorePointId":"a","purpose":"verify"}'],
    ['has a text for a time', '{"restorePointId":"a","purpose":"verify","expiresAtMs":"soon"}'],
    ['has no known purpose', '{"restorePointId":"a","purpose":"sale","expiresAtMs":1}'],
    ['is too large', ' '.repeat(5_000)],
  ])('keeps the whole chain for a day when it %s, and says so', async (_, content) => {
    await put('bad.json', Buffer.from(content));
    const writtenMs = await writtenAtMs('bad.json');
    expect(await leased(writtenMs)).toEqual(ALL);
    const { doubtful } = await readLeases(repository, CHAIN, writtenMs + DAY_MS - 1);
    expect(doubtful.map(({ path }) => path)).toEqual([`${CHAIN}/.leases/bad.json`]);
    const until = new Date(writtenMs + DAY_MS).toISOString();
    expect(doubtful[0]?.fault.message).toContain(`until ${until} nothing`);
    expect(await readLeases(repository, CHAIN, writtenMs + DAY_MS)).toEqual({
      named: new Set(),
      doubtful: [],
    });
  });

  it('keeps its points for a day when it would last for twenty years, and says so', async () => {
    await hold('long', FIRST!.id, nowMs + 20 * 365 * DAY_MS);
    const { doubtful } = await readLeases(repository, CHAIN, nowMs);
    expect(doubtful.map(({ fault }) => fault.code)).toEqual(['METADATA_CORRUPT']);
    expect(doubtful[0]?.fault.message).toContain('far longer than a lease does');
    expect(await leased()).toEqual([FULL!.id, FIRST!.id]);
    const writtenMs = await writtenAtMs('long.json');
    expect(await leased(writtenMs + DAY_MS)).toEqual([]);
  });

  it.each([
    ['cannot be read', () => put('future.json', Buffer.from('{')), ALL],
    [
      'would last for years',
      () => hold('future', FIRST!.id, nowMs + 4 * 365 * DAY_MS),
      [FULL!.id, FIRST!.id],
    ],
  ] as const)(
    'and comes from years ahead counts for a day from the look of its owner (%s)',
    async (_, write, kept) => {
      await write();
      // The storage wrote it when its clock was wrong, three years ahead of now.
      const lateMs = nowMs - 3 * 365 * DAY_MS;
      expect(await leased(lateMs)).toEqual(kept);
      const writtenMs = await writtenAtMs('future.json');
      await removeEndedLeases(repository, CHAIN, lateMs);
      expect(await writtenAtMs('future.json')).toBeGreaterThan(writtenMs);
      expect(await leased(lateMs)).toEqual(kept);
      await removeEndedLeases(repository, CHAIN, writtenMs);
      expect(await names()).toEqual(['clock', 'future.json']);
    },
  );

  it('is not begun anew by each look where the clock of the storage is hours ahead', async () => {
    await put('torn.json', Buffer.from('{'));
    const writtenMs = await writtenAtMs('torn.json');
    await removeEndedLeases(repository, CHAIN, nowMs - 2 * 3_600_000);
    expect(await writtenAtMs('torn.json')).toBe(writtenMs);
  });

  it('and is released while it is looked at is not brought back', async () => {
    await put('torn.json', Buffer.from('{'));
    const { openRead } = repository;
    let reads = 0;
    repository.openRead = async (path) => {
      const file = await openRead.call(repository, path);
      const { close } = file;
      const isLast = ++reads === 2;
      file.close = async () => {
        await close.call(file);
        if (isLast) await releaseLease(repository, CHAIN, 'torn');
      };
      return file;
    };
    await removeEndedLeases(repository, CHAIN, nowMs - 3 * 365 * DAY_MS);
    expect(reads).toBe(2);
    expect(await names()).not.toContain('torn.json');
  });

  it('is held for a day, and not for as long as a clock that ran ahead has said', async () => {
    await hold('wrong', FIRST!.id, nowMs + 10 * DAY_MS);
    const isHeld = (atMs: number) => isLeaseHeld(repository, CHAIN, 'wrong', atMs);
    expect(await isHeld(nowMs + DAY_MS / 2)).toBe(true);
    expect(await isHeld(nowMs + 2 * DAY_MS)).toBe(false);
  });

  it('is believed while the clock of the reader may just be ahead by an hour', async () => {
    await hold('ahead', FIRST!.id, nowMs + LEASE_MS + 3_600_000);
    expect((await readLeases(repository, CHAIN, nowMs)).doubtful).toEqual([]);
    expect(await leased()).toEqual([FULL!.id, FIRST!.id]);
  });
});

it('a lease whose sector cannot be read stands for any point, for a day', async () => {
  await hold('reader', SECOND!.id, nowMs + LEASE_MS);
  const path = `${CHAIN}/.leases/reader.json`;
  breakSectors(repository, path, [0]);
  const at = await writtenAtMs('reader.json');
  expect(await leased(at)).toEqual([...ALL].sort());
  expect((await readLeases(repository, CHAIN, at)).doubtful).toMatchObject([
    { path, isUnreadable: true, fault: { code: 'REPOSITORY_IO_ERROR' } },
  ]);
  expect(await leased(at + DAY_MS)).toEqual([]);
});

it('is there until it is released', async () => {
  expect(await isLeaseThere(repository, CHAIN, 'one')).toBe(false);
  const lease = { restorePointId: FULL!.id, purpose: 'restore', expiresAtMs: nowMs } as const;
  await holdLease(repository, CHAIN, 'one', lease);
  expect(await isLeaseThere(repository, CHAIN, 'one')).toBe(true);
  await releaseLease(repository, CHAIN, 'one');
  expect(await isLeaseThere(repository, CHAIN, 'one')).toBe(false);
});

it('that is released or cannot be read is held by nobody', async () => {
  const held = () => isLeaseHeld(repository, CHAIN, 'one', nowMs);
  expect(await held()).toBe(false);
  await put('one.json', Buffer.from('{'));
  expect(await held()).toBe(false);
});
