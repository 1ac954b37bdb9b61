import { describe, expect, it } from 'vitest';
import type { TreeLayout } from '../../../../src/layout/tree-layout.js';
import { LEASE_MS, holdLease } from '../../../../src/chain/leases.js';
import { removeWholeTree } from '../../../../src/mover/tree/change/remove-files.js';
import { writeTreeRecord } from '../../../../src/tree/tree-store.js';
import {
  keepDays,
  laidPoint,
  LaidCopy,
  NOW_MS,
  type LaidFile,
} from '../../../support/tree/laid-copy.js';
import { toySetLayout, TOY_STORE_RULES, toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS } from '../../../support/tree/tree-world.js';

const MS_OF_A_DAY = 1 / DAY_MS;
const HOUR = 1 / 24;

/** Of a store whose source has lost files for two, three and five days. */
const OF_AGES = {
  STORE: {},
  'data/there': {},
  'data/2': { goneForDays: 2 },
  'data/3': { goneForDays: 3, hasTable: true },
  'data/almost-3': { goneForDays: 3 - MS_OF_A_DAY, hasTable: true },
  'index/5': { goneForDays: 5 },
  'snapshots/s0.json': { goneForDays: 3 },
  'snapshots/s1.json': {},
} satisfies Record<string, LaidFile>;

const goneFor = (days: number) => ({ goneSince: new Date(NOW_MS - days * DAY_MS).toISOString() });

describe('a store loses what its source has not had for the days of the rule, and nothing else', () => {
  it.each<[string, number, { immutableForDays?: number }, number, string[]]>([
    ['three days', 3, {}, HOUR, ['data/3', 'index/5', 'snapshots/s0.json']],
    ['four days', 4, {}, HOUR, ['index/5']],
    ['six days', 6, {}, HOUR, []],
    ['five days for which it is immutable', 3, { immutableForDays: 5 }, HOUR, ['index/5']],
    ['three days, counted from a day after its newest point', 3, {}, 3, ['index/5']],
  ])('%s', async (_, value, more, newestDaysOld, going) => {
    const copy = await LaidCopy.of(toyStoreLayout, OF_AGES, [laidPoint('s1', newestDaysOld)]);
    expect(await copy.remove(keepDays(value), more)).toEqual({
      ...{ fileCount: going.length, points: [], postponed: null },
    });
    const left = Object.keys(OF_AGES).filter((path) => !going.includes(path));
    expect(await copy.files()).toEqual(left.sort());
    const bytes = left.reduce((sum, path) => sum + path.length, 0);
    const gone = left.filter((path) => 'goneForDays' in OF_AGES[path as keyof typeof OF_AGES]);
    expect(await copy.counts()).toEqual([left.length, bytes, gone.length]);
    const tables = ['data-3.digests', 'data-almost-3.digests'];
    expect(await copy.tables()).toEqual(going.includes('data/3') ? tables.slice(1) : tables);
    expect(await copy.leftovers()).toEqual([]);
    expect((await copy.record()).pending).toBeNull();
  });

  it('its points the same way: one that the source shows stays, whatever its age', async () => {
    const points = [
      laidPoint('old', 900),
      laidPoint('gone', 90, goneFor(3)),
      laidPoint('going', 80, goneFor(3 - MS_OF_A_DAY)),
      laidPoint('new', HOUR),
    ];
    const copy = await LaidCopy.of(toyStoreLayout, { STORE: {} }, points);
    expect(await copy.remove(keepDays(3))).toEqual({
      ...{ fileCount: 0, points: ['gone'], postponed: null },
    });
    expect(await copy.pointIds()).toEqual(['old', 'going', 'new']);
    expect(await copy.files()).toEqual(['STORE']);
  });

  it('days that are counted from when a file was written, where nothing is known of the files', async () => {
    const opaque: TreeLayout = {
      ...toyStoreLayout,
      rules: { ...TOY_STORE_RULES, isOpaque: true },
    };
    const files = {
      'data/old': { writtenDaysAgo: 21, goneForDays: 1 },
      'data/old-and-just-missed': { writtenDaysAgo: 30, goneForDays: 1 - MS_OF_A_DAY },
      'data/young': { writtenDaysAgo: 21 - MS_OF_A_DAY, goneForDays: 20 },
      'data/there': { writtenDaysAgo: 90 },
    };
    const points = [laidPoint('old', 40, goneFor(2)), laidPoint('young', 5, goneFor(2))];
    const copy = await LaidCopy.of(opaque, files, [...points, laidPoint('new', HOUR)]);
    expect(await copy.remove(keepDays(21))).toEqual({
      ...{ fileCount: 1, points: ['old'], postponed: null },
    });
    expect(await copy.files()).toEqual(Object.keys(files).slice(1).sort());
  });

  it('but nothing in a layout that this release does not know', async () => {
    const copy = await LaidCopy.of(toyStoreLayout, OF_AGES, [laidPoint('s1', HOUR)], {
      layout: 'of-a-later-release',
    });
    const before = await copy.files();
    expect(await copy.remove(keepDays(1))).toEqual({ fileCount: 0, points: [], postponed: null });
    expect(await copy.files()).toEqual(before);
  });
});

