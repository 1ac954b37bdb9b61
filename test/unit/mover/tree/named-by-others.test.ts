import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import type { NamingFiles } from '../../../../src/domain/trees/tree-rules.js';
import type { TreeLayout } from '../../../../src/layout/tree-layout.js';
import { TaskStopped } from '../../../../src/mover/task/task-control.js';
import { keepDays, laidPoint, LaidCopy, type LaidFile } from '../../../support/tree/laid-copy.js';
import { denied } from '../../../support/tree/storage-answers.js';
import { TOY_STORE_RULES, toyStoreLayout } from '../../../support/tree/toy-trees.js';

/** An index names blobs, one in each line; `cut` says that it is not whole. */
const NAMES: NamingFiles = {
  match: /^index\//,
  named: /^data\//,
  read: async ({ sizeBytes, read }, name) => {
    const text = Buffer.from(await read(0, sizeBytes)).toString();
    if (text === 'cut') return 'is cut off';
    for (const line of text.split('\n')) name(line);
    return null;
  },
};

const NOTHING_NAMED: NamingFiles = { ...NAMES, match: /^nothing$/ };

function layoutWith(names: Partial<Pick<TreeLayout['rules'], 'names' | 'inUse'>>): TreeLayout {
  return { ...toyStoreLayout, rules: { ...TOY_STORE_RULES, ...names } };
}

const DUE = { goneForDays: 9 };

/** Two blobs that an index names which stays, one that is not named, and a snapshot. */
const files = (index: LaidFile): Record<string, LaidFile> => ({
  STORE: {},
  'data/named-1': DUE,
  'data/named-2': DUE,
  'data/spare': DUE,
  'data/there': {},
  'index/1': { content: 'data/named-1\ndata/named-2\ndata/there', ...index },
  'snapshots/0': DUE,
});

const lay = (layout: TreeLayout, laid: Record<string, LaidFile>) =>
  LaidCopy.of(layout, laid, [laidPoint('1', 0.1)]);

const goneOf = async (copy: LaidCopy, laid: Record<string, LaidFile>) => {
  const left = await copy.files();
  return Object.keys(laid).filter((path) => !left.includes(path));
};

describe('what a file names that stays', () => {
  const LOST = /^2 files .*that its own files need.*"data\/named-1", needed by "index\/1"/;

  it.each<[string, Partial<TreeLayout['rules']>, LaidFile, string[], RegExp | undefined]>([
    [
      'stays, and that the source has lost it is told',
      { names: NAMES },
      {},
      ['data/spare', 'snapshots/0'],
      LOST,
    ],
    [
      'stays without a word when the source has forgotten who names it',
      { names: NAMES },
      { goneForDays: 1 },
      ['data/spare', 'snapshots/0'],
      undefined,
    ],
    [
      'goes with it',
      { names: NAMES },
      DUE,
      ['data/named-1', 'data/named-2', 'data/spare', 'index/1', 'snapshots/0'],
      undefined,
    ],
    [
      'goes where no files name others',
      {},
      {},
      ['data/named-1', 'data/named-2', 'data/spare', 'snapshots/0'],
      undefined,
    ],
    [
      'goes where what the tool goes on to use does not name it',
      { names: NAMES, inUse: NOTHING_NAMED },
      {},
      ['data/named-1', 'data/named-2', 'data/spare', 'snapshots/0'],
      undefined,
    ],
    [
      'stays where what the tool goes on to use names it',
      { names: NOTHING_NAMED, inUse: NAMES },
      {},
      ['data/spare', 'snapshots/0'],
      LOST,
    ],
  ])('%s', async (_, rules, index, going, told) => {
    const laid = files(index);
    const copy = await lay(layoutWith(rules), laid);
    const { kept, fileCount } = await copy.remove(keepDays(3));
    expect(await goneOf(copy, laid)).toEqual(going);
    expect(fileCount).toBe(going.length);
    if (told === undefined) expect(kept).toBeUndefined();
    else expect(kept).toMatch(told);
  });

  it('is told by the first of it, with the one that names that', async () => {
    const laid = { ...files({ content: 'data/named-1' }), 'index/2': { content: 'data/named-2' } };
    const copy = await lay(layoutWith({ names: NAMES }), laid);
    expect((await copy.remove(keepDays(3))).kept).toMatch(LOST);
  });

  it('is told of the one that names it, however many others come before', async () => {
    const laid = {
      ...files({}),
      'index/0': { content: 'data/named-2', goneForDays: 1 },
      'index/2': { content: 'data/named-1' },
      'index/1': { content: 'data/there' },
    };
    const copy = await lay(layoutWith({ names: NAMES }), laid);
    const { kept } = await copy.remove(keepDays(3));
    expect(kept).toMatch(/^1 file .*"data\/named-1", needed by "index\/2"/);
    expect(await goneOf(copy, laid)).toEqual(['data/spare', 'snapshots/0']);
  });
});

