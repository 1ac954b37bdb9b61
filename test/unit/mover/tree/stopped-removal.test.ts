import { describe, expect, it } from 'vitest';
import type { TreeRetention } from '../../../../src/domain/trees/tree-points.js';
import {
  SimulatedCrash,
  type Loss,
  type StorageOperation,
} from '../../../support/repository/simulated-repository.js';
import { TaskStopped } from '../../../../src/mover/task/task-control.js';
import { keepDays, laidPoint, LaidCopy, NOW_MS } from '../../../support/tree/laid-copy.js';
import { toySetLayout, toyStoreLayout } from '../../../support/tree/toy-trees.js';

/** What is removed, and what is to be there at each instant: of each point, as long as it is shown, and at the end. */
interface Removal {
  readonly copy: LaidCopy;
  readonly rule: TreeRetention;
  readonly needs: Readonly<Record<string, readonly string[]>>;
  readonly end: { readonly points: readonly string[]; readonly files: readonly string[] };
  readonly answer: { readonly fileCount: number; readonly points: readonly string[] };
}

async function ofStore(): Promise<Removal> {
  const stays = ['STORE', 'data/1', 'index/1', 'snapshots/1'];
  const goes = ['data/0', 'data/2', 'snapshots/0'];
  const files = Object.fromEntries([
    ...stays.map((path) => [path, {}] as const),
    ...goes.map((path) => [path, { goneForDays: 9, hasTable: true as const }] as const),
  ]);
  const gone = { goneSince: new Date(NOW_MS - 9 * 86_400_000).toISOString() };
  const points = [laidPoint('0', 20, gone), laidPoint('1', 0.1)];
  return {
    copy: await LaidCopy.of(toyStoreLayout, files, points),
    rule: keepDays(3),
    needs: { '0': [...goes, ...stays], '1': stays },
    end: { points: ['1'], files: stays },
    answer: { fileCount: 3, points: ['0'] },
  };
}

async function ofSets(): Promise<Removal> {
  const days = [9, 8, 3, 2, 1];
  const own = (day: number) => [`db-${day}.a.set`, `db-${day}.done`];
  const points = days.map((day) => laidPoint(`db-${day}`, day, { files: own(day) }));
  const files = Object.fromEntries(days.flatMap(own).map((path) => [path, {}]));
  return {
    copy: await LaidCopy.of(toySetLayout, files, points),
    rule: keepDays(1),
    needs: Object.fromEntries(days.map((day) => [`db-${day}`, own(day)])),
    end: { points: ['db-3', 'db-2', 'db-1'], files: [3, 2, 1].flatMap(own) },
    answer: { fileCount: 4, points: ['db-9', 'db-8'] },
  };
}

const LOSSES: readonly Loss[] = [{ kind: 'none' }, { kind: 'power', seed: 0 }];

async function faultsNow({ copy, needs }: Removal): Promise<string[]> {
  const there = new Set(await copy.files());
  return (await copy.pointIds()).flatMap((id) =>
    needs[id]!.flatMap((path) => (there.has(path) ? [] : [`${id} lacks ${path}`])),
  );
}

async function faultsOfEnd({ copy, end }: Removal): Promise<string[]> {
  const [points, files] = [await copy.pointIds(), await copy.files()];
  const [counted] = await copy.counts();
  return [
    ...(points.join() === end.points.join() ? [] : [`points are ${points.join()}`]),
    ...(files.join() === end.files.toSorted().join() ? [] : [`files are ${files.join()}`]),
    ...(counted === end.files.length ? [] : [`it counts ${counted} files`]),
    ...((await copy.record()).pending === null ? [] : ['it is not at its end']),
    ...(await copy.leftovers()).map((name) => `${name} is left`),
    ...(await copy.tables()).map((name) => `${name} is left`),
  ];
}

