import { describe, expect, it } from 'vitest';
import type { TreeRecord } from '../../../../src/tree/tree-record.js';
import type { TreeLayout } from '../../../../src/layout/tree-layout.js';
import {
  keepDays,
  laidPoint,
  LaidCopy,
  NOW_MS,
  type LaidFile,
} from '../../../support/tree/laid-copy.js';
import { toySetLayout, TOY_STORE_RULES, toyStoreLayout } from '../../../support/tree/toy-trees.js';

/** One file of a store has gone long enough ago, one is to be needed. */
const FILES: Record<string, LaidFile> = {
  STORE: {},
  'data/due': { goneForDays: 9 },
  'data/young': { goneForDays: 1 },
  'data/there': {},
  'data/of-s1': {},
};

const lost = (path: string, goneForDays?: number) => ({
  ...{ path, digest: '' },
  goneSinceMs: goneForDays === undefined ? null : NOW_MS - goneForDays * 86_400_000,
});
const losses = (...files: ReturnType<typeof lost>[]) => ({ count: files.length, files });

/** Of files of this name only the point that it says needs them. */
const owned: TreeLayout = {
  ...toyStoreLayout,
  rules: { ...TOY_STORE_RULES, pointOf: (path) => /of-(.*)$/.exec(path)?.[1] ?? null },
};

const s1 = laidPoint('s1', 0.1);
const goneSince = new Date(NOW_MS - 86_400_000).toISOString();

describe('a target without room loses of a store what is due', () => {
  const behind: Partial<TreeRecord> = { isBehind: true };
  const corrupt = { health: 'corrupt' } as const;

  it.each<[string, boolean, Partial<TreeRecord>, Partial<typeof s1>?, TreeLayout?]>([
    ['when all is there', true, {}],
    ['but not while it lacks what came of the source meanwhile', false, behind],
    ['when that came after it was whole', true, { ...behind, isGoneSpare: true }],
    ['but not while a point may lack files', false, {}, { health: 'unknown' }],
    ['when its point is known to be corrupt', true, { lost: losses(lost('data/there')) }, corrupt],
    ['but not while a lost file may be needed', false, { lost: losses(lost('data/there')) }],
    [
      'when a check has judged that file',
      true,
      { lost: losses(lost('data/there')), lostNamed: ['data/there'] },
    ],
    [
      'but not when it has judged another one',
      false,
      { lost: losses(lost('data/there')), lostNamed: ['data/other'] },
    ],
    [
      'but not when it has judged but one of two',
      false,
      { lost: losses(lost('data/there'), lost('data/also')), lostNamed: ['data/there'] },
    ],
    ['but not while more are lost than are listed', false, { lost: { count: 2, files: [] } }],
    [
      'when what is lost is gone from the source, which shows its point',
      true,
      { lost: losses(lost('data/young', 1)) },
    ],
    [
      'but not when it does not show its point either',
      false,
      { lost: losses(lost('data/young', 1)) },
      { goneSince },
    ],
    [
      'but not when what is lost may have gone while the copy was behind',
      false,
      { ...behind, isGoneSpare: true, lost: losses(lost('data/young', 1)) },
    ],
    [
      'but not when what is lost is of a point of it',
      false,
      { lost: losses(lost('data/of-s1')) },
      {},
      owned,
    ],
    [
      'when what is lost is of another point',
      true,
      { lost: losses(lost('data/of-s9')) },
      {},
      owned,
    ],
    ['but nothing in a layout that this release does not know', false, { layout: 'of-later' }],
  ])('%s', async (_, isFreed, more, point = {}, layout = toyStoreLayout) => {
    const copy = await LaidCopy.of(layout, FILES, [{ ...s1, ...point }], more);
    await copy.put('.staging/large/begun', 'half');
    const answer = await copy.free(keepDays(3));
    expect(answer).toEqual({ fileCount: isFreed ? 1 : 0, points: [], postponed: null });
    const left = Object.keys(FILES).filter((path) => !isFreed || path !== 'data/due');
    expect(await copy.files()).toEqual(left.sort());
    expect(await copy.leftovers()).toEqual(['large/begun']);
  });

  it.each<[string, string[], string]>([
    ['one file', ['data/there'], 'a file of the copy is not there as copied'],
    ['two files', ['data/there', 'data/of-s1'], '2 files of the copy are not there as copied'],
  ])('but nothing while %s of it cannot be found, which it says', async (_, paths, text) => {
    const copy = await LaidCopy.of(toyStoreLayout, FILES, [s1]);
    for (const path of paths) await copy.target.remove(`${copy.tree}/files/${path}`);
    expect(await copy.free(keepDays(3))).toEqual({
      ...{ fileCount: 0, points: [] },
      postponed: `${text}; \`longhaul restore-point verify\` judges what suffers from that`,
    });
    expect(await copy.files()).toContain('data/due');
  });

  it('also when a file is missing that a check has found lost, and judged', async () => {
    const more = { lost: losses(lost('data/there')), lostNamed: ['data/there'] };
    const copy = await LaidCopy.of(toyStoreLayout, FILES, [s1], more);
    await copy.target.remove(`${copy.tree}/files/data/there`);
    expect(await copy.free(keepDays(3))).toMatchObject({ fileCount: 1, postponed: null });
    expect(await copy.files()).toEqual(['STORE', 'data/of-s1', 'data/young']);
  });

  it('and nothing where there is no copy', async () => {
    const copy = await LaidCopy.of(toyStoreLayout, {}, []);
    await copy.target.removeAll(copy.tree);
    expect(await copy.free(keepDays(3))).toEqual({ fileCount: 0, points: [], postponed: null });
    expect(await copy.target.stat(copy.tree)).toBeNull();
  });
});

