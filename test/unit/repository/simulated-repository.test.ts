import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import {
  SimulatedCrash,
  SimulatedRepository,
} from '../../support/repository/simulated-repository.js';

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);

async function store(
  repository: SimulatedRepository,
  path: string,
  pieces: readonly (readonly [offset: number, text: string])[],
  { sync = false } = {},
): Promise<void> {
  const file = await repository.openWrite(path, 'open-or-new');
  for (const [offset, text] of pieces) await file.write(Buffer.from(text), offset);
  if (sync) await file.sync();
  await file.close();
}

async function textOf(repository: SimulatedRepository, path: string): Promise<string | null> {
  return (await readWholeFile(repository, path, 1_000_000))?.toString() ?? null;
}

/** Everything that power cuts can leave, as `look` tells it; each outcome once, sorted. */
async function outcomes<T>(
  repository: SimulatedRepository,
  look: (survivor: SimulatedRepository) => Promise<T>,
): Promise<T[]> {
  const seen = new Map<string, T>();
  for (const seed of SEEDS) {
    const outcome = await look(repository.restart({ kind: 'power', seed }));
    seen.set(JSON.stringify(outcome), outcome);
  }
  return [...seen.keys()].sort().map((key) => seen.get(key) as T);
}

const namesIn = (folder: string) => async (survivor: SimulatedRepository) =>
  (await survivor.list(folder))
    .map(({ name }) => name)
    .sort()
    .join('+');

describe('data after a power cut', () => {
  it('are all there when the file and its name were synced', async () => {
    const repository = new SimulatedRepository();
    await store(repository, 'file', [[0, 'synced']], { sync: true });
    await repository.syncFolder('');
    expect(await outcomes(repository, (survivor) => textOf(survivor, 'file'))).toEqual(['synced']);
  });

  it('may be missing from a file whose name is durable', async () => {
    const repository = new SimulatedRepository();
    await store(repository, 'file', [[0, 'not synced']]);
    await repository.rename('file', 'final');
    await repository.syncFolder('');
    expect(await outcomes(repository, (survivor) => textOf(survivor, 'final'))).toEqual([
      '',
      'not synced',
    ]);
  });

  it('are lost with the name when only the file was synced', async () => {
    const repository = new SimulatedRepository();
    await store(repository, 'file', [[0, 'synced']], { sync: true });
    expect(await outcomes(repository, (survivor) => textOf(survivor, 'file'))).toEqual([
      'synced',
      null,
    ]);
  });

  it('are any subset of the unsynced sectors, and the size follows them', async () => {
    const repository = new SimulatedRepository();
    await store(repository, 'file', [[0, '']], { sync: true });
    await repository.syncFolder('');
    const sectors = ['a', 'b', 'c'].map((letter) => letter.repeat(512));
    await store(repository, 'file', [[0, sectors.join('')]]);
    const left = await outcomes(repository, async (survivor) =>
      (await textOf(survivor, 'file'))?.replaceAll(/(.)\1{511}/gs, '$1'),
    );
    expect(left).toEqual(['', '\0\0c', '\0b', '\0bc', 'a', 'a\0c', 'ab', 'abc']);
  });

  it('are any subset of the unsynced writes', async () => {
    const repository = new SimulatedRepository();
    await store(repository, 'file', [[0, '-'.repeat(2048)]], { sync: true });
    await repository.syncFolder('');
    await store(repository, 'file', [
      [0, 'a'],
      [512, 'b'],
    ]);
    const left = await outcomes(repository, async (survivor) => {
      const text = await textOf(survivor, 'file');
      return `${text?.[0]}${text?.[512]}`;
    });
    expect(left).toEqual(['--', '-b', 'a-', 'ab']);
  });

  it('are one of the states of a sector that was written several times', async () => {
    const repository = new SimulatedRepository();
    await store(repository, 'file', [[0, '---']], { sync: true });
    await repository.syncFolder('');
    await store(repository, 'file', [
      [0, 'a'],
      [1, 'b'],
      [0, 'c'],
    ]);
    expect(await outcomes(repository, (survivor) => textOf(survivor, 'file'))).toEqual([
      '---',
      'a--',
      'ab-',
      'cb-',
    ]);
  });

  it('keep the synced state of a file that was cut and not synced, or lose it whole', async () => {
    const repository = new SimulatedRepository();
    await store(repository, 'file', [[0, 'synced']], { sync: true });
    await repository.syncFolder('');
    const file = await repository.openWrite('file', 'existing');
    await file.truncate(0);
    await file.write(Buffer.from('new'), 0);
    expect(await outcomes(repository, (survivor) => textOf(survivor, 'file'))).toEqual([
      '',
      'new',
      'synced',
    ]);
  });

  it('are durable only up to the last sync', async () => {
    const repository = new SimulatedRepository();
    await store(repository, 'file', [[0, 'first']], { sync: true });
    await repository.syncFolder('');
    await store(repository, 'file', [[600, 'later']]);
    for (const seed of SEEDS) {
      const text = await textOf(repository.restart({ kind: 'power', seed }), 'file');
      expect(text?.slice(0, 5)).toBe('first');
    }
  });
});

