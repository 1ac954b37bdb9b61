import { beforeAll, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import { writeChainRecord } from '../../../../src/chain/chain-store.js';
import { BackupError } from '../../../../src/domain/errors.js';
import type { ChainFacts } from '../../../../src/domain/safety/workload-facts.js';
import { lostFiles } from '../../../../src/mover/change/lost-files.js';
import { FILES_SEEN_FOR_MS } from '../../../../src/mover/look/seen-files.js';
import { CopiedMachine, NOW_MS, type MachineCopy } from '../../../support/living/copied-machine.js';
import { testJob } from '../../../support/session/test-site.js';

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make();
});

const ORDER = { repositoryId: 'offsite', settleMs: 0 } as const;
const LATER_MS = NOW_MS + FILES_SEEN_FOR_MS;

async function factsOf(copy: MachineCopy, nowMs = NOW_MS) {
  const order = { ...ORDER, nowMs, what: 'facts' } as const;
  const { items, unreadable } = await copy.mover.run('listWorkloadFacts', order);
  const chain = items.find((found): found is ChainFacts => found.is === 'chain')!;
  return { chain, unreadable };
}

async function viewsOf(copy: MachineCopy, nowMs: number) {
  const order = { ...ORDER, nowMs, what: 'restorePoints', immutableForDays: 0 } as const;
  const { items } = await copy.mover.run('listRestorePoints', order);
  return items.map(({ health, reason }) => (health === 'good' ? 'good' : reason));
}

async function exchange(copy: MachineCopy, path: string): Promise<void> {
  await copy.target.remove(path);
  await copy.target.makeFolder(path);
}

/** Files of a full and three increments: what became of the file, of which point, and how many points can be restored still. */
const DAMAGE = [
  ['the newest one is gone', 3, 3, 'is missing', (copy, path) => copy.target.remove(path)],
  ['the newest one was cut', 3, 3, 'has 65536 bytes', (copy, path) => copy.cut(path, 65_536)],
  ['the newest one is a folder', 3, 3, 'is not a file', exchange],
  ['one in the middle is gone', 1, 1, 'is missing', (copy, path) => copy.target.remove(path)],
  ['the full is gone', 0, 0, 'is missing', (copy, path) => copy.target.remove(path)],
  ['the full has grown', 0, 0, 'bytes instead of', (copy, path) => copy.cut(path, 9_000_000)],
] as const satisfies readonly (readonly [
  string,
  number,
  number,
  string,
  (copy: MachineCopy, path: string) => Promise<void>,
])[];

describe('a copy of which a file is not there as it was written', () => {
  it.each(DAMAGE)('is none that can be restored: %s', async (_, point, left, words, damage) => {
    const copy = await machine.copy();
    const before = (await factsOf(copy)).chain;
    expect([before.damagedCount, before.recentAtSeconds.length]).toEqual([0, 4]);
    await damage(copy, copy.pathOf(point, 'image'));
    const { chain } = await factsOf(copy, LATER_MS);
    expect([chain.damagedCount, chain.recentAtSeconds.length]).toEqual([4 - left, left]);
    expect(chain.recentAtSeconds).toEqual(before.recentAtSeconds.slice(4 - left));
    expect(chain.newestCopiedAt).toBe(machine.before.points[left - 1]?.copiedAt ?? null);
    expect(await viewsOf(copy, LATER_MS)).toEqual([
      ...Array.from({ length: left }, () => 'good'),
      ...Array.from({ length: 4 - left }, () => expect.stringContaining(words) as string),
    ]);
  });

  it('is told by its session: a file that was cut as one that is missing', async () => {
    const copy = await machine.copy();
    await copy.cut(copy.pathOf(3, 'image'), 65_536);
    const retention = { type: 'restorePoints', value: 3 } as const;
    const request = { ...copy.input, job: testJob({ retention }), immutableForDays: 0 };
    const { actions, warnings } = await copy.mover.run('planMaintenance', request);
    expect(actions).toEqual([]);
    expect(warnings.join()).toMatch(/has 65536 bytes instead of \d+/);
  });

  it('keeps its chain as it is when another file of it is gone, too, whatever a health check has found before', async () => {
    const copy = await machine.copy();
    await copy.cut(copy.pathOf(1, 'image'), 65_536);
    const gone = `${machine.before.points[1]!.disks[0]!.path}.second`;
    const points = machine.before.points.map((point, place) =>
      place === 1
        ? {
            ...{ ...point, health: 'corrupt' as const },
            disks: [...point.disks, { ...point.disks[0]!, disk: 'second', path: gone }],
          }
        : point,
    );
    const record = { ...machine.before, points };
    const { fileFault } = await lostFiles(copy.target, machine.chain, record);
    expect(fileFault).toMatch(/second is missing/);
  });

  it('goes as others do once a health check has found it', async () => {
    const copy = await machine.copy();
    await copy.cut(copy.pathOf(1, 'image'), 65_536);
    const points = machine.before.points.map((point, place) =>
      place === 1 ? { ...point, health: 'corrupt' as const } : point,
    );
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
    const retention = { type: 'restorePoints', value: 4 } as const;
    const request = { ...copy.input, job: testJob({ retention }), immutableForDays: 0 };
    expect((await copy.mover.run('planMaintenance', request)).warnings.join()).not.toMatch(/bytes/);
  });
});