describe('while a file that names others cannot be asked, nothing goes that others name, and it is told: it', () => {
  it.each<[string, LaidFile, (copy: LaidCopy) => unknown, string]>([
    ['is not whole', { content: 'cut' }, () => undefined, 'is cut off'],
    ['is missing', {}, (copy) => copy.target.remove(`${copy.tree}/files/index/1`), 'is missing'],
    [
      'may not be read',
      {},
      ({ target }) => {
        const openRead = target.openRead.bind(target);
        target.openRead = (path) =>
          path.endsWith('index/1') ? Promise.reject(denied(path)) : openRead(path);
      },
      'cannot be read',
    ],
  ])('%s', async (_, index, happen, fault) => {
    const laid = files(index);
    const copy = await lay(layoutWith({ names: NAMES }), laid);
    await happen(copy);
    const { kept } = await copy.remove(keepDays(3));
    expect(kept).toBe(
      `nothing that others name was removed: "index/1" of the copy ${fault}; a health check of the target may heal it`,
    );
    const gone = (await goneOf(copy, laid)).filter((path) => path !== 'index/1');
    expect(gone).toEqual(['snapshots/0']);
  });

  it('but a storage that does not answer ends the removal before anything went', async () => {
    const laid = files({});
    const copy = await lay(layoutWith({ names: NAMES }), laid);
    const openRead = copy.target.openRead.bind(copy.target);
    copy.target.openRead = (path) =>
      path.endsWith('index/1')
        ? Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'it does not answer'))
        : openRead(path);
    await expect(copy.remove(keepDays(3))).rejects.toMatchObject({
      code: 'REPOSITORY_UNREACHABLE',
    });
    expect(await goneOf(copy, laid)).toEqual([]);
  });
});

describe('files that name others are read', () => {
  const readsOf = async (laid: Record<string, LaidFile>): Promise<number> => {
    const copy = await lay(layoutWith({ names: NAMES }), laid);
    let reads = 0;
    const openRead = copy.target.openRead.bind(copy.target);
    copy.target.openRead = (path) => {
      if (/files\/index\//.test(path)) reads++;
      return openRead(path);
    };
    await copy.remove(keepDays(3));
    return reads;
  };

  it('only when something is due that they may name', async () => {
    const { STORE, 'index/1': index } = files({});
    const there = { STORE: STORE!, 'index/1': index!, 'data/there': {} };
    expect(await readsOf(there)).toBe(0);
    expect(await readsOf({ ...there, 'snapshots/0': DUE })).toBe(0);
    expect(await readsOf({ ...there, 'data/young': { goneForDays: 1 } })).toBe(0);
    expect(await readsOf({ ...there, 'data/spare': DUE })).toBe(1);
  });

  it('until the task is told to stop', async () => {
    const laid = files({});
    const copy = await lay(layoutWith({ names: NAMES }), laid);
    copy.control.stop();
    await expect(copy.remove(keepDays(3))).rejects.toThrow(TaskStopped);
    expect(await goneOf(copy, laid)).toEqual([]);
  });
});
