import { beforeAll, describe, expect, it } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import type { FolderRepository } from '../../../src/repository/backup-repository.js';
import { CopiedMachine, type MachineCopy } from '../../support/living/copied-machine.js';

let machine: CopiedMachine;

beforeAll(async () => {
  machine = await CopiedMachine.make();
});

const MIB = 1024 * 1024;

/** Says that so much is free. What is written elsewhere than to `open` finds no room.
 *  @param open absent: nothing can be written but records */
function fill(copy: MachineCopy, freeBytes: number, open?: RegExp): () => void {
  const { target } = copy;
  const { openWrite, capacity } = target;
  target.capacity = () => Promise.resolve({ totalBytes: 1024 * MIB, freeBytes });
  target.openWrite = async (path, mode) => {
    const file = await openWrite.call(target, path, mode);
    if (/chain\.json/.test(path) || open?.test(path) === true) return file;
    const write = () => Promise.reject(new BackupError('REPOSITORY_FULL', 'no space is left'));
    return { ...bound(file), write };
  };
  return () => Object.assign(target, { openWrite, capacity });
}

type Opened = Awaited<ReturnType<FolderRepository['openWrite']>>;

function bound(file: Opened): Opened {
  const names = ['read', 'stamp', 'close', 'write', 'truncate', 'sync'] as const;
  const calls = names.map((name) => [name, (file[name] as () => unknown).bind(file)] as const);
  return { ...Object.fromEntries(calls), path: file.path } as unknown as Opened;
}

const pair = () => ({ fullId: machine.idOf(0), incrementId: machine.idOf(1) });

function inspect({ mover, input }: MachineCopy, needsRoom = false) {
  const { chain, nowMs } = input;
  const { workload } = machine.before;
  return mover.run('inspectTargetChain', {
    ...{ targetRepositoryId: 'offsite', chain, jobId: 'nightly', owner: 'session' },
    ...{ workload, nowMs, needsRoom },
  });
}

/** A merge that was announced, and then something else took the room. */
async function stuck(): Promise<{ copy: MachineCopy; empty: () => void }> {
  const copy = await machine.copy();
  const empty = fill(copy, 64 * MIB);
  const merge = copy.mover.run('mergeIncrement', { ...copy.input, ...pair() });
  await expect(merge).rejects.toMatchObject({ code: 'REPOSITORY_FULL' });
  expect((await copy.record()).pending).toMatchObject({ type: 'merge' });
  return { copy, empty };
}

describe('a merge without room', () => {
  it('is not announced, so that the chain stays as it was and its newest point can be deleted', async () => {
    const copy = await machine.copy();
    fill(copy, 0);
    const order = { ...copy.input, ...pair() };
    for (const step of ['prepareMerge', 'mergeIncrement'] as const)
      await expect(copy.mover.run(step, order)).rejects.toMatchObject({ code: 'REPOSITORY_FULL' });
    expect(await copy.record()).toEqual(machine.before);
    await copy.mover.run('deleteRestorePoints', { ...copy.input, ids: [machine.idOf(3)] });
    expect(await copy.listed()).toEqual([0, 1, 2]);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it('is made where the storage tells of less than there is: it is tried before', async () => {
    const copy = await machine.copy();
    fill(copy, 0, /./);
    await copy.mover.run('mergeIncrement', { ...copy.input, ...pair() });
    expect(await copy.listed()).toEqual([1, 2, 3]);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it('waits once it is announced, says so, and is finished by the next take-over that finds room', async () => {
    const { copy, empty } = await stuck();
    const { record, notes } = await inspect(copy);
    expect(record.pending).toMatchObject({ type: 'merge' });
    expect(notes).toEqual([
      expect.stringMatching(/a merge that was announced goes on when there is room: .*Free space/),
    ]);
    const deletion = { ...copy.input, epoch: record.epoch, ids: [machine.idOf(3)] };
    await expect(copy.mover.run('deleteRestorePoints', deletion)).rejects.toMatchObject({
      code: 'REPOSITORY_FULL',
      hint: expect.stringContaining('the next session finishes the change'),
    });
    await expect(inspect(copy, true)).rejects.toMatchObject({ code: 'REPOSITORY_FULL' });
    empty();
    expect((await inspect(copy)).notes).toEqual([]);
    expect(await copy.listed()).toEqual([1, 2, 3]);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it('that has moved its full keeps the tables of the merged file while it waits', async () => {
    const [whole, copy] = [await machine.copy(), await machine.copy()];
    await whole.mover.run('mergeIncrement', { ...whole.input, ...pair() });
    const { target } = copy;
    const { rename } = target;
    target.rename = (from, to) =>
      from.includes('-merge/')
        ? Promise.reject(new BackupError('REPOSITORY_FULL', 'no space is left'))
        : rename.call(target, from, to);
    const merge = copy.mover.run('mergeIncrement', { ...copy.input, ...pair() });
    await expect(merge).rejects.toMatchObject({ code: 'REPOSITORY_FULL' });
    // Where not even a folder can be made, it does not come as far again.
    const { makePlace } = target;
    const full = () => Promise.reject(new BackupError('REPOSITORY_FULL', 'no space is left'));
    Object.assign(target, { makePlace: full });
    expect((await inspect(copy)).notes).toHaveLength(1);
    Object.assign(target, { rename, makePlace });
    expect((await inspect(copy)).notes).toEqual([]);
    const digests = copy.pathOf(1, 'digests');
    expect(await copy.read(digests)).toEqual(await whole.read(digests));
    expect(await machine.wrongPoints(target)).toEqual([]);
  });
});