describe('names after a power cut', () => {
  it('are any subset of what was made in a folder since its last sync', async () => {
    const repository = new SimulatedRepository();
    await repository.makeFolder('kept');
    await repository.syncFolder('');
    await store(repository, 'x', []);
    await store(repository, 'y', []);
    expect(await outcomes(repository, namesIn(''))).toEqual([
      'kept',
      'kept+x',
      'kept+x+y',
      'kept+y',
    ]);
  });

  it('show a rename done or not done, never half', async () => {
    const repository = new SimulatedRepository();
    await store(repository, 'old', [[0, 'old']], { sync: true });
    await store(repository, 'new', [[0, 'new']], { sync: true });
    await repository.syncFolder('');
    await repository.rename('new', 'old');
    const left = await outcomes(repository, async (survivor) => [
      await textOf(survivor, 'old'),
      await textOf(survivor, 'new'),
    ]);
    expect(left).toEqual([
      ['new', null],
      ['old', 'new'],
    ]);
  });

  it.each([
    ['only the folder it came from was synced', ['a'], 2],
    ['only the folder it went to was synced', ['b'], 2],
    ['both folders were synced', ['b', 'a'], 1],
    ['both folders were synced, the other way round', ['a', 'b'], 1],
  ])('show a move between folders in %i ways when %s', async (_, synced, ways) => {
    const repository = new SimulatedRepository();
    await repository.makeFolder('a');
    await repository.makeFolder('b');
    await store(repository, 'a/file', [[0, 'x']], { sync: true });
    repository.settleAll();
    await repository.rename('a/file', 'b/file');
    for (const folder of synced) await repository.syncFolder(folder);
    const left = await outcomes(repository, async (survivor) => [
      await textOf(survivor, 'a/file'),
      await textOf(survivor, 'b/file'),
    ]);
    const moved = [null, 'x'];
    const stayed = ['x', null];
    expect(left).toEqual(ways === 1 ? [moved] : [stayed, moved]);
  });

  it('are durable where they went to when the folder they came from is durably gone', async () => {
    const repository = new SimulatedRepository();
    for (const folder of ['a', 'b']) await repository.makeFolder(folder);
    await store(repository, 'a/file', [[0, 'x']], { sync: true });
    for (const folder of ['', 'a', 'b']) await repository.syncFolder(folder);
    await repository.rename('a/file', 'b/file');
    await repository.removeFolder('a');
    await repository.syncFolder('b');
    const file = (survivor: SimulatedRepository) => textOf(survivor, 'b/file');
    expect(await outcomes(repository, file)).toEqual(['x', null]);
    await repository.syncFolder('');
    expect(await outcomes(repository, file)).toEqual(['x']);
  });

  it('keep the order of changes of one name', async () => {
    const repository = new SimulatedRepository();
    await store(repository, 'p', [[0, 'x']], { sync: true });
    await repository.rename('p', 'q');
    await repository.rename('q', 'r');
    expect(await outcomes(repository, namesIn(''))).toEqual(['', 'p', 'q', 'r']);
  });

  it('make a half-synced move durable when a later change of its name is', async () => {
    const repository = new SimulatedRepository();
    await repository.makeFolder('a');
    await repository.makeFolder('b');
    await store(repository, 'a/file', [[0, 'first']], { sync: true });
    repository.settleAll();
    await repository.rename('a/file', 'b/file');
    await store(repository, 'a/file', [[0, 'second']], { sync: true });
    await repository.syncFolder('a');
    const left = await outcomes(repository, async (survivor) => [
      await textOf(survivor, 'a/file'),
      await textOf(survivor, 'b/file'),
    ]);
    expect(left).toEqual([['second', 'first']]);
  });

  it('bring a removed file back with its data until the removal is synced', async () => {
    const repository = new SimulatedRepository();
    await store(repository, 'file', [[0, 'x']], { sync: true });
    await repository.syncFolder('');
    await repository.unlink('file');
    expect(await outcomes(repository, (survivor) => textOf(survivor, 'file'))).toEqual(['x', null]);
    await repository.syncFolder('');
    expect(await outcomes(repository, (survivor) => textOf(survivor, 'file'))).toEqual([null]);
  });

  it('lose everything in a folder whose own name was not synced', async () => {
    const repository = new SimulatedRepository();
    await repository.makeFolder('folder');
    await store(repository, 'folder/file', [[0, 'x']], { sync: true });
    await repository.syncFolder('folder');
    expect(await outcomes(repository, (survivor) => textOf(survivor, 'folder/file'))).toEqual([
      'x',
      null,
    ]);
  });
});

