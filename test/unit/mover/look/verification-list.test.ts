import { beforeEach, describe, expect, it } from 'vitest';
import { verificationPage } from '../../../../src/mover/look/verification-list.js';
import { restorePointKey } from '../../../../src/domain/targets/repository-view.js';
import type { VerificationPosition } from '../../../../src/domain/targets/verification.js';
import { putChainRecord, putFile } from '../../../support/repository/chain-record-file.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { storeWorld } from '../../../support/tree/copied-trees.js';
import type { TreeWorld } from '../../../support/tree/tree-world.js';

const BEFORE = '2026-11-01T00:00:00.000Z';
const SINCE = '2026-11-26T00:00:00.000Z';

let repository: SimulatedRepository;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
});

const putChain = (
  jobId: string,
  workload: string,
  pointIds: readonly string[],
  verifiedAt: (id: string) => string = () => BEFORE,
) => putChainRecord(repository, { jobId, workload, pointIds, verifiedAt });

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `2026-11-01T${String(n).padStart(6, '0')}Z`);
}

interface Listed {
  readonly points: string[];
  readonly pageBytes: number[];
}

/** All pages, one after the other, as a check reads them. */
async function listAll(after: VerificationPosition | null = null): Promise<Listed> {
  const points: string[] = [];
  const pageBytes: number[] = [];
  for (let isLast = false; !isLast;) {
    const page = await list({ after });
    pageBytes.push(JSON.stringify(page).length);
    for (const part of page.parts)
      if (part.type === 'chain') {
        points.push(...part.pointIds.map((id) => `${part.path} ${id}`));
        after = { path: part.path, pointId: part.pointIds.at(-1)! };
      } else if (part.type === 'unreadable') {
        points.push(`${part.path} ${part.code}`);
        after = { path: part.path, pointId: null };
      }
    ({ isLast } = page);
  }
  return { points, pageBytes };
}

function list(changes: Partial<Parameters<typeof verificationPage>[1]>) {
  const input = { repositoryId: 'offsite', restorePointId: null, jobId: null, after: null };
  return verificationPage(repository, { ...input, since: SINCE, ...changes });
}

it('lists each point once, in pages of bounded size, however many chains and points there are', async () => {
  const many = ids(12_000);
  await putChain('nightly', 'db01', many);
  const machines = Array.from({ length: 120 }, (_, n) => `vm-${String(n).padStart(3, '0')}`);
  for (const machine of machines) await putChain('nightly', machine, ids(200));

  const { points, pageBytes } = await listAll();

  const expected = [
    ...many.map((id) => `nightly/db01 ${id}`),
    ...machines.flatMap((machine) => ids(200).map((id) => `nightly/${machine} ${id}`)),
  ];
  expect(points).toEqual(expected);
  expect(pageBytes.length).toBeGreaterThan(4);
  expect(Math.max(...pageBytes)).toBeLessThan(300_000);
});

it('goes from job to job in the order of their folders, and names what cannot be read in its place', async () => {
  await putChain('weekly', 'web01', ids(1));
  await putChain('week-end', 'web01', ids(1));
  await putChain('week', 'web02', ids(2));
  await putChain('week', 'web01', ids(2));
  for (const name of ['chain.json', 'chain.json.copy'])
    await putFile(repository, `week/web01/${name}`, '{');

  const all = [
    'week/web01 CHAIN_RECORD_CORRUPT',
    'week/web02 2026-11-01T000000Z',
    'week/web02 2026-11-01T000001Z',
    'week-end/web01 2026-11-01T000000Z',
    'weekly/web01 2026-11-01T000000Z',
  ];
  expect((await listAll()).points).toEqual(all);
  const rest = async (path: string, pointId: string | null) =>
    (await listAll({ path, pointId })).points;
  expect(await rest('week/web01', null)).toEqual(all.slice(1));
  expect(await rest('week/web02', '2026-11-01T000000Z')).toEqual(all.slice(2));
  expect(await rest('week', null)).toEqual(all.slice(3));
  expect(await rest('weekly/web01', '2026-11-01T000000Z')).toEqual([]);
});

it('goes on with the points that were not entered yet when the last one that was read is gone', async () => {
  const [first, second, third, fourth] = ids(4) as [string, string, string, string];
  const entered = (id: string) => (id < third ? '2026-11-26T01:00:00.000Z' : BEFORE);
  await putChain('nightly', 'web01', [second, third, fourth], entered);

  const after = { path: 'nightly/web01', pointId: first };
  expect((await listAll(after)).points).toEqual([third, fourth].map((id) => `nightly/web01 ${id}`));
});