describe('a target without room loses of sets what no kept point lists', () => {
  const DAYS = [9, 8, 3, 2, 1];
  const own = (day: number) => [`db-${day}.a.set`, `db-${day}.done`];
  const points = DAYS.map((day) => laidPoint(`db-${day}`, day, { files: own(day) }));
  const files = Object.fromEntries(DAYS.flatMap(own).map((path) => [path, {}]));

  it.each<[string, Partial<TreeRecord>, string[], number[]]>([
    ['also while it is behind its source', { isBehind: true }, [], [3, 2, 1]],
    ['and one that lacks a file takes no place of another', {}, ['db-2.done'], [8, 3, 2, 1]],
    ['and one that is to go may lack a file', {}, ['db-9.done'], [3, 2, 1]],
  ])('%s', async (_, more, missing, left) => {
    const copy = await LaidCopy.of(toySetLayout, files, points, more);
    for (const path of missing) await copy.target.remove(`${copy.tree}/files/${path}`);
    const { postponed, points: gone } = await copy.free(keepDays(1));
    expect(postponed).toBeNull();
    expect(await copy.pointIds()).toEqual(left.map((day) => `db-${day}`));
    expect(gone).toEqual(DAYS.filter((day) => !left.includes(day)).map((day) => `db-${day}`));
    expect(await copy.files()).toEqual(
      left
        .flatMap(own)
        .filter((path) => !missing.includes(path))
        .sort(),
    );
  });

  it('but nothing when more is missing than a look lists', async () => {
    const many = Array.from({ length: 201 }, (_, at) => `db-${at + 100}.a.set`);
    const all = laidPoint('all', 2, { files: many });
    const laid = { ...files, ...Object.fromEntries(many.map((path) => [path, {}])) };
    const copy = await LaidCopy.of(toySetLayout, laid, [...points, all]);
    await copy.target.remove(...many.map((path) => `${copy.tree}/files/${path}`));
    const { postponed } = await copy.free(keepDays(1));
    expect(postponed).toMatch(/^201 files of the copy are not there as copied; /);
    expect(await copy.files()).toHaveLength(10);
  });
});
