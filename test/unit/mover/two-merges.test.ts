import { beforeAll, describe, expect, it } from 'vitest';
import { CopiedMachine, type MachineCopy } from '../../support/living/copied-machine.js';

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make({ later: () => Promise.resolve() });
});

function merge({ mover, input }: MachineCopy): Promise<void> {
  const pair = { fullId: machine.idOf(0), incrementId: machine.idOf(1) };
  return mover.run('mergeIncrement', { ...input, ...pair });
}

/** Before `meanwhile` has ended, the sync of that number of the full's file has not. */
function atSync(copy: MachineCopy, number: number, meanwhile: () => Promise<void>): () => number {
  const path = copy.pathOf(0, 'image');
  const openWrite = copy.target.openWrite.bind(copy.target);
  let syncs = 0;
  copy.target.openWrite = async (asked, create) => {
    const file = await openWrite(asked, create);
    if (asked !== path) return file;
    const sync = async () => {
      await file.sync();
      syncs++;
      if (syncs === number) await meanwhile();
    };
    return { ...file, sync };
  };
  return () => syncs;
}

/** The Temporal server was away for longer than an attempt may be silent: it gives the work away, and the attempt hears nothing of it. */
describe('a merge that another attempt takes up while the first one is at it still', () => {
  it('writes nothing more, wherever it is, and what the other one has done stays', async () => {
    const undisturbed = await machine.copy();
    const count = atSync(undisturbed, 0, () => Promise.resolve());
    await merge(undisturbed);
    expect(count()).toBeGreaterThan(2);
    for (let number = 1; number <= count(); number++) {
      const copy = await machine.copy();
      let doneByTheOther = 0;
      atSync(copy, number, async () => {
        await merge(copy);
        doneByTheOther = copy.target.operations.length;
      });
      await expect(merge(copy), `sync ${number}`).rejects.toMatchObject({ code: 'STALE_EPOCH' });
      const later = copy.target.operations.slice(doneByTheOther);
      expect(
        later.map(({ kind, path }) => `${kind} ${path}`),
        `sync ${number}`,
      ).toEqual([]);
      expect(await copy.listed()).toEqual([1, 2, 3]);
      expect(await machine.wrongPoints(copy.target)).toEqual([]);
    }
  });
});
