import { beforeEach, describe, expect, it } from 'vitest';
import { readChainRecord, writeChainRecord } from '../../../src/chain/chain-store.js';
import { missedLook, type Presence } from '../../../src/domain/retention/absence.js';
import type { LookedFor } from '../../../src/domain/retention/absent-workloads.js';
import { keptPage } from '../../../src/mover/look/kept-workloads.js';
import { putChainRecord, putFile } from '../../support/repository/chain-record-file.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { storeWorld } from '../../support/tree/copied-trees.js';
import type { TreeWorld } from '../../support/tree/tree-world.js';

let repository: SimulatedRepository;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
});

/** Its name takes nearly half of a page. */
async function putLong(workload: string): Promise<void> {
  const name = workload.padEnd(200_000, '.');
  await putChainRecord(repository, { jobId: 'nightly', workload, name, pointIds: ['2026'] });
}

async function putUnreadable(workload: string): Promise<void> {
  for (const file of ['chain.json', 'chain.json.copy'])
    await putFile(repository, `nightly/${workload}/${file}`, '{');
}

async function listAll() {
  const kept: string[] = [];
  const unreadable: string[] = [];
  let pages = 0;
  for (let after: string | null = null; ; pages++) {
    const page = await keptPage(repository, { id: 'nightly' }, after);
    kept.push(...page.workloads.map(({ id }) => id));
    unreadable.push(...(page.unreadable ?? []).map(({ path }) => path));
    if (page.next === null) return { kept, unreadable, pages: pages + 1 };
    after = page.next;
  }
}

it('names what cannot be read once, also where a page ends beside it', async () => {
  for (const workload of ['a', 'b', 'd', 'f']) await putLong(workload);
  for (const workload of ['c', 'e', 'g']) await putUnreadable(workload);

  const unreadable = ['c', 'e', 'g'].map((workload) => `nightly/${workload}`);
  expect(await listAll()).toEqual({ kept: ['a', 'b', 'd', 'f'], unreadable, pages: 2 });
});

it('names all that cannot be read, however much it is', async () => {
  const workloads = Array.from({ length: 250 }, (_, n) => `vm-${String(n).padStart(3, '0')}`);
  for (const workload of workloads) await putUnreadable(workload);

  const { unreadable } = await listAll();
  expect(unreadable).toEqual(workloads.map((workload) => `nightly/${workload}`));
});