describe('a copy that was whole when it was looked at', () => {
  async function lookedAt() {
    const copy = await machine.copy();
    const { stat } = copy.target;
    const files = new Set([0, 1, 2, 3].map((point) => copy.pathOf(point, 'image')));
    const asked: string[] = [];
    copy.target.stat = (path) => {
      if (files.has(path)) asked.push(path);
      return stat.call(copy.target, path);
    };
    await factsOf(copy);
    return { copy, asked };
  }

  it('is not asked for its files again within the hour', async () => {
    const { copy, asked } = await lookedAt();
    expect(asked).toHaveLength(4);
    await factsOf(copy, LATER_MS - 1);
    expect(asked).toHaveLength(4);
    await factsOf(copy, LATER_MS);
    expect(asked).toHaveLength(8);
  });

  it('is asked for them when its record was written anew, and when the clock was set back', async () => {
    const { copy, asked } = await lookedAt();
    await writeChainRecord(copy.target, machine.chain, { ...machine.before });
    await factsOf(copy);
    expect(asked).toHaveLength(8);
    await factsOf(copy, NOW_MS - 1);
    expect(asked).toHaveLength(12);
  });

  it('is well as soon as a file is back that was missed', async () => {
    const { copy } = await lookedAt();
    const path = copy.pathOf(3, 'image');
    await copy.target.rename(path, `${path}.away`);
    expect((await factsOf(copy, LATER_MS)).chain.damagedCount).toBe(1);
    expect((await factsOf(copy, LATER_MS + 1)).chain.damagedCount).toBe(1);
    await copy.target.rename(`${path}.away`, path);
    expect((await factsOf(copy, LATER_MS + 2)).chain.damagedCount).toBe(0);
  });
});

describe('a chain that has lost both its records', () => {
  it('is named, and none of its disks counts as a backup that is in no job', async () => {
    const copy = await machine.copy();
    for (const name of ['chain.json', 'chain.json.copy'])
      await copy.target.remove(`${machine.chain}/${name}`);
    const { items, unreadable } = await copy.mover.run('listWorkloadFacts', {
      ...ORDER,
      nowMs: NOW_MS,
      what: 'facts',
    });
    expect(items).toEqual([]);
    expect(unreadable?.map(({ path: at }) => at)).toEqual([machine.chain]);
  });
});

describe('a chain that is changed while it is looked at', () => {
  it('is judged by the record that is there afterwards', async () => {
    const copy = await machine.copy();
    const points = machine.before.points.slice(0, 3);
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
    await copy.target.remove(copy.pathOf(3, 'image'));
    const { record, lost } = await lostFiles(copy.target, machine.chain, machine.before);
    expect([record.points.length, [...lost]]).toEqual([3, []]);
  });

  it.each([
    ['was announced', false],
    ['is done', true],
  ])('is not damaged when it goes to another job, and that %s', async (_, isMoved) => {
    const copy = await machine.copy();
    const { target } = copy;
    await writeChainRecord(target, machine.chain, { ...machine.before, jobId: 'weekly' });
    const home = chainFolder('weekly', machine.before.workload.id);
    if (isMoved) await target.move([{ from: machine.chain, to: home }], '');
    // Where folders are moved file by file the record comes last.
    else await target.remove(copy.pathOf(0, 'image'));
    const { lost, isWhole } = await lostFiles(target, machine.chain, machine.before);
    expect([lost.size, isWhole]).toEqual([0, false]);
  });

  it('is looked at again when its folder was away for one look', async () => {
    const copy = await machine.copy();
    const { target } = copy;
    const path = copy.pathOf(0, 'image');
    const { stat } = target;
    target.stat = async (wanted) => {
      if (wanted === path) await target.move([{ from: machine.chain, to: 'away' }], '');
      return stat.call(target, wanted);
    };
    expect((await factsOf(copy)).chain.damagedCount).toBe(0);
    target.stat = stat;
    await target.move([{ from: 'away', to: machine.chain }], '');
    await target.remove(path);
    expect((await factsOf(copy)).chain.damagedCount).toBe(4);
  });

  it('has no files that are missed while they are merged, replaced or removed', async () => {
    const [full, increment, , newest] = machine.before.points.map(({ id }) => id);
    const changes = [
      { type: 'merge', intoId: full!, fromId: increment! },
      { type: 'delete', ids: [newest!] },
    ] as const;
    for (const pending of changes) {
      const copy = await machine.copy();
      await writeChainRecord(copy.target, machine.chain, { ...machine.before, pending });
      if (pending.type === 'merge') await copy.cut(copy.pathOf(0, 'image'), 9_000_000);
      await copy.target.remove(copy.pathOf(pending.type === 'merge' ? 1 : 3, 'image'));
      expect((await factsOf(copy)).chain.damagedCount).toBe(0);
    }
  });

  it('is named when its files cannot be looked at, and nothing of it is called lost', async () => {
    const copy = await machine.copy();
    const path = copy.pathOf(2, 'image');
    const { stat } = copy.target;
    copy.target.stat = (wanted) =>
      wanted === path
        ? Promise.reject(new BackupError('REPOSITORY_ACCESS_DENIED', 'no right to look at it'))
        : stat.call(copy.target, wanted);
    const { chain, unreadable } = await factsOf(copy);
    expect(chain.damagedCount).toBe(0);
    expect(unreadable?.map(({ path: at }) => at)).toEqual([machine.chain]);
  });
});