/** Fulls of days, each of one file beside one that two of them list; a log needs what it says. */
function setsOf(ages: readonly number[]) {
  const points = ages.map((age) =>
    laidPoint(`db-${age}`, age, { files: [`db-${age}.a.set`, `db-${age}.done`] }),
  );
  const files = Object.fromEntries(points.flatMap(({ files: own }) => own!).map((p) => [p, {}]));
  return { points, files };
}

describe('sets lose what no point lists that stays', () => {
  const { points, files } = setsOf([9, 8, 4, 3, 2]);
  const ofNewest = ['db-2.a.set', 'db-2.done', 'db-3.a.set', 'db-3.done'];

  it.each<[string, number, object, ReadonlySet<string> | undefined, string[]]>([
    ['of days', 1, {}, undefined, ['db-4', 'db-3', 'db-2']],
    ['of more days', 7, {}, undefined, ['db-8', 'db-4', 'db-3', 'db-2']],
    ['that is immutable', 1, { immutableForDays: 10 }, undefined, points.map(({ id }) => id)],
    ['beside one that lacks files', 1, {}, new Set(['db-3']), ['db-8', 'db-4', 'db-3', 'db-2']],
  ])('%s', async (_, value, more, unsound, left) => {
    const copy = await LaidCopy.of(toySetLayout, { ...files, 'stray.set': {} }, points);
    const {
      fileCount,
      points: gone,
      postponed,
    } = await copy.remove(keepDays(value), more, unsound);
    expect(await copy.pointIds()).toEqual(left);
    expect(await copy.files()).toEqual(left.flatMap((id) => [`${id}.a.set`, `${id}.done`]).sort());
    expect(gone).toEqual(points.map(({ id }) => id).filter((id) => !left.includes(id)));
    expect([fileCount, postponed]).toEqual([gone.length * 2 + 1, null]);
  });

  it('but neither what a log needs, nor what another lists, nor what waits for the rest of its point', async () => {
    const log = laidPoint('log-9', 1, { kind: 'log', needs: ['db-9'], files: ['log-9-1.log'] });
    const sharing = points.map((point) =>
      point.id === 'db-2' ? { ...point, files: [...point.files!, 'db-8.done'] } : point,
    );
    const more = { 'log-9-1.log': {}, 'db-1.a.set': {} };
    const copy = await LaidCopy.of(toySetLayout, { ...files, ...more }, [...sharing, log], {
      unfinished: [{ restorePointId: 'db-1', files: ['db-1.a.set', 'db-1.done'] }],
    });
    const three = { ...keepDays(1), retention: { type: 'restorePoints', value: 3 } } as const;
    expect((await copy.remove(three)).points).toEqual(['db-8']);
    expect(await copy.files()).toEqual(
      [
        ...['db-1.a.set', 'db-8.done', 'db-9.a.set', 'db-9.done', 'log-9-1.log'],
        ...['db-4.a.set', 'db-4.done', ...ofNewest],
      ].sort(),
    );
  });
});