describe('the look at a workload that is gone', () => {
  const DAY_MS = 86_400_000;
  const FIRST_MS = Date.parse('2026-11-10T22:00:00Z');
  let world: TreeWorld;
  beforeEach(async () => {
    world = await storeWorld();
    await putChainRecord(world.target, { jobId: 'nightly', workload: 'web01', pointIds: ['2026'] });
    await putChainRecord(world.target, { jobId: 'nightly', workload: 'none', pointIds: [] });
  });

  const mover = () => new InProcessMover(world.source, world.target);
  const chain = { targetRepositoryId: 'offsite', jobId: 'nightly' };

  async function missed(presence: Presence): Promise<void> {
    const path = 'nightly/web01';
    const record = (await readChainRecord(world.target, path))!;
    await writeChainRecord(world.target, path, { ...record, presence });
  }

  it('lists chains and then trees of which the job keeps copies, on however many pages', async () => {
    const list = (after: string | null, origin?: string) =>
      mover().run('listKeptWorkloads', {
        ...{ ...chain, after },
        ...(origin === undefined ? {} : { origin }),
      });
    const all = await list(null);
    expect(all).toMatchObject({
      workloads: [
        { id: 'web01', repositoryId: 'primary', wasMissed: false },
        { id: 'toy:store', repositoryId: 'primary', wasMissed: false },
      ],
      next: null,
    });
    expect(all.unreadable).toBeUndefined();
    const names = async (after: string) => (await list(after)).workloads.map(({ id }) => id);
    expect(await names('nightly/web01')).toEqual(['toy:store']);
    expect(await names('tree:')).toEqual(['toy:store']);
    expect(await names('tree:nightly/zzz')).toEqual([]);

    await missed(missedLook({ lastSeenAt: null, absence: null }, FIRST_MS, 14, 'mine'));
    const lastMissedAt = new Date(FIRST_MS).toISOString();
    expect((await list(null, 'mine')).workloads[0]).toMatchObject({
      wasMissed: true,
      lastMissedAt,
    });
    const [ofOther] = (await list(null, 'other')).workloads;
    expect([ofOther?.wasMissed, ofOther?.lastMissedAt]).toEqual([false, undefined]);
  });

  it('names a tree whose record cannot be read, and lists what lies beside it', async () => {
    for (const file of ['tree.json', 'tree.json.copy'])
      if ((await world.target.stat(`${world.tree}/${file}`)) !== null)
        await world.target.put(`${world.tree}/${file}`, Buffer.from('{'));
    const { workloads, unreadable } = await mover().run('listKeptWorkloads', {
      ...{ ...chain, after: null },
    });
    expect(workloads.map(({ id }) => id)).toEqual(['web01']);
    expect(unreadable?.map(({ path }) => path)).toEqual([world.tree]);
  });

  it('says what becomes of its copies, and of what is seen again that it is', async () => {
    const look = (workloads: readonly LookedFor[], nowMs: number) =>
      mover().run('lookForAbsent', {
        ...{ ...chain, workloads, afterDays: 14, nowMs, immutableForDays: 0 },
      });
    const gone = [
      { id: 'web01', isSeen: false },
      { id: 'toy:store', isSeen: false },
      { id: 'nobody', isSeen: false },
    ];
    const first = await look(gone, FIRST_MS);
    expect(first).toMatchObject([
      { workload: { id: 'web01' }, isSeen: false, isNews: true, standing: { state: 'early' } },
      { workload: { id: 'toy:store' }, isTree: true, isNews: true, standing: { state: 'early' } },
    ]);
    expect(first).toHaveLength(2);
    expect(first[0]!.isTree).toBeUndefined();

    // The same look once more on the same day is no news.
    const presence = missedLook({ lastSeenAt: null, absence: null }, FIRST_MS, 14);
    await missed(presence);
    const again = await look(gone.slice(0, 1), FIRST_MS + 3_600_000);
    expect(again).toMatchObject([{ isNews: false }]);
    const next = await look(gone.slice(0, 1), FIRST_MS + DAY_MS);
    expect(next).toMatchObject([{ isNews: true, standing: { state: 'early' } }]);
    expect(next[0]!.standing.text).toContain('missed on 2 days since 2026-11-10');
    // 20 looks of 20 days, each a day after the other.
    let counted = presence;
    for (let day = 1; day <= 20; day++) counted = missedLook(counted, FIRST_MS + day * DAY_MS, 14);
    await missed(counted);
    const due = await look(gone.slice(0, 1), FIRST_MS + 20 * DAY_MS + 1);
    expect(due).toMatchObject([{ isNews: true, standing: { state: 'due' } }]);
    const seen = await look([{ id: 'web01', isSeen: true }], FIRST_MS + 20 * DAY_MS + 1);
    expect(seen).toMatchObject([{ isSeen: true, isNews: true }]);
  });

  it('passes over what is seen again when another session has entered that meanwhile', async () => {
    await missed({ lastSeenAt: new Date(FIRST_MS).toISOString(), absence: null });
    const workloads = ['web01', 'toy:store'].map((id) => ({ id, isSeen: true }));
    const looks = await mover().run('lookForAbsent', {
      ...{ ...chain, workloads, afterDays: 14, nowMs: FIRST_MS, immutableForDays: 0 },
    });
    expect(looks).toEqual([]);
  });

  it('leaves alone an image whose file is there, as one that nobody knows any more', async () => {
    const workload = 'raw-web01';
    await putChainRecord(world.target, { jobId: 'nightly', workload, pointIds: ['2026'] });
    const look = async () => {
      const workloads = [{ id: workload, isSeen: false }];
      const [found] = await mover().run('lookForAbsent', {
        ...{ ...chain, workloads, afterDays: 14, nowMs: FIRST_MS, immutableForDays: 0 },
      });
      return found;
    };
    expect(await look()).toMatchObject({ isNews: true, standing: { state: 'early' } });
    await world.source.put('web01', Buffer.from('x'));
    expect(await look()).toMatchObject({ isNews: false, standing: { state: 'held' } });
  });
});