describe('a removal that is killed', () => {
  it.each([
    ['from a store', ofStore],
    ['from sets', ofSets],
  ])(
    '%s, at any operation that changes a name, leaves whole what is shown, and the next run ends it for good',
    async (_, begin) => {
      const removal = await begin();
      const { copy, rule, answer } = removal;
      const before = copy.target;
      copy.target = before.clone();
      expect(await copy.remove(rule)).toEqual({ ...answer, postponed: null });
      expect(await faultsOfEnd(removal)).toEqual([]);
      const { operations } = copy.target;
      const removed = operations.filter(
        ({ kind, path }) => kind === 'remove' && /files/.test(path),
      );
      expect(removed).toHaveLength(answer.fileCount);
      const faults: string[] = [];
      const isDecisive = ({ kind, path }: StorageOperation): boolean =>
        /^(?:rename|link|remove)$/.test(kind) || (kind === 'syncFolder' && path.includes('/files'));
      for (const { number, kind, path } of operations.filter(isDecisive)) {
        const stopped = before.clone({ crash: { atOperation: number, when: 'after' } });
        copy.target = stopped;
        await expect(copy.remove(rule)).rejects.toThrow(SimulatedCrash);
        for (const loss of LOSSES) {
          copy.target = stopped.restart(loss);
          const found = await faultsNow(removal);
          const again = await copy.remove(rule);
          if (again.fileCount !== answer.fileCount)
            found.push(`it tells of ${again.fileCount} files`);
          if (again.points.join() !== answer.points.join()) found.push('it tells of other points');
          await copy.take();
          found.push(...(await faultsOfEnd(removal)));
          copy.target = copy.target.restart({ kind: 'power', seed: 7 });
          found.push(...(await faultsOfEnd(removal)).map((fault) => `after a power cut ${fault}`));
          const place = `after ${number} (${kind} ${path}), ${JSON.stringify(loss)}`;
          faults.push(...found.map((fault) => `${place}: ${fault}`));
        }
      }
      expect(faults).toEqual([]);
    },
  );

  it('takes first what refers to files, and last what is referred to', async () => {
    const { copy, rule } = await ofStore();
    const { target } = copy;
    await copy.remove(rule);
    const order = target.operations.flatMap(({ kind, path }) =>
      kind === 'remove' && path.includes('/files/') ? [path.split('/files/')[1]!] : [],
    );
    expect(order).toEqual(['snapshots/0', 'data/0', 'data/2']);
  });

  it('done again in the same order answers the same and removes no more, and in a later one goes on', async () => {
    const { copy, rule, answer } = await ofSets();
    await copy.remove(rule);
    const { revision } = await copy.record();
    expect(await copy.remove(rule)).toEqual({ ...answer, postponed: null });
    expect((await copy.record()).revision).toBe(revision);
    expect(await copy.remove(rule, { nowMs: NOW_MS + 1 })).toEqual({
      ...{ fileCount: 0, points: [], postponed: null },
    });
  });

  it('is ended by a later order, which tells of both', async () => {
    const { copy, rule } = await ofSets();
    const before = copy.target;
    copy.target = before.clone();
    await copy.remove({ ...rule, retention: { type: 'restorePoints', value: 4 } });
    const at = copy.target.operations.find(({ path }) => path.endsWith('/files/db-9.done'))!;
    copy.target = before.clone({ crash: { atOperation: at.number, when: 'after' } });
    const four = { ...rule, retention: { type: 'restorePoints', value: 4 } } as const;
    await expect(copy.remove(four)).rejects.toThrow(SimulatedCrash);
    copy.target = copy.target.restart({ kind: 'none' });
    expect(await copy.remove(rule, { nowMs: NOW_MS + 60_000 })).toEqual({
      ...{ fileCount: 4, points: ['db-9', 'db-8'], postponed: null },
    });
    expect(await copy.files()).toEqual(
      ['db-1', 'db-2', 'db-3'].flatMap((name) => [`${name}.a.set`, `${name}.done`]),
    );
  });

  it('done by two orders is told of whole to who asks for the later one again', async () => {
    const { copy, rule } = await ofSets();
    await copy.remove({ ...rule, retention: { type: 'restorePoints', value: 4 } });
    const later = { nowMs: NOW_MS + 1 };
    expect(await copy.remove(rule, later)).toMatchObject({ fileCount: 2, points: ['db-8'] });
    const both = { fileCount: 4, points: ['db-9', 'db-8'], postponed: null };
    expect(await copy.remove(rule, later)).toEqual(both);
  });

  it.each([0, 1, 2, 3, 4, 5])(
    'is durable when the next run says that it is done, by seed %i',
    async (seed) => {
      const files = { STORE: {}, 'data/0': { goneForDays: 9 }, 'index/0': { goneForDays: 9 } };
      const copy = await LaidCopy.of(toyStoreLayout, files, [laidPoint('1', 0.1)]);
      const before = copy.target;
      copy.target = before.clone();
      await copy.remove(keepDays(3));
      const ends = copy.target.operations.filter(
        ({ kind, path }) => kind === 'remove' && path.includes('/files/'),
      );
      for (const { number } of ends) {
        const stopped = before.clone({ crash: { atOperation: number, when: 'after' } });
        copy.target = stopped;
        await expect(copy.remove(keepDays(3))).rejects.toThrow(SimulatedCrash);
        copy.target = stopped.restart({ kind: 'none' });
        await copy.remove(keepDays(3));
        copy.target = copy.target.restart({ kind: 'power', seed });
        expect(await copy.files()).toEqual(['STORE']);
      }
    },
  );

  it('ends where somebody has taken away the folders of what was to go', async () => {
    const files = { STORE: {}, 'data/a/b/0': { goneForDays: 9 }, 'data/c/1': { goneForDays: 9 } };
    const copy = await LaidCopy.of(toyStoreLayout, files, [laidPoint('1', 0.1)]);
    await copy.target.removeAll(`${copy.tree}/files/data`);
    expect((await copy.remove(keepDays(3))).fileCount).toBe(2);
    expect([await copy.files(), await copy.counts()]).toEqual([['STORE'], [1, 5, 0]]);
  });
});

