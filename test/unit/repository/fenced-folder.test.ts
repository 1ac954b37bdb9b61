import { beforeEach, describe, expect, it } from 'vitest';
import type { FolderRepository } from '../../../src/repository/backup-repository.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const LOST = new Error('the right to write is lost');

/** Calls that change storage, each in a folder that holds `old` and the empty folder `gone`. */
const CHANGES: Record<string, (repository: FolderRepository) => Promise<unknown>> = {
  'openWrite new': (repository) => repository.openWrite('job/new', 'new'),
  'openWrite open-or-new': (repository) => repository.openWrite('job/new', 'open-or-new'),
  'openWrite existing': (repository) => repository.openWrite('job/old', 'existing'),
  makeFolder: (repository) => repository.makeFolder('job/made'),
  rename: (repository) => repository.rename('job/old', 'job/renamed'),
  unlink: (repository) => repository.unlink('job/old'),
  removeFolder: (repository) => repository.removeFolder('job/gone'),
};

let inner: SimulatedRepository;
let asked: number;
let mayWrite: boolean;
let fenced: FolderRepository;
beforeEach(async () => {
  inner = new SimulatedRepository('offsite');
  await inner.makeFolder('job/gone');
  const file = await inner.openWrite('job/old', 'new');
  await file.write(Buffer.from('content'), 0);
  await file.close();
  asked = 0;
  mayWrite = true;
  fenced = inner.fenced(() => {
    asked++;
    if (!mayWrite) throw LOST;
  });
});

describe('a fenced folder', () => {
  it.each(Object.entries(CHANGES))('asks once before %s, and does it', async (_, change) => {
    const before = inner.operations.length;
    await change(fenced);
    expect(asked).toBe(1);
    const opensOnly = change === CHANGES['openWrite existing'];
    expect(inner.operations.length > before).toBe(!opensOnly);
  });

  it.each(Object.entries(CHANGES))('changes nothing by %s without the right', async (_, change) => {
    mayWrite = false;
    const before = inner.operations.length;
    await expect(change(fenced)).rejects.toBe(LOST);
    expect(inner.operations).toHaveLength(before);
  });

  it('asks before each write and each change of size of an open file', async () => {
    const file = await fenced.openWrite('job/old', 'existing');
    await file.write(Buffer.from('C'), 0);
    await file.truncate(3);
    expect(asked).toBe(3);
    mayWrite = false;
    await expect(file.write(Buffer.from('x'), 0)).rejects.toBe(LOST);
    await expect(file.truncate(0)).rejects.toBe(LOST);
    await file.sync(); // what was written may be made durable
    await file.close();
    const bytes = Buffer.alloc(8);
    const now = await inner.openRead('job/old');
    expect(await now.read(bytes, 0)).toBe(3);
    expect(bytes.toString('latin1', 0, 3)).toBe('Con');
  });

  it('asks nothing before what only reads or makes durable', async () => {
    mayWrite = false;
    await fenced.list('job');
    await fenced.stat('job/old');
    await fenced.syncFolder('job');
    await fenced.capacity();
    const file = await fenced.openRead('job/old');
    await file.read(Buffer.alloc(7), 0);
    await file.stamp();
    await file.close();
    expect(asked).toBe(0);
    expect(fenced).toMatchObject({ id: 'offsite', capabilities: inner.capabilities });
  });
});

describe('what changes nothing, through a fenced folder', () => {
  /** Names of the calls that reached what lies behind the fence. */
  let reached: string[];

  function noted<T extends object>(subject: T, of: string): T {
    return new Proxy(subject, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function' || name === 'fenced') return value;
        return async (...input: unknown[]) => {
          reached.push(`${of}.${String(name)}`);
          const answer = (await (value as (...args: unknown[]) => unknown).apply(
            target,
            input,
          )) as object;
          return name === 'openWrite' ? noted(answer, 'file') : answer;
        };
      },
    });
  }

  it('is done without the right, with its answer: a sync that is left out would lose what was copied', async () => {
    reached = [];
    const behind = noted(inner, 'repository').fenced(() => {
      if (!mayWrite) throw LOST;
    });
    const file = await behind.openWrite('job/old', 'existing');
    mayWrite = false;
    const target = Buffer.alloc(7);
    expect(await file.read(target, 0)).toBe(7);
    expect(target.toString()).toBe('content');
    expect((await file.stamp()).sizeBytes).toBe(7);
    await file.sync();
    await file.close();
    expect((await behind.list('job')).map(({ name }) => name).sort()).toEqual(['gone', 'old']);
    expect(await behind.stat('job/old')).toMatchObject({ type: 'file' });
    await behind.syncFolder('job');
    expect(await behind.capacity()).toEqual(await inner.capacity());
    expect(reached).toEqual([
      'repository.openWrite',
      'file.read',
      'file.stamp',
      'file.sync',
      'file.close',
      'repository.list',
      'repository.stat',
      'repository.syncFolder',
      'repository.capacity',
    ]);
  });
});
