import { describe, expect, it } from 'vitest';
import { FaultList } from '../../../../src/domain/trees/file-faults.js';
import type { SourceTree, TreePoint } from '../../../../src/domain/trees/source-tree.js';
import type { TreeRules } from '../../../../src/domain/trees/tree-rules.js';
import {
  listClass,
  type TargetLimits,
  type Walk,
} from '../../../../src/mover/tree/plan/walk-tree.js';
import { UnreadPlaces } from '../../../../src/mover/tree/plan/unread-places.js';
import type { RepositoryEntry } from '../../../../src/repository/backup-repository.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { noLosses } from '../../../support/tree/no-losses.js';
import { TOY_STORE_RULES, toySetLayout } from '../../../support/tree/toy-trees.js';

interface Look {
  readonly rules?: TreeRules;
  readonly tree?: Partial<SourceTree>;
  readonly limits?: Partial<TargetLimits>;
  readonly change?: (entry: RepositoryEntry) => RepositoryEntry;
  /** Folders that hold no file. */
  readonly emptyFolders?: readonly string[];
}

/** A look at every class, the last first. */
async function lookAt(
  files: Readonly<Record<string, string>>,
  {
    rules = TOY_STORE_RULES,
    tree = {},
    limits = {},
    change = (entry) => entry,
    emptyFolders = [],
  }: Look = {},
) {
  const repository = new SimulatedRepository();
  for (const folder of emptyFolders) await repository.makePlace(folder);
  for (const [path, content] of Object.entries(files)) {
    await repository.makePlace(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
    await repository.put(path, Buffer.from(content));
  }
  const list = repository.list.bind(repository);
  repository.list = async (folder) => (await list(folder)).map(change);
  const faults = new FaultList();
  const walk: Walk = {
    ...{
      repository,
      rules,
      nowMs: 0,
      settleMs: 0,
      faults,
      emptyFolders: new FaultList(),
      unread: new UnreadPlaces(rules, []),
      losses: noLosses(rules),
    },
    tree: { root: 'store', points: [], ...tree },
    limits: { maxFileBytes: 1_000, names: ALL_DIFFER, ...limits },
  };
  const listed: Record<string, string[]> = {};
  for (let index = rules.classes.length - 1; index >= 0; index--) {
    const paths: string[] = [];
    for await (const part of listClass(walk, index)) paths.push(...part.map(({ path }) => path));
    if (paths.length > 0) listed[rules.classes[index]!.name] = paths;
  }
  const named = faults.faults.examples.map(({ path, reason }) => `${path}: ${reason}`);
  expect(faults.faults.count).toBe(named.length);
  return { listed, named };
}

const ALL_DIFFER = { caseSensitive: true, accentSensitive: true };

/** What a folder lists is not what its files are: links, devices, names that are no text. */
const changed =
  (name: string, more: Partial<RepositoryEntry>) =>
  (entry: RepositoryEntry): RepositoryEntry =>
    entry.name === name ? { ...entry, ...more } : entry;

describe('a look at a store', () => {
  it('lists the files of each class, those of its folders where they stand among their bytes', async () => {
    const files = ['STORE', 'data/a/1', 'data/a.b', 'data/a0', 'data/Z', 'data/é', 'index/x', 'w'];
    const all = Object.fromEntries(files.map((path) => [`store/${path}`, path]));
    const { listed } = await lookAt({ ...all, 'other/STORE': 'not of this tree' });
    expect(listed).toEqual({
      key: ['STORE'],
      // 0x2e, 0x2f, 0x30: the slash behind a folder's name counts.
      data: ['data/Z', 'data/a.b', 'data/a/1', 'data/a0', 'data/é'],
      index: ['index/x'],
    });
  });

  it('finds the tree at the root of a repository as well', async () => {
    const { listed } = await lookAt({ STORE: '1', 'data/1': '1' }, { tree: { root: '' } });
    expect(listed).toEqual({ key: ['STORE'], data: ['data/1'] });
  });

  it('takes and names nothing that the rules ignore, nor what belongs to another tree', async () => {
    const files = {
      ...{ 'store/locks/1': '1', 'store/data/x.tmp': '1', 'store/data/own/1': '1' },
      ...{ 'store/data/ownage/1': '1', 'store/elsewhere': '1' },
    };
    expect(await lookAt(files, { tree: { within: ['data/own', 'locks'] } })).toEqual({
      listed: { data: ['data/own/1'] },
      named: [],
    });
  });

  it('does not name a folder of another type in which no file lies', async () => {
    const emptyFolders = ['store/tmp', 'store/old/2015/06'];
    expect((await lookAt({ 'store/data/1': '1' }, { emptyFolders })).named).toEqual([]);
    expect((await lookAt({ 'store/old/2015/07/1': '1' }, { emptyFolders })).named).toHaveLength(1);
  });

  it.each<[string, Record<string, string>, Look, string]>([
    [
      'a file that is none of its type',
      { 'store/README': '1' },
      {},
      'README: it is no file that this type of backups has',
    ],
    [
      'a folder in which nothing of its type lies',
      { 'store/logs/deep/1': '1' },
      {},
      'logs: nothing that this type of backups has lies in such a folder',
    ],
    [
      'a file that is too large for the target',
      { 'store/data/1': 'x'.repeat(11) },
      { limits: { maxFileBytes: 10 } },
      'data/1: it has 11 bytes, and the target takes files of at most 10',
    ],
    [
      'a link',
      { 'store/data/1': '1' },
      { change: changed('1', { type: 'other' }) },
      'data/1: it is a link, a device, a pipe or a socket',
    ],
    [
      'a name that is no text',
      { 'store/data/1': '1' },
      { change: changed('1', { unaddressable: 'file' }) },
      'data/1: its name is not UTF-8, or has a character that cannot be part of a path',
    ],
    [
      'the second of two names that the target takes for one',
      { 'store/data/A/1': '1', 'store/data/a': '1' },
      { limits: { names: { caseSensitive: false, accentSensitive: true } } },
      'data/a: the target does not tell names apart that differ by case or the encoding of accents alone, and another one lies beside it',
    ],
  ])('names once, and does not list, %s', async (_, files, look, reason) => {
    const { listed, named } = await lookAt({ ...files, 'store/STORE': 'v' }, look);
    expect(named).toEqual([reason]);
    const first = reason.split(':')[0]!;
    expect(Object.values(listed).flat()).not.toContain(first);
    expect(listed['key']).toEqual(['STORE']);
  });

  it('lists a file of just the size that the target takes, and two names where it tells them apart', async () => {
    const files = { 'store/data/A': 'x'.repeat(10), 'store/data/a': '1' };
    expect(await lookAt(files, { limits: { maxFileBytes: 10 } })).toEqual({
      listed: { data: ['data/A', 'data/a'] },
      named: [],
    });
  });

  it.each([
    [{ caseSensitive: true, accentSensitive: false }, ['data/A', 'data/a', 'data/e\u0301']],
    [{ caseSensitive: false, accentSensitive: true }, ['data/A', 'data/e\u0301', 'data/\u00e9']],
    [{ caseSensitive: false, accentSensitive: false }, ['data/A', 'data/e\u0301']],
  ])(
    'passes over what the target takes for one alone, when of its names %o',
    async (names, data) => {
      const files = ['A', 'a', 'e\u0301', '\u00e9'].map((name): [string, string] => [
        `store/data/${name}`,
        name,
      ]);
      const { listed, named } = await lookAt(Object.fromEntries(files), { limits: { names } });
      expect(listed).toEqual({ data });
      expect(named).toHaveLength(4 - data.length);
    },
  );

  it('tells the permissions of a file, where its storage has them', async () => {
    const repository = new SimulatedRepository();
    await repository.makePlace('store/data');
    for (const name of ['a', 'b']) await repository.put(`store/data/${name}`, Buffer.from('1'));
    const list = repository.list.bind(repository);
    repository.list = async (folder) => (await list(folder)).map(changed('a', { mode: 0o640 }));
    const walk: Walk = {
      ...{
        repository,
        rules: TOY_STORE_RULES,
        nowMs: 0,
        settleMs: 0,
        faults: new FaultList(),
        emptyFolders: new FaultList(),
        unread: new UnreadPlaces(TOY_STORE_RULES, []),
        losses: noLosses(TOY_STORE_RULES),
      },
      tree: { root: 'store', points: [] },
      limits: { maxFileBytes: 9, names: ALL_DIFFER },
    };
    const modes: unknown[] = [];
    for await (const part of listClass(walk, 1)) modes.push(...part.map(({ mode }) => mode));
    expect(modes).toEqual([0o640, null]);
  });
});

describe('a look at sets', () => {
  const point = (...files: readonly string[]): TreePoint => ({
    ...{ id: files[0] ?? 'none', createdAtMs: 1, kind: 'full', needs: [], files },
    ...{ state: 'complete', reason: null },
  });
  const sets = (look: Look, ...points: readonly TreePoint[]): Look => ({
    ...look,
    rules: toySetLayout.rules,
    tree: { root: 'db', points, ...look.tree },
  });

  it('lists the files of the points alone, each once, in the order of their paths', async () => {
    const files = {
      'db/b.set': '1',
      'db/a.set': '1',
      'db/x/c.set': '1',
      'db/a.log': '1',
      'db/other.set': '1',
    };
    const points = [point('b.set', 'a.log'), point('x/c.set', 'b.set', 'a.set')];
    expect(await lookAt(files, sets({}, ...points))).toEqual({
      listed: { logs: ['a.log'], data: ['a.set', 'b.set', 'x/c.set'] },
      named: [],
    });
    const atRoot = sets({ tree: { root: '' } }, point('a.set', 'x/b.set'));
    expect(await lookAt({ 'a.set': '1', 'x/b.set': '1' }, atRoot)).toEqual({
      listed: { data: ['a.set', 'x/b.set'] },
      named: [],
    });
  });

  it.each<[string, Record<string, string>, Look, string]>([
    [
      'of no class',
      { 'db/a.txt': '1' },
      sets({}, point('a.txt')),
      'a.txt: it is no file that this type of backups has',
    ],
    [
      'not there',
      {},
      sets({}, point('a.set')),
      'a.set: it is not there, and its restore point names it',
    ],
    [
      'no file any more',
      { 'db/a.set/1': '1' },
      sets({}, point('a.set')),
      'a.set: it is not there, and its restore point names it',
    ],
    [
      'a link',
      { 'db/a.set': '1' },
      sets({ change: changed('a.set', { type: 'other' }) }, point('a.set')),
      'a.set: it is a link, a device, a pipe or a socket',
    ],
    [
      'too large for the target',
      { 'db/a.set': 'x'.repeat(11) },
      sets({ limits: { maxFileBytes: 10 } }, point('a.set')),
      'a.set: it has 11 bytes, and the target takes files of at most 10',
    ],
  ])('names one that is %s', async (_, files, look, reason) => {
    const { listed, named } = await lookAt(files, look);
    expect(named).toEqual([reason]);
    expect(listed).toEqual({});
  });
});
