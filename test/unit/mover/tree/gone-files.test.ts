import { expect, it } from 'vitest';
import { removalText } from '../../../../src/domain/trees/tree-points.js';
import { shareJob } from '../../../support/tree/live-stores.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { testJob } from '../../../support/session/test-site.js';
import { toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { TreeWorld } from '../../../support/tree/tree-world.js';

async function toyStore(job = testJob()): Promise<TreeWorld> {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld('store', 'toy', job);
  await world.write('STORE', 'v1');
  for (let i = 0; i < 8; i++) await world.write(`data/${i}`, `chunk ${i}`);
  await world.write('snapshots/s1.json', JSON.stringify({ at: world.nowMs, needs: [] }));
  expect((await world.copy()).tasks[0]).toMatchObject({ result: 'success', notes: [] });
  return world;
}

it.each([
  [
    ['data/3'],
    3,
    '1 file is gone from the source since the last look ("data/3"), and counts as removed by its tool; the copy keeps what went for 3 days',
  ],
  [
    ['data/3', 'data/5', 'data/6'],
    3,
    '3 files are gone from the source since the last look ("data/3" first), and count as removed by its tool; the copy keeps what went for 3 days',
  ],
  [
    ['data/3'],
    30,
    '1 file is gone from the source since the last look ("data/3"), and counts as removed by its tool; the copy keeps what went for 30 days',
  ],
])(
  '%j that a store shows no more, and no operator is asked about, are in the notes of one session, with the %i days that the copy keeps them',
  async (paths, days, note) => {
    const retention = { type: 'days', value: days } as const;
    const world = await toyStore(testJob(days === 3 ? {} : { retention }));
    for (const path of paths) await world.remove(path);
    expect((await world.copy()).tasks[0]).toMatchObject({ notes: [note] });
    expect((await world.copy()).tasks[0]).toMatchObject({ result: 'nothingToCopy', notes: [] });
  },
);

it('a store whose tool bears nothing that stays says that they go', async () => {
  const world = new TreeWorld('store', 'borg', shareJob('borg-store'), 'borg-store');
  const files = { README: 'Borg', config: '[repository]', 'index.9': 'i', 'hints.9': 'h' };
  for (const [path, text] of Object.entries(files)) await world.write(path, text);
  for (let i = 0; i < 9; i++) await world.write(`data/0/${i}`, `segment ${i}`);
  await world.copy();
  await world.write('data/0/11', 'compacted');
  for (const path of ['data/0/2', 'index.9', 'hints.9']) await world.remove(path);
  for (const name of ['index.11', 'hints.11']) await world.write(name, name);
  const { notes } = (await world.copy()).tasks[0]!;
  expect(notes.filter((note) => note.includes('gone from the source'))).toEqual([
    expect.stringMatching(
      /^3 files are gone from the source since .*; what went goes from the copy, too, unless its own files need it$/,
    ),
  ]);
});

it.each([
  [21, 0, 'the copy keeps what went for 21 days after it was written, and at least 1 day from now'],
  [1, 30, 'the copy keeps what went for 1 day after it was written, and at least 30 days from now'],
])(
  'of what is opaque all stays %i days after it was written, and on a target that keeps all for %i days no less than these',
  (days, immutableForDays, text) => {
    const rules = { keepRemovedForDays: 21, isOpaque: true } as const;
    const retention = { type: 'days', value: days } as const;
    expect(removalText({ rules, retention, immutableForDays })).toBe(text);
  },
);