describe('a crash', () => {
  const twoWrites = async (repository: SimulatedRepository) =>
    store(repository, 'file', [
      [0, 'x'.repeat(2048)],
      [2048, 'y'.repeat(2048)],
    ]);

  it.each([
    ['before', 2048],
    ['torn', 2048 + 1024],
    ['after', 2048 + 2048],
  ] as const)('%s the third operation leaves %i bytes', async (when, sizeBytes) => {
    const repository = new SimulatedRepository('x', { crash: { atOperation: 3, when } });
    await expect(twoWrites(repository)).rejects.toThrow(SimulatedCrash);
    const survivor = repository.restart({ kind: 'none' });
    expect((await survivor.stat('file'))?.stamp.sizeBytes).toBe(sizeBytes);
  });

  it('tears a write at a sector boundary of the file, not of the write', async () => {
    const repository = new SimulatedRepository('x', { crash: { atOperation: 2, when: 'torn' } });
    await expect(store(repository, 'file', [[100, 'x'.repeat(1500)]])).rejects.toThrow(
      'killed torn',
    );
    const survivor = repository.restart({ kind: 'none' });
    expect((await survivor.stat('file'))?.stamp.sizeBytes).toBe(512);
  });

  it('refuses every call after it, with a plain error', async () => {
    const repository = new SimulatedRepository('x', { crash: { atOperation: 2, when: 'after' } });
    const file = await repository.openWrite('file', 'new');
    await expect(file.write(Buffer.from('x'), 0)).rejects.toThrow(SimulatedCrash);
    const calls = [
      () => repository.list(''),
      () => repository.stat('file'),
      () => repository.openRead('file'),
      () => repository.openWrite('other', 'new'),
      () => repository.makeFolder('folder'),
      () => repository.rename('file', 'other'),
      () => repository.unlink('file'),
      () => repository.removeFolder('folder'),
      () => repository.syncFolder(''),
      () => repository.capacity(),
      () => file.read(Buffer.alloc(1), 0),
      () => file.write(Buffer.from('y'), 0),
      () => file.truncate(0),
      () => file.sync(),
      () => file.stamp(),
      () => file.close(),
    ];
    for (const call of calls) await expect(call()).rejects.toBeInstanceOf(SimulatedCrash);
    expect(repository.operations.length).toBe(2);
  });

  it('can be restarted many times, each time independent of the others', async () => {
    const repository = new SimulatedRepository('x', { crash: { atOperation: 4, when: 'before' } });
    await twoWrites(repository);
    await expect(repository.syncFolder('')).rejects.toThrow(SimulatedCrash);
    const first = repository.restart({ kind: 'none' });
    await store(first, 'file', [[0, 'changed']]);
    await first.remove('file');
    const second = repository.restart({ kind: 'none' });
    expect(await textOf(second, 'file')).toBe('x'.repeat(2048) + 'y'.repeat(2048));
    expect(second.operations).toEqual([]);
    const left = await outcomes(repository, (survivor) => textOf(survivor, 'file'));
    expect(left.filter((text) => text?.includes('changed'))).toEqual([]);
  });

  it('of the process keeps unsynced data at risk of a later power cut', async () => {
    const repository = new SimulatedRepository();
    await store(repository, 'file', [[0, 'x']]);
    const killed = repository.restart({ kind: 'none' });
    expect(await textOf(killed, 'file')).toBe('x');
    expect(await outcomes(killed, (survivor) => textOf(survivor, 'file'))).toEqual(['', 'x', null]);
  });

  it('leaves the same for the same seed', async () => {
    const repository = new SimulatedRepository();
    for (let index = 0; index < 20; index += 1)
      await store(repository, `file-${index}`, [[0, 'x'.repeat(3000)]]);
    const look = async (seed: number) => {
      const survivor = repository.restart({ kind: 'power', seed });
      return (await survivor.list('')).map(({ name, stamp }) => `${name} ${stamp.sizeBytes}`);
    };
    for (const seed of SEEDS.slice(0, 20)) expect(await look(seed)).toEqual(await look(seed));
  });
});

