import { beforeEach, describe, expect, it } from 'vitest';
import { BlockBits, packBits, WINDOW_BITS_BYTES } from '../../../../src/mover/blocks/block-bits.js';
import { JournalWriter, WindowJournal } from '../../../../src/mover/task/window-journal.js';
import type { WorkFile } from '../../../../src/repository/backup-repository.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const WINDOW = 128;
const PLACE = { path: 'vda.compared', token: 'a plan', payloadBytes: WINDOW_BITS_BYTES };
/** What differs in a window: another pattern in each. */
const differs = (window: number): number[] =>
  Array.from({ length: WINDOW }, (_, block) => ((block * 7 + window) % (3 + window) === 0 ? 1 : 0));

let file: WorkFile;
beforeEach(async () => {
  file = await new SimulatedRepository('offsite').openWork(PLACE.path, PLACE.token);
});

async function note(number: number, values: readonly number[]): Promise<void> {
  await new JournalWriter(file, PLACE).seal(number, packBits(Uint8Array.from(values)));
}

const journal = () => new WindowJournal(file, PLACE);

describe('one bit for each block of a disk', () => {
  beforeEach(async () => {
    for (const window of [0, 1, 2]) await note(window, differs(window));
    await note(3, differs(3).slice(0, 11));
  });
  const all = [...differs(0), ...differs(1), ...differs(2), ...differs(3).slice(0, 11)];

  it.each([
    [0, 128],
    [0, 129],
    [128, 256],
    [256, 139],
    [0, 395],
    [384, 11],
    [384, 1],
    [0, 0],
  ])('is what its window noted, from block %d on, of %d', async (first, count) => {
    const values = await new BlockBits(journal()).read(first, count);
    expect([...values]).toEqual(all.slice(first, first + count));
  });

  it('is not told for a window that is not done', async () => {
    await expect(new BlockBits(journal()).read(384, 129)).rejects.toMatchObject({
      code: 'STAGING_INVALID',
    });
  });
});

/** A disk of ten windows of which some hold nothing: only 1, 4, 5 and 8 were gone through, under the numbers 0 to 3. */
describe('one bit for each block, where windows without any content were passed over', () => {
  const held = [1, 4, 5, 8];
  const windows = {
    numberOf: (window: number) => (held.includes(window) ? held.indexOf(window) : null),
  };
  beforeEach(async () => {
    for (const [number, window] of held.entries()) await note(number, differs(window));
  });

  it.each([
    [0, 10],
    [0, 1],
    [1, 1],
    [2, 2],
    [3, 3],
    [5, 4],
    [9, 1],
  ])('is 0 in those, from window %d on, of %d', async (first, count) => {
    const values = await new BlockBits(journal(), windows).read(first * WINDOW, count * WINDOW);
    const expected = Array.from({ length: count }, (_, i) =>
      held.includes(first + i) ? differs(first + i) : new Array<number>(WINDOW).fill(0),
    ).flat();
    expect([...values]).toEqual(expected);
  });
});