describe('staging', () => {
  it.each([
    ['goes with a removal', 9, {}, false],
    ['goes when nothing is due', 1, {}, false],
    ['stays with a removal, when its copy goes on', 9, { keepsStaging: true as const }, true],
    ['stays when nothing is due, when its copy goes on', 1, { keepsStaging: true as const }, true],
  ])('%s', async (_, goneForDays, more, isLeft) => {
    const files = { STORE: {}, 'data/0': { goneForDays } };
    const copy = await LaidCopy.of(toyStoreLayout, files, [laidPoint('1', 0.1)]);
    await copy.put('.staging/large/begun', 'half');
    await copy.remove(keepDays(3), more);
    expect((await copy.files()).length).toBe(goneForDays === 9 ? 1 : 2);
    expect(await copy.leftovers()).toEqual(isLeft ? ['large/begun'] : []);
  });

  it('stays with its plan, whoever ends a removal', async () => {
    const files = { STORE: {}, 'data/0': { goneForDays: 9 } };
    const copy = await LaidCopy.of(toyStoreLayout, files, [laidPoint('1', 0.1)]);
    const plan = JSON.stringify({ token: 'of-a-copy', classes: [] });
    await copy.put('.staging/plan.json', plan);
    await copy.remove(keepDays(3));
    expect(await copy.files()).toEqual(['STORE']);
    expect(await copy.leftovers()).toEqual(['plan.json']);
  });
});

it('a removal of very many files stops when it is told to, and the next run ends it', async () => {
  const paths = Array.from({ length: 1_500 }, (_, at) => `data/${String(at).padStart(4, '0')}`);
  const files = Object.fromEntries(paths.map((path) => [path, { goneForDays: 9 }]));
  const copy = await LaidCopy.of(toyStoreLayout, { ...files, STORE: {} }, [laidPoint('1', 0.1)]);
  const { target, control } = copy;
  const { unlink } = target;
  let count = 0;
  target.unlink = async (path) => {
    if (path.includes('/data/') && ++count === 100) control.stop();
    return unlink.call(target, path);
  };
  await expect(copy.remove(keepDays(3))).rejects.toThrow(TaskStopped);
  expect(count).toBe(1_024);
  target.unlink = unlink;
  const next = copy.ofNextProcess();
  expect(await next.remove(keepDays(3))).toMatchObject({ fileCount: 1_500 });
  expect(await next.files()).toEqual(['STORE']);
});
