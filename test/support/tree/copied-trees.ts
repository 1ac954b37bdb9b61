import { hash } from 'node:crypto';
import { expect } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { testJob } from '../session/test-site.js';
import { SimulatedRepository } from '../repository/simulated-repository.js';
import { makeTreesKnown } from './known-trees.js';
import { toySetLayout, toyStoreLayout } from './toy-trees.js';
import { TreeWorld } from './tree-world.js';

export const LARGE = 8 * 1024 ** 2 + 5;

/** A store of one large and some small files, with two snapshots, and its copy. */
export async function storeWorld(layout = toyStoreLayout): Promise<TreeWorld> {
  makeTreesKnown(layout);
  const world = new TreeWorld();
  await world.write('STORE', 'v1');
  for (let i = 0; i < 8; i++) await world.writeBlob(`blob ${i}`);
  const large = Buffer.alloc(LARGE, 7);
  large.fill(0, 1_000_000, 5_000_000);
  await world.write('index/large', large);
  for (const day of [23, 24])
    await world.write(
      `snapshots/s${day}.json`,
      JSON.stringify({ at: Date.UTC(2026, 10, day, 22), needs: [] }),
    );
  await world.copy();
  return world;
}

/** Sets of two days with their logs, and their copy. */
export async function setWorld(): Promise<TreeWorld> {
  makeTreesKnown(toySetLayout);
  const retention = { type: 'days', value: 14 } as const;
  const world = new TreeWorld('db', 'toysets', testJob({ transactionLogs: true, retention }));
  for (const day of ['22', '23'])
    for (const name of [
      `db-${day}.a.set`,
      `db-${day}.done`,
      `log-${day}-1.log`,
      `log-${day}-2.log`,
    ])
      await world.write(name, `content of ${name}`);
  await world.copy();
  return world;
}

/** The activity makes sure that a folder is there; what is in it is simulated. */
export function folder(): SimulatedRepository {
  return new SimulatedRepository(folderRepositoryId('/tmp'));
}

export function digests(files: ReadonlyMap<string, Buffer>): Record<string, string> {
  return Object.fromEntries(
    [...files].sort().map(([path, bytes]) => [path, hash('sha256', bytes)]),
  );
}

/** A restore that finds no room when the first parts of it are there. */
export async function beginRestore(
  world: TreeWorld,
  target: SimulatedRepository,
  id = 's24',
): Promise<void> {
  const openWrite = target.openWrite.bind(target);
  let noted = 0;
  target.openWrite = async (path, mode) => {
    const file = await openWrite(path, mode);
    const write = file.write.bind(file);
    file.write = (bytes, offset) =>
      path.endsWith('journal') && ++noted > 2
        ? Promise.reject(new BackupError('REPOSITORY_FULL', 'no room'))
        : write(bytes, offset);
    return file;
  };
  expect(await world.restore(target, id)).toMatchObject({ code: 'REPOSITORY_FULL' });
  target.openWrite = openWrite;
}
