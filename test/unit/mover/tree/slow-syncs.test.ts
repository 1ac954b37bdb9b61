import { describe, expect, it } from 'vitest';
import type { WritableFile } from '../../../../src/repository/backup-repository.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { TreeWorld } from '../../../support/tree/tree-world.js';

const MIB = 1024 ** 2;
const WINDOW_BYTES = 8 * MIB;
const WORK = /\/large\/(.+)\.work$/;
const JOURNAL = /\/large\/(.+)\.journal$/;

/** Storage that knows which parts of the work on a file its syncs have reached, and whose sync of the first file takes from the begin of the second to
 *  the begin of the third. */
class SlowlySynced extends SimulatedRepository {
  /** What was noted as done before its bytes were durable: key of the file and part. */
  readonly early: string[] = [];
  sealed = 0;
  readonly #dirty = new Map<string, Set<number>>();
  #tellThird = (): void => undefined;
  readonly #third = new Promise<void>((resolve) => (this.#tellThird = resolve));

  override async openWrite(
    path: string,
    create: 'new' | 'open-or-new' | 'existing',
  ): Promise<WritableFile> {
    const file = await super.openWrite(path, create);
    const work = WORK.exec(path)?.[1];
    const journal = JOURNAL.exec(path)?.[1];
    const { write, sync } = file;
    return Object.assign(file, {
      write: async (bytes: Uint8Array, offset: number) => {
        if (work !== undefined) this.#dirtyOf(work).add(Math.floor(offset / WINDOW_BYTES));
        if (journal !== undefined) this.#noteSeal(journal, Math.floor(offset / bytes.length));
        await write(bytes, offset);
      },
      sync: async () => {
        const reached = work === undefined ? [] : [...this.#dirtyOf(work)];
        await this.#untilThird(work);
        await sync();
        for (const part of reached) this.#dirtyOf(work!).delete(part);
      },
    });
  }

  async #untilThird(work: string | undefined): Promise<void> {
    const [first] = this.#dirty.keys();
    if (work === first && this.#dirty.size === 2) await this.#third;
  }

  #dirtyOf(key: string): Set<number> {
    const dirty = this.#dirty.get(key) ?? new Set<number>();
    this.#dirty.set(key, dirty);
    if (this.#dirty.size === 3) this.#tellThird();
    return dirty;
  }

  #noteSeal(key: string, part: number): void {
    this.sealed++;
    if (this.#dirtyOf(key).has(part)) this.early.push(`${key} ${part}`);
  }
}

describe('the journal of a large file', () => {
  it('vouches for no part that is not durable, however long a sync takes and whatever file comes next', async () => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    const target = new SlowlySynced('offsite');
    world.target = target;
    await world.write('STORE', 'v1');
    for (const number of [1, 2, 3])
      await world.write(`data/${number}`, Buffer.alloc(WINDOW_BYTES + MIB, number));
    await world.write('snapshots/s1.json', JSON.stringify({ at: world.nowMs }));
    const { result } = await world.copy();
    expect({ result, early: target.early, sealed: target.sealed }).toEqual({
      ...{ result: 'success', early: [], sealed: 6 },
    });
  });
});
