import { beforeEach, expect, it } from 'vitest';
import { keptPage } from '../../../src/mover/look/kept-workloads.js';
import { putChainRecord, putFile } from '../../support/repository/chain-record-file.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

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