describe('who reads a copy', () => {
  const hold = (copy: LaidCopy, restorePointId: string, purpose: 'restore' | 'verify') =>
    holdLease(copy.target, copy.tree, 'reader', {
      ...{ restorePointId, purpose },
      expiresAtMs: NOW_MS + LEASE_MS,
    });

  /** Written just now. */
  async function holdTorn(copy: LaidCopy): Promise<void> {
    await copy.put('.leases/torn.json', '{"restore');
    const { target } = copy;
    const list = target.list.bind(target);
    target.list = async (folder) =>
      (await list(folder)).map((entry) =>
        entry.name === 'torn.json'
          ? { ...entry, stamp: { ...entry.stamp, modifiedAtNs: `${NOW_MS}000000` } }
          : entry,
      );
  }

  it.each(['restore', 'verify'] as const)('by a %s keeps all of it', async (purpose) => {
    const copy = await LaidCopy.of(toyStoreLayout, OF_AGES, [laidPoint('s1', HOUR)]);
    const [before, record] = [await copy.files(), await copy.record()];
    await hold(copy, 's1', purpose);
    expect(await copy.remove(keepDays(1))).toEqual({
      ...{ fileCount: 0, points: [], postponed: 'restore point s1 is being read' },
    });
    expect([await copy.files(), await copy.record()]).toEqual([before, record]);
  });

  it('with a lease that cannot be read keeps all of it, and is named', async () => {
    const copy = await LaidCopy.of(toyStoreLayout, OF_AGES, [laidPoint('s1', HOUR)]);
    const before = await copy.files();
    await holdTorn(copy);
    const { fileCount, postponed } = await copy.remove(keepDays(1));
    expect([fileCount, postponed]).toEqual([0, `${copy.tree}/.leases/torn.json is being read`]);
    expect(await copy.files()).toEqual(before);
  });

  describe('while a removal is announced that was stopped', () => {
    /** What announced it is gone; it takes one file, and a point. */
    async function announced(): Promise<LaidCopy> {
      const { points, files } = setsOf([9, 3, 2, 1]);
      const copy = await LaidCopy.of(toySetLayout, files, points);
      const { target } = copy;
      target.settleAll();
      const probe = target.clone();
      copy.target = probe;
      await copy.remove(keepDays(1));
      const first = probe.operations.find(
        ({ kind, path }) => kind === 'remove' && path.endsWith('.done'),
      )!;
      copy.target = target.clone({ crash: { atOperation: first.number, when: 'before' } });
      await expect(copy.remove(keepDays(1))).rejects.toThrow('killed');
      copy.target = copy.target.restart({ kind: 'none' });
      expect((await copy.record()).pending).toMatchObject({ type: 'remove', points: ['db-9'] });
      return copy;
    }

    it.each<[string, string, 'restore' | 'verify', string | null]>([
      ['of a point that goes', 'db-9', 'restore', 'restore point db-9 is being read'],
      ['of a point that stays', 'db-2', 'restore', null],
    ])('a restore %s', async (_, id, purpose, postponed) => {
      const copy = await announced();
      await hold(copy, id, purpose);
      const answer = await copy.remove(keepDays(1));
      expect(answer.postponed).toBe(postponed);
      const isThere = (await copy.files()).includes('db-9.done');
      expect(isThere).toBe(postponed !== null);
    });

    it('with a lease that cannot be read waits, and is named', async () => {
      const copy = await announced();
      await holdTorn(copy);
      expect((await copy.remove(keepDays(1))).postponed).toBe(
        `${copy.tree}/.leases/torn.json is being read`,
      );
      expect(await copy.files()).toContain('db-9.done');
    });

    it('of a point that the source does not show either reads with what goes', async () => {
      const copy = await announced();
      const { target, tree } = copy;
      const record = await copy.record();
      const points = record.points.map((point) =>
        point.id === 'db-2' ? { ...point, ...goneFor(1) } : point,
      );
      await writeTreeRecord(target, tree, { ...record, points });
      await hold(copy, 'db-2', 'restore');
      expect((await copy.remove(keepDays(1))).postponed).toBe('restore point db-2 is being read');
    });
  });
});

it('a whole tree goes with all its points, for the reason that the record tells meanwhile', async () => {
  const copy = await LaidCopy.of(toyStoreLayout, OF_AGES, [
    laidPoint('s0', 9),
    laidPoint('s1', HOUR),
  ]);
  const place = { targetRepositoryId: 'offsite', chain: copy.tree, epoch: 1, nowMs: NOW_MS };
  const reasons: (string | undefined)[] = [];
  const { unlink } = copy.target;
  copy.target.unlink = async (path) => {
    reasons.push((await copy.record()).pending?.reason);
    return unlink.call(copy.target, path);
  };
  expect(await removeWholeTree(copy.context, place, 'no source shows it')).toEqual({
    ...{ fileCount: 8, points: ['s0', 's1'], postponed: null },
  });
  expect(new Set(reasons.slice(0, 8))).toEqual(new Set(['no source shows it']));
  expect([await copy.files(), await copy.pointIds(), await copy.counts()]).toEqual([
    ...[[], [], [0, 0, 0]],
  ]);
});