it('passes over no point that is corrupt, or dated by a clock that ran ahead, when the last one that was read is gone', async () => {
  const [first, entered, corrupt, ahead] = ids(4) as [string, string, string, string];
  await putChainRecord(repository, {
    ...{ jobId: 'nightly', workload: 'web01', pointIds: [entered, corrupt, ahead] },
    verifiedAt: (id) => (id === ahead ? '2036-01-01T00:00:00.000Z' : '2026-11-26T01:00:00.000Z'),
    corrupt: [corrupt],
  });
  const after = { path: 'nightly/web01', pointId: first };
  const { parts } = await list({ after, nowMs: Date.parse('2026-11-26T02:00:00Z') });
  expect(parts).toMatchObject([{ pointIds: [corrupt, ahead] }]);
});

it('does not take a point for verified whose chain is gone before all below it is read', async () => {
  await putChain('nightly', 'web02', ids(1));
  const [first, second] = ids(2) as [string, string];
  const restorePointId = restorePointKey(['nightly', 'web01', second]);
  const missing = expect.objectContaining({ code: 'RESTORE_POINT_MISSING' }) as Error;
  const path = 'nightly/web01';
  await expect(list({ restorePointId, after: { path, pointId: first } })).rejects.toThrow(missing);
  // What could not be read was named when it was reached.
  expect(await list({ restorePointId, after: { path, pointId: null } })).toEqual({
    parts: [],
    isLast: true,
  });
});

it('lists of one point what it needs, and nothing of other chains', async () => {
  const [first, second, third] = ids(3) as [string, string, string];
  await putChain('nightly', 'web01', [first, second, third]);
  await putChain('nightly', 'web02', [first]);
  const restorePointId = restorePointKey(['nightly', 'web01', second]);

  expect(await list({ restorePointId })).toMatchObject({
    parts: [{ path: 'nightly/web01', pointIds: [first, second] }],
    isLast: true,
  });
  const after = { path: 'nightly/web01', pointId: second };
  expect(await list({ restorePointId, after })).toEqual({ parts: [], isLast: true });
  await expect(
    list({ restorePointId: restorePointKey(['nightly', 'web09', first]) }),
  ).rejects.toThrow('holds no copy');
});

it('lists a chain without a point that is offered only to whom wants to know of what is left', async () => {
  await putChain('once-web01', 'web01', []);
  const jobId = 'once-web01';
  expect((await list({ jobId })).parts).toEqual([]);
  const { parts } = await list({ jobId, withEmpty: true });
  expect(parts).toMatchObject([{ type: 'chain', path: 'once-web01/web01', pointIds: [] }]);
});

describe('trees', () => {
  let world: TreeWorld;
  beforeEach(async () => {
    world = await storeWorld();
    repository = world.target;
    await putChain('nightly', 'web01', ids(1));
    await putChain('other', 'web01', ids(1));
  });

  const kinds = async (changes: Parameters<typeof list>[0]) => {
    const { parts, isLast } = await list(changes);
    expect(isLast).toBe(true);
    return parts.map((part) => `${part.type} ${'path' in part ? part.path : ''}`);
  };

  it('come behind all chains, each once', async () => {
    const tree = `tree ${world.tree}`;
    const all = ['chain nightly/web01', 'chain other/web01', tree];
    expect(await kinds({})).toEqual(all);
    expect(await kinds({ jobId: 'nightly' })).toEqual([all[0], tree]);
    expect(await kinds({ jobId: 'other' })).toEqual([all[1]]);
    const after = { path: 'other/web01', pointId: ids(1)[0]! };
    expect(await kinds({ after })).toEqual([tree]);
    const inTrees = { isTree: true, pointId: null } as const;
    expect(await kinds({ after: { ...inTrees, path: 'nightly' } })).toEqual([]);
    expect(await kinds({ after: { ...inTrees, path: 'aaa' } })).toEqual([tree]);
    expect(await kinds({ after: { ...inTrees, path: world.tree } })).toEqual([]);
  });

  it('are checked for one of their points, and for none that they do not have', async () => {
    const { points, workload } = await world.record();
    const key = (id: string) => restorePointKey(['nightly', workload.id, id]);
    const { parts } = await list({ restorePointId: key(points[1]!.id) });
    expect(parts).toMatchObject([{ type: 'tree', path: world.tree, pointId: points[1]!.id }]);
    expect((await list({})).parts.at(-1)).toMatchObject({ type: 'tree', pointId: null });
    await expect(list({ restorePointId: key('gone') })).rejects.toThrow('holds no copy');
  });

  it('whose record cannot be read are named in their place', async () => {
    for (const file of ['tree.json', 'tree.json.copy'])
      if ((await repository.stat(`${world.tree}/${file}`)) !== null)
        await repository.put(`${world.tree}/${file}`, Buffer.from('{'));
    expect(await kinds({})).toEqual([
      'chain nightly/web01',
      'chain other/web01',
      `unreadable ${world.tree}`,
    ]);
  });
});
