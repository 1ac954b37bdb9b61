import { describe, expect, it } from 'vitest';
import { FactKeeper } from '../../../../src/mover/fact-keeper.js';
import { FILES_OF_A_LOOK, SeenFiles } from '../../../../src/mover/look/seen-files.js';

const START_MS = Date.UTC(2026, 10, 28);
const MINUTE_MS = 60_000;

function copies(count: number, fileCount: number) {
  return Array.from({ length: count }, (_, n) => ({ folder: `job/${n}`, revision: 1, fileCount }));
}

/** One look, in which all that is due is whole but for `lost`. */
async function look(store: FactKeeper, at: number, all: ReturnType<typeof copies>, lost = '') {
  const seen = await SeenFiles.of(store, 'offsite', START_MS + at * MINUTE_MS);
  const due = [...seen.due(all)];
  for (const folder of due) seen.note(folder, 1, folder !== lost);
  seen.keep();
  return due;
}

describe('files that a look compares', () => {
  it('are all of what one look may take, once an hour', async () => {
    const store = new FactKeeper();
    const all = copies(1_000, 42);
    expect(await look(store, 0, all)).toHaveLength(1_000);
    for (const at of [1, 30, 59]) expect(await look(store, at, all)).toEqual([]);
    expect(await look(store, 60, all)).toHaveLength(1_000);
  });

  it('are those that waited longest where there are more, so that each has its turn', async () => {
    const store = new FactKeeper();
    const all = copies(30, FILES_OF_A_LOOK / 5);
    const looked: string[] = [];
    // Every look comes when all that was seen has to be looked at again.
    for (let turn = 0; turn < 6; turn++) looked.push(...(await look(store, turn * 61, all)));
    expect(looked).toEqual(all.map(({ folder }) => folder));
  });

  it('are those of the largest copy too, and always those that were lost', async () => {
    const store = new FactKeeper();
    const all = copies(3, FILES_OF_A_LOOK * 2);
    expect(await look(store, 0, all, 'job/0')).toEqual(['job/0']);
    expect(await look(store, 1, all, 'job/0')).toEqual(['job/0', 'job/1']);
    expect(await look(store, 2, all)).toEqual(['job/0', 'job/2']);
    expect(await look(store, 3, all)).toEqual([]);
  });
});