describe('operations', () => {
  it('are what changes the storage or makes it durable, numbered from 1', async () => {
    const repository = new SimulatedRepository();
    await repository.makeFolder('a/b');
    await repository.makeFolder('a/b');
    await store(repository, 'a/file', [[5, 'xyz']], { sync: true });
    await textOf(repository, 'a/file');
    await repository.rename('a/file', 'a/b/file');
    await repository.syncFolder('a');
    await repository.unlink('a/b/file');
    await repository.removeFolder('a/b');
    expect(repository.operations).toEqual([
      { number: 1, kind: 'makeFolder', path: 'a' },
      { number: 2, kind: 'makeFolder', path: 'a/b' },
      { number: 3, kind: 'create', path: 'a/file' },
      { number: 4, kind: 'write', path: 'a/file', offset: 5, length: 3 },
      { number: 5, kind: 'sync', path: 'a/file' },
      { number: 6, kind: 'rename', path: 'a/file', to: 'a/b/file' },
      { number: 7, kind: 'syncFolder', path: 'a' },
      { number: 8, kind: 'remove', path: 'a/b/file' },
      { number: 9, kind: 'removeFolder', path: 'a/b' },
    ]);
  });

  it('count a disabled sync although it does nothing', async () => {
    const disable = { sync: (path: string) => path === 'file' };
    const repository = new SimulatedRepository('x', { disable });
    await store(repository, 'file', [[0, 'x']], { sync: true });
    await store(repository, 'other', [[0, 'x']], { sync: true });
    await repository.syncFolder('');
    expect(repository.operations.map(({ kind }) => kind).filter((kind) => kind === 'sync')).toEqual(
      ['sync', 'sync'],
    );
    const look = async (survivor: SimulatedRepository) =>
      `${await textOf(survivor, 'file')}${await textOf(survivor, 'other')}`;
    expect(await outcomes(repository, look)).toEqual(['x', 'xx']);
  });
});

describe('real files', () => {
  it('come and go unchanged, with their holes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'longhaul-simulated-'));
    try {
      const image = join(folder, 'in', 'disk.qcow2');
      execFileSync('mkdir', [join(folder, 'in')]);
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image, '64M']);
      execFileSync('qemu-io', ['-c', 'write -P 7 1M 128k', image]);
      const repository = new SimulatedRepository();
      repository.importFrom(folder);
      await repository.makeFolder('out');
      const large = await repository.openWrite('out/large', 'new');
      await large.write(Buffer.from('end'), 64 * 1024 ** 2);
      repository.restart({ kind: 'none' }).exportTo(join(folder, 'exported'));
      const exported = join(folder, 'exported', 'in', 'disk.qcow2');
      execFileSync('cmp', [image, exported]);
      const { size, blocks } = statSync(join(folder, 'exported', 'out', 'large'));
      expect(size).toBe(64 * 1024 ** 2 + 3);
      expect(blocks * 512).toBeLessThan(1024 ** 2);
      expect(statSync(exported).size).toBe(statSync(image).size);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
